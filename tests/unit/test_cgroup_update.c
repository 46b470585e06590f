#include "unit.h"

#include "cgroup_case.h"

/* A case of a group in use, with what it has: nothing but what a fresh one has. */
typedef struct InUse {
	Case c;
	CgroupLimits now;
} InUse;

static InUse in_use(Case c)
{
	InUse u = { .c = c, .now = CGROUP_LIMITS_NONE };
	u.now.memory = u.now.swap = u.now.quota = -1;
	u.now.period = 100000;
	u.now.burst = u.now.idle = 0;
	if (!c.f.cgroups[0].is_v2) {
		u.now.rt_runtime = 0;
		u.now.rt_period = 1000000;
	}
	return u;
}
#define ON_V1 in_use(V1)
#define ON_V2 in_use(V2)

static int update(InUse *u)
{
	return plan_cgroup_update(&u->c.r, &u->c.f, &u->now, &u->c.arena, &u->c.plan, &u->c.e);
}

static void check_update(InUse *u, const char *want)
{
	Case *c = &u->c;
	if (update(u) < 0)
		fail_msg("%s", c->e.msg);
	check_writes(c, want);
}

static void check_update_refused(InUse *u, const char *part)
{
	if (update(u) >= 0)
		fail_msg("was planned: '%s'", part);
	check_error(&u->c, part);
}

static void nothing_given_changes_nothing(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2;
	check_update(&a, "");
	check_update(&b, "");
}

static void no_limit_is_written(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2;
	a.c.r.memory_limit = a.c.r.memory_swap = a.c.r.memory_reservation = a.c.r.pids_limit =
		a.c.r.cpu_quota = a.c.r.memory_kernel_tcp = -1;
	b.c.r = a.c.r;
	b.c.r.memory_kernel_tcp = SPEC_UNSET;
	check_update(&a,
		     "cpu.cfs_quota_us=-1; memory.memsw.limit_in_bytes=-1; memory.limit_in_bytes=-1; "
		     "memory.soft_limit_in_bytes=-1; memory.kmem.tcp.limit_in_bytes=-1; pids.max=max");
	check_update(&b, "cpu.max=max; memory.swap.max=max; memory.max=max; memory.low=0; pids.max=max");
}

static void no_memory_limit_is_none_of_swap_either(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2, c = ON_V1, d = ON_V1;
	a.now.memory = b.now.memory = c.now.memory = d.now.memory = 1000;
	a.now.swap = d.now.swap = 2000;
	b.now.swap = 1000;
	a.c.r.memory_limit = b.c.r.memory_limit = c.c.r.memory_limit = d.c.r.memory_limit = -1;
	check_update(&a, "memory.memsw.limit_in_bytes=-1; memory.limit_in_bytes=-1");
	check_update(&b, "memory.swap.max=max; memory.max=max");
	c.c.f.swap_accounting = false; /* there is none to take back */
	check_update(&c, "memory.limit_in_bytes=-1");
	d.c.r.memory_swap = 3000;
	check_update_refused(&d, "needs a memory limit, too");
}

static void v1_memory_is_never_above_memory_plus_swap(void **state)
{
	(void)state;
	static const struct {
		int64_t now, now_total, limit, total;
		const char *want;
	} rows[] = {
		{ 1000, 2000, 3000, 4000, "memory.memsw.limit_in_bytes=4000; memory.limit_in_bytes=3000" },
		{ 3000, 4000, 1000, 2000, "memory.limit_in_bytes=1000; memory.memsw.limit_in_bytes=2000" },
		{ 3000, 4000, 3000, 3000, "memory.memsw.limit_in_bytes=3000; memory.limit_in_bytes=3000" },
		{ 3000, 4000, 1000, 3000, "memory.memsw.limit_in_bytes=3000; memory.limit_in_bytes=1000" },
		{ -1, -1, 1000, 2000, "memory.limit_in_bytes=1000; memory.memsw.limit_in_bytes=2000" },
		{ 1000, 2000, 3000, -1, "memory.memsw.limit_in_bytes=-1; memory.limit_in_bytes=3000" },
		{ 1000, 2000, 1500, SPEC_UNSET, "memory.limit_in_bytes=1500" },
		{ 1000, -1, 5000, SPEC_UNSET, "memory.limit_in_bytes=5000" },
		{ 1000, 2000, SPEC_UNSET, 1000, "memory.memsw.limit_in_bytes=1000" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		InUse a = ON_V1;
		a.now.memory = rows[i].now, a.now.swap = rows[i].now_total;
		a.c.r.memory_limit = rows[i].limit, a.c.r.memory_swap = rows[i].total;
		check_update(&a, rows[i].want);
	}
}

static void v2_swap_is_what_the_sum_leaves(void **state)
{
	(void)state;
	static const struct {
		int64_t now, now_swap, limit, total;
		const char *want;
	} rows[] = {
		{ 1000, 1000, 3000, 4000, "memory.swap.max=1000; memory.max=3000" },
		{ 1000, 1000, 1500, SPEC_UNSET, "memory.swap.max=500; memory.max=1500" },
		{ 1000, -1, 5000, SPEC_UNSET, "memory.max=5000" },
		{ -1, 7000, 5000, SPEC_UNSET, "memory.max=5000" },
		{ 1000, 1000, SPEC_UNSET, 1500, "memory.swap.max=500" },
		{ 1000, 1000, SPEC_UNSET, -1, "memory.swap.max=max" },
		{ 3000, 0, 1000, 1000, "memory.max=1000; memory.swap.max=0" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		InUse a = ON_V2;
		a.now.memory = rows[i].now, a.now.swap = rows[i].now_swap;
		a.c.r.memory_limit = rows[i].limit, a.c.r.memory_swap = rows[i].total;
		check_update(&a, rows[i].want);
	}
}

static void memory_limits_that_contradict_what_is_set_are_refused(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2, c = ON_V1, d = ON_V1, e = ON_V2, f = ON_V1;
	a.now.memory = b.now.memory = c.now.memory = 1000;
	a.now.swap = c.now.swap = 2000;
	b.now.swap = 1000;
	a.c.r.memory_limit = b.c.r.memory_limit = 3000;
	check_update_refused(
		&a, "the memory limit, 3000, is above the limit of memory plus swap that is set, 2000: give that one, too");
	check_update_refused(&b, "is above the limit of memory plus swap that is set, 2000");
	c.c.r.memory_swap = 999;
	check_update_refused(&c, "the limit of memory plus swap, 999, is below the memory limit, 1000");
	d.c.r.memory_swap = e.c.r.memory_swap = 999;
	check_update_refused(&d, "needs a memory limit, too");
	check_update_refused(&e, "needs a memory limit, too");
	f.now.memory = 1000;
	f.c.f.swap_accounting = false;
	f.c.r.memory_swap = 2000;
	check_update_refused(&f, "account swap");
}

static void memory_in_use_is_looked_at_on_v2(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2;
	a.c.r.memory_limit = b.c.r.memory_limit = 1000;
	a.c.r.memory_check_before_update = b.c.r.memory_check_before_update = true;
	check_update(&a, "memory.limit_in_bytes=1000");
	check_update(&b, "memory.max=1000<memory.current");
}

/* The share of a CPU is at no time above both the old and the new one. */
static void quota_and_period_in_the_safe_order(void **state)
{
	(void)state;
	static const struct {
		int64_t quota, period;
		const char *v1, *v2;
	} rows[] = {
		{ 5000, 10000, "cpu.cfs_quota_us=5000; cpu.cfs_period_us=10000", "cpu.max=5000 10000" },
		{ 500000, 200000, "cpu.cfs_period_us=200000; cpu.cfs_quota_us=500000",
		  "cpu.max=500000 200000" },
		{ 60000, SPEC_UNSET, "cpu.cfs_quota_us=60000", "cpu.max=60000" },
		{ SPEC_UNSET, 60000, "cpu.cfs_period_us=60000", "cpu.max=50000 60000" },
		{ -1, 60000, "cpu.cfs_quota_us=-1; cpu.cfs_period_us=60000", "cpu.max=max 60000" },
		{ 0, 0, "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		InUse a = ON_V1, b = ON_V2;
		a.now.quota = b.now.quota = 50000;
		a.c.r.cpu_quota = b.c.r.cpu_quota = rows[i].quota;
		a.c.r.cpu_period = b.c.r.cpu_period = rows[i].period;
		check_update(&a, rows[i].v1);
		check_update(&b, rows[i].v2);
	}
}

static void a_burst_is_never_above_the_quota(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2, c = ON_V1, d = ON_V1, e = ON_V1;
	a.now.quota = b.now.quota = c.now.quota = d.now.quota = 50000;
	a.now.burst = b.now.burst = c.now.burst = 40000;
	a.c.r.cpu_quota = b.c.r.cpu_quota = c.c.r.cpu_quota = 30000;
	a.c.r.cpu_burst = b.c.r.cpu_burst = 0;
	check_update(&a, "cpu.cfs_burst_us=0; cpu.cfs_quota_us=30000");
	check_update(&b, "cpu.max.burst=0; cpu.max=30000");
	check_update_refused(&c, "CPU burst 40000 us is above the CPU quota, 30000 us");
	d.c.r.cpu_quota = d.c.r.cpu_burst = 90000;
	check_update(&d, "cpu.cfs_quota_us=90000; cpu.cfs_burst_us=90000");
	e.now.burst = CGROUP_NOT_THERE; /* a kernel without it: nothing to take back */
	e.c.r.cpu_burst = 0;
	check_update(&e, "");
}

static void real_time_in_the_safe_order(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V1, c = ON_V1, d = ON_V1, e = ON_V2;
	a.now.rt_runtime = b.now.rt_runtime = c.now.rt_runtime = 500000;
	a.c.r.cpu_realtime_period = 100000, a.c.r.cpu_realtime_runtime = 50000;
	check_update(&a, "cpu.rt_runtime_us=50000; cpu.rt_period_us=100000");
	b.c.r.cpu_realtime_period = 2000000, b.c.r.cpu_realtime_runtime = 1900000;
	check_update(&b, "cpu.rt_period_us=2000000; cpu.rt_runtime_us=1900000");
	c.c.r.cpu_realtime_period = 400000;
	check_update_refused(&c, "real-time CPU runtime 500000 us is above its period, 400000 us");
	d.now.rt_period = 2000000;
	d.c.r.cpu_realtime_runtime = 1500000;
	check_update(&d, "cpu.rt_runtime_us=1500000");
	e.c.r.cpu_realtime_runtime = 1000;
	check_update_refused(&e, "cgroup v2, which this host has, does not divide real-time CPU time");
}

static void weight_and_idleness_in_the_safe_order(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2, c = ON_V1, d = ON_V1;
	a.now.idle = c.now.idle = 1;
	a.c.r.cpu_shares = b.c.r.cpu_shares = c.c.r.cpu_shares = 2048;
	a.c.r.cpu_idle = 0;
	check_update(&a, "cpu.idle=0; cpu.shares=2048");
	b.c.r.cpu_idle = 1;
	check_update(&b, "cpu.weight=174; cpu.idle=1");
	check_update_refused(&c, "the container is idle");
	d.c.r.cpu_idle = 0;
	check_update(&d, "");
}

static void shares_that_the_kernel_would_move_are_refused(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V1, c = ON_V2;
	a.c.r.cpu_shares = 1;
	check_update_refused(&a, "the minimum allowed cpu-shares is 2");
	b.c.r.cpu_shares = 262145;
	check_update_refused(&b, "the maximum allowed cpu-shares is 262144");
	c.c.r.cpu_shares = 1;
	check_update(&c, "cpu.weight=1");
}

static void cpus_and_processes(void **state)
{
	(void)state;
	InUse a = ON_V1, b = ON_V2, c = ON_V1, d = ON_V1;
	a.c.r.cpuset_cpus = b.c.r.cpuset_cpus = "1";
	a.c.r.cpuset_mems = "0";
	a.c.r.pids_limit = 10, b.c.r.pids_limit = 0;
	check_update(&a, "cpuset.cpus=1; cpuset.mems=0; pids.max=10");
	check_update(&b, "cpuset.cpus=1; pids.max=1");
	c.c.f.cpus = 2;
	c.c.r.cpuset_cpus = "2";
	check_update_refused(&c, "this host has the CPUs 0-1");
	d.c.r.pids_limit = -2;
	check_update_refused(&d, "limit of processes -2 is negative");
}

static void a_rate_of_zero_is_none(void **state)
{
	(void)state;
	SpecDeviceRate rates[] = { { 8, 0, 0 }, { 8, 16, 5 } };
	InUse a = ON_V1, b = ON_V2;
	a.c.r.block_io.throttle[SPEC_READ_BPS] = b.c.r.block_io.throttle[SPEC_READ_BPS] = (SpecThrottle){
		rates, 2
	};
	check_update(&a, "blkio.throttle.read_bps_device=8:0 0; blkio.throttle.read_bps_device=8:16 5");
	check_update(&b, "io.max=8:0 rbps=max; io.max=8:16 rbps=5");
}

static void the_rest_is_as_for_fresh_groups(void **state)
{
	(void)state;
	SpecHugepageLimit huge = { "2MB", 4194304 };
	SpecRdma rdma = { "mlx5_0", 3, SPEC_UNSET };
	SpecUnified unified = { "memory.high", "9000" };
	InUse a = ON_V1, b = ON_V2;
	a.c.r.hugepage_limits = b.c.r.hugepage_limits = &huge;
	a.c.r.hugepage_limits_count = b.c.r.hugepage_limits_count = 1;
	check_update(&a, "hugetlb.2MB.rsvd.max=4194304|hugetlb.2MB.max=4194304"); /* the v2 tree of a hybrid host has it */
	b.c.r.rdma = &rdma, b.c.r.rdma_count = 1;
	b.c.r.unified = &unified, b.c.r.unified_count = 1;
	b.c.r.block_io.weight = 500;
	check_update(&b, "io.bfq.weight=500|io.weight=4950; hugetlb.2MB.rsvd.max=4194304|hugetlb.2MB.max=4194304; "
			 "rdma.max=mlx5_0 hca_handle=3; memory.high=9000");
}

static void device_rules_are_passed_over(void **state)
{
	(void)state;
	DeviceRule rule = { .allow = false, .type = 'a', .major = -1, .minor = -1, .read = true };
	InUse a = ON_V1;
	a.c.r.devices = &rule, a.c.r.devices_count = 1;
	check_update(&a, "");
}

static void a_controller_without_a_group_is_named(void **state)
{
	(void)state;
	HostCgroup trees[ARRAY_LEN(v1_trees)];
	InUse a = ON_V1;
	memcpy(trees, v1_trees, sizeof trees);
	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		trees[i].writable = !str_eq(trees[i].controllers, "memory");
	a.c.f.cgroups = trees;
	a.c.r.memory_limit = 1000;
	check_update_refused(
		&a, "the container has no group of the cgroup controller 'memory', which the memory limit needs");
}

/* ---- what callers send ---- */

static int decode(const char *text, Arena *a, SpecResources *r, Err *e)
{
	return spec_resources_decode(text, strlen(text), a, r, e);
}

static void zeros_of_old_dockers_ask_for_nothing(void **state)
{
	(void)state;
	InUse a = ON_V1;
	assert_int_equal(decode("{\"memory\":{\"limit\":0,\"reservation\":0,\"kernel\":0},\"cpu\":{\"shares\":0,\"quota\":0,"
				"\"period\":0,\"cpus\":\"\",\"mems\":\"\"},\"blockIO\":{\"weight\":0},\"pids\":null,\"x\":1}",
				&a.c.arena, &a.c.r, &a.c.e),
			 0);
	check_update(&a, "");
}

static void zeros_that_say_something(void **state)
{
	(void)state;
	InUse a = ON_V1;
	a.now.idle = 1, a.now.burst = 10;
	assert_int_equal(decode("{\"cpu\":{\"burst\":0,\"idle\":0},\"pids\":{\"limit\":0}}",
				&a.c.arena, &a.c.r, &a.c.e),
			 0);
	check_update(&a, "cpu.idle=0; cpu.cfs_burst_us=0; pids.max=1");
}

static void texts_that_are_no_resources(void **state)
{
	(void)state;
	static const struct {
		const char *text, *part;
	} rows[] = {
		{ "", "" },
		{ "[]", "the resources must be an object" },
		{ "{\"memory\":{\"limit\":\"1m\"}}", "memory.limit must be" },
		{ "{\"cpu\":{\"cpus\":\"x\"}}", "cpu.cpus must be a list" },
		{ "{\"pids\":{\"limit\":-2}}", "pids.limit must be" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		SpecResources r;
		Err e = { 0 };
		assert_true(decode(rows[i].text, &a, &r, &e) < 0);
		assert_int_equal(e.kind, ERR_SPEC);
		if (!strstr(e.msg, rows[i].part))
			fail_msg("'%s' is not in '%s'", rows[i].part, e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_changes_nothing),
		cmocka_unit_test(no_limit_is_written),
		cmocka_unit_test(no_memory_limit_is_none_of_swap_either),
		cmocka_unit_test(v1_memory_is_never_above_memory_plus_swap),
		cmocka_unit_test(v2_swap_is_what_the_sum_leaves),
		cmocka_unit_test(memory_limits_that_contradict_what_is_set_are_refused),
		cmocka_unit_test(memory_in_use_is_looked_at_on_v2),
		cmocka_unit_test(quota_and_period_in_the_safe_order),
		cmocka_unit_test(a_burst_is_never_above_the_quota),
		cmocka_unit_test(real_time_in_the_safe_order),
		cmocka_unit_test(weight_and_idleness_in_the_safe_order),
		cmocka_unit_test(shares_that_the_kernel_would_move_are_refused),
		cmocka_unit_test(cpus_and_processes),
		cmocka_unit_test(a_rate_of_zero_is_none),
		cmocka_unit_test(the_rest_is_as_for_fresh_groups),
		cmocka_unit_test(device_rules_are_passed_over),
		cmocka_unit_test(a_controller_without_a_group_is_named),
		cmocka_unit_test(zeros_of_old_dockers_ask_for_nothing),
		cmocka_unit_test(zeros_that_say_something),
		cmocka_unit_test(texts_that_are_no_resources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
