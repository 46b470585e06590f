/* sweep.h - clean up after engines that were killed.                                  (runtime/, may include base fmt kern)
 *
 * Runs in:   every command that looks at the state. What a dead engine left is known from its lock, which is free, and from its record:
 *            processes (a set-user-id program outlives the parent-death signal), groups, the throw-away layer, the name, the directory.
 * Errors:    none is returned: each object that cannot be cleaned is one warning, and stays for the next sweep.
 */
#pragma once
#include "base/arena.h"
#include "runtime/state.h"

/* Looks at every container on record but `own_id` (NULL: at all). Cheap when there is none. */
void sweep_all(State *s, const char *own_id, Arena *a);

/* Looks at one. 0: it was dead and is gone now, or does not exist; -EBUSY: somebody runs it. */
int sweep_one(State *s, const char *id, Arena *a);
