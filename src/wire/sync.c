#include "wire/sync.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/wire.h"

/* The only message there is. Both ends come from one build, so its layout needs no version. */
typedef struct SyncMessage {
	uint32_t step;
	uint32_t fds; /* how many descriptors come with it: 0 or 1 */
	Err err;      /* of SYNC_FAILED; else empty */
} SyncMessage;

static const struct {
	const char *name, *text;
	SyncSide side;
	unsigned max_fds;
} steps[SYNC_STEP_COUNT] = {
#define SYNC_ROW(step, who, what, fds) [SYNC_##step] = { #step, what, SYNC_SIDE_##who, fds },
	SYNC_STEPS(SYNC_ROW)
#undef SYNC_ROW
};

const char *sync_step_name(SyncStep step)
{
	return step < SYNC_STEP_COUNT ? steps[step].name : "FAILED";
}

const char *sync_step_text(SyncStep step)
{
	return step < SYNC_STEP_COUNT ? steps[step].text : "gave up";
}

static const char *side_name(SyncSide side)
{
	return side == SYNC_SIDE_PARENT ? "the parent" : "init";
}

void sync_close(Sync *s)
{
	if (s->fd >= 0)
		fd_close(s->fd);
	*s = SYNC_NONE;
}

int sync_pair(Sync *ret_parent, Sync *ret_init, Err *e)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, "make the socket pair between parent and init");
	const unsigned absent = sync_absent(0);
	*ret_parent = (Sync){ .fd = fds[0], .side = SYNC_SIDE_PARENT, .absent = absent };
	*ret_init = (Sync){ .fd = fds[1], .side = SYNC_SIDE_INIT, .absent = absent };
	return 0;
}

unsigned sync_absent(uint32_t wire_flags)
{
	unsigned absent = 0;
	if (!(wire_flags & WIRE_FORK))
		absent |= 1u << SYNC_JOINED;
	if (!(wire_flags & WIRE_HOOKS))
		absent |= 1u << SYNC_MOUNTED | 1u << SYNC_HOOKED;
	return absent;
}

static unsigned step_due(const Sync *s)
{
	unsigned next = s->next;
	while (next < SYNC_STEP_COUNT && s->absent >> next & 1)
		next++;
	return next;
}

/* The step must be the next one and belong to `side`. */
static int step_check(const Sync *s, SyncStep step, SyncSide side, Err *e)
{
	unsigned due = step_due(s);
	if (step < SYNC_STEP_COUNT && step == due && steps[step].side == side)
		return 0;
	return err_make(e, ERR_BUG, EPROTO, "sync: step %s of %s where %s was due",
			sync_step_name(step), side_name(side), sync_step_name((SyncStep)due));
}

void sync_pass(Sync *s, SyncStep step)
{
	s->next = step + 1;
}

static int message_send(int socket, const SyncMessage *m, int fd, Err *e)
{
	union {
		struct cmsghdr header; /* for alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)m, .iov_len = sizeof *m };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof control.space;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	while (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EPIPE || errno == ECONNRESET)
			return err_make(e, ERR_STATE, EPIPE, "sync: the other side is gone");
		return err_sys(e, "sync: send %s", sync_step_name(m->step));
	}
	return 0;
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

/* Returns the bytes received (0 is end of file), with what came in *m and *ret_fd. */
static ssize_t message_receive(int socket, SyncMessage *m, int *ret_fd, Err *e)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = m, .iov_len = sizeof *m };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof control.space };
	ssize_t n;
	*m = (SyncMessage){ 0 };
	/* ECONNRESET, once: the peer died with a message of ours unread. What it had sent before is still there. */
	for (bool reset = false; (n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC)) < 0;) {
		if (errno == ECONNRESET && !reset)
			reset = true;
		else if (errno != EINTR)
			return err_sys(e, "sync: receive");
	}
	*ret_fd = n > 0 ? message_take_fd(&msg) : FD_NONE;
	if (n > 0 && (n != (ssize_t)sizeof *m || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
		      m->fds != (*ret_fd >= 0)))
		return err_make(e, ERR_BUG, EPROTO, "sync: a message of the wrong size");
	return n;
}

/* The peer's own Err, made safe: it may come from a compromised process. */
static int failure_take(const SyncMessage *m, Err *e)
{
	int r = m->err.sys ? -(int)m->err.sys : -EIO;
	if (!e)
		return r;
	*e = m->err;
	e->where[sizeof e->where - 1] = e->msg[sizeof e->msg - 1] = '\0';
	if (e->kind == ERR_OK || e->kind >= ERR_KIND_COUNT)
		e->kind = ERR_BUG;
	return r;
}

/* The peer is gone: if it said why, that is the error, else r and what *e says already. Does not wait: nothing more can come. */
static int failure_find(const Sync *s, int r, Err *e)
{
	SyncMessage m;
	AUTO(fd_close) int fd = FD_NONE;
	return message_receive(s->fd, &m, &fd, NULL) > 0 && m.step == SYNC_FAILED ? failure_take(&m, e)
										  : r;
}

int sync_send(Sync *s, SyncStep step, int fd, Err *e)
{
	TRY(step_check(s, step, s->side, e));
	if (fd >= 0 && steps[step].max_fds == 0)
		return err_make(e, ERR_BUG, EPROTO, "sync: step %s carries no descriptor",
				sync_step_name(step));
	SyncMessage m = { .step = step, .fds = fd >= 0 };
	int r = message_send(s->fd, &m, fd, e);
	if (r == -EPIPE)
		return failure_find(s, r, e);
	TRY(r);
	s->next = step + 1;
	return 0;
}

int sync_expect(Sync *s, SyncStep step, int *ret_fd, Err *e)
{
	SyncSide peer = s->side == SYNC_SIDE_PARENT ? SYNC_SIDE_INIT : SYNC_SIDE_PARENT;
	SyncMessage m;
	AUTO(fd_close) int fd = FD_NONE;

	TRY(step_check(s, step, peer, e));
	ssize_t n = message_receive(s->fd, &m, &fd, e);
	TRY(n);
	if (n == 0)
		return err_make(e, ERR_STATE, ECONNRESET, "%s ended before: %s", side_name(peer),
				sync_step_text(step));
	if (m.step == SYNC_FAILED)
		return failure_take(&m, e);
	TRY(step_check(s, (SyncStep)m.step, peer, e));
	if (m.fds > steps[step].max_fds || (fd >= 0 && !ret_fd))
		return err_make(e, ERR_BUG, EPROTO, "sync: step %s came with a descriptor",
				sync_step_name(step));
	s->next = step + 1;
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	return 0;
}

int sync_expect_exec(Sync *s, Err *e)
{
	SyncMessage m;
	AUTO(fd_close) int fd = FD_NONE;
	ssize_t n = message_receive(s->fd, &m, &fd, e);
	TRY(n);
	if (n == 0)
		return 0;
	if (m.step == SYNC_FAILED)
		return failure_take(&m, e);
	return err_make(e, ERR_BUG, EPROTO, "sync: step %s after the last one",
			sync_step_name((SyncStep)m.step));
}

/* Who reads before the end would take away what it has written itself: the byte that lets the command begin. */
int sync_expect_exec_pipe(int fd, Err *e)
{
	struct pollfd p = { .fd = fd };
	SyncMessage m;
	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the command's begin");
	ssize_t n = read(fd, &m, sizeof m);
	if (n < 0)
		return err_sys(e, "sync: receive");
	if (n == 0)
		return 0;
	if (n == (ssize_t)sizeof m && m.step == SYNC_FAILED)
		return failure_take(&m, e);
	return err_make(e, ERR_STATE, ECONNRESET,
			"the container's process ended before its command began");
}

int sync_failure(const Sync *s, int r, Err *e)
{
	return failure_find(s, r, e);
}

int sync_fail(Sync *s, const Err *why)
{
	SyncMessage m = { .step = SYNC_FAILED, .err = *why };
	if (s->fd >= 0 && s->is_pipe) /* one piece: it is smaller than PIPE_BUF */
		return write(s->fd, &m, sizeof m) < 0 ? -errno : 0;
	int r = s->fd >= 0 ? message_send(s->fd, &m, FD_NONE, NULL) : 0;
	return r == -EPIPE ? 0 : r;
}
