/* Namespaces of others, and such as only a child can be in.
 *
 * Who is in a container's namespaces can be traced from there, were it not for being not dumpable, and for its memory, which belongs to the
 * user namespace in which init was executed: so init is executed first, and joins then.
 *
 * Order: what the host gives is joined before a user namespace takes our privilege over it. A new user namespace owns what is made with it.
 * A pid or time namespace is for children alone, so a child goes on; with this process's own parent (CLONE_PARENT), who gets its pidfd. */
#include <limits.h>
#include <sched.h>
#include <sys/prctl.h>

#include "init/init.h"
#include "kern/process.h"
#include "kern/sys.h"

/* Opened while it is ours to open; the kernel takes a value until somebody is in the new namespace. */
static int offsets_open(const Init *in, int *ret_fd, Err *e)
{
	if (!in->plan->time_offsets)
		return 0;
	*ret_fd = openat(AT_FDCWD, "/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	return *ret_fd < 0 ? err_sys(e, "open /proc/self/timens_offsets") : 0;
}

static int offsets_write(const Init *in, int fd, Err *e)
{
	const char *text = wire_str(in->plan, in->plan->time_offsets);
	if (text && write(fd, text, strlen(text)) < 0)
		return err_sys(e, "set the offsets of the time namespace");
	return 0;
}

static int joins_make(const Init *in, uint32_t first, uint32_t end, Err *e)
{
	const WireJoin *j = WIRE_ITEMS(in->plan, joins, WireJoin) + first;
	for (uint32_t i = first; i < end; i++, j++) {
		if (syscall(SYS_setns, j->fd, j->flags) < 0)
			return err_sys(e, "join a namespace (setns %#x)", j->flags);
		fd_close(j->fd);
	}
	return 0;
}

static int child_leave(Init *in, Err *e)
{
	int pidfd = FD_NONE;
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "make the process that goes on in the namespaces");
	if (pid > 0 && sync_send(&in->sync, SYNC_JOINED, pidfd, e) < 0)
		_exit(sync_fail(&in->sync, e) < 0 ? 125 : 1); /* or the parent is gone */
	if (pid > 0)
		_exit(0);
	sync_pass(&in->sync, SYNC_JOINED);
	return 0;
}

/* The lowest of these from `from` on, if it is below `best`. */
static int lowest(const int32_t *fds, uint32_t count, int from, int best)
{
	for (uint32_t i = 0; i < count; i++)
		if (fds[i] >= from && fds[i] < best)
			best = fds[i];
	return best;
}

static int next_needed(const Init *in, int from)
{
	const WirePlan *p = in->plan;
	const WireJoin *j = WIRE_ITEMS(p, joins, WireJoin);
	const int32_t own[] = { in->sync.fd, p->root_fd, p->idmap_fd, p->start_fd };
	int best = lowest(own, ARRAY_LEN(own), from, INT_MAX);
	best = lowest(WIRE_ITEMS(p, keep_fds, int32_t), p->keep_fds.count, from, best);
	best = lowest(WIRE_ITEMS(p, source_fds, int32_t), p->source_fds.count, from, best);
	for (uint32_t i = 0; i < p->joins.count; i++)
		best = lowest(&j[i].fd, 1, from, best);
	return best;
}

/* A descriptor that our caller has left open, of a folder of the host perhaps, would be there for who is in the container and may trace
 * everybody (the class of CVE-2016-9962): closed before, not by execve(2). */
static int strangers_close(const Init *in, Err *e)
{
	for (int fd = 3, next; fd < INT_MAX; fd = next + 1) {
		next = next_needed(in, fd);
		if (next > fd && sys_close_range((unsigned)fd, (unsigned)next - 1, 0) < 0)
			return err_sys(e, "close what the caller has left open");
		if (next == INT_MAX)
			break;
	}
	return 0;
}

int namespaces_join(Init *in, Err *e)
{
	AUTO(fd_close) int offsets = FD_NONE;
	if (!init_has(in, WIRE_FORK))
		return 0;
	TRY(strangers_close(in, e));
	TRY(offsets_open(in, &offsets, e));
	/* In new ones there is nobody yet, and an ordinary user's parent may have to write id maps: identity_take() */
	if (in->plan->joins.count > 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "become not dumpable");
	TRY(joins_make(in, 0, in->plan->joins.count, e));
	if (in->plan->unshare)
		TRY(process_unshare(in->plan->unshare, e));
	TRY(offsets_write(in, offsets, e));
	return child_leave(in, e);
}

/* The last one is the mount namespace. */
int namespaces_join_outside(Init *in, Err *e)
{
	in->host_proc = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->host_proc < 0)
		return err_sys(e, "open /proc");
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "become not dumpable");
	TRY(joins_make(in, 0, in->plan->joins.count - 1, e));
	return process_unshare(in->plan->unshare, e);
}

/* Only now does a child get into the pid namespace: nobody in there sees one of us who is not in the container's own tree. */
int container_enter(Init *in, Err *e)
{
	TRY(joins_make(in, in->plan->joins.count - 1, in->plan->joins.count, e));
	TRY(child_leave(in, e));
	in->root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return in->root < 0 ? err_sys(e, "open the container's root") : 0;
}
