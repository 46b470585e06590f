/* probe.c - the verbs' table and what they share. probe.h says what this program is. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Verb *const tables[] = { show_verbs, file_verbs, process_verbs, stream_verbs, spy_verbs };

uint64_t probe_number(const char *text)
{
	unsigned base = 10;
	uint64_t n = 0;
	const char *p = text;
	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	} else if (p[0] == '0' && p[1]) {
		base = 8;
		p++;
	}
	for (const char *first = p; *p || p == first; p++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = *p ? strchr(digits, *p) : NULL;
		if (!d || (unsigned)(d - digits) >= base) {
			fprintf(stderr, "probe: not a number: '%s'\n", text);
			_exit(2);
		}
		n = n * base + (unsigned)(d - digits);
	}
	return n;
}

int probe_result(const char *verb, long r)
{
	if (r < 0)
		printf("%s=-1 errno=%d\n", verb, errno);
	else
		printf("%s=%ld\n", verb, r);
	fflush(stdout);
	return 0;
}

bool probe_write(int fd, const void *data, uint64_t size)
{
	const char *p = data;
	while (size > 0) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (uint64_t)n;
	}
	return true;
}

bool probe_print_file(const char *path, const char *prefix)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	while ((len = getline(&line, &cap, f)) >= 0) {
		if (!prefix)
			fwrite(line, 1, (size_t)len, stdout);
		else if (strncmp(line, prefix, strlen(prefix)) == 0)
			printf("%s", line + strlen(prefix) + strspn(line + strlen(prefix), " \t:"));
	}
	free(line);
	fclose(f);
	fflush(stdout);
	return true;
}

static int run_help(void)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const Verb *v = tables[t]; v->name; v++)
			printf("%-12s %s\n", v->name, v->args);
	return 0;
}

static int run_seq(int argc, char **argv)
{
	int code = 0;
	for (int i = 0, n; i < argc; i += n + 1) {
		for (n = 0; i + n < argc && strcmp(argv[i + n], ",") != 0;)
			n++;
		int r = probe_run(n, argv + i);
		code = code ? code : r;
	}
	return code;
}

int probe_run(int argc, char **argv)
{
	if (argc < 1 || strcmp(argv[0], "help") == 0)
		return run_help();
	if (strcmp(argv[0], "seq") == 0)
		return run_seq(argc - 1, argv + 1);
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const Verb *v = tables[t]; v->name; v++) {
			if (strcmp(v->name, argv[0]) != 0)
				continue;
			if (argc - 1 < v->min_args)
				break;
			return v->run(argc - 1, argv + 1);
		}
	fprintf(stderr, "probe: no verb '%s', or too few arguments: see probe help\n", argv[0]);
	return 2;
}

int main(int argc, char **argv)
{
	int code = probe_run(argc - 1, argv + 1);
	return fflush(stdout) == 0 ? code : 3;
}
