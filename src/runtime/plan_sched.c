#include <linux/ioprio.h>

#include "runtime/plan_parts.h"

static void plan_scheduler(const PlanContext *c, Plan *p)
{
	const SpecScheduler *s = &c->spec->process.scheduler;
	if (!s->given)
		return;
	p->wire.head.flags |= WIRE_HAS_SCHEDULER;
	p->wire.head.scheduler = (WireScheduler){
		.policy = s->policy,
		.priority = s->priority,
		.flags = s->flags,
		.nice = s->nice,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
		.has_cpuset = c->spec->linux_.resources.cpuset_cpus != NULL,
	};
}

static void plan_memory_policy(const PlanContext *c, Plan *p)
{
	const SpecMemoryPolicy *m = &c->spec->linux_.memory_policy;
	if (!m->given)
		return;
	p->wire.head.flags |= WIRE_HAS_MEMORY_POLICY;
	p->wire.head.memory_mode = m->mode;
	p->wire.memory_nodes = m->nodes;
	p->wire.memory_nodes_count = m->nodes_count;
}

void plan_scheduling(const PlanContext *c, Plan *p)
{
	const SpecIoPriority *io = &c->spec->process.io_priority;
	plan_scheduler(c, p);
	if (io->io_class)
		p->wire.head.io_priority = io->io_class << IOPRIO_CLASS_SHIFT | io->priority;
	plan_memory_policy(c, p);
}

/* config.md: without `final` nothing is changed in the end. Where there is no execCPUAffinity at all it is as for a container. */
void plan_exec_cpus(const PlanContext *c, Plan *p)
{
	const SpecCpuAffinity *a = &c->spec->process.exec_cpu_affinity;
	p->initial_cpus = a->initial;
	p->initial_cpus_count = a->initial_count;
	p->wire.cpus = a->final;
	p->wire.cpus_count = a->final_count;
	if (a->given && a->final_count == 0)
		p->wire.head.flags |= WIRE_KEEP_CPUS;
}
