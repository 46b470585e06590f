#include "criu/session.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "criu/group_options.h"
#include "kern/exec.h"
#include "kern/process.h"
#include "kern/sys.h"

#define MESSAGE_BYTES 65536
#define END_MS        10000 /* that criu has to end when nobody talks to it any more */

typedef struct Talk {
	const CriuSession *s;
	CriuKind kind;
	int socket, pidfd;
	Arena *arena;
	uint8_t *room;
} Talk;

static void talk_close_auto(Talk *t)
{
	fd_close_auto(&t->socket);
	fd_close_auto(&t->pidfd);
}

/* ---- criu's process ---- */

static int become_criu(const CriuSession *s, int socket, Err *e)
{
	char number[16], swrk[] = "swrk";
	char *const argv[] = { (char *)(uintptr_t)s->program, swrk, number, NULL };
	TRY(str_format(number, sizeof number, "%d", socket));
	if (s->prepare)
		TRY(s->prepare(s->arg, e));
	if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, "close what is not criu's");
	TRY(fd_keep_for_exec(socket, e));
	for (size_t i = 0; i < s->keep_fds_count; i++)
		TRY(fd_keep_for_exec(s->keep_fds[i], e));
	TRY(process_reset_signals(e));
	return exec_command(argv, environ, "", e);
}

static _Noreturn void child_main(const CriuSession *s, int socket, int said)
{
	Err e = { 0 };
	(void)become_criu(s, socket, &e); /* returned: it failed */
	(void)!write(said, &e, sizeof e); /* else it is missed as an early end */
	_exit(125);
}

/* The end of the pipe without a word is execve(2)'s doing. */
static int await_exec(int said, Err *e)
{
	Err theirs;
	ssize_t n = fd_read_up_to(said, &theirs, sizeof theirs);
	if (n < 0)
		return err_sys(e, "hear whether criu begins");
	if (n != (ssize_t)sizeof theirs)
		return 0;
	*e = theirs;
	return -(theirs.sys ? theirs.sys : EIO);
}

static int criu_start(Talk *t, Err *e)
{
	int ends[2], pipe_ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "make a socket pair for criu");
	t->socket = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int listen_fd = pipe_ends[0];
	AUTO(fd_close) int say_fd = pipe_ends[1];
	pid_t pid = process_clone(0, t->s->group_fd, &t->pidfd, e);
	TRY(pid);
	if (pid == 0)
		child_main(t->s, theirs, say_fd);
	fd_close(TAKE_FD(theirs));
	fd_close(TAKE_FD(say_fd));
	return await_exec(listen_fd, e);
}

/* ---- the conversation ---- */

static int say(const Talk *t, PbReader text, Err *e)
{
	if (send(t->socket, text.data, text.len, MSG_NOSIGNAL) < 0)
		return err_sys(e, "speak to criu");
	return 0;
}

static int take_fd(struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = FD_NONE;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

/* 0: it has hung up. */
static ssize_t hear(const Talk *t, int *ret_fd, Err *e)
{
	union {
		struct cmsghdr header; /* for alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = t->room, .iov_len = MESSAGE_BYTES };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof control.space };
	ssize_t n;
	if (t->s->signals)
		TRY(wait_signals_readable(t->s->signals, t->socket, e));
	do
		n = recvmsg(t->socket, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET)
		return err_sys(e, "listen to criu");
	if (n > 0)
		*ret_fd = take_fd(&msg);
	if (n > 0 && msg.msg_flags & MSG_TRUNC)
		return err_make(e, ERR_STATE, EMSGSIZE, "criu: its answer is too long");
	return n < 0 ? 0 : n;
}

static const char *log_name(const CriuSession *s)
{
	return s->log ? s->log : "none";
}

/* The log comes last: of a text that is too long the end stays. */
static int explain(const Talk *t, const CriuResponse *r, Err *e)
{
	char why[160];
	bool has_why = r->why && *r->why;
	(void)str_format(why, sizeof why, "%.*s", has_why ? (int)strcspn(r->why, "\n") : 0,
			 has_why ? r->why : ""); /* its begin will do */
	return err_make(e, ERR_STATE, 0, "criu failed: type %s errno %d%s%s, log file: %s",
			criu_kind_name(t->kind), r->number, has_why ? ": " : "",
			str_mask_controls(why), log_name(t->s));
}

static int notified(const Talk *t, const CriuResponse *r, int fd, Err *e)
{
	int n = t->s->notify ? t->s->notify(t->s->arg, r, fd, e) : 0;
	int told = say(t, criu_notified(n >= 0, t->arena), n < 0 ? NULL : e);
	return n < 0 ? n : told;
}

/* Until its last word. Who refuses a notification has said why, and waits for criu to take back what it has done. */
static int converse(Talk *t, CriuResponse *ret, Err *e)
{
	CriuResponse r = { 0 };
	int refused = 0;
	for (;;) {
		AUTO(fd_close) int fd = FD_NONE;
		ssize_t n = hear(t, &fd, refused ? NULL : e);
		if (n <= 0)
			return refused ? refused : n < 0 ? (int)n : -ECONNRESET;
		int got = criu_response((PbReader){ .data = t->room, .len = (size_t)n }, t->arena,
					&r, refused ? NULL : e);
		if (got < 0)
			return refused ? refused : got;
		if (!r.script)
			break;
		got = notified(t, &r, fd, refused ? NULL : e);
		if (got < 0 && !refused)
			refused = got;
	}
	if (refused)
		return refused;
	*ret = r;
	return r.success ? 0 : explain(t, &r, e);
}

/* It ends by itself when it is alone; what does not is killed. How it ended is the reason where it has given none. */
static int criu_end(Talk *t, int r, Err *e)
{
	ProcessEnd end;
	fd_close(TAKE_FD(t->socket));
	if (!process_has_ended(t->pidfd, END_MS))
		(void)process_signal(t->pidfd, SIGKILL); /* ended meanwhile is as good */
	bool is_reason = r == 0 || r == -ECONNRESET;
	int waited = process_wait(t->pidfd, &end, is_reason ? e : NULL);
	if (!is_reason)
		return r;
	TRY(waited);
	if (r == 0 && !end.by_signal && end.number == 0)
		return 0;
	return err_make(e, ERR_STATE, 0, "criu failed: type %s ended with %s %d, log file: %s",
			criu_kind_name(t->kind), end.by_signal ? "signal" : "status", end.number,
			log_name(t->s));
}

/* What it has done is done: that its host is not as it was is no reason to undo it. */
static void give_back(const char *options, Arena *a)
{
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	if (group_options_give_back(options, a, &e) < 0)
		log_warn("criu has changed the options of cgroup v2, which were %s: %s", options,
			 err_text(&e, text, sizeof text));
}

int criu_session(const CriuSession *s, CriuKind kind, const CriuOptions *o, Arena *a,
		 CriuResponse *ret, Err *e)
{
	AUTO(talk_close)
	Talk t = { .s = s,
		   .kind = kind,
		   .socket = FD_NONE,
		   .pidfd = FD_NONE,
		   .arena = a,
		   .room = arena_alloc(a, MESSAGE_BYTES) };
	CriuResponse r = { 0 };
	const char *group_options = NULL;
	if (o) /* it touches no group otherwise */
		TRY(group_options_read(a, &group_options, e));
	int n = criu_start(&t, e);
	if (n == 0)
		n = say(&t, criu_request(kind, o, a), e);
	if (n == 0)
		n = converse(&t, &r, e);
	if (t.pidfd >= 0)
		n = criu_end(&t, n, e);
	give_back(group_options, a);
	TRY(n);
	*ret = r;
	return 0;
}
