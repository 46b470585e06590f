#include "runtime/init_exe.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/memfd.h"

/* PREFIX/bin/mydocker -> PREFIX/libexec/mydocker/NAME */
static int program_path(const char *name, char *ret, size_t size, Err *e)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	if (n < 0)
		return err_sys(e, "read the link /proc/self/exe");
	exe[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(exe, '/');
		if (!slash)
			return err_make(e, ERR_STATE, 0,
					"cannot tell where this program stands from '%s'", exe);
		*slash = '\0';
	}
	if (str_format(ret, size, "%s/libexec/mydocker/%s", exe, name) < 0)
		return err_make(e, ERR_STATE, ENAMETOOLONG, "path of %s below %s", name, exe);
	return 0;
}

int libexec_path(const char *name, Arena *a, const char **ret, Err *e)
{
	char path[PATH_MAX];
	TRY(program_path(name, path, sizeof path, e));
	*ret = arena_strdup(a, path);
	return 0;
}

static int copy_whole(int to, int from, off_t size, const char *path, Err *e)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)size);
		if (n < 0)
			return err_sys(e, "copy %s", path);
		if (n == 0)
			return err_make(e, ERR_STATE, EIO, "%s became shorter while it was read", path);
		size -= n;
	}
	return 0;
}

int init_exe_open(int *ret_fd, Err *e)
{
	char path[PATH_MAX];
	struct stat st;

	TRY(program_path("init", path, sizeof path, e));
	AUTO(fd_close) int file = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return err_sys(e, "open %s, which belongs beside this program", path);
	if (fstat(file, &st) < 0)
		return err_sys(e, "stat %s", path);
	AUTO(fd_close) int fd = FD_NONE;
	TRY(memfd_open("mydocker-init", true, &fd, e));
	TRY(copy_whole(fd, file, st.st_size, path, e));
	TRY(memfd_seal(fd, "mydocker-init", e));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
