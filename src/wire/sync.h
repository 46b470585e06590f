/* sync.h - the conversation between the parent and init: named steps in a fixed order.      (wire/, may include base and kern)
 *
 * Runs in:   parent (runtime) and init, one end each of a SOCK_SEQPACKET pair. Nothing allocates.
 * Theory:    one fixed message {step, Err}; descriptors come with a step only where the list below says so. Each side sends its own
 *            steps and expects the other's, all of them, always, in this order: a step that is not next or not this side's is ERR_BUG,
 *            not a hang. A side that fails sends FAILED with its Err and ends; the other's pending sync_expect() returns that very Err.
 *            The parent speaks first and needs no answer: nobody waits for a wake-up of the other, which costs more than most steps.
 *            It reads init's steps when init has closed its end (runtime/parent.c), so that one wait can be ended by a signal.
 *            Some plans have steps in which it has to answer, and others not: sync_absent() tells both sides the same.
 *            End of file where a step is due means that the peer died; the caller then asks the pidfd how.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fd.h"

/* clang-format off */
#define SYNC_STEPS(X) /* step, who sends it, what is then true, most descriptors it carries */ \
	X(JOINED,       INIT,   "it is in the namespaces it joins; the process that goes on", 1) \
	X(MAPPED,       PARENT, "the process is on record and its id maps are written",     0) \
	X(MOUNTED,      INIT,   "all is made, and the host's tree still there, for hooks",  0) \
	X(HOOKED,       PARENT, "the hooks of the runtime's namespaces have run",           0) \
	X(ROOTFS_READY, INIT,   "mounts are done and the host's tree is gone; pty master",  1) \
	X(EXECING,      INIT,   "privileges are dropped, execve is next; seccomp listener", 1)
/* clang-format on */

typedef enum SyncStep {
#define SYNC_ENUM(name, who, text, fds) SYNC_##name,
	SYNC_STEPS(SYNC_ENUM)
#undef SYNC_ENUM
		SYNC_STEP_COUNT,
	SYNC_FAILED = 0xff,
} SyncStep;

typedef enum SyncSide { SYNC_SIDE_PARENT, SYNC_SIDE_INIT } SyncSide;

typedef struct Sync {
	int fd;
	SyncSide side;
	unsigned next;   /* the step that is due */
	unsigned absent; /* bits of the steps that this conversation does not have */
	bool is_pipe; /* it is none any more: init's last word goes through a pipe, and its end is what the other side waits for */
} Sync;
#define SYNC_NONE ((Sync){ .fd = FD_NONE })

/* The steps that a conversation about a plan with these flags (WIRE_*) does not have. */
unsigned sync_absent(uint32_t wire_flags);

void sync_close(Sync *s);
static inline void sync_close_auto(Sync *s)
{
	sync_close(s);
}

/* Makes the pair, both ends close-on-exec, for a conversation without the steps that only some have. */
int sync_pair(Sync *ret_parent, Sync *ret_init, Err *e);

/* Sends this side's next step. fd is FD_NONE, or one descriptor for a step that may carry one; it stays the caller's.
 * -EPIPE (ERR_STATE): the peer is gone. */
int sync_send(Sync *s, SyncStep step, int fd, Err *e);

/* Waits for the peer's next step. ret_fd may be NULL where none can come; else it gets the descriptor (close-on-exec) or FD_NONE.
 * The peer's failure is returned as its own Err. -ECONNRESET (ERR_STATE, "ended before it ..."): the peer died. */
int sync_expect(Sync *s, SyncStep step, int *ret_fd, Err *e);

/* This side's next step is sent by another process. */
void sync_pass(Sync *s, SyncStep step);

/* After EXECING the init side's end closes on exec: 0 when that happened, or the Err that a failing execve(2) left. */
int sync_expect_exec(Sync *s, Err *e);

/* The same where init's end is the other one of a pipe, which both have. -ECONNRESET (ERR_STATE): it ended before it began. */
int sync_expect_exec_pipe(int fd, Err *e);

/* When something of ours has failed because the peer is gone: r and *e become its own failure, if it has left one as its last word. */
int sync_failure(const Sync *s, int r, Err *e);

/* Tells the peer why this side ends; a dead peer needs no reason. -errno without a message: it could not be told. */
int sync_fail(Sync *s, const Err *why);

const char *sync_step_name(SyncStep step);
const char *sync_step_text(SyncStep step); /* "what is then true" */
