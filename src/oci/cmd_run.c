/* runc's `run` in the foreground: make.h, then the wait for its end, and everything is taken back. */
#include <sys/stat.h>
#include <unistd.h>

#include "oci/make.h"

static int run_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const OciMakeOpts *o = opts;
	AUTO(oci_make_close) OciMake m = OCI_MAKE_NONE;
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(undo_run) Undo undo = UNDO_EMPTY;
	m.arena = a;
	TRY(oci_make_plan(&m, g, o, args->items[0], e));
	TRY(wait_signals_block(m.p.bundle.spec.process.terminal, &signals, e));
	umask(022);
	TRY(oci_make_dir(&m, &undo, e));
	TRY(oci_make_start(&m, o->pid_file, FD_NONE, &signals, &undo, e));
	for (int fd = 3; fd < 3 + (int)o->preserve_fds; fd++)
		(void)close(fd); /* they are the command's now: who reads the other end of a pipe waits for the end of all */
	m.pid_file.is_new = false; /* it stays, as runc's does */
	TRY(oci_make_finish(&m, &signals, e));
	return m.exit_code;
}

const OciCmd oci_run = {
	.name = "run",
	.args = "ID",
	.summary = "Run a bundle in the foreground",
	.opts = { oci_make_opts },
	.opts_size = sizeof(OciMakeOpts),
	.min_args = 1,
	.max_args = 1,
	.run = run_main,
};
