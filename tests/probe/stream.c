/* stream.c - verbs about standard streams and the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "probe.h"

/* BYTES: a stream that a test can make again: byte i is (i * 31 + (i >> 8)) & 0xff. */
static int run_fill(int argc, char **argv)
{
	(void)argc;
	uint64_t size = probe_number(argv[0]);
	static unsigned char buf[65536];
	for (uint64_t at = 0; at < size;) {
		uint64_t n = size - at < sizeof(buf) ? size - at : sizeof(buf);
		for (uint64_t i = 0; i < n; i++)
			buf[i] = (unsigned char)((at + i) * 31 + ((at + i) >> 8));
		if (!probe_write(1, buf, n))
			return 3;
		at += n;
	}
	return 0;
}

/* BYTES: lines of text for a terminal, numbered, so that a cut shows. */
static int run_lines(int argc, char **argv)
{
	(void)argc;
	uint64_t size = probe_number(argv[0]), line = 0;
	for (uint64_t at = 0; at < size; at += 64)
		printf("%07llu %s\n", (unsigned long long)line++,
		       "0123456789012345678901234567890123456789012345678901234");
	printf("the end\n");
	return fflush(stdout) == 0 ? 0 : 3;
}

static int run_copy(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	static char buf[65536];
	ssize_t n;
	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (!probe_write(1, buf, (uint64_t)n))
			return 3;
	return n < 0 ? 3 : 0;
}

/* Length and FNV-1a of standard input. */
static int run_sum(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	static char buf[65536];
	uint64_t hash = 14695981039346656037u, len = 0;
	ssize_t n;
	while ((n = read(0, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			hash = (hash ^ (unsigned char)buf[i]) * 1099511628211u;
		len += (uint64_t)n;
	}
	printf("sum.len=%llu\nsum.fnv=%016llx\nsum.end=%s\n", (unsigned long long)len,
	       (unsigned long long)hash, n < 0 ? "error" : "eof");
	return 0;
}

static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

/* The terminal's size now and after each change, until a line with "q" or the end of input comes. */
static int run_sizes(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	struct sigaction sa = { .sa_handler = on_resize };
	sigaction(SIGWINCH, &sa, NULL);
	resized = 1;
	for (;;) {
		struct winsize w;
		if (resized && ioctl(0, TIOCGWINSZ, &w) == 0) {
			resized = 0;
			printf("size=%ux%u\n", w.ws_row, w.ws_col);
			fflush(stdout);
		}
		struct pollfd p = { .fd = 0, .events = POLLIN };
		char c = 0;
		if (poll(&p, 1, 100) > 0 && (read(0, &c, 1) <= 0 || c == 'q'))
			return 0;
	}
}

static int run_stderr(int argc, char **argv)
{
	(void)argc;
	return probe_write(2, argv[0], strlen(argv[0])) ? 0 : 3;
}

const Verb stream_verbs[] = {
	{ "fill", "BYTES: a known pattern", 1, run_fill },
	{ "lines", "BYTES: numbered lines of text, then 'the end'", 1, run_lines },
	{ "copy", "standard input to standard output", 0, run_copy },
	{ "sum", "length and hash of standard input", 0, run_sum },
	{ "sizes", "the terminal's size, now and at each change", 0, run_sizes },
	{ "stderr", "TEXT", 1, run_stderr },
	{ 0 },
};
