/* runc's `run` in the foreground: make.h, then the wait for its end, and everything is taken back. */
#include <sys/stat.h>
#include <unistd.h>

#include "kern/wait_loop.h"
#include "oci/make.h"

typedef struct RunOpts {
	const char *bundle, *pid_file;
	int64_t preserve_fds;
} RunOpts;

static const Opt opts_table[] = {
	OPT_STR('b', "bundle", RunOpts, bundle, "DIR",
		"The bundle, the directory that holds config.json (default: the working directory)"),
	OPT_STR(0, "pid-file", RunOpts, pid_file, "FILE",
		"Write the number of the container's process there"),
	OPT_PARSE(0, "preserve-fds", RunOpts, preserve_fds, int64_t, "N", oci_fd_count_parse,
		  "Pass on so many descriptors from 3 on"),
	OPT_END,
};

static int wait_and_finish(OciMake *m, const WaitSignals *signals, int *ret_code, Err *e)
{
	CgroupMemory memory;
	WaitEnd end;
	WaitOpts opts = {
		.pidfd = m->container.pidfd,
		.signals_fd = signals->fd,
		.forward_stdin = m->p.bundle.spec.process.terminal,
	};
	opts.take_master_fd = TAKE_FD(m->container.terminal_fd);
	int waited = process_wait_loop(&opts, &end, e);
	int finished = runtime_finish(&m->p.plan, &m->p.facts, &m->container, &memory,
				      waited < 0 ? NULL : e);
	m->dir.is_kept = finished < 0;
	TRY(waited);
	TRY(finished);
	*ret_code = process_end_code(&end.process);
	return 0;
}

static int run_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const RunOpts *o = opts;
	AUTO(oci_make_close) OciMake m = OCI_MAKE_NONE;
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(undo_run) Undo undo = UNDO_EMPTY;
	int code = 0;
	m.arena = a;
	TRY(oci_plan(g, o->bundle ? o->bundle : ".", args->items[0], (unsigned)o->preserve_fds, a,
		     &m.p, e));
	TRY(wait_signals_block(m.p.bundle.spec.process.terminal, &signals, e));
	umask(022);
	TRY(oci_make_dir(&m, &undo, e));
	TRY(oci_make_start(&m, o->pid_file, FD_NONE, &signals, &undo, e));
	for (int fd = 3; fd < 3 + (int)o->preserve_fds; fd++)
		(void)close(fd); /* they are the command's now: who reads the other end of a pipe waits for the end of all */
	TRY(wait_and_finish(&m, &signals, &code, e));
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
