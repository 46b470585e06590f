#include "fmt/spec.h"

void spec_resources_init(SpecResources *r)
{
	*r = (SpecResources){
		.memory_limit = SPEC_UNSET,
		.memory_reservation = SPEC_UNSET,
		.memory_swap = SPEC_UNSET,
		.memory_kernel_tcp = SPEC_UNSET,
		.memory_swappiness = SPEC_UNSET,
		.memory_use_hierarchy = SPEC_UNSET,
		.cpu_shares = SPEC_UNSET,
		.cpu_quota = SPEC_UNSET,
		.cpu_period = SPEC_UNSET,
		.cpu_burst = SPEC_UNSET,
		.cpu_realtime_runtime = SPEC_UNSET,
		.cpu_realtime_period = SPEC_UNSET,
		.cpu_idle = SPEC_UNSET,
		.pids_limit = SPEC_UNSET,
		.block_io = { .weight = SPEC_UNSET, .leaf_weight = SPEC_UNSET },
	};
}

void spec_init(Spec *s)
{
	*s = (Spec){ .process.cwd = "/" };
	spec_resources_init(&s->linux_.resources);
}
