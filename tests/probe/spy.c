/* spy.c - what a hostile process in a container gets hold of when somebody from outside joins it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

typedef struct Spy {
	struct stat own, root; /* our own program and root */
	unsigned long looks, strangers;
	char last[32]; /* the stranger that was counted last */
} Spy;

static int open_of(const char *pid, const char *name, int flags)
{
	char path[300];
	snprintf(path, sizeof path, "/proc/%.40s/%.240s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

static bool differs(int fd, const struct stat *from)
{
	struct stat st;
	return fstat(fd, &st) == 0 && (st.st_dev != from->st_dev || st.st_ino != from->st_ino);
}

/* Whether it still is what came from outside: its command line is that of init, which everybody may read. */
static bool is_stranger(const char *pid)
{
	char line[8] = "";
	int fd = open_of(pid, "cmdline", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	if (fd >= 0)
		close(fd);
	return n > 5 && memcmp(line, "init", 5) == 0;
}

/* A folder of the host among its descriptors. */
static void look_at_descriptors(const char *pid)
{
	char path[300];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%.40s/fd", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "fd/%.200s", e->d_name);
		int fd = e->d_name[0] == '.' ? -1 : open_of(pid, path, O_PATH);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			printf("spy.folder=%s\n", e->d_name);
		if (fd >= 0)
			close(fd);
	}
	if (d)
		closedir(d);
}

static void look_at_program(const Spy *s, const char *pid)
{
	int fd = open_of(pid, "exe", O_RDONLY), writing;
	if (fd >= 0 && differs(fd, &s->own)) {
		char path[64];
		printf("spy.exe=%s\n", pid);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		writing = open(path, O_RDWR | O_CLOEXEC);
		if (writing >= 0 && (pwrite(writing, "#", 1, 0) == 1 || ftruncate(writing, 0) == 0))
			printf("spy.overwritten=%s\n", pid);
		if (writing >= 0)
			close(writing);
	}
	if (fd >= 0)
		close(fd);
}

static void look_at(Spy *s, const char *pid)
{
	s->looks++;
	if (!is_stranger(pid))
		return;
	if (strcmp(s->last, pid) != 0) {
		snprintf(s->last, sizeof s->last, "%.31s", pid);
		s->strangers++;
	}
	look_at_descriptors(pid);
	look_at_program(s, pid);
	int root = open_of(pid, "root", O_PATH), memory = open_of(pid, "mem", O_RDWR);
	if (root >= 0 && differs(root, &s->root))
		printf("spy.root=%s\n", pid);
	if (memory >= 0 && is_stranger(pid))
		printf("spy.memory=%s\n", pid);
	if (ptrace(PTRACE_SEIZE, (pid_t)probe_number(pid), 0, 0) == 0 && is_stranger(pid))
		printf("spy.traced=%s\n", pid);
	if (root >= 0)
		close(root);
	if (memory >= 0)
		close(memory);
}

/* SECONDS: looks at every other process over and over, as fast as it can; says what it got hold of, and how many it saw that came from outside. */
static int run_spy(int argc, char **argv)
{
	(void)argc;
	Spy s = { 0 };
	struct timespec t;
	if (stat("/proc/self/exe", &s.own) < 0 || stat("/", &s.root) < 0)
		return probe_result("spy", -1), 1;
	char self[32];
	snprintf(self, sizeof self, "%d", (int)getpid());
	printf("ready\n");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &t);
	for (time_t end = t.tv_sec + (time_t)probe_number(argv[0]); t.tv_sec < end;
	     clock_gettime(CLOCK_MONOTONIC, &t)) {
		DIR *d = opendir("/proc");
		for (struct dirent *e; d && (e = readdir(d));)
			if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && strcmp(e->d_name, self) != 0)
				look_at(&s, e->d_name);
		if (d)
			closedir(d);
	}
	printf("spy.strangers=%lu\n", s.strangers);
	return fflush(stdout) == 0 ? 0 : 3;
}

const Verb spy_verbs[] = {
	{ "spy", "SECONDS: what can be had of processes that join", 1, run_spy },
	{ 0 },
};
