/* runc's `run`: make.h, then the wait for its end, and everything is taken back; or, with --detach, `create` and `start` in one. */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/console.h"
#include "oci/make.h"

typedef struct RunOpts {
	OciMakeOpts make;
	OciConsole console;
	bool detach, keep;
} RunOpts;

static const Opt opts_table[] = {
	OCI_CONSOLE_OPTS(RunOpts, console),
	OPT_FLAG('d', "detach", RunOpts, detach, "Do not wait for the container's end"),
	OPT_FLAG(0, "keep", RunOpts, keep, "Leave the container on record when it has ended"),
	OPT_END,
};

static int run(OciMake *m, const RunOpts *o, WaitSignals *signals, Undo *undo, Err *e)
{
	TRY(oci_make_dir(m, undo, e));
	if (o->detach)
		m->p.plan.wire.head.flags |= WIRE_OUTLIVES;
	TRY(oci_notify_bind(m->dir.fd, &m->notify, e));
	TRY(oci_make_start(m, o->make.pid_file, FD_NONE, signals, undo, e));
	TRY(oci_console_send(&o->console, &m->container, e));
	TRY(runtime_hooks_run(&m->hooks, SPEC_HOOK_POSTSTART, m->container.pid, m->arena, e));
	if (o->detach) {
		undo_commit(undo);
		m->notify.main_pid = m->container.pid;
		oci_notify_await(&m->notify, m->container.pidfd);
		return 0;
	}
	for (int fd = 3; fd < 3 + (int)m->keep_fds; fd++)
		(void)close(fd); /* they are the command's now: who reads the other end of a pipe waits for the end of all */
	m->pid_file.is_new = false; /* it stays, as runc's does */
	m->is_kept = o->keep;
	TRY(oci_make_finish(m, signals, e));
	if (o->keep)
		undo_commit(undo);
	return m->exit_code;
}

static int run_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const RunOpts *o = opts;
	AUTO(oci_make_close) OciMake m = OCI_MAKE_NONE;
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(undo_run) Undo undo = UNDO_EMPTY;
	m.arena = a;
	TRY(oci_make_plan(&m, g, &o->make, args->items[0], e));
	bool terminal = m.p.bundle.spec.process.terminal;
	TRY(oci_console_check(&o->console, terminal, o->detach, e));
	TRY(wait_signals_block(terminal && !o->detach, &signals, e));
	umask(022);
	return run(&m, o, &signals, &undo, e);
}

const OciCmd oci_run = {
	.name = "run",
	.args = "ID",
	.summary = "Run a bundle in the foreground",
	.opts = { oci_make_opts, opts_table },
	.opts_size = sizeof(RunOpts),
	.min_args = 1,
	.max_args = 1,
	.run = run_main,
};
