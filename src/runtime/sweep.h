/* sweep.h - clean up after engines that were killed.                                  (runtime/, may include base fmt kern)
 *
 * Runs in:   every command that looks at the state. What a dead engine left is known from its lock, which is free, and from its record:
 *            processes (a set-user-id program outlives the parent-death signal), groups, the throw-away layer, the name, the directory.
 * Errors:    none is returned: each object that cannot be cleaned is one line, and stays for the next sweep.
 */
#pragma once
#include "base/arena.h"
#include "runtime/state.h"

typedef void (*SweepLog)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Looks at every container on record but `own_id` (NULL: at all). Cheap when there is none. What it cannot do goes to `say`: log_warn, or
 * log_debug for one that has an error of its own to tell, which may be the same. */
void sweep_all(State *s, const char *own_id, SweepLog say, Arena *a);

/* Looks at one. 0: it was dead and is gone now, or does not exist; -EBUSY: somebody runs it. */
int sweep_one(State *s, const char *id, Arena *a);
