/* group_report.h - what a container's groups tell once something has happened in them.     (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent, after the container's end or the failure of its start, before the groups are removed. Nothing here is read on
 *            the way of a container that just starts and ends, but for the one counter of processes killed for memory.
 */
#pragma once
#include <stdint.h>

#include "kern/cgroup.h"
#include "kern/process.h"
#include "runtime/plan.h"

/* How many were killed for memory; limit and peak only when any was. Without a memory controller: none, and no limit. */
void group_report_memory(const Plan *p, const HostFacts *f, CgroupMemory *ret);

/* How often a new process or thread was refused because of a limit of processes that was asked for, and that limit. 0: never, or the
 * limit is the default one, or this kernel does not count that (Linux before 4.8). */
uint64_t group_report_forks(const Plan *p, uint64_t *ret_limit);

/* Init ended before it could execute the command: says how, and whether for want of memory. Returns r. */
int group_report_death(const Plan *p, const HostFacts *f, const ProcessEnd *end, int r, Err *e);
