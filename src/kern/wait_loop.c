#include "kern/wait_loop.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "kern/tty.h"

#define VEOF_CHAR 4 /* ^D, what a new terminal has as its end-of-file character */
#define DRAIN_MS \
	200 /* how long output may be on its way after the process's end while somebody holds its terminal open */
#define DRAIN_BYTES (1u << 20) /* and how much: a terminal itself holds less than 64 KiB */
#define NOBODY_MS   100        /* how often to look whether somebody has opened it again */
#define CHUNK       4096       /* PIPE_BUF: after POLLOUT a pipe takes that much without blocking */
#define NEVER       INT64_MAX

/* One direction of the relay. */
typedef struct Flow {
	char data[CHUNK];
	size_t start, len;
} Flow;

typedef struct Loop {
	const WaitOpts *opts;
	int master; /* FD_NONE: no terminal, or the user's is gone */
	TtyRaw tty;
	Flow in, out; /* standard input to master, master to standard output */
	bool in_open; /* standard input may still give something */
	bool in_is_tty;
	bool out_gone;      /* nobody reads standard output, or not any more: drop */
	bool line_is_begun; /* the last byte passed in was not a newline */
	bool nobody; /* no process had the terminal open a moment ago; poll(2) would not wait for one */
	int64_t timeout_at, kill_at; /* in milliseconds of the monotonic clock, or NEVER */
	bool timed_out;
	bool watched; /* and no more of it is wanted */
	int stopped_by;
	WaitSignal passed;
} Loop;

static int64_t now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* which every Linux has */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t ms_after(int64_t seconds)
{
	return seconds > INT64_MAX / 2000 ? NEVER : now_ms() + seconds * 1000;
}

/* How long poll(2) may wait. */
static int wait_ms(const Loop *l)
{
	int64_t first = l->timeout_at < l->kill_at ? l->timeout_at : l->kill_at;
	int64_t most = l->nobody ? NOBODY_MS : INT_MAX;
	if (first == NEVER)
		return l->nobody ? NOBODY_MS : -1;
	int64_t left = first - now_ms();
	return left < 0 ? 0 : (int)(left < most ? left : most);
}

static void process_kill(const Loop *l)
{
	(void)process_signal(l->opts->pidfd, SIGKILL); /* it may just have ended */
}

static void deadlines_check(Loop *l)
{
	if (l->timeout_at == NEVER && l->kill_at == NEVER)
		return;
	int64_t now = now_ms();
	if (now < l->timeout_at && now < l->kill_at)
		return;
	l->timed_out = l->timed_out || now >= l->timeout_at;
	l->timeout_at = l->kill_at = NEVER;
	process_kill(l);
}

static void stop_ourselves(Loop *l)
{
	tty_restore(&l->tty);
	(void)raise(SIGSTOP); /* returns when we are continued */
	tty_make_raw_again(&l->tty);
	tty_copy_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO, l->master);
}

/* With own_signals: what would end us ends the process. */
static void signal_keep(Loop *l, int sig)
{
	if (!wait_signals_would_end_us(sig))
		return;
	if (l->stopped_by) {
		process_kill(l);
		return;
	}
	l->stopped_by = sig;
	if (l->opts->stop_timeout >= 0)
		l->kill_at = ms_after(l->opts->stop_timeout);
	(void)process_signal(l->opts->pidfd, l->opts->stop_signal); /* it may just have ended */
}

static void signal_pass_on(Loop *l, const struct signalfd_siginfo *info)
{
	int sig = (int)info->ssi_signo;
	if (process_signal(l->opts->pidfd, sig) == 0) /* else it has just ended */
		l->passed = (WaitSignal){ .number = sig, .pid = (pid_t)info->ssi_pid, .uid = info->ssi_uid };
}

static void signal_handle(Loop *l, const struct signalfd_siginfo *info)
{
	int sig = (int)info->ssi_signo;
	if (sig == SIGPIPE || sig == SIGURG)
		return;
	if (l->master >= 0 && sig == SIGTSTP)
		stop_ourselves(l);
	else if (l->master >= 0 && sig == SIGWINCH)
		tty_copy_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO, l->master);
	else if (l->opts->own_signals)
		signal_keep(l, sig);
	else
		signal_pass_on(l, info);
	if (l->master >= 0 &&
	    sig == SIGCONT) /* after a SIGSTOP, too, in which the shell has set a mode of its own */
		tty_make_raw_again(&l->tty);
}

static void signals_read(Loop *l)
{
	struct signalfd_siginfo info;
	while (read(l->opts->signals_fd, &info, sizeof info) == (ssize_t)sizeof info)
		signal_handle(l, &info);
}

/* Reads into an empty flow. Returns false at the end of file (for a master: EIO, when all have closed the terminal). */
static bool flow_fill(Flow *f, int fd)
{
	ssize_t n = read(fd, f->data, sizeof f->data);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	f->start = 0;
	f->len = (size_t)n;
	return n > 0;
}

/* Writes some. Returns false when nobody will ever read it. */
static bool flow_drain(Flow *f, int fd)
{
	ssize_t n = write(fd, f->data + f->start, f->len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	f->start += (size_t)n;
	f->len -= (size_t)n;
	return true;
}

/* The user's terminal is gone, so the command's goes, too: who runs there gets SIGHUP from the kernel, and errors from then on. */
static void hang_up(Loop *l)
{
	fd_close(TAKE_FD(l->master));
	l->in.len = l->out.len = 0;
}

/* An empty line is the end of file for who reads a terminal: after a begun line the first character only ends that. */
static void stdin_end(Loop *l)
{
	l->in_open = false;
	if (l->in_is_tty) {
		hang_up(l);
		return;
	}
	l->in.start = 0;
	l->in.len = 0;
	if (l->line_is_begun)
		l->in.data[l->in.len++] = VEOF_CHAR;
	l->in.data[l->in.len++] = VEOF_CHAR;
}

static void stdin_read(Loop *l)
{
	if (!flow_fill(&l->in, STDIN_FILENO)) {
		stdin_end(l);
		return;
	}
	if (l->in.len > 0)
		l->line_is_begun = l->in.data[l->in.start + l->in.len - 1] != '\n';
}

static void output_drop(Loop *l)
{
	if (l->out_gone)
		l->out.len = 0;
}

static void stdout_write(Loop *l)
{
	if (!flow_drain(&l->out, STDOUT_FILENO)) {
		l->out_gone = true;
		if (errno != EPIPE && errno != EIO) /* a pipe or terminal without anybody at its other end */
			log_warn("write standard output: %s; what follows is lost", strerror(errno));
	}
	output_drop(l);
}

/* Returns false when nobody has the terminal open. */
static bool master_read(Loop *l)
{
	bool open = flow_fill(&l->out, l->master);
	output_drop(l);
	return open;
}

/* One turn. Returns true when the process has ended. */
static bool turn(Loop *l)
{
	const WaitOpts *o = l->opts;
	bool relay = l->master >= 0;
	short master = (short)((l->out.len == 0 ? POLLIN : 0) | (l->in.len > 0 ? POLLOUT : 0));
	struct pollfd p[] = {
		{ .fd = o->pidfd, .events = POLLIN },
		{ .fd = o->signals_fd, .events = POLLIN },
		{ .fd = relay && master && !l->nobody ? l->master : FD_NONE, .events = master },
		{ .fd = relay && l->in_open && l->in.len == 0 ? STDIN_FILENO : FD_NONE, .events = POLLIN },
		{ .fd = l->out.len > 0 ? STDOUT_FILENO : FD_NONE, .events = POLLOUT },
		{ .fd = o->watch && !l->watched ? o->watch->fd : FD_NONE, .events = POLLIN },
	};
	if (poll(p, ARRAY_LEN(p), wait_ms(l)) < 0)
		return false; /* EINTR: somebody looked at us; all else cannot happen with these */
	l->nobody = false;
	if (p[1].revents)
		signals_read(l);
	if (p[2].revents & (POLLIN | POLLHUP)) /* POLLHUP comes unasked: what is still to be written must not be lost */
		l->nobody = l->out.len > 0 || !master_read(l);
	if ((p[2].revents & POLLOUT) && !flow_drain(&l->in, l->master))
		l->in.len = 0;
	if (p[3].revents)
		stdin_read(l);
	if (p[4].revents)
		stdout_write(l);
	if (p[5].revents && o->watch)
		l->watched = o->watch->ready(o->watch->arg);
	if (p[0].revents)
		return true;
	deadlines_check(l);
	return false;
}

/* One turn after the process's end. Returns false when no more is to be expected, or when somebody does not want to wait for it. */
static bool finish_turn(Loop *l, size_t *passed)
{
	bool is_writing = l->out.len > 0;
	struct pollfd p[] = {
		{ .fd = is_writing ? STDOUT_FILENO : l->master, .events = is_writing ? POLLOUT : POLLIN },
		{ .fd = l->opts->signals_fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int n = poll(p, ARRAY_LEN(p), is_writing ? -1 : DRAIN_MS);
	if (n < 0)
		return errno == EINTR;
	if (n == 0)
		return false;
	if (p[1].revents && read(l->opts->signals_fd, &info, sizeof info) == (ssize_t)sizeof info &&
	    (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP ||
	     info.ssi_signo == SIGQUIT))
		return false;
	if (!p[0].revents)
		return true;
	if (is_writing) {
		stdout_write(l);
		return true;
	}
	bool more = *passed < DRAIN_BYTES && flow_fill(&l->out, l->master);
	*passed += l->out.len;
	output_drop(l);
	return more;
}

/* What the process wrote before its end is still on its way through the terminal: up to EIO it is complete. Who else holds the terminal
 * open (a process outside of the container's pid namespace) has a moment. */
static void output_finish(Loop *l)
{
	size_t passed = 0;
	while (finish_turn(l, &passed))
		;
}

static int relay_start(Loop *l, Err *e)
{
	int flags = fcntl(l->master, F_GETFL);
	if (flags < 0 || fcntl(l->master, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "make the terminal's master non-blocking");
	l->in_open = l->opts->forward_stdin;
	l->in_is_tty = isatty(STDIN_FILENO);
	if (l->opts->forward_stdin)
		TRY(tty_make_raw(STDIN_FILENO, &l->tty, e));
	tty_copy_size(l->in_is_tty ? STDIN_FILENO : STDOUT_FILENO, l->master);
	return 0;
}

static void loop_done_auto(Loop *l)
{
	tty_restore(&l->tty);
	fd_close_auto(&l->master);
}

int process_wait_loop(const WaitOpts *opts, WaitEnd *ret, Err *e)
{
	AUTO(loop_done)
	Loop l = {
		.opts = opts,
		.master = opts->take_master_fd,
		.tty = TTY_RAW_NONE,
		.out_gone = opts->drop_output,
		.timeout_at = opts->timeout > 0 ? ms_after(opts->timeout) : NEVER,
		.kill_at = NEVER,
	};
	ProcessEnd end;
	if (l.master >= 0)
		TRY(relay_start(&l, e));
	while (!turn(&l))
		;
	if (l.master >= 0)
		output_finish(&l);
	TRY(process_wait(opts->pidfd, &end, e));
	*ret = (WaitEnd){
		.process = end, .timed_out = l.timed_out, .stopped_by = l.stopped_by, .passed = l.passed
	};
	return 0;
}
