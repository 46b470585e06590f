/* wait_signals.h - the signals that the parent takes as messages, from before it makes a process until that has ended.  (kern/, may include base)
 *
 * Runs in:   the parent. wait_signals_block() comes before the process is made, so that no signal is lost between; the mask is undone
 *            by whoever executes something else (init resets its own).
 * Signals:   all that can be caught are blocked, but SIGCHLD, the faults of our own (SIGSEGV ...), SIGTTIN, SIGTTOU and, without a
 *            terminal, SIGTSTP.
 * Ownership: a WaitSignals owns its signalfd. Nothing allocates.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fd.h"

typedef struct WaitSignals {
	int fd;         /* a signalfd, non-blocking */
	uint64_t mask;  /* what it takes; bit n-1 is signal n */
	uint64_t saved; /* the mask from before */
	int ended_by;   /* the signal that told us to give up, or 0 */
} WaitSignals;
#define WAIT_SIGNALS_NONE ((WaitSignals){ .fd = FD_NONE })

/* Blocks the signals above and opens a signalfd for them. `terminal`: also SIGTSTP, to be handled by process_wait_loop(). */
int wait_signals_block(bool terminal, WaitSignals *ret, Err *e);

/* Forgets what is still pending and puts the mask back: whoever sent a signal until now meant what we were doing. */
void wait_signals_restore(WaitSignals *s);
static inline void wait_signals_restore_auto(WaitSignals *s)
{
	wait_signals_restore(s);
}

/* Waits until the other end of a connected socket is closed. SIGHUP, SIGINT, SIGQUIT and SIGTERM end the wait, unless the caller has us
 * ignore them (nohup, a job in the background): -EINTR (ERR_STATE) and ended_by. All other signals stay pending. */
int wait_signals_hangup(WaitSignals *s, int socket, Err *e);

/* The same until there is something to read, or the other end is closed. */
int wait_signals_readable(WaitSignals *s, int socket, Err *e);

/* The same for what the process of pidfd has to say, when others have the other end, too: -ECONNRESET if it has ended without a word. */
int wait_signals_word(WaitSignals *s, int socket, int pidfd, Err *e);

/* True when sig, by its default action and our disposition, would end this process. */
bool wait_signals_would_end_us(int sig);
