/* host_root.h - the root of a container without a mount namespace of its own.                (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent, and whoever sweeps after it, in the mount namespace that the root was mounted in.
 * Theory:    init mounts it, with all that is mounted in it, on its own directory; it is taken away as one. How many mounts lie there
 *            before is in the record, so that those of others stay; two such containers on one directory are not told from each other.
 */
#pragma once
#include "runtime/plan.h"
#include "runtime/record.h"

/* Finds the place, and writes it down. */
int host_root_look(Plan *p, Record *record, Arena *a, Err *e);

/* path NULL, or no mount there but those from before: nothing is to be done. */
int host_root_remove(const char *path, uint64_t below, Arena *a, Err *e);
