/* shared_parents.h - groups above the containers' own that were made for them, and go with the last one (--cgroup-parent). (runtime/)
 *
 * Runs in:   the engine, after the container's directory is made and before its record is written.
 * Theory:    who makes a container's group also makes what is missing above it, and has it on record before. Whoever comes while it is
 *            there puts it on record, too; each tries to remove it at its end, and the last one can. A group that was there and that no
 *            record names is somebody else's, and stays.
 * Ownership: the list lives in the caller's arena.
 */
#pragma once
#include "runtime/plan.h"
#include "runtime/state.h"

/* Those of the plan's groups' parents that are this container's to remove, outer ones first. */
int shared_parents_find(State *s, const Plan *p, Arena *a, StrList *ret, Err *e);
