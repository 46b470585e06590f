/* plan_case.h - one description, to be planned on some host: accepted, or refused by its message.       (tests/unit/) */
#pragma once
#include <string.h>

#include "plan_hosts.h"
#include "runtime/plan.h"

typedef struct Case {
	Arena arena;
	Spec spec;
	HostFacts facts;
	PlanInput in;
	Plan plan;
	Err err;
} Case;

static const char *args[] = { "sh" };

/* A description that can be planned on this host. */
__attribute__((unused)) static Case make_case(const HostFacts *facts)
{
	Case c = { .facts = *facts, .in = { .container_id = ID, .scratch_dir = "/run/mydocker/x" } };
	spec_init(&c.spec);
	c.spec.root.path = "/srv/root";
	c.spec.process.args = (StrList){ args, 1 };
	c.spec.linux_.namespaces = SPEC_NS_MOUNT | SPEC_NS_PID | SPEC_NS_UTS | SPEC_NS_NETWORK |
				   SPEC_NS_IPC;
	return c;
}

__attribute__((unused)) static int plan(Case *c)
{
	return runtime_plan(&c->spec, &c->facts, &c->in, &c->arena, &c->plan, &c->err);
}

__attribute__((unused)) static void accept(Case *c)
{
	if (plan(c) < 0)
		fail_msg("%s", c->err.msg);
}

__attribute__((unused)) static void done(Case *c)
{
	arena_done(&c->arena);
}

__attribute__((unused)) static void refused(Case c, const char *part)
{
	if (plan(&c) >= 0)
		fail_msg("was planned: '%s'", part);
	assert_int_equal(c.err.kind, ERR_SPEC);
	assert_null(c.plan.container_id); /* nothing is given out on failure */
	if (!strstr(c.err.msg, part))
		fail_msg("'%s' is not in '%s'", part, c.err.msg);
	done(&c);
}

__attribute__((unused)) static const char *text_of(const Case *c, WireStr s)
{
	return s ? c->plan.wire.strings + s : NULL;
}
