#include "oci/make.h"

#include <signal.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "kern/wait_loop.h"
#include "oci/log.h"
#include "runtime/host_root.h"
#include "runtime/rdt.h"
#include "runtime/shared_parents.h"

#define KILL_MS 5000 /* that a killed process has to end */

int oci_fd_count_parse(const char *text, int64_t *ret, Err *e)
{
	uint32_t n;
	if (num_parse_u32(text, 1024, &n) < 0)
		return err_make(e, ERR_USAGE, 0, "is no number of descriptors");
	*ret = n;
	return 0;
}

const Opt oci_make_opts[] = {
	OPT_STR('b', "bundle", OciMakeOpts, bundle.dir, "DIR",
		"The bundle, the directory that holds config.json (default: the working directory)"),
	OPT_STR('f', "config", OciMakeOpts, bundle.config, "FILE",
		"The description in the bundle (default: config.json)"),
	OPT_FLAG(0, "no-new-keyring", OciMakeOpts, no_new_keyring,
		 "Leave the command the caller's session keyring"),
	OPT_FLAG(0, "no-pivot", OciMakeOpts, no_pivot,
		 "Move the root in place of a pivot_root(2), which an initial ramdisk does not allow"),
	OPT_STR(0, "pid-file", OciMakeOpts, pid_file, "FILE",
		"Write the number of the container's process there"),
	OPT_PARSE(0, "preserve-fds", OciMakeOpts, preserve_fds, int64_t, "N", oci_fd_count_parse,
		  "Pass on so many descriptors from 3 on"),
	OPT_END,
};

int oci_make_plan(OciMake *m, const OciGlobal *g, const OciMakeOpts *o, const char *id, Err *e)
{
	m->keep_fds = oci_listen_fds() + (unsigned)o->preserve_fds;
	TRY(oci_plan(g, &o->bundle, id, m->keep_fds, m->arena, &m->p, e));
	/* runc's rule and words: the host's mounts stay in the namespace. */
	if (o->no_pivot && (m->p.bundle.spec.linux_.root_propagation & MS_PRIVATE))
		return err_make(e, ERR_SPEC, 0,
				"linux.rootfsPropagation: rootfsPropagation of [r]private is not safe without pivot_root");
	if (o->no_pivot)
		m->p.plan.wire.head.flags |= WIRE_NO_PIVOT;
	if (o->no_new_keyring)
		m->p.plan.wire.head.flags &= ~(uint32_t)WIRE_NEW_KEYRING;
	m->hooks = runtime_hooks(m->p.bundle.spec.hooks, m->p.hook_state, &m->p.bundle.spec);
	return 0;
}

void oci_make_close(OciMake *m)
{
	oci_plan_close(&m->p);
	container_close(&m->container);
	fd_close_auto(&m->notify.socket);
	pid_file_close(&m->pid_file);
	container_dir_close(&m->dir);
	state_close(&m->state);
}

static void undo_dir(void *arg)
{
	OciMake *m = arg;
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	if (!m->dir.is_kept && state_remove(&m->state, &m->dir, &e) < 0)
		log_warn("remove the record of container %s: %s", m->p.id,
			 err_text(&e, text, sizeof text));
}

static void undo_pid_file(void *arg)
{
	const OciMake *m = arg;
	if (m->pid_file.is_new)
		(void)unlink(m->pid_file.path); /* gone already is as good */
}

/* runtime.md, "Lifecycle": after all else is taken back. */
static void undo_poststop(void *arg)
{
	const OciMake *m = arg;
	runtime_hooks_run_all(&m->hooks, SPEC_HOOK_POSTSTOP, m->arena);
}

static bool notify_ready(void *notify)
{
	return oci_notify_read(notify);
}

static int wait_for_end(OciMake *m, const WaitSignals *signals, Err *e)
{
	WaitEnd end;
	WaitOpts opts = {
		.pidfd = m->container.pidfd,
		.signals_fd = signals->fd,
		.forward_stdin = m->p.bundle.spec.process.terminal,
	};
	const WaitWatch watch = { m->notify.socket, notify_ready, &m->notify };
	if (m->notify.socket >= 0)
		opts.watch = &watch;
	m->notify.main_pid = getpid(); /* whoever waits for us */
	opts.take_master_fd = TAKE_FD(m->container.terminal_fd);
	TRY(process_wait_loop(&opts, &end, e));
	m->exit_code = process_end_code(&end.process);
	return 0;
}

int oci_make_finish(OciMake *m, const WaitSignals *signals, Err *e)
{
	CgroupMemory memory;
	ProcessEnd end;
	int waited = signals ? wait_for_end(m, signals, e) : 0;
	if (!signals || waited < 0) {
		(void)process_signal(m->container.pidfd, SIGKILL); /* ended already is as good */
		if (process_has_ended(m->container.pidfd, KILL_MS))
			(void)process_wait(m->container.pidfd, &end,
					   NULL); /* else what hangs stays, in its groups and on record */
	}
	m->lives = false;
	Err *own = waited < 0 ? NULL : e;
	int finished = m->is_kept && waited >= 0
			       ? runtime_kill_rest(&m->p.plan, &m->p.facts, &m->container, own)
			       : runtime_finish(&m->p.plan, &m->p.facts, &m->container, &memory,
						m->arena, own);
	m->dir.is_kept = finished < 0;
	return waited < 0 ? waited : finished;
}

static void undo_process(void *arg)
{
	OciMake *m = arg;
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	if (m->lives && oci_make_finish(m, NULL, &e) < 0)
		log_warn("end container %s: %s", m->p.id, err_text(&e, text, sizeof text));
}

static int record_make(OciMake *m, Err *e)
{
	char boot[BOOT_ID_SIZE];
	Plan *plan = &m->p.plan;
	TRY(boot_id(boot, e));
	TRY(shared_parents_find(&m->state, plan, m->arena, &plan->parents, e));
	Record record = {
		.id = m->p.id,
		.created = (uint64_t)time(NULL),
		.boot_id = boot,
		.parents = plan->parents,
		.unit = plan->unit.name,
		.is_user_unit = plan->unit.is_user,
		.annotations = m->p.bundle.spec.annotations,
		.annotations_count = m->p.bundle.spec.annotations_count,
		.stop_timeout = -1,
	};
	for (size_t i = 0; i < plan->groups_count; i++)
		strlist_add(m->arena, &record.groups, plan->groups[i].dir);
	rdt_look(&plan->rdt, &record);
	TRY(host_root_look(plan, &record, m->arena, e));
	return record_write(m->dir.fd, &record, m->arena, e);
}

int oci_make_dir(OciMake *m, Undo *undo, Err *e)
{
	TRY(state_open(m->p.state_dir, m->arena, &m->state, e));
	int n = state_add(&m->state, m->p.id, m->arena, &m->dir, e);
	if (n == -EEXIST)
		return err_make(e, ERR_EXISTS, 0, "container with given ID already exists: '%s'",
				m->p.id);
	TRY(n);
	undo_push(undo, undo_poststop, m);
	undo_push(undo, undo_dir, m);
	TRY(oci_container_save(m->dir.fd, &m->p, m->arena, e));
	TRY(oci_notify_dir(m->dir.fd, e));
	return record_make(m, e);
}

int oci_make_start(OciMake *m, const char *pid_file, int start_fd, WaitSignals *signals, Undo *undo,
		   Err *e)
{
	AUTO(timeline_close) TimelineShared timeline = TIMELINE_NONE;
	TRY(oci_debug_begin(&timeline, e));
	const RuntimeStart in = {
		.plan = &m->p.plan,
		.facts = &m->p.facts,
		.systemd = &m->p.systemd,
		.dir = &m->dir,
		.hooks = &m->hooks,
		.maker = m->maker,
		.state = m->p.hook_state,
		.signals = signals,
		.timeline = &timeline,
		.start_fd = start_fd,
		.arena = m->arena,
	};
	if (pid_file) {
		TRY(pid_file_open(pid_file, &m->pid_file, e));
		undo_push(undo, undo_pid_file, m);
	}
	int n = runtime_start(&in, &m->container, e);
	oci_debug_end(&timeline, false, n < 0);
	if (m->container.hangs)
		undo_commit(undo);
	TRY(n);
	m->lives = true;
	undo_push(undo, undo_process, m);
	return pid_file ? pid_file_write(&m->pid_file, m->container.pid, e) : 0;
}
