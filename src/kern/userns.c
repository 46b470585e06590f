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

/* The child. */
static _Noreturn void wait_and_do(const UsernsChild *c, UsernsTask *task, void *arg)
{
	char told;
	fd_close(c->tell);
	if (fd_read_up_to(c->told, &told, 1) == 1 && task)
		task(arg);
	_exit(0);
}

int userns_child_make(UsernsTask *task, void *arg, UsernsChild *ret, Err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	UsernsChild c = { .pidfd = FD_NONE, .told = ends[0], .tell = ends[1] };
	c.pid = process_clone(CLONE_NEWUSER, FD_NONE, &c.pidfd, e);
	if (c.pid == 0)
		wait_and_do(&c, task, arg);
	if (c.pid < 0) {
		fd_close(c.told);
		fd_close(c.tell);
		return c.pid;
	}
	*ret = c;
	return 0;
}

int userns_child_end(UsernsChild *c, bool go, Err *e)
{
	ProcessEnd end;
	int r = go ? fd_write_all(c->tell, "x", 1, "a pipe", e) : 0;
	fd_close(c->tell);
	(void)process_wait(c->pidfd, &end, NULL); /* its end tells nothing */
	fd_close(c->told);
	fd_close(c->pidfd);
	return r;
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
	UsernsChild child;
	TRY(userns_child_make(NULL, NULL, &child, e));
	int r = maps_write_and_open(child.pid, uid_map, gid_map, ret_fd, e);
	(void)userns_child_end(&child, false, NULL); /* it is told nothing, which cannot fail */
	return r;
}
