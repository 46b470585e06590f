/* plan_hosts.h - hosts, and a run on them, of fixed content: for tests of descriptions and plans.   (tests/unit/) */
#pragma once
#include <fcntl.h>

#include "base/own.h"
#include "engine/run.h"
#include "engine/spec_fill.h"
#include "runtime/facts.h"

#define ALL_CAPS ((UINT64_C(1) << 41) - 1)
#define ID       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define TREE(names, dir)                                                                                \
	{                                                                                               \
		.controllers = names, .mountpoint = "/sys/fs/cgroup/" dir, .own = "/", .writable = true \
	}
#define UNIFIED(names, dir, path, may)                                               \
	{                                                                            \
		.is_v2 = true, .controllers = names, .mountpoint = dir, .own = path, \
		.writable = may, .delegated = may ? path : NULL                      \
	}

/* Hierarchies mounted together, as systemd did, and the process not at their root. */
static HostCgroup v1_trees[] = {
	TREE("pids", "pids"),
	TREE("devices", "devices"),
	TREE("cpu,cpuacct", "cpu,cpuacct"),
	TREE("net_cls,net_prio", "net_cls,net_prio"),
	TREE("cpuset", "cpuset"),
	{ .controllers = "memory",
	  .mountpoint = "/sys/fs/cgroup/memory",
	  .own = "/user.slice",
	  .writable = true },
	TREE("name=systemd", "systemd"),
};
static HostCgroup hybrid_trees[] = {
	TREE("name=systemd", "systemd"),
	TREE("pids", "pids"),
	TREE("devices", "devices"),
	TREE("memory", "memory"),
	TREE("cpuset", "cpuset"),
	TREE("cpuacct", "cpuacct"),
	TREE("cpu", "cpu"),
	{ .is_v2 = true, .controllers = "", .mountpoint = "/sys/fs/cgroup/unified", .own = "/", .writable = true },
};
static HostCgroup v2_tree[] = {
	{ .is_v2 = true,
	  .controllers = "cpuset cpu io memory hugetlb pids",
	  .mountpoint = "/sys/fs/cgroup",
	  .own = "/user.slice/session-1.scope",
	  .writable = true },
};
/* What an ordinary user has: on v1 nothing, on v2 the group that was delegated to it. */
static HostCgroup v1_user_trees[] = {
	{ .controllers = "memory", .mountpoint = "/sys/fs/cgroup/memory", .own = "/user.slice" },
	{ .controllers = "devices", .mountpoint = "/sys/fs/cgroup/devices", .own = "/" },
};
static HostCgroup v2_user_tree[] = {
	UNIFIED("memory pids", "/sys/fs/cgroup", "/user.slice/user-1000.slice/user@1000.service", true),
};

#define HOST(mode, trees)                                                                    \
	.cgroup_mode = (mode), .cgroups = (trees), .cgroups_count = ARRAY_LEN(trees),        \
	.swap_accounting = true, .caps_known = ALL_CAPS, .cgroup_ns = true, .user_ns = true, \
	.time_ns = true, .cpus = 2, .nofile_soft = 1024, .nofile_hard = 524288
#define AS_ROOT .privileged = true, .first_user_ns = true, .caps = ALL_CAPS
#define AS_USER .euid = 1000, .egid = 1001

static const HostFacts v1_root __attribute__((unused)) = { HOST(CGROUP_V1, v1_trees), AS_ROOT };
static const HostFacts hybrid_root
	__attribute__((unused)) = { HOST(CGROUP_HYBRID, hybrid_trees), AS_ROOT };
static const HostFacts v2_root __attribute__((unused)) = { HOST(CGROUP_V2, v2_tree), AS_ROOT };
static const HostFacts v1_user __attribute__((unused)) = { HOST(CGROUP_V1, v1_user_trees), AS_USER };
static const HostFacts v2_user __attribute__((unused)) = { HOST(CGROUP_V2, v2_user_tree), AS_USER };
static const HostFacts bare_root
	__attribute__((unused)) = { AS_ROOT, .caps_known = ALL_CAPS, .cpus = 1, .nofile_soft = 1024,
				    .nofile_hard = UINT64_MAX };

/* One run: request and context, to be changed before it is used. */
typedef struct TestRun {
	Arena arena;
	RunRequest request;
	RunContext context;
	Err err;
} TestRun;

/* `sh -c true` with root directory /srv/root; root_fd is where targets are looked up. */
static inline void test_run_init(TestRun *t, const HostFacts *facts, int root_fd)
{
	*t = (TestRun){ 0 };
	run_request_init(&t->request);
	strlist_add(&t->arena, &t->request.argv, "sh");
	strlist_add(&t->arena, &t->request.argv, "-c");
	strlist_add(&t->arena, &t->request.argv, "true");
	t->context = (RunContext){
		.request = &t->request,
		.facts = facts,
		.arena = &t->arena,
		.id = ID,
		.container_dir = "/run/mydocker/containers/" ID,
		.hostname = "0123456789ab",
		.root_path = "/srv/root",
		.root_kind = ROOT_DIRECTORY,
		.root_fd = root_fd,
		.user = { .home = "/root" },
	};
}

/* What the engine does before it fills the description: the ids, from the request's options and files with these texts. */
static inline int test_run_ids(TestRun *t, const SubidFiles *files)
{
	UsernsHost h = { .facts = t->context.facts, .files = files, .auto_size = 1024 };
	Userns u;
	TRY(userns_read(&t->request, &t->arena, &u, &t->err));
	TRY(userns_choose(&u, &h, &t->arena, &t->context.ids, &t->err));
	if (t->context.ids.idmap_root && !t->context.root_idmap)
		t->context.root_idmap = "idmap";
	return 0;
}

static const SubidFiles no_subid_files __attribute__((unused)) = { "", "", "", "", "" };
