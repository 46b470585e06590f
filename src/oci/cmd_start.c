/* runc's `start`. The connection is the whole conversation: its end is the command's begin, a message why it could not. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kern/process.h"
#include "oci/container.h"
#include "runtime/hooks.h"
#include "runtime/parent.h"

static int start_connect(const OciContainer *c, int *ret_fd, Err *e)
{
	const struct sockaddr_un at = oci_start_address(c->dir_fd);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "make a socket");
	if (connect(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return errno == ECONNREFUSED || errno == ENOENT
			       ? -EALREADY
			       : err_sys(e, "speak to container %s", c->id);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* runtime.md, "Lifecycle", step 9: one that fails ends the container. */
static int poststart(const OciContainer *c, Arena *a, Err *e)
{
	Spec s;
	if (!c->has_hooks)
		return 0;
	TRY(oci_container_spec(c, a, &s, e));
	const RuntimeHooks hooks = {
		.of_kind = s.hooks,
		.state = runtime_hooks_state(c->id, c->bundle, &s, a),
	};
	int r = runtime_hooks_run(&hooks, SPEC_HOOK_POSTSTART, c->pid, a, e);
	if (r < 0)
		(void)process_signal(c->pidfd, SIGKILL); /* ended already is as good */
	return r;
}

static int start_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	AUTO(fd_close) int conn = FD_NONE;
	(void)opts;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	if (c.status == OCI_STOPPED)
		return err_make(e, ERR_STATE, 0, "cannot start a container that has stopped");
	int r = c.status == OCI_CREATED ? start_connect(&c, &conn, e) : -EALREADY;
	if (r == -EALREADY)
		return err_make(e, ERR_STATE, 0,
				c.status == OCI_CREATING
					? "cannot start a container that is being created"
					: "cannot start an already running container");
	TRY(r);
	r = runtime_begin(conn, e);
	if (unlinkat(c.dir_fd, OCI_START_SOCKET, 0) < 0 && errno != ENOENT && r >= 0)
		return err_sys(e, "remove %s of container %s", OCI_START_SOCKET, c.id);
	return r < 0 ? r : poststart(&c, a, e);
}

const OciCmd oci_start = {
	.name = "start",
	.args = "ID",
	.summary = "Let the command of a created container begin",
	.min_args = 1,
	.max_args = 1,
	.run = start_main,
};
