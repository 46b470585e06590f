/* cgroup_case.h - limits on a host of fixed content, and what is written for them.                       (tests/unit/) */
#pragma once
#include <string.h>

#include "base/str.h"
#include "runtime/plan_cgroup.h"

/* A hybrid host: the v2 tree beside v1 has the one controller that is mounted nowhere else. */
static const HostCgroup v1_trees[] = {
	{ .controllers = "name=systemd", .mountpoint = "/c/systemd", .own = "/", .writable = true },
	{ .controllers = "pids", .mountpoint = "/c/pids", .own = "/", .writable = true },
	{ .controllers = "devices", .mountpoint = "/c/devices", .own = "/", .writable = true },
	{ .controllers = "memory", .mountpoint = "/c/memory", .own = "/", .writable = true },
	{ .controllers = "blkio", .mountpoint = "/c/blkio", .own = "/", .writable = true },
	{ .controllers = "net_cls,net_prio", .mountpoint = "/c/net_cls,net_prio", .own = "/", .writable = true },
	{ .controllers = "cpuset", .mountpoint = "/c/cpuset", .own = "/", .writable = true },
	{ .controllers = "cpu,cpuacct", .mountpoint = "/c/cpu,cpuacct", .own = "/", .writable = true },
	{ .is_v2 = true, .controllers = "hugetlb", .mountpoint = "/c/unified", .own = "/", .writable = true },
};
static const HostCgroup v2_tree[] = {
	{ .is_v2 = true,
	  .controllers = "cpuset cpu io memory hugetlb pids rdma",
	  .mountpoint = "/c",
	  .own = "/",
	  .writable = true },
};

typedef struct Case {
	Arena arena;
	SpecResources r;
	bool no_cgroups;
	HostFacts f;
	PlanCgroupWrites plan;
	Err e;
} Case;

static inline Case make_case(const HostCgroup *trees, size_t count)
{
	Case c = { .f = {
			   .cgroups = (HostCgroup *)(uintptr_t)trees,
			   .cgroups_count = count,
			   .privileged = true,
			   .first_user_ns = true,
			   .swap_accounting = true,
		   } };
	spec_resources_init(&c.r);
	return c;
}
#define V1   make_case(v1_trees, ARRAY_LEN(v1_trees))
#define V2   make_case(v2_tree, ARRAY_LEN(v2_tree))
#define NONE make_case(NULL, 0)

static inline int run(Case *c)
{
	const SpecLinux l = { .resources = c->r, .no_cgroups = c->no_cgroups };
	return plan_cgroup_writes(&l, &c->f, &c->arena, &c->plan, &c->e);
}

static inline void check_place(const Case *c, const PlanCgroupWrite *w)
{
	assert_true(w->hierarchy < c->f.cgroups_count);
	assert_true(str_starts(w->write.file, w->controller));
	assert_true(str_eq(w->controller, "cgroup") ||
		    strstr(c->f.cgroups[w->hierarchy].controllers, w->controller));
}

/* "file=value" of each write, in order; "|file=value" is what stands in for it, "<file" what it must be above. */
static inline void check_writes(Case *c, const char *want)
{
	char *got = arena_strdup(&c->arena, "");
	for (size_t i = 0; i < c->plan.count; i++) {
		const CgroupWrite *w = &c->plan.items[i].write;
		got = arena_printf(&c->arena, "%s%s%s=%s", got, i ? "; " : "", w->file, w->value);
		if (w->or_file)
			got = arena_printf(&c->arena, "%s|%s=%s", got, w->or_file, w->or_value);
		if (w->above)
			got = arena_printf(&c->arena, "%s<%s", got, w->above);
		check_place(c, &c->plan.items[i]);
	}
	assert_string_equal(got, want);
	arena_done(&c->arena);
}

static inline void check(Case *c, const char *want)
{
	if (run(c) < 0)
		fail_msg("%s", c->e.msg);
	check_writes(c, want);
}

static inline void check_error(Case *c, const char *part)
{
	assert_int_equal(c->e.kind, ERR_SPEC);
	if (!strstr(c->e.msg, part))
		fail_msg("'%s' is not in '%s'", part, c->e.msg);
	arena_done(&c->arena);
}

static inline void check_refused(Case *c, const char *part)
{
	if (run(c) >= 0)
		fail_msg("was planned: '%s'", part);
	check_error(c, part);
}
