/* run - theory of operation
 *
 * runc's `run` in the foreground: all is decided first (plan.c); then the container's folder is made and locked and the record written that
 * names what will be made; only then the rest. Undo takes it back, and what a killed one leaves is found by the next command
 * (runtime/sweep.h).
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/undo.h"
#include "engine/id_files.h"
#include "kern/wait_loop.h"
#include "oci/oci.h"
#include "runtime/parent.h"
#include "runtime/record.h"
#include "runtime/shared_parents.h"
#include "runtime/state.h"
#include "runtime/sweep.h"

typedef struct RunOpts {
	const char *bundle, *pid_file;
	int64_t preserve_fds;
} RunOpts;

static int fd_count_parse(const char *text, int64_t *ret, Err *e)
{
	uint32_t n;
	if (num_parse_u32(text, 1024, &n) < 0)
		return err_make(e, ERR_USAGE, 0, "is no number of descriptors");
	*ret = n;
	return 0;
}

static const Opt opts_table[] = {
	OPT_STR('b', "bundle", RunOpts, bundle, "DIR",
		"The bundle, the directory that holds config.json (default: the working directory)"),
	OPT_STR(0, "pid-file", RunOpts, pid_file, "FILE",
		"Write the number of the container's process there"),
	OPT_PARSE(0, "preserve-fds", RunOpts, preserve_fds, int64_t, "N", fd_count_parse,
		  "Pass on so many descriptors from 3 on"),
	OPT_END,
};

typedef struct OciRun {
	OciPlan p;
	Arena *arena;
	State state;
	ContainerDir dir;
	Container container;
	PidFile pid_file;
	bool started;
} OciRun;

static void run_close_auto(OciRun *r)
{
	container_close(&r->container);
	pid_file_close(&r->pid_file);
	container_dir_close(&r->dir);
	state_close(&r->state);
}

static void undo_dir(void *arg)
{
	OciRun *r = arg;
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	if (!r->dir.is_kept && state_remove(&r->state, &r->dir, &e) < 0)
		log_warn("remove the record of container %s: %s", r->p.id,
			 err_text(&e, text, sizeof text));
}

static void undo_pid_file(void *arg)
{
	const OciRun *r = arg;
	if (!r->started && r->pid_file.is_new)
		(void)unlink(r->pid_file.path); /* gone already is as good */
}

static int record_make(OciRun *r, Err *e)
{
	char boot[BOOT_ID_SIZE];
	Plan *plan = &r->p.plan;
	TRY(boot_id(boot, e));
	TRY(shared_parents_find(&r->state, plan, r->arena, &plan->parents, e));
	Record record = {
		.id = r->p.id,
		.created = (uint64_t)time(NULL),
		.boot_id = boot,
		.parents = plan->parents,
		.annotations = r->p.bundle.spec.annotations,
		.annotations_count = r->p.bundle.spec.annotations_count,
		.stop_timeout = -1,
	};
	for (size_t i = 0; i < plan->groups_count; i++)
		strlist_add(r->arena, &record.groups, plan->groups[i].dir);
	return record_write(r->dir.fd, &record, r->arena, e);
}

/* An id whose container is dead is free: what is left of that one goes first. */
static int dir_make(OciRun *r, Undo *undo, Err *e)
{
	TRY(state_open(r->p.state_dir, r->arena, &r->state, e));
	int n = state_add(&r->state, r->p.id, r->arena, &r->dir, e);
	if (n == -EEXIST && sweep_one(&r->state, r->p.id, r->arena) == 0)
		n = state_add(&r->state, r->p.id, r->arena, &r->dir, e);
	if (n == -EEXIST)
		return err_make(e, ERR_EXISTS, 0, "container with given ID already exists: '%s'",
				r->p.id);
	TRY(n);
	undo_push(undo, undo_dir, r);
	return record_make(r, e);
}

static int start(OciRun *r, const char *pid_file, WaitSignals *signals, Undo *undo, Err *e)
{
	const TimelineShared untimed = TIMELINE_NONE;
	const RuntimeStart in = {
		.plan = &r->p.plan,
		.facts = &r->p.facts,
		.dir = &r->dir,
		.signals = signals,
		.timeline = &untimed,
		.arena = r->arena,
	};
	TRY(dir_make(r, undo, e));
	if (pid_file) {
		TRY(pid_file_open(pid_file, &r->pid_file, e));
		undo_push(undo, undo_pid_file, r);
	}
	int n = runtime_start(&in, &r->container, e);
	if (r->container.hangs)
		undo_commit(undo);
	TRY(n);
	r->started = true;
	return pid_file ? pid_file_write(&r->pid_file, r->container.pid, e) : 0;
}

static int wait_and_finish(OciRun *r, const WaitSignals *signals, int *ret_code, Err *e)
{
	CgroupMemory memory;
	WaitEnd end;
	WaitOpts opts = {
		.pidfd = r->container.pidfd,
		.signals_fd = signals->fd,
		.forward_stdin = r->p.bundle.spec.process.terminal,
	};
	opts.take_master_fd = TAKE_FD(r->container.terminal_fd);
	int waited = process_wait_loop(&opts, &end, e);
	int finished = runtime_finish(&r->p.plan, &r->p.facts, &r->container, &memory,
				      waited < 0 ? NULL : e);
	r->dir.is_kept = finished < 0;
	TRY(waited);
	TRY(finished);
	*ret_code = process_end_code(&end.process);
	return 0;
}

static int run_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const RunOpts *o = opts;
	AUTO(run_close)
	OciRun r = { .arena = a,
		     .state = STATE_NONE,
		     .dir = CONTAINER_DIR_NONE,
		     .container = CONTAINER_NONE,
		     .pid_file = PID_FILE_NONE };
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(undo_run) Undo undo = UNDO_EMPTY;
	int code = 0;
	TRY(oci_plan(g, o->bundle ? o->bundle : ".", args->items[0], (unsigned)o->preserve_fds, a,
		     &r.p, e));
	TRY(wait_signals_block(r.p.bundle.spec.process.terminal, &signals, e));
	umask(022);
	TRY(start(&r, o->pid_file, &signals, &undo, e));
	for (int fd = 3; fd < 3 + (int)o->preserve_fds; fd++)
		(void)close(fd); /* they are the command's now: who reads the other end of a pipe waits for the end of all */
	sweep_all(&r.state, r.p.id, log_warn, a);
	TRY(wait_and_finish(&r, &signals, &code, e));
	return code;
}

const OciCmd oci_run = {
	.name = "run",
	.args = "ID",
	.summary = "Run a bundle in the foreground",
	.opts = { opts_table },
	.opts_size = sizeof(RunOpts),
	.min_args = 1,
	.max_args = 1,
	.run = run_main,
};
