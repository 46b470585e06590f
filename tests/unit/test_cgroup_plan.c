#include "unit.h"

#include "cgroup_case.h"

static void nothing_given_writes_nothing(void **state)
{
	(void)state;
	Case a = V1, b = V2, c = NONE;
	check(&a, "");
	check(&b, "");
	check(&c, "");
	/* What asks for no limit needs no controller, either. */
	Case d = NONE;
	d.r.memory_limit = d.r.memory_swap = d.r.memory_reservation = d.r.pids_limit = d.r.cpu_quota = -1;
	check(&d, "");
}

static void memory_alone_leaves_swap_alone(void **state)
{
	(void)state;
	Case a = V1, b = V2;
	a.r.memory_limit = b.r.memory_limit = 104857600;
	check(&a, "memory.limit_in_bytes=104857600");
	check(&b, "memory.max=104857600");
}

static void a_default_of_swap_is_written_like_an_asked_one(void **state)
{
	(void)state;
	Case a = V1, b = V2;
	a.r.memory_limit = b.r.memory_limit = 104857600;
	a.r.memory_swap = b.r.memory_swap = 209715200;
	a.r.memory_swap_is_default = b.r.memory_swap_is_default = true;
	check(&a, "memory.limit_in_bytes=104857600; memory.memsw.limit_in_bytes=209715200");
	check(&b, "memory.max=104857600; memory.swap.max=104857600");
}

static void asked_swap_is_memory_plus_swap(void **state)
{
	(void)state;
	Case a = V1, b = V2, c = V1, d = V2;
	a.r.memory_limit = b.r.memory_limit = c.r.memory_limit = d.r.memory_limit = 1000;
	a.r.memory_swap = b.r.memory_swap = 1000;
	check(&a, "memory.limit_in_bytes=1000; memory.memsw.limit_in_bytes=1000");
	check(&b, "memory.max=1000; memory.swap.max=0");
	c.r.memory_swap = d.r.memory_swap = -1;
	check(&c, "memory.limit_in_bytes=1000");
	check(&d, "memory.max=1000");
}

static void swap_that_is_not_accounted_fails_only_when_asked(void **state)
{
	(void)state;
	Case a = V1, b = V1;
	a.f.swap_accounting = b.f.swap_accounting = false;
	a.r.memory_limit = b.r.memory_limit = 1000;
	a.r.memory_swap = b.r.memory_swap = 2000;
	a.r.memory_swap_is_default = true;
	check(&a, "memory.limit_in_bytes=1000");
	check_refused(&b, "account swap");
}

static void contradicting_memory_limits_are_refused(void **state)
{
	(void)state;
	Case a = V2, b = V2, c = V2, d = V2;
	a.r.memory_swap = 1000;
	check_refused(&a, "needs a memory limit");
	b.r.memory_limit = 2000, b.r.memory_swap = 1000;
	check_refused(&b, "is below the memory limit, 2000");
	c.r.memory_limit = 2000, c.r.memory_reservation = 3000;
	check_refused(&c, "above the memory limit");
	d.r.memory_limit = -2;
	check_refused(&d, "negative");
}

static void reservation_and_processes(void **state)
{
	(void)state;
	Case a = V1, b = V2, c = V2;
	a.r.memory_reservation = b.r.memory_reservation = 4096;
	a.r.pids_limit = b.r.pids_limit = 7;
	check(&a, "memory.soft_limit_in_bytes=4096; pids.max=7");
	check(&b, "memory.low=4096; pids.max=7");
	c.r.pids_limit = 0;
	check(&c, "pids.max=0");
}

static void cpu_limits(void **state)
{
	(void)state;
	Case a = V1, b = V2;
	a.r.cpu_shares = b.r.cpu_shares = 512;
	a.r.cpu_quota = b.r.cpu_quota = 150000;
	a.r.cpu_period = b.r.cpu_period = 50000;
	a.r.cpuset_cpus = b.r.cpuset_cpus = "0-1";
	a.r.cpuset_mems = b.r.cpuset_mems = "0";
	check(&a, "cpuset.cpus=0-1; cpuset.mems=0; cpu.shares=512; cpu.cfs_period_us=50000; cpu.cfs_quota_us=150000");
	check(&b, "cpuset.cpus=0-1; cpuset.mems=0; cpu.weight=59; cpu.max=150000 50000");
	Case c = V2, d = V2, e = V1;
	c.r.cpu_quota = 20000;
	check(&c, "cpu.max=20000");
	d.r.cpu_period = 20000;
	check(&d, "cpu.max=max 20000");
	e.r.cpu_period = 20000, e.r.cpu_quota = -1;
	check(&e, "cpu.cfs_period_us=20000");
}

static void cpus_that_do_not_exist_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "0,", "x", "3-1", "0-1-2", "-1", "0 ", "99999999999" };
	Case a = V1, b = V2, c = V1;
	a.f.cpus = b.f.cpus = 2;
	a.r.cpuset_cpus = "0-2", b.r.cpuset_cpus = "7,0";
	check_refused(&a, "'0-2': this host has the CPUs 0-1");
	check_refused(&b, "'7,0': this host has the CPUs 0-1");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		Case d = V1;
		d.r.cpuset_cpus = bad[i];
		check_refused(&d, "not a list");
	}
	c.r.cpuset_cpus = "4-7"; /* how many there are is not known */
	check(&c, "cpuset.cpus=4-7");
}

static void cpu_limits_outside_of_the_kernels_bounds_are_refused(void **state)
{
	(void)state;
	Case a = V1, b = V1, c = V1, d = V2;
	a.r.cpu_period = 999;
	check_refused(&a, "period 999");
	b.r.cpu_period = 1000001;
	check_refused(&b, "period 1000001");
	c.r.cpu_quota = 999;
	check_refused(&c, "quota 999");
	d.r.cpu_shares = -5;
	check_refused(&d, "shares -5");
}

/* Values from an independent computation with libm in long doubles. */
static void shares_become_weights(void **state)
{
	(void)state;
	static const struct {
		int64_t shares;
		unsigned weight;
	} cases[] = { { 0, 1 },         { 1, 1 },         { 2, 1 },          { 3, 2 },
		      { 10, 4 },        { 100, 17 },      { 128, 21 },       { 256, 35 },
		      { 512, 59 },      { 1000, 99 },     { 1024, 100 },     { 1025, 101 },
		      { 2000, 170 }, /* so does runc 1.4 */
		      { 2048, 174 },    { 4096, 303 },    { 10000, 627 },    { 65536, 3023 },
		      { 102400, 4429 }, { 200000, 7899 }, { 262143, 10000 }, { 262144, 10000 },
		      { 300000, 10000 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(plan_cgroup_weight(cases[i].shares), cases[i].weight);
	for (int64_t n = 2, last = 1; n <= 262144; n += 37) {
		unsigned weight = plan_cgroup_weight(n);
		assert_true(weight >= last && weight <= 10000);
		last = weight;
	}
}

static void a_missing_controller_is_named(void **state)
{
	(void)state;
	Case a = NONE, b = make_case(v1_trees, 3), c = V2, d = NONE;
	a.r.memory_limit = 1000;
	check_refused(&a, "no cgroup controller 'memory' for the memory limit");
	b.r.cpu_quota = 5000;
	check_refused(&b, "'cpu'");
	HostCgroup locked = v2_tree[0];
	locked.writable = false;
	c.f.cgroups = &locked;
	c.r.pids_limit = 10;
	check_refused(&c,
		      "'pids' is not delegated to this user for the limit of processes: /c is not writable; "
		      "in a session of systemd this gives you a group of your own: systemd-run --user --scope mydocker run ...");
	d.r.pids_limit = 10;
	check_refused(&d, "'pids'");
}

static void a_missing_default_is_one_warning(void **state)
{
	(void)state;
	Case a = make_case(v1_trees + 2, 3), b = V1;
	a.r.pids_limit = b.r.pids_limit = 2048;
	a.r.pids_limit_is_default = b.r.pids_limit_is_default = true;
	assert_int_equal(run(&a), 0);
	assert_int_equal(a.plan.count, 0);
	assert_int_equal(a.plan.warnings.count, 1);
	assert_non_null(strstr(a.plan.warnings.items[0], "2048"));
	assert_non_null(strstr(a.plan.warnings.items[0], "'pids'"));
	arena_done(&a.arena);
	assert_int_equal(run(&b), 0);
	assert_int_equal(b.plan.count, 1);
	assert_int_equal(b.plan.warnings.count, 0);
	assert_false(b.plan.items[0].write.asked);
	arena_done(&b.arena);
}

#define ALL     .type = 'a', .major = -1, .minor = -1, .read = true, .write = true, .mknod = true
#define C(a, b) .type = 'c', .major = (a), .minor = (b)
#define RWM     .read = true, .write = true, .mknod = true

static void devices_on_v1_are_writes(void **state)
{
	(void)state;
	DeviceRule rules[] = {
		{ .allow = true, C(9, 9), RWM }, /* without effect: all are denied after it */
		{ .allow = false, ALL },
		{ .allow = true, .type = 'b', .major = -1, .minor = -1, .mknod = true },
		{ .allow = true, C(1, 3), RWM },
		{ .allow = true, C(136, -1), RWM },
		{ .allow = false, C(7, 7), RWM }, /* denied already */
	};
	Case a = V1, b = V2;
	a.r.devices = b.r.devices = rules;
	a.r.devices_count = b.r.devices_count = ARRAY_LEN(rules);
	check(&a, "devices.deny=a; devices.allow=b *:* m; devices.allow=c 1:3 rwm; devices.allow=c 136:* rwm");
	check(&b, "");
	assert_true(plan_cgroup_devices_by_program(&b.f));
	assert_false(plan_cgroup_devices_by_program(&a.f));
}

static void later_device_rules_win_on_v1_or_are_refused(void **state)
{
	(void)state;
	DeviceRule same[] = { { .allow = true, C(1, 3), RWM },
			      { .allow = false, C(1, 3), .write = true } };
	DeviceRule part[] = { { .allow = true, C(1, -1), RWM }, { .allow = false, C(1, 3), RWM } };
	DeviceRule open_all[] = { { .allow = true, ALL }, { .allow = false, C(1, 3), RWM } };
	Case a = V1, b = V1, c = V1;
	a.r.devices = same, a.r.devices_count = 2;
	check(&a, "devices.deny=a; devices.allow=c 1:3 rwm; devices.deny=c 1:3 w");
	b.r.devices = part, b.r.devices_count = 2;
	check_refused(&b, "device rule 2 takes back a part of rule 1");
	c.r.devices = open_all, c.r.devices_count = 2;
	check(&c, "devices.allow=a; devices.deny=c 1:3 rwm");
}

static void no_device_control_at_all_is_a_warning_for_root(void **state)
{
	(void)state;
	DeviceRule rule = { .allow = false, ALL };
	Case a = NONE, b = NONE;
	a.r.devices = b.r.devices = &rule;
	a.r.devices_count = b.r.devices_count = 1;
	assert_int_equal(run(&a), 0);
	assert_int_equal(a.plan.warnings.count, 1);
	arena_done(&a.arena);
	b.f.privileged = false;
	assert_int_equal(run(&b), 0);
	assert_int_equal(b.plan.warnings.count, 0);
	arena_done(&b.arena);
}

static void check_bare(Case *c, bool read_only, const char *want)
{
	DeviceRule rule = { .allow = false, ALL };
	HostCgroup locked[] = { v1_trees[1], v1_trees[2] };
	locked[0].writable = locked[1].writable = false;
	locked[0].read_only = locked[1].read_only = read_only;
	c->f.cgroups = locked;
	c->f.cgroups_count = 2;
	c->r.devices = &rule;
	c->r.devices_count = 1;
	c->r.pids_limit = 2048;
	c->r.pids_limit_is_default = true;
	if (run(c) < 0)
		fail_msg("%s", c->e.msg);
	assert_int_equal(c->plan.count, 0);
	assert_int_equal(c->plan.warnings.count, 1);
	assert_string_equal(c->plan.warnings.items[0], want);
	arena_done(&c->arena);
}

static void where_nothing_is_writable_there_is_one_warning_for_all(void **state)
{
	(void)state;
	Case root = NONE, user = NONE, inner = NONE;
	check_bare(&root, false,
		   "the container runs without its default limits of 'pids' (2048) and 'devices': no cgroup hierarchy is writable here");
	user.f.privileged = false;
	check_bare(&user, false,
		   "the container runs without its default limits of 'pids' (2048): no cgroup hierarchy is writable here");
	check_bare(&inner, true,
		   "the container runs without its default limits of 'pids' (2048) and 'devices': the cgroup hierarchies are mounted read-only here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_writes_nothing),
		cmocka_unit_test(memory_alone_leaves_swap_alone),
		cmocka_unit_test(a_default_of_swap_is_written_like_an_asked_one),
		cmocka_unit_test(asked_swap_is_memory_plus_swap),
		cmocka_unit_test(swap_that_is_not_accounted_fails_only_when_asked),
		cmocka_unit_test(contradicting_memory_limits_are_refused),
		cmocka_unit_test(reservation_and_processes),
		cmocka_unit_test(cpu_limits),
		cmocka_unit_test(cpus_that_do_not_exist_are_refused),
		cmocka_unit_test(cpu_limits_outside_of_the_kernels_bounds_are_refused),
		cmocka_unit_test(shares_become_weights),
		cmocka_unit_test(a_missing_controller_is_named),
		cmocka_unit_test(a_missing_default_is_one_warning),
		cmocka_unit_test(devices_on_v1_are_writes),
		cmocka_unit_test(later_device_rules_win_on_v1_or_are_refused),
		cmocka_unit_test(no_device_control_at_all_is_a_warning_for_root),
		cmocka_unit_test(where_nothing_is_writable_there_is_one_warning_for_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
