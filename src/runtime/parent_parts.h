/* parent_parts.h - what the files of parent.h know of each other.                   (runtime/, private to them) */
#pragma once
#include "runtime/parent.h"

/* The unit if it was made, the first `count` groups, and what is the container's above them. Goes on after an error and returns the first;
 * with e NULL each is a warning. */
int runtime_groups_remove(const Plan *p, size_t count, bool unit, Err *e);

/* One of the plan's writes, into a group that is there. */
int runtime_group_write(const Plan *p, const PlanCgroupWrite *w, Arena *a, Err *e);

/* What else is on the host: the group of resctrl, the root without a mount namespace of its own. The same rules. */
int runtime_host_remove(const Plan *p, Arena *a, Err *e);

/* parent_net.c: moves the plan's network devices to where the process is. */
int parent_net_devices_move(const Plan *p, pid_t pid, Arena *a, Err *e);

/* parent_sched.c. process_spawn() as the plan has it, on the CPUs that it names; and hard limits that init could not raise in its user
 * namespace. flags: PROCESS_IN_OUR_MEMORY or 0. */
pid_t runtime_spawn(const Plan *p, uint64_t flags, int group_fd, const ProcessChild *child,
		    int *ret_pidfd, Err *e);
int runtime_limits_raise(const Plan *p, const HostFacts *facts, pid_t pid, Err *e);
