#include "runtime/plan.h"

#include "runtime/plan_parts.h"

int runtime_plan(const Spec *spec, const HostFacts *facts, const PlanInput *in, Arena *a, Plan *ret,
		 Err *e)
{
	const PlanContext c = { .spec = spec, .facts = facts, .in = in, .arena = a };
	Plan p = { .container_id = in->container_id };

	wire_build_init(&p.wire, a);
	p.wire.head.container_id = wire_add_str(&p.wire, in->container_id);
	p.wire.head.scratch_dir = wire_add_str(&p.wire, in->scratch_dir);
	TRY(plan_namespaces(&c, &p, e));
	TRY(plan_groups(&c, &p, e));
	TRY(plan_root(&c, &p, e));
	TRY(plan_mounts(&c, &p, e));
	TRY(plan_dev(&c, &p, e));
	TRY(plan_sysctls(&c, &p, e));
	TRY(plan_process(&c, &p, e));
	TRY(plan_check_devices(&c, &p, e));
	TRY(plan_check_shared(&p, e));
	*ret = p;
	return 0;
}
