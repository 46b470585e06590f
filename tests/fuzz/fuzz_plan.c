/* From config.json to what init gets. The first byte chooses the host, the rest is the text. Whatever it says is refused with a message,
 * or comes to a plan whose wire form init would take, which can be printed and told. */
#include <assert.h>
#include <string.h>

#include "../unit/plan_hosts.h"
#include "fmt/spec.h"
#include "runtime/explain.h"
#include "runtime/plan.h"
#include "wire/wire_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wire(WireBuild *w)
{
	void *image;
	size_t size;
	Err e = { 0 };
	if (wire_finish(w, &image, &size, &e) < 0)
		assert(e.kind == ERR_SPEC && e.msg[0]); /* too much of something */
	else
		assert(wire_check(image, size, &e) == 0);
}

static void check_plan(Plan *p, const HostFacts *facts, Arena *a)
{
	Explain story = { .arena = a };
	const char *dump = plan_dump(p, facts, a);
	assert(dump[0]);
	for (const char *c = dump; *c; c++)
		assert((unsigned char)*c >= 0x20 || *c == '\n');
	runtime_explain(p, facts, &story);
	assert(story.stages[STAGE_EXEC].steps_count == 1);
	assert(p->groups_count <= facts->cgroups_count);
	for (size_t i = 0; i < p->writes_count; i++)
		assert(p->writes[i].hierarchy < facts->cgroups_count && *p->writes[i].write.file &&
		       !strchr(p->writes[i].write.file, '/'));
	check_wire(&p->wire);
	if (p->has_root_wire)
		check_wire(&p->root_wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const HostFacts *const hosts[] = { &v1_root, &hybrid_root, &v2_root,
					   &v1_user, &v2_user,     &bare_root };
	const PlanInput in = { .container_id = ID, .scratch_dir = "/run/mydocker/containers/" ID };
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
			check_plan(&plan, facts, &a);
	}
	arena_done(&a);
	return 0;
}
