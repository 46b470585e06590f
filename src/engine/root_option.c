#include "engine/root_option.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* Where the open directory really is, by the kernel's own word. */
static int real_path(int fd, const char *text, Arena *a, const char **ret, Err *e)
{
	char link[64], path[PATH_MAX];
	TRY(str_format(link, sizeof link, "/proc/self/fd/%d", fd));
	ssize_t n = readlink(link, path, sizeof path);
	if (n < 0)
		return err_sys(e, "find the path of root directory '%s'", text);
	if ((size_t)n == sizeof path || path[0] != '/')
		return err_make(e, ERR_SPEC, 0,
				"root directory '%s': its path is too long or not reachable", text);
	*ret = arena_strndup(a, path, (size_t)n);
	return 0;
}

/* The host's root by identity, however it was written ("/", "/.", a bind of it at the same place). */
static int is_host_root(int fd, const char *path, Err *e)
{
	struct stat dir, root;
	if (strcmp(path, "/") == 0)
		return true;
	if (fstat(fd, &dir) < 0 || stat("/", &root) < 0)
		return err_sys(e, "compare the root directory '%s' with the host's", path);
	return dir.st_dev == root.st_dev && dir.st_ino == root.st_ino;
}

int root_option_open(const char *text, Arena *a, SpecRootKind *ret_kind, const char **ret_path,
		     int *ret_fd, Err *e)
{
	bool overlay = str_ends(text, ":O");
	const char *dir = overlay ? arena_strndup(a, text, strlen(text) - 2) : text;
	const char *path;
	if (!*dir)
		return err_make(e, ERR_USAGE, 0, "--rootfs: the directory's name is empty");
	AUTO(fd_close) int fd = openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "root directory '%s'", dir);
	TRY(real_path(fd, dir, a, &path, e));
	int is_host = is_host_root(fd, path, e);
	TRY(is_host);
	*ret_kind = is_host ? ROOT_HOST : overlay ? ROOT_OVERLAY : ROOT_DIRECTORY;
	*ret_path = *ret_kind == ROOT_HOST ? "/" : path;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
