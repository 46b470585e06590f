#include "runtime/userns_of.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/mountinfo.h"
#include "kern/process.h"
#include "runtime/facts.h"

/* The child: there until the parent closes its end, or dies. */
static _Noreturn void stay(int userns, int talk)
{
	char none;
	if (setns(userns, CLONE_NEWUSER) == 0 && write(talk, "", 1) == 1)
		(void)!read(talk, &none, 1); /* its end is what is awaited */
	_exit(errno & 0x7f);
}

static int map_read(pid_t pid, const char *name, Arena *a, SpecIdMap **ret, size_t *ret_count, Err *e)
{
	char *text;
	TRY(mountinfo_read(arena_printf(a, "/proc/%d/%s", (int)pid, name), a, &text, e));
	*ret = id_map_parse(text, a, ret_count);
	return 0;
}

static bool same_maps(const SpecIdMap *x, size_t x_count, const SpecIdMap *y, size_t y_count)
{
	for (size_t i = 0; i < x_count && i < y_count; i++)
		if (x[i].container_id != y[i].container_id || x[i].host_id != y[i].host_id ||
		    x[i].size != y[i].size)
			return false;
	return x_count == y_count;
}

static int maps_read(pid_t pid, const char *path, SpecLinux *l, Arena *a, Err *e)
{
	SpecLinux has = { 0 };
	TRY(map_read(pid, "uid_map", a, &has.uid_mappings, &has.uid_mappings_count, e));
	TRY(map_read(pid, "gid_map", a, &has.gid_mappings, &has.gid_mappings_count, e));
	if ((l->uid_mappings_count > 0 && !same_maps(l->uid_mappings, l->uid_mappings_count,
						     has.uid_mappings, has.uid_mappings_count)) ||
	    (l->gid_mappings_count > 0 && !same_maps(l->gid_mappings, l->gid_mappings_count,
						     has.gid_mappings, has.gid_mappings_count)))
		return err_make(e, ERR_SPEC, 0,
				"linux.uidMappings and gidMappings are not those of the user namespace '%s'",
				path);
	l->uid_mappings = has.uid_mappings;
	l->uid_mappings_count = has.uid_mappings_count;
	l->gid_mappings = has.gid_mappings;
	l->gid_mappings_count = has.gid_mappings_count;
	return 0;
}

int userns_of(const char *path, SpecLinux *l, Arena *a, Err *e)
{
	int ends[2];
	char ready;
	ProcessEnd end;
	AUTO(fd_close) int pidfd = FD_NONE;
	AUTO(fd_close) int userns = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (userns < 0)
		return err_sys(e, "linux.namespaces: the user namespace '%s'", path);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "make a pair of sockets");
	AUTO(fd_close) int ours = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	pid_t pid = process_clone(0, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0) {
		fd_close(TAKE_FD(ours));
		stay(userns, theirs);
	}
	fd_close(TAKE_FD(theirs));
	bool there = fd_read_up_to(ours, &ready, 1) == 1;
	int r = there ? maps_read(pid, path, l, a, e) : 0;
	fd_close(TAKE_FD(ours));
	TRY(process_wait(pidfd, &end, r < 0 ? NULL : e));
	TRY(r);
	return there ? 0
		     : err_make(e, ERR_SYS, end.by_signal ? 0 : end.number,
				"linux.namespaces: join the user namespace '%s'", path);
}
