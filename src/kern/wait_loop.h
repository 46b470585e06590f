/* wait_loop.h - what the parent does while the command runs: pass on signals, relay a terminal, reap.   (kern/, may include base)
 *
 * Runs in:   the parent. wait_signals_block() comes before the process is made, so that no signal is lost between; the mask is undone
 *            by whoever executes something else (init resets its own).
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

typedef struct WaitSignals {
	int fd;         /* a signalfd */
	uint64_t saved; /* the mask from before */
} WaitSignals;
#define WAIT_SIGNALS_NONE ((WaitSignals){ .fd = FD_NONE })

/* Blocks the signals above and opens a signalfd for them. `terminal`: also SIGTSTP, to be handled by process_wait_loop(). */
int wait_signals_block(bool terminal, WaitSignals *ret, Err *e);
void wait_signals_restore(WaitSignals *s); /* what is pending is then delivered to us */
static inline void wait_signals_restore_auto(WaitSignals *s)
{
	wait_signals_restore(s);
}

typedef struct WaitOpts {
	int pidfd; /* of a child */
	int signals_fd;
	int take_master_fd; /* of the process's terminal, or FD_NONE; it is closed at the end, or when the user's terminal hangs up */
	bool forward_stdin; /* with a terminal: standard input goes to it, raw when it is a terminal itself */
} WaitOpts;

/* Returns when the process has ended and is reaped, and with a terminal when all its output is written to standard output. End of file on
 * standard input, when that is no terminal, is passed on as the terminal's end-of-file character. */
int process_wait_loop(const WaitOpts *opts, ProcessEnd *ret, Err *e);
