#include "kern/unix_socket.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/str.h"

int unix_connect(const char *path, int *ret_fd, Err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (str_format(at.sun_path, sizeof at.sun_path, "%s", path) < 0)
		return err_make(e, ERR_USAGE, ENAMETOOLONG, "connect");
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return err_sys(e, "connect");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The descriptor goes with the first byte; a long text may take several calls. */
int unix_send_fd(int socket, const char *text, int fd, Err *e)
{
	union {
		struct cmsghdr header; /* for alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof control.space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	while (iov.iov_len > 0) {
		ssize_t n = sendmsg(socket, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "send a descriptor");
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return 0;
}

int unix_send_packet(int socket, const void *bytes, size_t size, int fd, int flags, Err *e)
{
	union {
		struct cmsghdr header; /* for alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;
	if (fd >= 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof control.space;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	do
		n = sendmsg(socket, &msg, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_sys(e, "send a packet") : 0;
}

/* Takes the one descriptor out of a received message, whose control data has room for one header. More than one, which fit into its
 * padding, are closed: FD_NONE. */
static int message_take_fd(struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = FD_NONE;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return FD_NONE;
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof fd;
	for (size_t i = 0; i < count; i++) {
		fd_close_auto(&fd);
		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
	}
	if (count > 1) {
		fd_close(fd);
		return FD_NONE;
	}
	return fd;
}

ssize_t unix_receive_packet(int socket, void *bytes, size_t size, int *ret_fd, Err *e)
{
	union {
		struct cmsghdr header; /* for alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof control.space };
	ssize_t n;
	*ret_fd = FD_NONE;
	/* ECONNRESET, once: the other side went with a packet of ours unread. What it had sent before is still there. */
	for (bool reset = false; (n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC)) < 0;) {
		if (errno == ECONNRESET && !reset)
			reset = true;
		else if (errno != EINTR)
			return err_sys(e, "receive a packet");
	}
	AUTO(fd_close) int fd = n > 0 ? message_take_fd(&msg) : FD_NONE;
	if (n > 0 && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return err_make(e, ERR_BUG, EPROTO,
				"a packet of the wrong size, or with several descriptors, where %zu bytes are expected",
				size);
	*ret_fd = TAKE_FD(fd);
	return n;
}
