#include "runtime/parent_reach.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kern/mount.h"
#include "kern/process.h"
#include "kern/sys.h"

enum { OPEN, CLOSED, FAILED }; /* exit statuses */

#define KILL_MS 1000

typedef struct Reach {
	const Plan *plan;
	const Idmaps *made; /* what has a copy already */
	WaitSignals *signals;
	const struct __user_cap_data_struct *own; /* capabilities, two of them */
} Reach;

#define OVER_FILES (1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH)

/* With the effective capabilities of `set`, which says what to restore, or without those over files. */
static int caps_use(const struct __user_cap_data_struct set[2], bool over_files, Err *e)
{
	struct __user_cap_data_struct now[2] = { set[0], set[1] };
	if (!over_files)
		now[0].effective &= ~OVER_FILES;
	return sys_capset(now) < 0 ? err_sys(e, "set own capabilities") : 0;
}

static int open_cached(const char *path)
{
	int fd = sys_openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0, RESOLVE_CACHED);
	return fd < 0 ? -errno : fd;
}

/* In a child: tries as we are and, where that is refused, with all capabilities, so that it is known for the copy. */
_Noreturn static void try(const Reach *x, const char *path)
{
	(void)sys_close_range(0, ~0U, 0); /* one that hangs holds nothing of ours */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(FAILED);
	if (openat(AT_FDCWD, path, O_PATH | O_CLOEXEC) >= 0 || errno != EACCES)
		_exit(OPEN); /* or not there: init says so */
	if (caps_use(x->own, true, NULL) < 0)
		_exit(FAILED);
	(void)openat(AT_FDCWD, path, O_PATH | O_CLOEXEC); /* whatever the answer is */
	_exit(CLOSED);
}

/* What the kernel does not know yet, its file system has to say, which may be dead: a signal ends the wait. */
static int ask(const Reach *x, const char *path, bool *ret, Err *e)
{
	AUTO(fd_close) int pidfd = FD_NONE;
	ProcessEnd end;
	pid_t pid = process_clone(0, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0)
		try(x, path);
	int r = wait_signals_readable(x->signals, pidfd, e);
	if (r < 0) {
		(void)process_signal(pidfd, SIGKILL);  /* ended already is as good */
		if (process_has_ended(pidfd, KILL_MS)) /* else it is init's when we end */
			(void)process_wait(pidfd, &end, NULL);
		return r;
	}
	TRY(process_wait(pidfd, &end, e));
	if (end.by_signal || end.number == FAILED)
		return err_make(e, ERR_SYS, 0, "find out whether %s is closed: the process that asks %s",
				path, end.by_signal ? "was killed" : "failed");
	*ret = end.number == CLOSED;
	return 0;
}

static int is_closed(const Reach *x, const char *path, bool *ret, Err *e)
{
	int fd = open_cached(path);
	if (fd == -EAGAIN || fd == -EINVAL) /* Linux 5.12 */
		return ask(x, path, ret, e);
	*ret = fd == -EACCES;
	if (fd >= 0)
		fd_close(fd);
	return 0;
}

/* The groups that the container sees are in sysfs, which is closed to nobody. */
static bool is_own_group(const Plan *p, const char *source)
{
	for (size_t i = 0; i < p->groups_count; i++)
		if (str_eq(p->groups[i].dir, source))
			return true;
	return false;
}

static bool is_source(const Plan *p, const Idmaps *m, size_t i)
{
	return p->wire.mounts[i].kind == WIRE_MOUNT_BIND && !(m->sources && m->sources[i] >= 0) &&
	       !is_own_group(p, p->wire.strings + p->wire.mounts[i].source);
}

static bool has_root_dir(const Plan *p, const Idmaps *m)
{
	const WirePlan *head = &p->wire.head;
	return !p->has_root_wire && m->root < 0 && !head->overlay_lower &&
	       !(head->flags & WIRE_ROOT_EMPTY);
}

/* Which of the plan's mounts, and whether the root, init would find closed. */
static int closed_find(const Reach *x, bool *ret_root, bool *ret_mounts, Err *e)
{
	const WirePlan *head = &x->plan->wire.head;
	const char *strings = x->plan->wire.strings;
	*ret_root = false;
	if (has_root_dir(x->plan, x->made))
		TRY(is_closed(x, strings + head->root, ret_root, e));
	for (size_t i = 0; i < x->plan->wire.mounts_count; i++)
		if (is_source(x->plan, x->made, i))
			TRY(is_closed(x, strings + x->plan->wire.mounts[i].source, &ret_mounts[i], e));
	return 0;
}

static int copy_make(const char *path, bool recursive, uint64_t propagation, int *ret, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	TRY(mount_clone(AT_FDCWD, path, recursive, &copy, e));
	TRY(mount_set(copy, true, 0, 0, propagation, e));
	*ret = TAKE_FD(copy);
	return 0;
}

static int source_copy(const Plan *p, size_t i, Arena *a, Idmaps *m, Err *e)
{
	const WireMount *w = &p->wire.mounts[i];
	int copy = FD_NONE;
	bool shares = w->propagation &
		      (MS_SHARED | MS_SLAVE); /* as mount_namespaces(7) has it: nothing goes out */
	int r = copy_make(p->wire.strings + w->source, w->flags & WIRE_MOUNT_RECURSIVE,
			  shares ? MS_SLAVE : MS_PRIVATE, &copy, e);
	if (r < 0)
		return err_wrap(e, r, "mount on %s", p->wire.strings + w->target);
	idmaps_add_source(p, a, m, i, copy);
	return 0;
}

int reach_copies_make(const Plan *p, WaitSignals *signals, Arena *a, Idmaps *m, Err *e)
{
	struct __user_cap_data_struct own[2];
	const Reach x = { .plan = p, .made = m, .signals = signals, .own = own };
	bool *closed = arena_new_array(a, p->wire.mounts_count + 1, bool);
	bool root;
	if (sys_capget(own) < 0)
		return err_sys(e, "read own capabilities");
	TRY(caps_use(own, false, e));
	int r = closed_find(&x, &root, closed, e);
	TRY(caps_use(own, true, r < 0 ? NULL : e));
	TRY(r);
	if (root) {
		const char *path = p->wire.strings + p->wire.head.root;
		r = copy_make(path, true, MS_PRIVATE, &m->root, e);
		if (r < 0)
			return err_wrap(e, r, "root directory '%s'", path);
	}
	for (size_t i = 0; i < p->wire.mounts_count; i++)
		if (closed[i])
			TRY(source_copy(p, i, a, m, e));
	return 0;
}
