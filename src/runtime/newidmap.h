/* newidmap.h - newuidmap(1) and newgidmap(1), which write id maps for ordinary users.     (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent; each is executed in a child of its own, by its absolute path, without environment, and awaited. They are
 *            set-user-ID root and decide by /etc/subuid and /etc/subgid what the caller may map.
 * Time:      each takes about as long as all else that a start does. Start what is needed, do other things, and then finish all.
 * Ownership: who has started one finishes it, before the process that the maps are for is reaped: till then its pid is nobody else's.
 */
#pragma once
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"

/* One that runs, or none. */
typedef struct NewIdmap {
	const char *program;
	int pidfd;
	int errors; /* what it says on standard error */
} NewIdmap;
#define NEWIDMAP_NONE ((NewIdmap){ .pidfd = FD_NONE, .errors = FD_NONE })

/* Lets `program`, which is borrowed, write map (the text for /proc/PID/uid_map) for the process. */
int newidmap_start(const char *program, pid_t pid, const char *map, NewIdmap *ret, Arena *a, Err *e);

/* Waits for its end, and leaves none. What it said on standard error becomes the message. Of none, 0. */
int newidmap_finish(NewIdmap *n, Err *e);
