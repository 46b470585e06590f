/* trees.c - resctrl, and groups of the controller rdma, as ordinary files, for machines that have none.            (tests/fake)
 *
 * Linked between the objects of mydocker-runtime and the C library, as the fail points are: what ships has no trace of it. It is honest about
 * no more than the shape of these file systems: which files a new group has, and that it can be removed with them. What the kernel would do with
 * what is written there is not tried.
 *   FAKE_MOUNTINFO  a file that is read in place of /proc/self/mountinfo
 *   FAKE_CGROUP     the same for /proc/self/cgroup
 *   FAKE_RESCTRL    a directory: each group that is made right below it, or in a mon_groups, gets files; the last that is removed takes them along
 *   FAKE_RDMA       the same, anywhere below it: a hierarchy of cgroup v1
 *   FAKE_RDMA_V2    a directory: its files are opened in place of those of cgroup v2 that have their names
 *   FAKE_REFUSE     set: what is written to a file schemata, or rdma.max, is refused
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_openat(int dirfd, const char *path, int flags, ...);
int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
ssize_t __real_write(int fd, const void *data, size_t len);
int __wrap_openat(int dirfd, const char *path, int flags, ...);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);
ssize_t __wrap_write(int fd, const void *data, size_t len);

static int refused = -1; /* the descriptor of a file whose values are */

static int is_below(const char *variable, const char *path)
{
	const char *top = getenv(variable);
	return top && strncmp(path, top, strlen(top)) == 0 && path[strlen(top)] == '/';
}

static int is_fake(const char *path)
{
	return is_below("FAKE_RESCTRL", path);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Where the file is in truth. */
static const char *lead(const char *path, char *buffer, size_t size)
{
	static const char *const files[][2] = { { "/proc/self/mountinfo", "FAKE_MOUNTINFO" },
						{ "/proc/self/cgroup", "FAKE_CGROUP" } };
	static const char *const names[] = { "cgroup.controllers", "cgroup.subtree_control", "rdma.max" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(path, files[i][0]) == 0 && getenv(files[i][1]))
			return getenv(files[i][1]);
	for (size_t i = 0; getenv("FAKE_RDMA_V2") && i < sizeof names / sizeof *names; i++)
		if (strcmp(last_part(path), names[i]) == 0) {
			(void)snprintf(buffer, size, "%s/%s", getenv("FAKE_RDMA_V2"), names[i]);
			return buffer;
		}
	return path;
}

int __wrap_openat(int dirfd, const char *path, int flags, ...)
{
	char buffer[4096];
	va_list ap;
	va_start(ap, flags);
	int mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	path = lead(path, buffer, sizeof buffer);
	int fd = __real_openat(dirfd, path,
			       is_fake(path) && (flags & O_WRONLY) ? flags | O_APPEND : flags, mode);
	const char *name = last_part(path);
	if (getenv("FAKE_REFUSE") && (flags & O_WRONLY) &&
	    ((is_fake(path) && strcmp(name, "schemata") == 0) || strcmp(name, "rdma.max") == 0))
		refused = fd;
	return fd;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (fd != refused || fd < 0)
		return __real_write(fd, data, len);
	refused = -1;
	errno = EINVAL;
	return -1;
}

static void files_each(const char *path, void (*what)(const char *name))
{
	static const char *const of_resctrl[] = { "tasks", "cpus", "schemata", "mode" };
	static const char *const of_rdma[] = { "tasks", "cgroup.procs", "rdma.max", "notify_on_release" };
	char name[4096];
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof name, "%s/%s", path,
			       is_fake(path) ? of_resctrl[i] : of_rdma[i]);
		what(name);
	}
}

static void file_make(const char *name)
{
	(void)close(__real_openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static void file_remove(const char *name)
{
	(void)unlink(name);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	char name[4096];
	int r = __real_mkdir(path, mode);
	if (r < 0 || !(is_fake(path) || is_below("FAKE_RDMA", path)))
		return r;
	files_each(path, file_make);
	if (is_fake(path) && !strstr(path, "/mon_groups/")) {
		(void)snprintf(name, sizeof name, "%s/mon_groups", path);
		(void)__real_mkdir(name, 0755);
	}
	return 0;
}

/* A group that has others in it stays whole. */
static int has_groups(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && st.st_nlink > 2;
}

int __wrap_rmdir(const char *path)
{
	char name[4096];
	if (is_fake(path) || (is_below("FAKE_RDMA", path) && !has_groups(path)))
		files_each(path, file_remove);
	if (is_fake(path) && !strstr(path, "/mon_groups/")) {
		(void)snprintf(name, sizeof name, "%s/mon_groups", path);
		(void)__real_rmdir(name);
	}
	return __real_rmdir(path);
}
