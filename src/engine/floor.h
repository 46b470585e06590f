/* floor.h - the least that this kernel takes for the namespaces of a container.               (engine/)
 *
 * Nobody can start faster than the kernel makes a process with its namespaces and takes it down again: what a start takes is told beside it.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"

#define FLOOR_ROUNDS 15

/* The median time, in nanoseconds, of a process that is made in namespaces of these kinds (CLONE_NEW*), does nothing, ends and is reaped. */
int floor_measure(uint64_t clone_flags, uint64_t *ret_ns, Err *e);
