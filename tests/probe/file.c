/* file.c - verbs that touch files, devices, sockets and mounts. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

static int run_cat(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		char buf[4096];
		ssize_t n = -1;
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return probe_result("cat", -1), 1;
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			if (!probe_write(1, buf, (uint64_t)n))
				return 1;
		if (n < 0)
			return probe_result("cat", -1), 1;
		close(fd);
	}
	return 0;
}

static int run_write(int argc, char **argv)
{
	(void)argc;
	int fd = open(argv[0], O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
	long r = fd < 0 ? -1 : write(fd, argv[1], strlen(argv[1]));
	if (fd >= 0 && close(fd) < 0)
		r = -1;
	return probe_result("write", r < 0 ? -1 : 0);
}

static int run_open(int argc, char **argv)
{
	int flags = argc > 1 && strcmp(argv[1], "rw") == 0  ? O_RDWR
		    : argc > 1 && strcmp(argv[1], "w") == 0 ? O_WRONLY
							    : O_RDONLY;
	int fd = open(argv[0], flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		close(fd);
	return probe_result("open", fd < 0 ? -1 : 0);
}

static int run_stat(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		struct stat st;
		char link[4096] = "";
		if (lstat(argv[i], &st) < 0) {
			printf("stat.%s=-1 errno=%d\n", argv[i], errno);
			continue;
		}
		ssize_t n = S_ISLNK(st.st_mode) ? readlink(argv[i], link, sizeof(link) - 1) : 0;
		printf("stat.%s=%06o %u:%u size=%lld rdev=%u:%u dev=%llu ino=%llu link=%.*s\n",
		       argv[i], st.st_mode, st.st_uid, st.st_gid, (long long)st.st_size,
		       major(st.st_rdev), minor(st.st_rdev), (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino, n > 0 ? (int)n : 0, link);
	}
	return 0;
}

/* PATH KIB: reads so much past the page cache, and tells how long that took. */
static int run_readdirect(int argc, char **argv)
{
	(void)argc;
	enum { CHUNK = 65536 };
	static char buf[CHUNK] __attribute__((aligned(4096)));
	struct timespec from, to;
	int fd = open(argv[0], O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return probe_result("readdirect", -1);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (uint64_t left = probe_number(argv[1]) << 10; left > 0;) {
		ssize_t n = read(fd, buf, left < CHUNK ? left : CHUNK);
		if (n <= 0)
			return probe_result("readdirect", -1);
		left -= (uint64_t)n;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	close(fd);
	return probe_result("readdirect",
			    (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
}

static int run_statfs(int argc, char **argv)
{
	(void)argc;
	struct statfs s;
	if (statfs(argv[0], &s) < 0)
		return probe_result("statfs", -1);
	printf("statfs=0\nstatfs.type=%#lx\nstatfs.bytes=%llu\nstatfs.flags=%#lx\n",
	       (unsigned long)s.f_type, (unsigned long long)s.f_blocks * (unsigned long long)s.f_bsize,
	       (unsigned long)s.f_flags);
	return 0;
}

static int run_ls(int argc, char **argv)
{
	(void)argc;
	DIR *d = opendir(argv[0]);
	if (!d)
		return probe_result("ls", -1);
	probe_result("ls", 0);
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			printf("ls.%s=%d\n", e->d_name, e->d_type);
	closedir(d);
	return 0;
}

static int run_mkdir(int argc, char **argv)
{
	(void)argc;
	return probe_result("mkdir", mkdir(argv[0], 0755));
}

static int run_unlink(int argc, char **argv)
{
	(void)argc;
	return probe_result("unlink", unlink(argv[0]));
}

static int run_chown(int argc, char **argv)
{
	(void)argc;
	return probe_result("chown", lchown(argv[0], (uid_t)probe_number(argv[1]),
					    (gid_t)probe_number(argv[2])));
}

static int run_mknod(int argc, char **argv)
{
	(void)argc;
	dev_t dev = makedev((unsigned)probe_number(argv[1]), (unsigned)probe_number(argv[2]));
	return probe_result("mknod", mknod(argv[0], S_IFCHR | 0666, dev));
}

/* SOURCE TARGET TYPE FLAGS [DATA]; "-" is no string */
static int run_mount(int argc, char **argv)
{
	const char *s[3];
	for (int i = 0; i < 3; i++)
		s[i] = strcmp(argv[i], "-") == 0 ? NULL : argv[i];
	return probe_result("mount", mount(s[0], s[1], s[2], probe_number(argv[3]),
					   argc > 4 ? argv[4] : NULL));
}

static int run_umount(int argc, char **argv)
{
	(void)argc;
	return probe_result("umount", umount2(argv[0], MNT_DETACH));
}

static int run_chroot(int argc, char **argv)
{
	(void)argc;
	return probe_result("chroot", chroot(argv[0]));
}

/* A path, or "@name" for an abstract address. */
static int run_connect(int argc, char **argv)
{
	(void)argc;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(argv[0]);
	if (n >= sizeof(a.sun_path))
		return 2;
	memcpy(a.sun_path, argv[0], n);
	if (argv[0][0] == '@')
		a.sun_path[0] = 0;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long r = connect(s, (struct sockaddr *)&a,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	probe_result("connect", r);
	close(s);
	return 0;
}

static int run_socket(int argc, char **argv)
{
	(void)argc;
	long s = syscall(SYS_socket, probe_number(argv[0]), probe_number(argv[1]),
			 probe_number(argv[2]));
	if (s >= 0)
		close((int)s);
	return probe_result("socket", s < 0 ? -1 : 0);
}

static volatile sig_atomic_t swap_ended;

static void end_swap(int signal)
{
	(void)signal;
	swap_ended = 1;
}

/* A B SECONDS: exchanges the two names over and over, so long or until SIGTERM; prints how often. For races. */
static int run_swap(int argc, char **argv)
{
	(void)argc;
	signal(SIGTERM, end_swap);
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	time_t end = t.tv_sec + (time_t)probe_number(argv[2]);
	unsigned long rounds = 0;
	while (!swap_ended && t.tv_sec < end) {
		for (int i = 0; i < 100; i++, rounds++)
			if (syscall(SYS_renameat2, AT_FDCWD, argv[0], AT_FDCWD, argv[1],
				    2 /* RENAME_EXCHANGE */) < 0)
				return probe_result("swap", -1), 1;
		clock_gettime(CLOCK_MONOTONIC, &t);
	}
	printf("swap=%lu\n", rounds);
	return 0;
}

const Verb file_verbs[] = {
	{ "cat", "PATH...: raw bytes", 1, run_cat },
	{ "write", "PATH TEXT: creates, writes, does not truncate", 2, run_write },
	{ "open", "PATH [r|w|rw]", 1, run_open },
	{ "stat", "PATH...", 1, run_stat },
	{ "readdirect", "PATH KIB: past the page cache; tells milliseconds", 2, run_readdirect },
	{ "statfs", "PATH", 1, run_statfs },
	{ "ls", "PATH: ls.NAME=TYPE lines", 1, run_ls },
	{ "mkdir", "PATH", 1, run_mkdir },
	{ "unlink", "PATH", 1, run_unlink },
	{ "chown", "PATH UID GID", 3, run_chown },
	{ "mknod", "PATH MAJOR MINOR", 3, run_mknod },
	{ "mount", "SOURCE TARGET TYPE FLAGS [DATA]", 4, run_mount },
	{ "umount", "PATH", 1, run_umount },
	{ "chroot", "PATH", 1, run_chroot },
	{ "connect", "PATH|@ABSTRACT", 1, run_connect },
	{ "socket", "DOMAIN TYPE PROTOCOL", 3, run_socket },
	{ "swap", "A B SECONDS", 3, run_swap },
	{ 0 },
};
