#include "fmt/spec.h"

void spec_init(Spec *s)
{
	*s = (Spec){
		.process.cwd = "/",
		.linux_.resources = {
			.memory_limit = SPEC_UNSET,
			.memory_reservation = SPEC_UNSET,
			.memory_swap = SPEC_UNSET,
			.cpu_shares = SPEC_UNSET,
			.cpu_quota = SPEC_UNSET,
			.cpu_period = SPEC_UNSET,
			.pids_limit = SPEC_UNSET,
		},
	};
}
