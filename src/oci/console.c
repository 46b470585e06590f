#include "oci/console.h"

#include "base/fd.h"
#include "kern/unix_socket.h"

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

static int send_to(const char *path, int fd, const char *name, const char *what, Err *e)
{
	AUTO(fd_close) int socket = FD_NONE;
	int r = unix_connect(path, &socket, e);
	if (r == 0)
		r = unix_send_fd(socket, name, fd, e);
	return r < 0 ? err_wrap(e, r, "%s socket '%s'", what, path) : 0;
}

int oci_console_send(const OciConsole *c, const Container *container, Err *e)
{
	if (c->socket)
		TRY(send_to(c->socket, container->terminal_fd, "/dev/ptmx", "console", e));
	if (c->pidfd_socket)
		TRY(send_to(c->pidfd_socket, container->pidfd, "pidfd", "pidfd", e));
	return 0;
}
