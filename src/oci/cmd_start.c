/* runc's `start`. A byte through the FIFO lets the command begin, and the end of the other side is that; what comes back says why it could
 * not. Who starts holds the FIFO's lock: the next one comes too late. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "kern/process.h"
#include "oci/container.h"
#include "oci/notify.h"
#include "runtime/hooks.h"
#include "wire/sync.h"

/* The writing end can only be opened while the process waits: nobody else has the other one. */
static int gate_open(const OciContainer *c, Err *e)
{
	const int flags = O_NONBLOCK | O_NOFOLLOW;
	AUTO(fd_close) int in = openat(c->dir_fd, OCI_START_FIFO, O_WRONLY | O_CLOEXEC | flags);
	AUTO(fd_close)
	int out = in < 0 ? FD_NONE : openat(c->dir_fd, OCI_START_FIFO, O_RDONLY | O_CLOEXEC | flags);
	if (out < 0)
		return errno == ENXIO || errno == ENOENT
			       ? -EALREADY
			       : err_sys(e, "open %s of container %s", OCI_START_FIFO, c->id);
	if (flock(out, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? -EALREADY
			       : err_sys(e, "lock %s of container %s", OCI_START_FIFO, c->id);
	TRY(fd_write_all(in, "", 1, OCI_START_FIFO, e));
	fd_close(TAKE_FD(in)); /* the end is the other side's */
	return sync_expect_exec_pipe(out, e);
}

/* runtime.md, "Lifecycle", step 9: one that fails ends the container. */
static int poststart(const OciContainer *c, Arena *a, Err *e)
{
	Spec s;
	if (!c->has_hooks)
		return 0;
	TRY(oci_container_spec(c, a, &s, e));
	const RuntimeHooks hooks = runtime_hooks(s.hooks,
						 runtime_hooks_state(c->id, c->bundle, &s, a), &s);
	int r = runtime_hooks_run(&hooks, SPEC_HOOK_POSTSTART, c->pid, a, e);
	if (r < 0)
		(void)process_signal(c->pidfd, SIGKILL); /* ended already is as good */
	return r;
}

static void notify_close_auto(OciNotify *n)
{
	fd_close_auto(&n->socket);
}

static int start_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	(void)opts;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	if (c.status == OCI_STOPPED)
		return err_make(e, ERR_STATE, 0, "cannot start a container that has stopped");
	AUTO(notify_close) OciNotify notify = OCI_NOTIFY_NONE;
	if (c.status == OCI_CREATED)
		TRY(oci_notify_bind(c.dir_fd, &notify, e));
	int r = c.status == OCI_CREATED ? gate_open(&c, e) : -EALREADY;
	if (r == -EALREADY)
		return err_make(e, ERR_STATE, 0,
				c.status == OCI_CREATING
					? "cannot start a container that is being created"
					: "cannot start an already running container");
	if (unlinkat(c.dir_fd, OCI_START_FIFO, 0) < 0 && errno != ENOENT && r >= 0)
		return err_sys(e, "remove %s of container %s", OCI_START_FIFO, c.id);
	TRY(r);
	TRY(poststart(&c, a, e));
	notify.main_pid = c.pid;
	oci_notify_await(&notify, c.pidfd);
	return 0;
}

const OciCmd oci_start = {
	.name = "start",
	.args = "ID",
	.summary = "Let the command of a created container begin",
	.min_args = 1,
	.max_args = 1,
	.run = start_main,
};
