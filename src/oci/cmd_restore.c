/* runc's `restore`: what `run` makes by init, criu makes from images: the container's groups are made and limited as ever, criu is born in them, and
 * what it restores is our child. */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "criu/mounts.h"
#include "criu/streams.h"
#include "kern/netlink.h"
#include "kern/process.h"
#include "oci/console.h"
#include "oci/criu.h"
#include "oci/make.h"

typedef struct RestoreOpts {
	OciCriuOpts criu;
	OciMakeOpts make;
	OciConsole console;
	const char *lsm_profile, *lsm_mount_context;
	bool detach, no_subreaper;
} RestoreOpts;

static const Opt opts_table[] = {
	OCI_CONSOLE_OPTS(RestoreOpts, console),
	OPT_STR('b', "bundle", RestoreOpts, make.bundle.dir, "DIR",
		"The bundle, the directory that holds config.json (default: the working directory)"),
	OPT_STR('f', "config", RestoreOpts, make.bundle.config, "FILE",
		"The description in the bundle (default: config.json)"),
	OPT_FLAG('d', "detach", RestoreOpts, detach, "Do not wait for the container's end"),
	OPT_STR(0, "lsm-mount-context", RestoreOpts, lsm_mount_context, "LABEL",
		"The SELinux label of mounts, in place of the one in the images"),
	OPT_STR(0, "lsm-profile", RestoreOpts, lsm_profile, "TYPE:NAME",
		"The AppArmor profile (apparmor:NAME) or SELinux label (selinux:LABEL) of processes"),
	OPT_FLAG(0, "no-pivot", RestoreOpts, make.no_pivot, "Taken as it is: criu has its own way"),
	OPT_FLAG(0, "no-subreaper", RestoreOpts, no_subreaper, "Taken as it is: there is none"),
	OPT_STR(0, "pid-file", RestoreOpts, make.pid_file, "FILE",
		"Write the number of the container's process there"),
	OPT_END,
};

typedef struct Restore {
	OciMake m;
	OciCriu criu;
	RuntimeMaker maker;
	const char *program;
	WaitSignals *signals;
	const int *group_fds;
	const bool *group_v2;
	size_t groups_count;
	int ns_fds[SPEC_NS_COUNT]; /* of namespaces that criu gets as descriptors */
	size_t ns_fds_count;
	int terminal_fd;
	int mounts_fd, cwd_fd; /* the mount namespace that we have come from, and where we were in it */
} Restore;

static void restore_close_auto(Restore *r)
{
	for (size_t i = 0; i < r->ns_fds_count; i++)
		fd_close_auto(&r->ns_fds[i]);
	fd_close_auto(&r->terminal_fd);
	fd_close_auto(&r->mounts_fd);
	fd_close_auto(&r->cwd_fd);
	oci_criu_close(&r->criu);
	oci_make_close(&r->m);
}

/* ---- what criu is asked for ---- */

static int namespace_add(Restore *r, unsigned bit, const char *name, const char *path, Arena *a, Err *e)
{
	CriuOptions *o = &r->criu.options;
	const char *key = oci_criu_namespace_key(bit);
	if (bit == SPEC_NS_CGROUP || bit == SPEC_NS_TIME)
		return err_make(e, ERR_SPEC, 0,
				"linux.namespaces: criu cannot restore into a %s namespace by path",
				name);
	if (!key) {
		*arena_push(a, &o->joins.items, &o->joins.count,
			    CriuPair) = (CriuPair){ .key = name, .value = path };
		return 0;
	}
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "linux.namespaces: the %s namespace '%s'", name, path);
	r->ns_fds[r->ns_fds_count++] = fd;
	*arena_push(a, &o->inherited.items, &o->inherited.count, CriuFd) = (CriuFd){ .key = key,
										     .fd = fd };
	return 0;
}

static int namespaces_add(Restore *r, Arena *a, Err *e)
{
	static const char *const names[SPEC_NS_COUNT] = { "pid", "net",  "mnt",    "ipc",
							  "uts", "user", "cgroup", "time" };
	const SpecLinux *l = &r->m.p.bundle.spec.linux_;
	for (unsigned i = 0; i < SPEC_NS_COUNT; i++)
		if (l->namespace_paths[i])
			TRY(namespace_add(r, 1u << i, names[i], l->namespace_paths[i], a, e));
	return 0;
}

/* What in the images is below the old container's groups comes below these. */
static void groups_add(Restore *r, Arena *a)
{
	const OciPlan *p = &r->m.p;
	CriuPairs *l = &r->criu.options.cgroup_roots;
	for (size_t i = 0; i < p->plan.groups_count; i++) {
		const HostCgroup *h = &p->facts.cgroups[p->plan.groups[i].hierarchy];
		const char *path = str_after(p->plan.groups[i].dir, h->mountpoint);
		const char *which = !h->is_v2                           ? h->controllers
				    : p->facts.cgroup_mode == CGROUP_V2 ? NULL
									: "";
		if (path)
			*arena_push(a, &l->items, &l->count,
				    CriuPair) = (CriuPair){ .key = which, .value = path };
	}
}

static int options_fill(Restore *r, const RestoreOpts *o, Arena *a, Err *e)
{
	CriuOptions *c = &r->criu.options;
	const OciPlan *p = &r->m.p;
	c->root = arena_printf(a, "%s/containers/%s", p->state_dir, p->id);
	c->lsm_profile = o->lsm_profile;
	c->lsm_mount_context = o->lsm_mount_context;
	groups_add(r, a);
	TRY(namespaces_add(r, a, e));
	TRY(criu_streams_load(r->criu.images_fd, a, &c->inherited, e));
	return criu_mounts_for(&p->bundle.spec, &p->plan, &p->facts, a, &c->mounts, e);
}

/* ---- criu ---- */

/* In criu's process, born in the group of v2. v1: "0" is who writes. */
static int criu_prepare(void *arg, Err *e)
{
	const Restore *r = arg;
	for (size_t i = 0; i < r->groups_count; i++)
		if (!r->group_v2[i])
			TRY(fd_write_all(r->group_fds[i], "0", 1, "tasks of a control group", e));
	return 0;
}

/* criu mounts in its working directory, which it gets as a descriptor of ours: both of us have to be in the namespace where the root is shown. */
static int mounts_enter(Restore *r, Err *e)
{
	r->mounts_fd = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	r->cwd_fd = openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->mounts_fd < 0 || r->cwd_fd < 0)
		return err_sys(e, "open our own mount namespace and working directory");
	TRY(process_unshare(CLONE_NEWNS, e));
	TRY(criu_root_make(&r->m.p.bundle.spec, r->criu.options.root, e));
	return oci_criu_reopen(&r->criu, e);
}

/* Once criu is there; hooks are the host's. */
static int mounts_leave(Restore *r, Err *e)
{
	if (r->mounts_fd < 0 || r->cwd_fd < 0)
		return 0;
	AUTO(fd_close) int mounts = TAKE_FD(r->mounts_fd);
	AUTO(fd_close) int cwd = TAKE_FD(r->cwd_fd);
	if (setns(mounts, CLONE_NEWNS) < 0 || fchdir(cwd) < 0)
		return err_sys(e, "come back to our own mount namespace");
	return 0;
}

/* As init does in a network namespace of its own; its other devices are who made them's. */
static int loopback_up(int pid, Arena *a, Err *e)
{
	AUTO(fd_close) int ours = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	AUTO(fd_close)
	int theirs = openat(AT_FDCWD, arena_printf(a, "/proc/%d/ns/net", pid), O_RDONLY | O_CLOEXEC);
	if (ours < 0 || theirs < 0 || setns(theirs, CLONE_NEWNET) < 0)
		return err_sys(e, "enter the network namespace of process %d", pid);
	int r = netlink_link_up(NETLINK_LOOPBACK, "lo", e);
	if (setns(ours, CLONE_NEWNET) < 0)
		return err_sys(e, "come back from the network namespace of process %d", pid);
	return r;
}

/* The first process is there, with its namespaces and nothing in them. */
static int namespaces_made(Restore *r, int pid, Err *e)
{
	OciMake *m = &r->m;
	TRY(runtime_record_process(&m->dir, &m->p.plan, pid, m->arena, e));
	if (m->p.plan.clone_flags & CLONE_NEWNET)
		TRY(loopback_up(pid, m->arena, e));
	TRY(runtime_hooks_run(&m->hooks, SPEC_HOOK_PRESTART, pid, m->arena, e));
	return runtime_hooks_run(&m->hooks, SPEC_HOOK_CREATE_RUNTIME, pid, m->arena, e);
}

static int told(void *arg, const CriuResponse *said, int fd, Err *e)
{
	Restore *r = arg;
	log_debug("criu: %s", said->script);
	TRY(mounts_leave(r, e));
	if (strcmp(said->script, "setup-namespaces") == 0)
		return namespaces_made(r, said->pid, e);
	if (strcmp(said->script, "orphan-pts-master") == 0 && fd >= 0) {
		fd_close_auto(&r->terminal_fd); /* the last one is the first process's */
		r->terminal_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (r->terminal_fd < 0)
			return err_sys(e, "keep the terminal");
	}
	return 0;
}

/* It ends what it has begun; what it could not is in the container's groups. */
static void rest_kill(const Restore *r)
{
	for (size_t i = 0; i < r->groups_count; i++)
		(void)cgroup_kill(r->m.p.plan.groups[i].dir, NULL); /* removing the groups says so */
}

static int make_by_criu(void *arg, const int *group_fds, const bool *group_v2, size_t count,
			Container *ret, Err *e)
{
	Restore *r = arg;
	CriuSession s = CRIU_SESSION_NONE;
	CriuResponse last = { 0 };
	Container c = CONTAINER_NONE;
	r->group_fds = group_fds;
	r->group_v2 = group_v2;
	r->groups_count = count;
	for (size_t i = 0; i < count; i++)
		if (group_v2[i])
			s.group_fd = group_fds[i];
	s.program = r->program;
	s.log = r->criu.log;
	s.keep_fds = r->ns_fds;
	s.keep_fds_count = r->ns_fds_count;
	s.signals = r->signals;
	s.prepare = criu_prepare;
	s.notify = told;
	s.arg = r;
	int n = mounts_enter(r, e);
	if (n == 0)
		n = criu_session(&s, CRIU_RESTORE, &r->criu.options, r->m.arena, &last, e);
	int left = mounts_leave(r, n < 0 ? NULL : e);
	n = n < 0 ? n : left;
	if (n == 0)
		n = process_open(last.pid, &c.pidfd, e);
	if (n < 0) {
		rest_kill(r);
		return n;
	}
	c.pid = last.pid;
	c.terminal_fd = TAKE_FD(r->terminal_fd);
	*ret = c;
	return 0;
}

/* ---- the command ---- */

static int restore(Restore *r, const RestoreOpts *o, Undo *undo, Err *e)
{
	OciMake *m = &r->m;
	TRY(oci_make_dir(m, undo, e));
	TRY(oci_make_start(m, o->make.pid_file, FD_NONE, r->signals, undo, e));
	if (m->p.bundle.spec.process.terminal && m->container.terminal_fd < 0)
		return err_make(e, ERR_STATE, 0, "the images hold no terminal, log file: %s",
				r->criu.log);
	TRY(oci_console_send(&o->console, &m->container, e));
	if (o->detach) {
		undo_commit(undo);
		return 0;
	}
	m->pid_file.is_new = false; /* it stays, as runc's does */
	TRY(oci_make_finish(m, r->signals, e));
	return m->exit_code;
}

static int restore_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const RestoreOpts *o = opts;
	AUTO(restore_close)
	Restore r = { .m = OCI_MAKE_NONE,
		      .criu = OCI_CRIU_NONE,
		      .terminal_fd = FD_NONE,
		      .mounts_fd = FD_NONE,
		      .cwd_fd = FD_NONE };
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(undo_run) Undo undo = UNDO_EMPTY;
	r.m.arena = a;
	r.program = oci_criu_program(g);
	TRY(oci_criu_check_user("restore", e));
	TRY(oci_make_plan(&r.m, g, &o->make, args->items[0], e));
	TRY(oci_criu_open(&o->criu, true, &r.m.p.bundle.spec, a, &r.criu, e));
	TRY(options_fill(&r, o, a, e));
	if (o->lsm_profile || o->lsm_mount_context)
		TRY(oci_criu_check_version(g, 31600, "--lsm-profile", a, e));
	bool terminal = r.m.p.bundle.spec.process.terminal;
	TRY(oci_console_check(&o->console, terminal, o->detach, e));
	TRY(wait_signals_block(terminal && !o->detach, &signals, e));
	r.signals = &signals;
	r.maker = (RuntimeMaker){ .make = make_by_criu, .arg = &r };
	r.m.maker = &r.maker;
	umask(022);
	return restore(&r, o, &undo, e);
}

const OciCmd oci_restore = {
	.name = "restore",
	.args = "ID",
	.summary = "Make a container from the images of a checkpoint",
	.opts = { oci_criu_opts, opts_table },
	.opts_size = sizeof(RestoreOpts),
	.min_args = 1,
	.max_args = 1,
	.run = restore_main,
};
