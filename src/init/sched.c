/* How the kernel schedules the command: on which CPUs, before whom, with which memory. In the order in which runc asks for it. */
#include <linux/ioprio.h>

#include "base/sched_names.h"
#include "init/init.h"
#include "kern/sys_sched.h"

/* A process keeps what its user once asked for (taskset) when it changes its group (since Linux 6.2), and so would the container. All bits
 * mean all CPUs of the group: the kernel leaves out the others. */
int cpus_set(const Init *in, Err *e)
{
	const WireList *cpus = &in->plan->cpus;
	uint64_t all[LIMIT_CPUS / 64];
	if (init_has(in, WIRE_KEEP_CPUS))
		return 0;
	if (cpus->count > 0)
		return sys_sched_setaffinity(WIRE_ITEMS(in->plan, cpus, uint64_t),
					     cpus->count * sizeof(uint64_t)) < 0
			       ? err_sys(e, "process.execCPUAffinity.final: error setting final CPU affinity")
			       : 0;
	memset(all, 0xff, sizeof all);
	(void)sys_sched_setaffinity(all, sizeof all); /* a filter around us may forbid it: then it stays as it is */
	return 0;
}

static int scheduler_set(const Init *in, Err *e)
{
	const WireScheduler *s = &in->plan->scheduler;
	const SysSchedAttr attr = {
		.size = sizeof attr,
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};
	if (!init_has(in, WIRE_HAS_SCHEDULER) || sys_sched_setattr(&attr) == 0)
		return 0;
	if (errno == EPERM && s->policy == SCHED_NAMES_DEADLINE && s->has_cpuset)
		return err_make(e, ERR_SPEC, EPERM,
				"process.scheduler: process scheduler can't be used together with AllowedCPUs "
				"(SCHED_DEADLINE needs all CPUs, linux.resources.cpu.cpus gives some)");
	return err_sys(e, "process.scheduler: error setting scheduler");
}

static int memory_policy_set(const Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	/* the kernel takes one bit less than it is told */
	unsigned long bits = p->memory_nodes.count > 0 ? p->memory_nodes.count * 64ul + 1 : 0;
	const uint64_t *nodes = bits ? WIRE_ITEMS(p, memory_nodes, uint64_t) : NULL;
	if (!init_has(in, WIRE_HAS_MEMORY_POLICY) ||
	    sys_set_mempolicy((int)p->memory_mode, nodes, bits) == 0)
		return 0;
	if (errno == EINVAL)
		return err_make(e, ERR_SPEC, 0,
				"linux.memoryPolicy: set_mempolicy: invalid argument: this kernel does not have the mode or a flag, "
				"this host not the nodes, or they do not go together");
	return err_sys(e, "linux.memoryPolicy: set_mempolicy");
}

/* The process leads a group in which it is alone. */
int scheduling_set(const Init *in, Err *e)
{
	TRY(scheduler_set(in, e));
	if (in->plan->io_priority && sys_ioprio_set(IOPRIO_WHO_PGRP, 0, (int)in->plan->io_priority) < 0)
		return err_sys(e, "process.ioPriority: failed to set io priority");
	return memory_policy_set(in, e);
}
