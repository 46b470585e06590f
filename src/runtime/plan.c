#include "runtime/plan.h"

#include "runtime/plan_parts.h"

/* Init holds a descriptor for every mount that it copies, and some more. The command's own limit is among the rlimits. */
static void plan_descriptors(const PlanContext *c, Plan *p)
{
	const HostFacts *f = c->facts;
	size_t mounts = p->wire.mounts_count > p->root_wire.mounts_count ? p->wire.mounts_count
									 : p->root_wire.mounts_count;
	uint64_t need = mounts + 64;
	if (need <= f->nofile_soft || f->nofile_soft >= f->nofile_hard)
		return; /* a hard limit that is too small shows when it is reached */
	p->init_nofile = need < f->nofile_hard ? need : f->nofile_hard;
	p->nofile_hard = f->nofile_hard;
}

int runtime_plan(const Spec *spec, const HostFacts *facts, const PlanInput *in, Arena *a, Plan *ret,
		 Err *e)
{
	const PlanContext c = { .spec = spec, .facts = facts, .in = in, .arena = a };
	Plan p = { .container_id = in->container_id, .root_idmap = -1 };

	wire_build_init(&p.wire, a);
	p.wire.head.container_id = wire_add_str(&p.wire, in->container_id);
	p.wire.head.scratch_dir = wire_add_str(&p.wire, in->scratch_dir);
	TRY(plan_namespaces(&c, &p, e));
	TRY(plan_groups(&c, &p, e));
	TRY(plan_rdt(&c, &p, e));
	TRY(plan_root(&c, &p, e));
	TRY(plan_mounts(&c, &p, e));
	TRY(plan_dev(&c, &p, e));
	TRY(plan_sysctls(&c, &p, e));
	TRY(plan_process(&c, &p, e));
	TRY(plan_hooks(&c, &p, e));
	TRY(plan_check_devices(&c, &p, e));
	TRY(plan_check_shared(&p, e));
	plan_descriptors(&c, &p);
	*ret = p;
	return 0;
}

int runtime_plan_exec(const Spec *spec, const HostFacts *facts, const PlanInput *in, Arena *a,
		      Plan *ret, Err *e)
{
	const PlanContext c = { .spec = spec, .facts = facts, .in = in, .arena = a };
	Plan p = { .container_id = in->container_id, .root_idmap = -1 };

	wire_build_init(&p.wire, a);
	p.wire.head.container_id = wire_add_str(&p.wire, in->container_id);
	TRY(plan_exec_namespaces(&c, &p, e));
	if (facts->resctrl) /* else it is gone, and the container in no group */
		TRY(plan_rdt(&c, &p, e));
	TRY(plan_process(&c, &p, e));
	plan_exec_cpus(&c, &p);
	*ret = p;
	return 0;
}

/* Its groups are there, and only where they are is asked. */
static int plan_mounts_of_groups(const PlanContext *c, Plan *p, Err *e)
{
	Plan groups = { 0 };
	TRY(plan_groups(c, &groups, e));
	p->groups = groups.groups;
	p->groups_count = groups.groups_count;
	TRY(plan_mounts_later(c, p, e));
	p->groups_count = 0;
	return 0;
}

int runtime_plan_mounts(const Spec *spec, const HostFacts *facts, const PlanMountsInput *in,
			Arena *a, Plan *ret, Err *e)
{
	const PlanInput named = { .container_id = in->container_id };
	const PlanContext c = { .spec = spec, .facts = facts, .in = &named, .arena = a };
	Plan p = { .container_id = in->container_id, .root_idmap = -1 };

	wire_build_init(&p.wire, a);
	p.wire.head.container_id = wire_add_str(&p.wire, in->container_id);
	TRY(plan_mounts_namespaces(&c, &p, e));
	if (in->remove)
		plan_mounts_detach(&c, &p);
	else
		TRY(plan_mounts_of_groups(&c, &p, e));
	for (size_t i = 0; i < in->ids_count; i++)
		*wire_add(&p.wire, mount_ids, int32_t) = in->ids[i];
	plan_descriptors(&c, &p);
	*ret = p;
	return 0;
}
