/* runc's `create`: everything is made, and the process waits for `start`. It is nobody's child here any more when we have ended. */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "oci/make.h"

typedef struct CreateOpts {
	OciMakeOpts make;
	const char *console_socket;
} CreateOpts;

static const Opt opts_table[] = {
	OPT_STR(0, "console-socket", CreateOpts, console_socket, "SOCKET",
		"The Unix socket that gets the descriptor of the container's terminal"),
	OPT_END,
};

static int console_check(const CreateOpts *o, const OciPlan *p, Err *e)
{
	bool terminal = p->bundle.spec.process.terminal;
	if (terminal && !o->console_socket)
		return err_make(e, ERR_USAGE, 0,
				"cannot allocate tty if runc will detach without setting console socket");
	if (!terminal && o->console_socket)
		return err_make(e, ERR_USAGE, 0,
				"cannot use console socket if runc will not detach or allocate tty");
	return 0;
}

/* Where `start` will come. Our copy is closed before we end, so it ends with the process. */
static int start_listen(const ContainerDir *dir, int *ret_fd, Err *e)
{
	const struct sockaddr_un at = oci_start_address(dir->fd);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1) < 0)
		return err_sys(e, "make the socket %s/%s", dir->path, OCI_START_SOCKET);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int descriptor_send(int socket, int fd, Err *e)
{
	union {
		struct cmsghdr header; /* for alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	char name[] = "/dev/ptmx";
	struct iovec iov = { .iov_base = name, .iov_len = sizeof name - 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof control.space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? err_sys(e, "send the terminal") : 0;
}

static int console_send(const char *path, int terminal, Err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (str_format(at.sun_path, sizeof at.sun_path, "%s", path) < 0)
		return err_make(e, ERR_USAGE, ENAMETOOLONG, "console socket '%s'", path);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return err_sys(e, "console socket '%s'", path);
	int r = descriptor_send(fd, terminal, e);
	return r < 0 ? err_wrap(e, r, "console socket '%s'", path) : 0;
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
	TRY(console_check(o, &m.p, e));
	TRY(wait_signals_block(false, &signals, e));
	umask(022);
	TRY(oci_make_dir(&m, &undo, e));
	TRY(start_listen(&m.dir, &start_fd, e));
	TRY(oci_make_start(&m, o->make.pid_file, start_fd, &signals, &undo, e));
	if (o->console_socket)
		TRY(console_send(o->console_socket, m.container.terminal_fd, e));
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
