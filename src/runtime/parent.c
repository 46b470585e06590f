#include "runtime/parent.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/undo.h"
#include "kern/sys.h"
#include "runtime/group_report.h"
#include "runtime/init_exe.h"
#include "runtime/parent_idmap.h"
#include "runtime/parent_parts.h"
#include "runtime/parent_reach.h"
#include "runtime/parent_start.h"
#include "runtime/rdt.h"
#include "runtime/record.h"
#include "runtime/seccomp_listener.h"
#include "runtime/userns_why.h"
#include "wire/sync.h"

/* Who is killed has this long to end. Who has not is stuck in the kernel, as by a request to a file system whose server is gone. */
#define KILL_MS 5000
/* Who is exiting has this long, too: his files in /proc are refused already, and he has not ended yet. */
#define DEATH_MS 200

void container_close(Container *c)
{
	fd_close_auto(&c->pidfd);
	fd_close_auto(&c->terminal_fd);
	*c = CONTAINER_NONE;
}

static void start_close(Start *s)
{
	for (size_t i = 0; i < s->groups_made; i++)
		fd_close_auto(&s->group_fds[i]);
	for (size_t i = 0; i < s->joins_made; i++)
		fd_close_auto(&s->join_fds[i]);
	fd_close_auto(&s->init_fd);
	fd_close_auto(&s->root_fd);
	fd_close_auto(&s->hook_output_fd);
	fd_close_auto(&s->hook_error_fd);
	idmaps_close(&s->idmaps);
	sync_close(&s->sync);
	sync_close(&s->init_sync);
	container_close(&s->container);
}

static void start_close_auto(Start *s)
{
	start_close(s);
}

/* ---- what else is on the host ---- */

static void undo_host(void *arg)
{
	Start *s = arg;
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	if (*s->ret_hangs || runtime_host_remove(s->plan, s->arena, &e) >= 0)
		return;
	log_warn("%s", err_text(&e, text, sizeof text));
	if (s->dir)
		s->dir->is_kept = true;
}

/* What else few containers have of the host, and what init will make of that kind. */
static int host_make(Start *s, Undo *undo, Err *e)
{
	if (!s->plan->rdt.dir && !s->plan->host_root)
		return 0;
	TRY(rdt_make(&s->plan->rdt, s->arena, e));
	undo_push(undo, undo_host, s);
	return 0;
}

/* Of a container that is there, and in a mount namespace of others: by what its first process has for a root. */
static int root_open(Start *s, Err *e)
{
	char path[32];
	if (!(s->plan->wire.head.flags & WIRE_HOST_MOUNTS))
		return 0;
	pid_t pid;
	TRY(process_of_pidfd(s->join->pidfd, &pid, e));
	(void)str_format(path, sizeof path, "/proc/%d/root", (int)pid); /* it fits */
	s->root_fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return s->root_fd < 0 ? err_sys(e, "open the container's root") : 0;
}

/* ---- the process ---- */

/* Descriptors are the last thing that enters a wire plan; after this it cannot be changed. */
static int wire_plan_seal(WireBuild *w, int *ret_fd, Err *e)
{
	void *image;
	size_t size;
	TRY(wire_finish(w, &image, &size, e));
	return wire_seal(image, size, ret_fd, e);
}

static int container_plan_seal(Start *s, int *ret_fd, Err *e)
{
	WireBuild w = s->plan->wire;
	w.head.root_fd = s->root_fd;
	w.head.timeline_fd = s->timeline->fd;
	w.head.start_fd = s->start_fd;
	w.head.hook_output_fd = s->hook_output_fd;
	w.head.hook_error_fd = s->hook_error_fd;
	if (s->start_fd >= 0)
		w.head.flags |= WIRE_OUTLIVES;
	for (size_t i = 0; i < s->groups_made; i++)
		if (!s->group_v2[i])
			*wire_add(&w, join_fds, int32_t) = s->group_fds[i];
	for (size_t i = 0; i < s->joins_made; i++)
		*wire_add(&w, joins, WireJoin) = (WireJoin){ .fd = s->join_fds[i],
							     .flags = s->plan->joins[i].flags };
	w.source_fds = s->idmaps.sources;
	w.source_fds_count = s->idmaps.sources_count;
	return wire_plan_seal(&w, ret_fd, e);
}

/* The first process of a user namespace holds every capability in it, but has no id there until the maps are written, and execve(2)
 * takes all capabilities from who is not root: only ambient ones get through (capabilities(7)). Init gives them back. */
static int caps_carry_through_exec(Err *e)
{
	struct __user_cap_data_struct caps[2];
	if (sys_capget(caps) < 0)
		return err_sys(e, "read own capabilities");
	for (size_t i = 0; i < ARRAY_LEN(caps); i++)
		caps[i].inheritable = caps[i].permitted;
	if (sys_capset(caps) < 0)
		return err_sys(e, "make own capabilities inheritable");
	for (unsigned cap = 0; cap < 64; cap++)
		if ((caps[cap / 32].permitted >> cap % 32 & 1) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_sys(e, "make capability %u ambient", cap);
	return 0;
}

static int descriptors_allow(const Plan *p, Err *e)
{
	struct rlimit limit = { .rlim_cur = p->init_nofile, .rlim_max = p->nofile_hard };
	if (p->init_nofile > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, "raise the limit of open files for %zu mounts",
			       p->wire.mounts_count + p->root_wire.mounts_count);
	return 0;
}

/* In the child: only plain system calls, and then init. Comes back when that failed. */
static int init_exec(int init_fd, int plan_fd, const Sync *sync, Err *e)
{
	char name[] = "init", plan[16], talk[16];
	char *const argv[] = { name, plan, talk, NULL }, *const envp[] = { NULL };
	TRY(fd_keep_for_exec(plan_fd, e));
	TRY(fd_keep_for_exec(sync->fd, e));
	TRY(str_format(plan, sizeof plan, "%d", plan_fd));
	TRY(str_format(talk, sizeof talk, "%d", sync->fd));
	(void)syscall(SYS_execveat, init_fd, "", argv, envp, AT_EMPTY_PATH); /* returns only on failure */
	return err_sys(e, "execute init from memory");
}

/* proc(5): nobody goes below what was set with CAP_SYS_RESOURCE of the host's user namespace without it. */
static int oom_score_write(const Start *s, pid_t pid, Err *e)
{
	char now[16] = "?";
	const char *text = s->plan->oom_score_adj;
	if (!text)
		return 0;
	int r = process_file_write(pid, "oom_score_adj", text, e);
	if (r != -EACCES)
		return r;
	(void)fd_read_text_at(AT_FDCWD, "/proc/self/oom_score_adj", now, sizeof now); /* for the message */
	return err_make(e, ERR_SYS, EACCES,
			"set oom_score_adj to %s: CAP_SYS_RESOURCE is needed for less than this process's own, %s",
			text, now);
}

/* The child's descriptors are its own copies. */
static int container_child(Start *s, int plan_fd, Err *e)
{
	TRY(descriptors_allow(s->plan, e));
	if (s->plan->clone_flags & CLONE_NEWUSER)
		TRY(caps_carry_through_exec(e));
	if (s->plan->wire.head.flags &
	    WIRE_FORK) /* who joins is not dumpable when we hear of it: only root could write there */
		TRY(oom_score_write(s, getpid(), e));
	if (s->root_fd >= 0)
		TRY(fd_keep_for_exec(s->root_fd, e));
	if (s->timeline->fd >= 0)
		TRY(fd_keep_for_exec(s->timeline->fd, e));
	if (s->start_fd >= 0)
		TRY(fd_keep_for_exec(s->start_fd, e));
	if (s->hook_output_fd >= 0)
		TRY(fd_keep_for_exec(s->hook_output_fd, e));
	if (s->hook_error_fd >= 0)
		TRY(fd_keep_for_exec(s->hook_error_fd, e));
	for (size_t i = 0; i < s->groups_made; i++)
		if (!s->group_v2[i])
			TRY(fd_keep_for_exec(s->group_fds[i], e));
	for (size_t i = 0; i < s->joins_made; i++)
		TRY(fd_keep_for_exec(s->join_fds[i], e));
	for (size_t i = 0; i < s->idmaps.sources_count; i++)
		if (s->idmaps.sources[i] >= 0)
			TRY(fd_keep_for_exec(s->idmaps.sources[i], e));
	return init_exec(s->init_fd, plan_fd, &s->init_sync, e);
}

static _Noreturn void child_fail(Sync *sync, const Err *e)
{
	(void)sync_fail(sync, e); /* else end of file tells that this process ended too early */
	_exit(125);
}

/* What a child of process_spawn() begins with. */
typedef struct Child {
	Start *s;
	int plan_fd;
	Sync *sync;
} Child;

static void container_child_run(void *arg)
{
	const Child *c = arg;
	Err own = { 0 };
	(void)container_child(c->s, c->plan_fd, &own); /* returned: it failed */
	child_fail(c->sync, &own);
}

static void undo_process(void *arg)
{
	Start *s = arg;
	ProcessEnd end;
	sync_close(&s->sync); /* a child that init has made in namespaces of others may wait there, and ends then */
	(void)process_signal(s->container.pidfd, SIGKILL); /* ended already is as good */
	*s->ret_hangs = !process_has_ended(s->container.pidfd, KILL_MS);
	if (*s->ret_hangs)
		log_warn("process %d is killed but hangs in the kernel; when it has ended, the next command removes what is left",
			 (int)s->container.pid);
	else
		(void)process_wait(s->container.pidfd, &end, NULL);
}

/* Takes what the other init has made. It ends by itself: of its mounts only the tree stays, as a descriptor. */
static int root_tree_receive(Start *s, Sync *sync, int pidfd, Err *e)
{
	ProcessEnd end;
	int r = sync_send(sync, SYNC_MAPPED, FD_NONE, e);
	if (r == 0)
		r = wait_signals_hangup(s->signals, sync->fd, e);
	if (r == 0)
		r = sync_expect(sync, SYNC_ROOTFS_READY, &s->root_fd, e);
	if (r < 0) {
		(void)process_signal(pidfd, SIGKILL); /* ended already is as good */
		(void)process_has_ended(pidfd, KILL_MS); /* one that hangs holds nothing but its own mounts */
		return r;
	}
	if (s->root_fd < 0)
		return err_make(e, ERR_BUG, EPROTO, "the root's tree did not come");
	return process_wait(pidfd, &end, e);
}

/* The other init's child: it gets the id-mapped lower layer, and by what to map others. */
static int root_tree_child(const Start *s, int plan_fd, const Sync *sync, Err *e)
{
	if (s->idmaps.root >= 0) {
		TRY(fd_keep_for_exec(s->idmaps.root, e));
		TRY(fd_keep_for_exec(s->idmaps.userns[s->plan->root_idmap], e));
	}
	return init_exec(s->init_fd, plan_fd, sync, e);
}

static void root_tree_child_run(void *arg)
{
	const Child *c = arg;
	Err own = { 0 };
	if (descriptors_allow(c->s->plan, &own) == 0)
		(void)root_tree_child(c->s, c->plan_fd, c->sync, &own); /* returned: it failed */
	child_fail(c->sync, &own);
}

/* A tree that is made apart, or an id-mapped copy of the root, which needs no more. */
static int root_tree_make(Start *s, Err *e)
{
	AUTO(fd_close) int plan_fd = FD_NONE;
	AUTO(fd_close) int pidfd = FD_NONE;
	AUTO(sync_close) Sync ours = SYNC_NONE;
	AUTO(sync_close) Sync theirs = SYNC_NONE;
	if (s->join)
		return root_open(s, e);
	if (!s->plan->has_root_wire) {
		s->root_fd = TAKE_FD(s->idmaps.root);
		return 0;
	}
	WireBuild w = s->plan->root_wire;
	TRY(sync_pair(&ours, &theirs, e));
	w.head.root_fd = s->idmaps.root;
	if (s->idmaps.root >= 0)
		w.head.idmap_fd = s->idmaps.userns[s->plan->root_idmap];
	TRY(wire_plan_seal(&w, &plan_fd, e));
	Child c = { .s = s, .plan_fd = plan_fd, .sync = &theirs };
	const ProcessChild child = { .run = root_tree_child_run, .arg = &c };
	TRY(process_spawn(CLONE_NEWNS | PROCESS_IN_OUR_MEMORY, FD_NONE, &child, &pidfd, e));
	sync_close(&theirs);
	return root_tree_receive(s, &ours, pidfd, e);
}

/* What only clone3 into a group of v2 can say; what is said already stands. */
static int explain_clone(const Start *s, int r, Err *e)
{
	const char *dir = NULL;
	for (size_t i = 0; i < s->groups_made && !dir; i++)
		dir = !s->group_v2[i] ? NULL
		      : s->join       ? s->join->groups->items[i]
				      : s->plan->groups[i].dir;
	if (dir && r == -EOPNOTSUPP)
		return err_make(e, ERR_SYS, -r,
				"start the container in the group %s: a group above it is threaded (cgroup.type), and no container can be "
				"in such a tree; name another group with --cgroup-parent",
				dir);
	if (dir && r == -EACCES && s->plan->unit.is_user)
		return err_make(e, ERR_SYS, EACCES,
				"start the container in the group %s: no process can be put there from outside of the user's systemd, as from a login shell; systemd-run --user --scope starts a command inside",
				dir);
	return s->plan->userns.uid_map ? userns_why_not_made("", r, e) : r;
}

/* Whoever joins one exchanges its root, for all that is in it: that must not be the host's. */
static int mounts_check(const char *path, int fd, Err *e)
{
	struct stat theirs, ours;
	if (fstat(fd, &theirs) < 0 || stat("/proc/self/ns/mnt", &ours) < 0)
		return err_sys(e, "linux.namespaces: the mount namespace '%s'", path);
	if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
		return err_make(e, ERR_SPEC, EINVAL,
				"linux.namespaces: '%s' is the runtime's own mount namespace: to share it, leave the entry out",
				path);
	return 0;
}

/* Opened by us: the paths are of our namespaces. What they lead to is looked at, for the message; the kernel looks again. */
static int joins_open(Start *s, Err *e)
{
	const Plan *p = s->plan;
	s->join_fds = arena_new_array(s->arena, p->joins_count, int);
	for (size_t i = 0; i < p->joins_count; i++) {
		const PlanJoin *j = &p->joins[i];
		int fd = j->path ? openat(AT_FDCWD, j->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
				 : fcntl(s->join->pidfd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return err_sys(e, "linux.namespaces: the %s namespace '%s'", j->type, j->path);
		s->join_fds[i] = fd;
		s->joins_made = i + 1;
		if (j->path && ioctl(fd, NS_GET_NSTYPE) != (int)j->flags)
			return err_make(e, ERR_SPEC, 0, "linux.namespaces: '%s' is not a %s namespace",
					j->path, j->type);
		if (j->path && j->flags == CLONE_NEWNS)
			TRY(mounts_check(j->path, fd, e));
	}
	return 0;
}

/* When init is gone without a word, its pidfd knows how. */
static int explain_death(const Start *s, int r, Err *e)
{
	ProcessEnd end;
	if (s->plan->userns.uid_map && !s->facts->privileged)
		r = userns_why_powerless("", r, e);
	if ((r != -ECONNRESET && r != -EPIPE) || process_wait(s->container.pidfd, &end, NULL) < 0)
		return r;
	return group_report_death(s->plan, s->facts, &end, r, e);
}

/* The process that goes on is a child of the first one's parent: of us. */
static int init_follow(Start *s, Err *e)
{
	AUTO(fd_close) int first = FD_NONE;
	ProcessEnd end;
	int next = FD_NONE;
	if (!(s->plan->wire.head.flags & WIRE_FORK))
		return 0;
	int r = wait_signals_word(s->signals, s->sync.fd, s->container.pidfd,
				  e); /* a frozen group holds who joins it */
	if (r < 0)
		return explain_death(s, r, e);
	TRY(sync_expect(&s->sync, SYNC_JOINED, &next, e));
	if (next < 0)
		return err_make(e, ERR_BUG, EPROTO, "the process that goes on did not come");
	first = s->container.pidfd;
	s->container.pidfd = next;
	TRY(process_wait(first, &end, e));
	return process_of_pidfd(next, &s->container.pid, e);
}

static int init_spawn(Start *s, Undo *undo, Err *e)
{
	AUTO(fd_close) int plan_fd = FD_NONE;

	TRY(joins_open(s, e));
	TRY(sync_pair(&s->sync, &s->init_sync, e));
	s->sync.absent = sync_absent(s->plan->wire.head.flags);
	TRY(container_plan_seal(s, &plan_fd, e));
	Child c = { .s = s, .plan_fd = plan_fd, .sync = &s->init_sync };
	const ProcessChild child = { .run = container_child_run, .arg = &c };
	int group_fd = parent_group_fd(s);
	/* Another's group may be frozen, and then whoever begins in it does not come to execute: signals are to reach us meanwhile. */
	uint64_t memory = s->join && group_fd >= 0 ? 0 : PROCESS_IN_OUR_MEMORY;
	pid_t pid = runtime_spawn(s->plan, memory, group_fd, &child, &s->container.pidfd, e);
	if (pid < 0)
		return explain_clone(s, pid, e);
	s->container.pid = pid;
	undo_push(undo, undo_process, s);
	sync_close(&s->init_sync); /* so that its end is seen here */
	TRY(parent_unit_leave(s, e));
	return init_follow(s, e);
}

int runtime_record_process(const ContainerDir *dir, const Plan *p, pid_t pid, Arena *a, Err *e)
{
	RecordProcess r = { .pid = pid };
	int n = process_start_time(r.pid, &r.start_time);
	if (n < 0)
		return err_make(e, ERR_SYS, -n, "read the start time of process %d", r.pid);
	n = p->groups_count == 0 ? record_link_process(dir->fd, &r, e) : 0;
	if (n == 0)
		n = record_write_process(dir->fd, &r, a, e);
	return n < 0 ? err_wrap(e, n, "%s", dir->path) : 0;
}

/* Who writes the maps takes long, and has the process put on record meanwhile. */
static int process_identify(const Start *s, Err *e)
{
	UsernsWriters writers = USERNS_WRITERS_NONE;
	int r = 0;
	if (s->plan->userns.uid_map)
		r = userns_maps_start(&s->plan->userns, s->container.pid, s->arena, &writers, e);
	if (r == 0 && s->dir)
		r = runtime_record_process(s->dir, s->plan, s->container.pid, s->arena, e);
	return userns_maps_finish(&writers, r, e);
}

/* The only time that init waits for us in the middle. */
static int hooks_accompany(Start *s, Err *e)
{
	if (!(s->plan->wire.head.flags & WIRE_HOOKS))
		return 0;
	TRY(wait_signals_readable(s->signals, s->sync.fd, e));
	TRY(sync_expect(&s->sync, SYNC_MOUNTED, NULL, e));
	TRY(runtime_hooks_run(s->hooks, SPEC_HOOK_PRESTART, s->container.pid, s->arena, e));
	TRY(runtime_hooks_run(s->hooks, SPEC_HOOK_CREATE_RUNTIME, s->container.pid, s->arena, e));
	return sync_send(&s->sync, SYNC_HOOKED, FD_NONE, e);
}

/* Who is asked by the filter has to be there before the first question, which may be execve(2). */
static int listener_accompany(Start *s, Err *e)
{
	AUTO(fd_close) int listener = FD_NONE;
	TRY(wait_signals_readable(s->signals, s->sync.fd, e));
	TRY(sync_expect(&s->sync, SYNC_ROOTFS_READY, &s->container.terminal_fd, e));
	TRY(wait_signals_readable(s->signals, s->sync.fd, e));
	TRY(sync_expect(&s->sync, SYNC_EXECING, &listener, e));
	TRY(seccomp_listener_send(s->plan, s->state, s->container.pid, listener, s->arena, e));
	fd_close(TAKE_FD(listener));
	TRY(wait_signals_hangup(s->signals, s->sync.fd, e));
	return sync_expect_exec(&s->sync, e);
}

/* Init's side of the story is init/main.c; the steps are those of SYNC_STEPS. Init may hang in a dead file system: until it has let go of
 * its end, with all it had to say in ours, signals can end the start. */
static int init_accompany(Start *s, Err *e)
{
	int r = process_identify(s, e);
	if (r == 0 && !(s->plan->wire.head.flags & WIRE_FORK))
		r = oom_score_write(s, s->container.pid, e);
	if (r == 0)
		r = runtime_limits_raise(s->plan, s->facts, s->container.pid, e);
	if (r == 0)
		r = rdt_join(&s->plan->rdt, s->container.pid, s->join, e);
	if (r == 0)
		r = parent_net_devices_move(s->plan, s->container.pid, s->arena, e);
	if (r < 0) /* what is written about a process fails when it has ended, and why it has is the reason */
		return process_has_ended(s->container.pidfd, DEATH_MS) ? sync_failure(&s->sync, r, e)
								       : r;
	TRY(timeline_mark(s->timeline->page, STAGE_MAPPED,
			  sync_send(&s->sync, SYNC_MAPPED, FD_NONE, e)));
	TRY(hooks_accompany(s, e));
	if (s->plan->listener_path)
		return listener_accompany(s, e);
	TRY(wait_signals_hangup(s->signals, s->sync.fd, e));
	TRY(sync_expect(&s->sync, SYNC_ROOTFS_READY, &s->container.terminal_fd, e));
	TRY(sync_expect(&s->sync, SYNC_EXECING, NULL, e));
	return sync_expect_exec(&s->sync, e);
}

static int copies_make(Start *s, Err *e)
{
	TRY(idmaps_make(s->plan, s->arena, &s->idmaps, e));
	bool apart = s->plan->userns.uid_map && s->facts->privileged;
	return apart ? reach_copies_make(s->plan, s->signals, s->arena, &s->idmaps, e) : 0;
}

/* The rest of a start, by init. */
static int init_start(Start *s, const RuntimeStart *in, Undo *undo, Err *e)
{
	Timeline *times = in->timeline->page;
	if (s->hooks && s->plan->wire.hooks_count > 0)
		TRY(runtime_hooks_open_files(s->hooks, &s->hook_output_fd, &s->hook_error_fd, e));
	TRY(timeline_mark(times, STAGE_PROGRAM, init_exe_open(&s->init_fd, e)));
	TRY(timeline_mark(times, STAGE_IDMAPS, copies_make(s, e)));
	TRY(timeline_mark(times, STAGE_ROOT_TREE, root_tree_make(s, e)));
	TRY(timeline_mark(times, STAGE_SPAWN, init_spawn(s, undo, e)));
	int r = timeline_mark(times, STAGE_FOLLOW, init_accompany(s, e));
	return r < 0 ? explain_death(s, r, e) : 0;
}

int runtime_start(const RuntimeStart *in, Container *ret, Err *e)
{
	AUTO(start_close)
	Start s = {
		.plan = in->plan,
		.facts = in->facts,
		.signals = in->signals,
		.systemd = in->systemd,
		.dir = in->dir,
		.join = in->join,
		.hooks = in->hooks,
		.state = in->state,
		.timeline = in->timeline,
		.start_fd = in->start_fd,
		.arena = in->arena,
		.init_fd = FD_NONE,
		.root_fd = FD_NONE,
		.hook_output_fd = FD_NONE,
		.hook_error_fd = FD_NONE,
		.idmaps = IDMAPS_NONE,
		.sync = SYNC_NONE,
		.init_sync = SYNC_NONE,
		.container = CONTAINER_NONE,
		.ret_hangs = &ret->hangs,
	};
	AUTO(undo_run) Undo undo = UNDO_EMPTY;
	Timeline *times = in->timeline->page;

	TRY(in->join ? parent_groups_open(&s, e) : parent_groups_make(&s, &undo, e));
	TRY(in->join ? 0 : host_make(&s, &undo, e));
	TRY(timeline_mark(times, STAGE_GROUPS, parent_devices_limit(&s, e)));
	if (in->maker) {
		TRY(in->maker->make(in->maker->arg, s.group_fds, s.group_v2, s.groups_made,
				    &s.container, e));
		TRY(parent_unit_leave(&s, e));
	} else {
		TRY(init_start(&s, in, &undo, e));
	}
	undo_commit(&undo);
	*ret = TAKE(s.container, CONTAINER_NONE);
	return 0;
}
