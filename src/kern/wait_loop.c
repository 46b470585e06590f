#include "kern/wait_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kern/tty.h"

/* The C library keeps some real-time signals to itself and hides them in its masks: the kernel's own 64 bits instead. */
#define BIT(sig)  (UINT64_C(1) << ((sig)-1))
#define VEOF_CHAR 4 /* ^D, what a new terminal has as its end-of-file character */
#define DRAIN_MS \
	200 /* how long output may be on its way after the process's end while somebody holds its terminal open */
#define DRAIN_BYTES (1u << 20) /* and how much: a terminal itself holds less than 64 KiB */
#define NOBODY_MS   100        /* how often to look whether somebody has opened it again */
#define CHUNK       4096       /* PIPE_BUF: after POLLOUT a pipe takes that much without blocking */

static const uint64_t never_blocked = BIT(SIGKILL) | BIT(SIGSTOP) | BIT(SIGCHLD) | BIT(SIGTTIN) |
				      BIT(SIGTTOU) | BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) |
				      BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) | BIT(SIGSYS);

int wait_signals_block(bool terminal, WaitSignals *ret, Err *e)
{
	uint64_t mask = ~never_blocked & ~(terminal ? 0 : BIT(SIGTSTP)), saved;
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	if (sigaction(SIGCHLD, &standard, NULL) <
	    0) /* a caller that ignores it would have the kernel reap our child */
		return err_sys(e, "reset SIGCHLD");
	if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, &saved, sizeof mask) < 0)
		return err_sys(e, "block signals");
	int fd = (int)syscall(SYS_signalfd4, -1, &mask, sizeof mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		int r = err_sys(e, "open a signalfd");
		(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved, NULL,
			      sizeof saved); /* as it was a moment ago */
		return r;
	}
	*ret = (WaitSignals){ .fd = fd, .saved = saved };
	return 0;
}

void wait_signals_restore(WaitSignals *s)
{
	if (s->fd < 0)
		return;
	fd_close(s->fd);
	s->fd = FD_NONE;
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &s->saved, NULL,
		      sizeof s->saved); /* cannot fail with a mask it gave out */
}

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
	bool out_gone;      /* nobody reads standard output any more: drop */
	bool line_is_begun; /* the last byte passed in was not a newline */
	bool nobody; /* no process had the terminal open a moment ago; poll(2) would not wait for one */
} Loop;

static void stop_ourselves(Loop *l)
{
	tty_restore(&l->tty);
	(void)raise(SIGSTOP); /* returns when we are continued */
	tty_make_raw_again(&l->tty);
	tty_copy_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO, l->master);
}

static void signal_handle(Loop *l, int sig)
{
	if (sig == SIGPIPE || sig == SIGURG)
		return;
	if (l->master >= 0 && sig == SIGTSTP)
		stop_ourselves(l);
	else if (l->master >= 0 && sig == SIGWINCH)
		tty_copy_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO, l->master);
	else
		(void)process_signal(l->opts->pidfd, sig); /* it may just have ended */
	if (l->master >= 0 &&
	    sig == SIGCONT) /* after a SIGSTOP, too, in which the shell has set a mode of its own */
		tty_make_raw_again(&l->tty);
}

static void signals_read(Loop *l)
{
	struct signalfd_siginfo info;
	while (read(l->opts->signals_fd, &info, sizeof info) == (ssize_t)sizeof info)
		signal_handle(l, (int)info.ssi_signo);
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

static void stdout_write(Loop *l)
{
	if (!flow_drain(&l->out, STDOUT_FILENO))
		l->out_gone = true;
	if (l->out_gone)
		l->out.len = 0;
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
	};
	if (poll(p, ARRAY_LEN(p), l->nobody ? NOBODY_MS : -1) < 0)
		return false; /* EINTR: somebody looked at us; all else cannot happen with these */
	l->nobody = false;
	if (p[1].revents)
		signals_read(l);
	if (p[2].revents & (POLLIN | POLLHUP)) /* POLLHUP comes unasked: what is still to be written must not be lost */
		l->nobody = l->out.len > 0 || !flow_fill(&l->out, l->master);
	if ((p[2].revents & POLLOUT) && !flow_drain(&l->in, l->master))
		l->in.len = 0;
	if (p[3].revents)
		stdin_read(l);
	if (p[4].revents)
		stdout_write(l);
	return p[0].revents != 0;
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

int process_wait_loop(const WaitOpts *opts, ProcessEnd *ret, Err *e)
{
	AUTO(loop_done)
	Loop l = { .opts = opts, .master = opts->take_master_fd, .tty = TTY_RAW_NONE };
	if (l.master >= 0)
		TRY(relay_start(&l, e));
	while (!turn(&l))
		;
	signals_read(&l);
	if (l.master >= 0)
		output_finish(&l);
	return process_wait(opts->pidfd, ret, e);
}
