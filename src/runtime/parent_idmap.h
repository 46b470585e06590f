/* parent_idmap.h - the parent's part of id-mapped mounts: copies that are mapped before init runs.   (runtime/, may include base fmt kern wire)
 *
 * Runs in:   the parent, with privilege over the file systems: the kernel lets only who owns a file system show it with other ids.
 * Ownership: an Idmaps owns its descriptors; init gets copies.
 */
#pragma once
#include "base/err.h"
#include "base/fd.h"
#include "runtime/plan.h"

typedef struct Idmaps {
	int *userns; /* for each of plan.idmaps: the user namespace with these maps */
	size_t userns_count;
	int root; /* the mapped copy of the root, or of its lower layer; FD_NONE: not asked for */
	int32_t *sources; /* for each of plan.wire.mounts: its mapped copy, or FD_NONE; no list where no mount has one */
	size_t sources_count;
} Idmaps;
#define IDMAPS_NONE ((Idmaps){ .root = FD_NONE })

/* Makes all that the plan asks for, nothing when that is nothing. *ret is IDMAPS_NONE before, and to be closed even on failure. */
int idmaps_make(const Plan *p, Arena *a, Idmaps *ret, Err *e);
void idmaps_close(Idmaps *m);

/* A mount of the plan gets this copy as its source. */
void idmaps_add_source(const Plan *p, Arena *a, Idmaps *m, size_t mount, int take_copy);
