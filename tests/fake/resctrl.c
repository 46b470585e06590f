/* resctrl.c - a resctrl file system of ordinary files, for machines whose processors have none.               (tests/fake)
 *
 * Linked between the objects of mydocker-runtime and the C library, as the fail points are: what ships has no trace of it. It is honest about
 * no more than the shape of that file system: which files a new group has, and that it can be removed with them. What the kernel would do with
 * what is written there is not tried.
 *   FAKE_MOUNTINFO  a file that is read in place of /proc/self/mountinfo
 *   FAKE_RESCTRL    a directory: each group that is made right below it, or in a mon_groups, gets files; the last that is removed takes them along
 *   FAKE_REFUSE     set: what is written to a file schemata is refused
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

static int refused = -1; /* the descriptor of a file schemata */

static int is_fake(const char *path)
{
	const char *top = getenv("FAKE_RESCTRL");
	return top && strncmp(path, top, strlen(top)) == 0 && path[strlen(top)] == '/';
}

int __wrap_openat(int dirfd, const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	int mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	const char *fake = getenv("FAKE_MOUNTINFO");
	if (fake && strcmp(path, "/proc/self/mountinfo") == 0)
		path = fake;
	int fd = __real_openat(dirfd, path,
			       is_fake(path) && (flags & O_WRONLY) ? flags | O_APPEND : flags, mode);
	const char *name = strrchr(path, '/');
	if (is_fake(path) && getenv("FAKE_REFUSE") && name && strcmp(name, "/schemata") == 0 &&
	    (flags & O_WRONLY))
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

static const char *const files[] = { "tasks", "cpus", "schemata", "mode" };

int __wrap_mkdir(const char *path, mode_t mode)
{
	char name[4096];
	int r = __real_mkdir(path, mode);
	if (r < 0 || !is_fake(path))
		return r;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		(void)snprintf(name, sizeof name, "%s/%s", path, files[i]);
		(void)close(__real_openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
	if (!strstr(path, "/mon_groups/")) {
		(void)snprintf(name, sizeof name, "%s/mon_groups", path);
		(void)__real_mkdir(name, 0755);
	}
	return 0;
}

int __wrap_rmdir(const char *path)
{
	char name[4096];
	for (size_t i = 0; is_fake(path) && i < sizeof files / sizeof *files; i++) {
		(void)snprintf(name, sizeof name, "%s/%s", path, files[i]);
		(void)unlink(name);
	}
	if (is_fake(path) && !strstr(path, "/mon_groups/")) {
		(void)snprintf(name, sizeof name, "%s/mon_groups", path);
		(void)__real_rmdir(name);
	}
	return __real_rmdir(path);
}
