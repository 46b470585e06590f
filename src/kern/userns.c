#include "kern/userns.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/sched.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/process.h"

bool userns_is_first(void)
{
	struct stat st;
	return stat("/proc/self/ns/user", &st) < 0 || st.st_ino == USERNS_FIRST_INODE;
}

/* The child: waits until the parent closes its end, or dies. */
static _Noreturn void wait_for_end(int in, int out)
{
	char c;
	fd_close(out);
	while (read(in, &c, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int maps_write_and_open(pid_t pid, const char *uid_map, const char *gid_map, int *ret_fd, Err *e)
{
	char path[64];
	TRY(process_file_write(pid, "uid_map", uid_map, e));
	TRY(process_file_write(pid, "gid_map", gid_map, e));
	TRY(str_format(path, sizeof path, "/proc/%d/ns/user", pid));
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	*ret_fd = fd;
	return 0;
}

int userns_make(const char *uid_map, const char *gid_map, int *ret_fd, Err *e)
{
	int ends[2];
	AUTO(fd_close) int pidfd = FD_NONE;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int in = ends[0];
	AUTO(fd_close) int out = ends[1];
	pid_t pid = process_clone(CLONE_NEWUSER, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0)
		wait_for_end(in, out);

	int r = maps_write_and_open(pid, uid_map, gid_map, ret_fd, e);
	ProcessEnd end;
	fd_close(TAKE_FD(out));
	(void)process_wait(pidfd, &end, NULL); /* its end tells nothing */
	return r;
}
