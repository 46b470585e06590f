/* From config.json to what init gets. The first byte chooses the host, the rest is the text. Whatever it says is refused with a message,
 * or comes to a plan whose wire form init would take, which can be printed and told; and so does an `exec` in the container. */
#include "../unit/plan_hosts.h"
#include "check_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_exec(const Spec *spec, const HostFacts *facts, const PlanInput *in, Arena *a)
{
	Plan plan;
	Err e = { 0 };
	if (runtime_plan_exec(spec, facts, in, a, &plan, &e) < 0) {
		assert(e.msg[0] && e.kind != ERR_BUG);
		return;
	}
	assert(*plan_dump(&plan, facts, a));
	check_wire(&plan.wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const HostFacts *const hosts[] = { &v1_root, &hybrid_root, &v2_root,
					   &v1_user, &v2_user,     &bare_root };
	const PlanInput in = {
		.container_id = ID,
		.scratch_dir = "/run/mydocker/containers/" ID,
		.hook_state = "{\"id\":\"" ID "\"",
	};
	Arena a = ARENA_EMPTY;
	Spec spec;
	Plan plan;
	Err e = { 0 };
	if (size == 0)
		return 0;
	const HostFacts *facts = hosts[data[0] % ARRAY_LEN(hosts)];
	if (spec_decode((const char *)data + 1, size - 1, &a, &spec, &e) == 0) {
		if (runtime_plan(&spec, facts, &in, &a, &plan, &e) < 0)
			assert(e.msg[0] && e.kind != ERR_BUG);
		else
			(void)check_plan(&plan, facts, &a); /* that it can be printed is enough */
		check_exec(&spec, facts, &in, &a);
	}
	arena_done(&a);
	return 0;
}
