/* hook.h - running a program of the caller's at a point of a container's life.                (kern/, may include base)
 *
 * Runs in:   the parent and init; nothing here allocates. The program gets default signals, the input as its standard input, and what
 *            it prints is kept for the message, up to a line's length.
 * Input:     the program is the caller's, who may start what it does; it need not read its input.
 * Source:    runtime-spec, config.md "POSIX-platform Hooks".
 */
#pragma once
#include "base/err.h"

typedef struct Hook {
	const char *path; /* absolute */
	char *const *argv, *const *envp;
	unsigned timeout; /* seconds until it is killed; 0: none */
	int input_fd;     /* borrowed */
	/* Borrowed, or FD_NONE: what it prints there is kept for the message. */
	int output_fd, error_fd;
} Hook;

/* A file in memory with this text, at its beginning; the caller's. */
int hook_input(const char *text, const char *end, int *ret_fd, Err *e);

/* Runs it to its end. ERR_STATE: it did not end with 0, or not in time. */
int hook_run(const Hook *h, Err *e);
