#include "wire/sync.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kern/unix_socket.h"
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
	int r = unix_send_packet(socket, m, sizeof *m, fd, 0, e);
	if (r == -EPIPE || r == -ECONNRESET)
		return err_make(e, ERR_STATE, EPIPE, "sync: the other side is gone");
	return r < 0 ? err_wrap(e, r, "sync: send %s", sync_step_name(m->step)) : 0;
}

/* Returns the bytes received (0 is end of file), with what came in *m and *ret_fd. */
static ssize_t message_receive(int socket, SyncMessage *m, int *ret_fd, Err *e)
{
	*m = (SyncMessage){ 0 };
	ssize_t n = unix_receive_packet(socket, m, sizeof *m, ret_fd, e);
	if (n < 0)
		return err_wrap(e, (int)n, "sync");
	if (n > 0 && (n != (ssize_t)sizeof *m || m->fds != (*ret_fd >= 0)))
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
