/* runc's `create`: everything is made, and the process waits for `start`. It is nobody's child here any more when we have ended. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/console.h"
#include "oci/make.h"

typedef struct CreateOpts {
	OciMakeOpts make;
	OciConsole console;
} CreateOpts;

static const Opt opts_table[] = { OCI_CONSOLE_OPTS(CreateOpts, console), OPT_END };

/* Where `start` will come. Both ends, so that the process waits without anybody at the other. Our copy is closed before we end, so it ends
 * with the process. */
static int gate_make(const ContainerDir *dir, int *ret_fd, Err *e)
{
	if (mkfifoat(dir->fd, OCI_START_FIFO, 0600) < 0)
		return err_sys(e, "make the FIFO %s/%s", dir->path, OCI_START_FIFO);
	AUTO(fd_close) int fd = openat(dir->fd, OCI_START_FIFO, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s/%s", dir->path, OCI_START_FIFO);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int create_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const CreateOpts *o = opts;
	AUTO(oci_make_close) OciMake m = OCI_MAKE_NONE;
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(undo_run) Undo undo = UNDO_EMPTY;
	AUTO(fd_close) int start_fd = FD_NONE;
	m.arena = a;
	TRY(oci_make_plan(&m, g, &o->make, args->items[0], e));
	TRY(oci_console_check(&o->console, m.p.bundle.spec.process.terminal, true, e));
	TRY(wait_signals_block(false, &signals, e));
	umask(022);
	TRY(oci_make_dir(&m, &undo, e));
	TRY(gate_make(&m.dir, &start_fd, e));
	TRY(oci_make_start(&m, o->make.pid_file, start_fd, &signals, &undo, e));
	TRY(oci_console_send(&o->console, &m.container, e));
	undo_commit(&undo);
	return 0;
}

const OciCmd oci_create = {
	.name = "create",
	.args = "ID",
	.summary = "Make a container of a bundle, all but its command's begin",
	.opts = { oci_make_opts, opts_table },
	.opts_size = sizeof(CreateOpts),
	.min_args = 1,
	.max_args = 1,
	.run = create_main,
};
