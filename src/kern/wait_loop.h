/* wait_loop.h - what the parent does while the command runs: pass on signals, relay a terminal, reap.   (kern/, may include base)
 *
 * Runs in:   the parent, between wait_signals_block() and wait_signals_restore() (wait_signals.h).
 * Signals:   all that can be caught go to the process, but: SIGCHLD, SIGPIPE and SIGURG are ours; SIGWINCH becomes a new size when there
 *            is a terminal; SIGTSTP, SIGTTIN, SIGTTOU keep their default action, with a terminal in raw mode put back before SIGTSTP stops
 *            us and made raw again after; faults of our own (SIGSEGV ...) stay what they are.
 * Ownership: descriptors are borrowed, but for take_master_fd. Nothing allocates.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fd.h"
#include "kern/process.h"
#include "kern/wait_signals.h"

/* A descriptor that somebody else reads, who says true when it is of no more interest. */
typedef struct WaitWatch {
	int fd;
	bool (*ready)(void *arg);
	void *arg;
} WaitWatch;

typedef struct WaitOpts {
	int pidfd;              /* of a child */
	const WaitWatch *watch; /* NULL: none */
	int signals_fd;
	int take_master_fd; /* of the process's terminal, or FD_NONE; it is closed at the end, or when the user's terminal hangs up */
	bool forward_stdin; /* with a terminal: standard input goes to it, raw when it is a terminal itself */
	bool drop_output; /* with a terminal: what comes out of it goes nowhere */
	int64_t timeout;  /* seconds after which the process is killed; 0: never */
	/* Signals that would end us are not passed on. The first stops the process: stop_signal now, SIGKILL after so many seconds (-1:
	 * never). The next one kills it. */
	bool own_signals;
	int stop_signal;
	int64_t stop_timeout;
} WaitOpts;

/* A signal that came to us. */
typedef struct WaitSignal {
	int number; /* 0: none came */
	pid_t pid;  /* who sent it, as we see him; 0: the kernel, by a key of the terminal */
	uint32_t uid;
} WaitSignal;

typedef struct WaitEnd {
	ProcessEnd process;
	bool timed_out;
	int stopped_by;    /* with own_signals: the first one, or 0 */
	WaitSignal passed; /* the last one that was passed on */
} WaitEnd;

/* Returns when the process has ended and is reaped, and with a terminal when all its output is written to standard output. End of file on
 * standard input, when that is no terminal, is passed on as the terminal's end-of-file character. */
int process_wait_loop(const WaitOpts *opts, WaitEnd *ret, Err *e);
