/* unshare.h - the verb `unshare`: a command in the user namespace that an ordinary user's containers have.   (engine/, may include all but cli)
 *
 * Runs in:   the command's process, which becomes the command.
 * Theory:    inside, the user is root and has his subordinate ids, and so is what he needs to be for looking at, giving away and removing
 *            files that containers have made. Nothing holds the command: it can do what the user can, and what newuidmap(1) lets him.
 * Ownership: an UnshareRequest borrows all it points to.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"

typedef struct UnshareRequest {
	const char *state_dir, *root_dir; /* NULL: the user's defaults (engine/dirs.h) */
	StrList argv;                     /* empty: $SHELL, or /bin/sh */
} UnshareRequest;

/* Returns only on failure, a negative errno: ERR_STATE for root, ERR_CMD_MISSING and ERR_CMD_INVOKE when the command could not be executed,
 * ERR_SYS for what the kernel or newuidmap refused. */
int engine_unshare(const UnshareRequest *r, Err *e);
