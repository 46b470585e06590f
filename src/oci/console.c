#include "oci/console.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

int oci_console_check(const OciConsole *c, bool terminal, bool detached, Err *e)
{
	if (terminal && detached && !c->socket)
		return err_make(e, ERR_USAGE, 0,
				"cannot allocate tty if runc will detach without setting console socket");
	if (c->socket && !(terminal && detached))
		return err_make(e, ERR_USAGE, 0,
				"cannot use console socket if runc will not detach or allocate tty");
	return 0;
}

static int descriptor_send(int socket, int fd, char *name, Err *e)
{
	union {
		struct cmsghdr header; /* for alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_base = name, .iov_len = strlen(name) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof control.space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? err_sys(e, "send a descriptor") : 0;
}

static int send_to(const char *path, int fd, char *name, const char *what, Err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (str_format(at.sun_path, sizeof at.sun_path, "%s", path) < 0)
		return err_make(e, ERR_USAGE, ENAMETOOLONG, "%s socket '%s'", what, path);
	AUTO(fd_close) int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0 || connect(socket_fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return err_sys(e, "%s socket '%s'", what, path);
	int r = descriptor_send(socket_fd, fd, name, e);
	return r < 0 ? err_wrap(e, r, "%s socket '%s'", what, path) : 0;
}

int oci_console_send(const OciConsole *c, const Container *container, Err *e)
{
	char terminal[] = "/dev/ptmx", process[] = "pidfd";
	if (c->socket)
		TRY(send_to(c->socket, container->terminal_fd, terminal, "console", e));
	if (c->pidfd_socket)
		TRY(send_to(c->pidfd_socket, container->pidfd, process, "pidfd", e));
	return 0;
}
