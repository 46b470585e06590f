/* session.h - one conversation with criu.                                             (criu/, may include base kern)
 *
 * Runs in:   the command's process, which is criu's parent, and in its child until that executes criu.
 * Crashes:   criu sees the end of the conversation at its next notification, takes back what it has done (a dumped container goes on, a
 *            half restored one is killed) and ends; nothing of ours has to live for that.
 */
#pragma once
#include "criu/message.h"
#include "kern/wait_signals.h"

typedef struct CriuSession {
	const char *program; /* with '/', or a name that is looked for in PATH */
	const char *log;     /* criu's log, for messages; NULL: it writes none */
	int group_fd;        /* of v2, in which criu is born, or FD_NONE */
	const int *keep_fds; /* descriptors that criu inherits */
	size_t keep_fds_count;
	WaitSignals *signals; /* these end it; NULL: none does */
	/* In the child, before criu: NULL: nothing. */
	int (*prepare)(void *arg, Err *e);
	/* A notification, and the descriptor that came with it, which stays ours, or FD_NONE. NULL: all are fine. */
	int (*notify)(void *arg, const CriuResponse *r, int fd, Err *e);
	void *arg;
} CriuSession;
#define CRIU_SESSION_NONE ((CriuSession){ .group_fd = FD_NONE })

/* Executes criu and has it do what is asked; returns when it has, and has ended. ERR_STATE with criu's own reason and its log, when it could not.
 * ERR_CMD_MISSING, ERR_CMD_INVOKE: there is no criu to execute. */
int criu_session(const CriuSession *s, CriuKind kind, const CriuOptions *o, Arena *a,
		 CriuResponse *ret, Err *e);
