/* parent_parts.h - what the files of parent.h know of each other.                   (runtime/, private to them) */
#pragma once
#include "runtime/parent.h"

/* The first `count` groups, and what is the container's above them. Goes on after an error and returns the first; with e NULL each is a
 * warning. */
int runtime_groups_remove(const Plan *p, size_t count, Err *e);
