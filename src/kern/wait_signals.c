#include "kern/wait_signals.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The C library keeps some real-time signals to itself and hides them in its masks: the kernel's own 64 bits instead. */
#define BIT(sig) (UINT64_C(1) << ((sig)-1))

static const uint64_t never_blocked = BIT(SIGKILL) | BIT(SIGSTOP) | BIT(SIGCHLD) | BIT(SIGTTIN) |
				      BIT(SIGTTOU) | BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) |
				      BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) | BIT(SIGSYS);

/* With fd -1 a new signalfd, else that one takes other signals from now on. */
static int signalfd_set(int fd, uint64_t mask)
{
	return (int)syscall(SYS_signalfd4, fd, &mask, sizeof mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

int wait_signals_block(bool terminal, WaitSignals *ret, Err *e)
{
	uint64_t mask = ~never_blocked & ~(terminal ? 0 : BIT(SIGTSTP)), saved;
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	if (sigaction(SIGCHLD, &standard, NULL) <
	    0) /* a caller that ignores it would have the kernel reap our child */
		return err_sys(e, "reset SIGCHLD");
	if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, &saved, sizeof mask) < 0)
		return err_sys(e, "block signals");
	int fd = signalfd_set(-1, mask);
	if (fd < 0) {
		int r = err_sys(e, "open a signalfd");
		(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved, NULL,
			      sizeof saved); /* as it was a moment ago */
		return r;
	}
	*ret = (WaitSignals){ .fd = fd, .mask = mask, .saved = saved };
	return 0;
}

/* The next pending one, or 0. */
static int signal_take(const WaitSignals *s)
{
	struct signalfd_siginfo info;
	return read(s->fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

void wait_signals_restore(WaitSignals *s)
{
	if (s->fd < 0)
		return;
	while (signal_take(s) != 0)
		;
	fd_close(s->fd);
	s->fd = FD_NONE;
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &s->saved, NULL,
		      sizeof s->saved); /* cannot fail with a mask it gave out */
}

bool wait_signals_would_end_us(int sig)
{
	struct sigaction now;
	static const uint64_t harmless = BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH) |
					 BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU);
	if (harmless & BIT(sig))
		return false;
	return sigaction(sig, NULL, &now) < 0 || now.sa_handler != SIG_IGN;
}

static uint64_t giving_up(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	uint64_t mask = 0;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (wait_signals_would_end_us(signals[i]))
			mask |= BIT(signals[i]);
	return mask;
}

/* Some signal is pending: from now on only those that end the wait wake us. */
static int signals_narrow(const WaitSignals *s, Err *e)
{
	return signalfd_set(s->fd, giving_up()) < 0 ? err_sys(e, "narrow the signalfd") : 0;
}

static int socket_wait(WaitSignals *s, int socket, short events, int pidfd, bool *narrow, Err *e)
{
	for (;;) {
		struct pollfd p[] = { { .fd = socket, .events = events }, /* its end comes unasked */
				      { .fd = s->fd, .events = POLLIN },
				      { .fd = pidfd, .events = POLLIN } };
		if (poll(p, ARRAY_LEN(p), -1) < 0) {
			if (errno != EINTR)
				return err_sys(e, "wait for a socket");
			continue;
		}
		if (p[0].revents || p[2].revents)
			return 0;
		if (!*narrow) {
			TRY(signals_narrow(s, e));
			*narrow = true;
			continue;
		}
		s->ended_by = signal_take(s);
		if (s->ended_by)
			return err_make(e, ERR_STATE, EINTR, "interrupted");
	}
}

static int socket_await(WaitSignals *s, int socket, short events, int pidfd, Err *e)
{
	bool narrow = false;
	int r = socket_wait(s, socket, events, pidfd, &narrow, e);
	if (narrow && signalfd_set(s->fd, s->mask) < 0 && r >= 0)
		return err_sys(e, "widen the signalfd");
	return r;
}

int wait_signals_hangup(WaitSignals *s, int socket, Err *e)
{
	return socket_await(s, socket, 0, FD_NONE, e);
}

int wait_signals_readable(WaitSignals *s, int socket, Err *e)
{
	return socket_await(s, socket, POLLIN, FD_NONE, e);
}

int wait_signals_word(WaitSignals *s, int socket, int pidfd, Err *e)
{
	struct pollfd p = { .fd = socket, .events = POLLIN };
	TRY(socket_await(s, socket, POLLIN, pidfd, e));
	int n;
	while ((n = poll(&p, 1, 0)) < 0 && errno == EINTR) /* it may have spoken and ended meanwhile */
		;
	if (n < 0)
		return err_sys(e, "look at a socket");
	return n > 0 ? 0 : err_make(e, ERR_STATE, ECONNRESET, "a process ended without a word");
}
