/* check_plan.h - what holds for every plan, whatever it was made from.                          (tests/fuzz/) */
#pragma once
#include <assert.h>
#include <string.h>

#include "runtime/explain.h"
#include "runtime/plan.h"
#include "wire/wire_build.h"

static inline void check_wire(WireBuild *w)
{
	void *image;
	size_t size;
	Err e = { 0 };
	if (wire_finish(w, &image, &size, &e) < 0)
		assert(e.kind == ERR_SPEC && e.msg[0]); /* too much of something */
	else
		assert(wire_check(image, size, &e) == 0);
}

/* It can be printed, a fact a line, and told, and init would take it. Returns what was printed. */
static inline const char *check_plan(Plan *p, const HostFacts *facts, Arena *a)
{
	Explain story = { .arena = a };
	const char *dump = plan_dump(p, facts, a);
	assert(dump[0]);
	StrList lines = str_split(a, dump, '\n');
	for (size_t i = 0; i < lines.count; i++)
		assert(str_is_printable(lines.items[i]));
	runtime_explain(p, facts, &story);
	assert(story.stages[STAGE_EXEC].steps_count == 1);
	for (int s = 0; s < STAGE_COUNT; s++)
		for (size_t i = 0; i < story.stages[s].steps_count; i++)
			assert(str_is_printable(story.stages[s].steps[i].call));
	assert(p->groups_count <= facts->cgroups_count);
	for (size_t i = 0; i < p->writes_count; i++)
		assert(p->writes[i].hierarchy < facts->cgroups_count && *p->writes[i].write.file &&
		       !strchr(p->writes[i].write.file, '/'));
	check_wire(&p->wire);
	if (p->has_root_wire)
		check_wire(&p->root_wire);
	return dump;
}
