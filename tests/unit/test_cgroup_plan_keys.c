/* Limits beyond memory, CPU time and processes: block devices, real time, huge pages, network, RDMA, files of v2 by name. */
#include "unit.h"

#include "cgroup_case.h"

/* ---- memory ---- */

static void memory_settings_of_v1(void **state)
{
	(void)state;
	Case a = V1;
	a.r.memory_use_hierarchy = 1;
	a.r.memory_limit = 4096, a.r.memory_swap = 8192, a.r.memory_reservation = 1024;
	a.r.memory_swappiness = 0;
	a.r.memory_disable_oom_killer = true;
	a.r.memory_kernel_tcp = 2048;
	a.r.memory_check_before_update = true; /* v1 does so by itself */
	check(&a, "memory.use_hierarchy=1; memory.limit_in_bytes=4096; memory.memsw.limit_in_bytes=8192; "
		  "memory.soft_limit_in_bytes=1024; memory.swappiness=0; memory.oom_control=1; "
		  "memory.kmem.tcp.limit_in_bytes=2048");
	Case b = V1;
	b.r.memory_use_hierarchy = 0;
	b.r.memory_kernel_tcp = -1;
	check(&b, "memory.use_hierarchy=0");
}

static void memory_settings_that_v2_does_not_have_are_refused(void **state)
{
	(void)state;
	Case a = V2, b = V2, c = V2, d = V2, e = V2;
	a.r.memory_swappiness = 10;
	check_refused(&a, "the memory swappiness: cgroup v2, which this host has, gives a group none of its own");
	b.r.memory_disable_oom_killer = true;
	check_refused(&b, "the switching off of the OOM killer: cgroup v2, which this host has, does not do that");
	c.r.memory_kernel_tcp = 1;
	check_refused(&c, "the limit of TCP buffer memory: cgroup v2");
	d.r.memory_use_hierarchy = 0;
	check_refused(&d, "counting of the groups below cannot be switched off: cgroup v2 always counts them");
	e.r.memory_use_hierarchy = 1; /* it is so */
	check(&e, "");
}

static void memory_in_use_is_checked_before_a_v2_limit(void **state)
{
	(void)state;
	Case a = V2;
	a.r.memory_limit = 4096, a.r.memory_swap = 4096;
	a.r.memory_check_before_update = true;
	check(&a, "memory.max=4096<memory.current; memory.swap.max=0");
}

static void an_oom_killer_that_is_off_without_a_limit_is_a_warning(void **state)
{
	(void)state;
	Case a = V1, b = V1;
	a.r.memory_disable_oom_killer = b.r.memory_disable_oom_killer = true;
	b.r.memory_limit = 4096;
	assert_int_equal(run(&a), 0);
	assert_int_equal(a.plan.warnings.count, 1);
	assert_non_null(strstr(a.plan.warnings.items[0], "it has no memory limit"));
	arena_done(&a.arena);
	assert_int_equal(run(&b), 0);
	assert_int_equal(b.plan.warnings.count, 0);
	arena_done(&b.arena);
}

static void memory_settings_out_of_range_are_refused(void **state)
{
	(void)state;
	Case a = V1, b = V1, c = NONE;
	a.r.memory_swappiness = 101;
	check_refused(&a, "memory swappiness 101 is not between 0 and 100");
	b.r.memory_kernel_tcp = -2;
	check_refused(&b, "limit of TCP buffer memory -2 is negative");
	c.r.memory_swappiness = 1;
	check_refused(&c, "no cgroup controller 'memory' for the memory swappiness");
}

/* ---- CPU ---- */

static void real_time_is_v1_s(void **state)
{
	(void)state;
	Case a = V1, b = V2, c = V2, d = V1, e = V1, f = NONE;
	a.r.cpu_realtime_runtime = 5000, a.r.cpu_realtime_period = 100000;
	check(&a, "cpu.rt_period_us=100000; cpu.rt_runtime_us=5000");
	b.r.cpu_realtime_runtime = 5000;
	check_refused(&b, "the real-time CPU runtime: cgroup v2, which this host has, does not divide real-time CPU time");
	c.r.cpu_realtime_period = 5000;
	check_refused(&c, "the real-time CPU period: cgroup v2");
	d.r.cpu_realtime_runtime = 1000001;
	check_refused(&d, "real-time CPU runtime 1000001 us is above its period, 1000000 us");
	e.r.cpu_realtime_runtime = 11, e.r.cpu_realtime_period = 10;
	check_refused(&e, "runtime 11 us is above its period, 10 us");
	f.r.cpu_realtime_runtime = 1;
	check_refused(&f, "no cgroup controller 'cpu' for the real-time CPU runtime");
}

static void burst_and_idle_come_after_quota_and_weight(void **state)
{
	(void)state;
	Case a = V1, b = V2, c = V1, d = V1, e = V1;
	a.r.cpu_shares = b.r.cpu_shares = 1024;
	a.r.cpu_quota = b.r.cpu_quota = 5000;
	a.r.cpu_burst = b.r.cpu_burst = 4000;
	a.r.cpu_idle = b.r.cpu_idle = 1;
	check(&a, "cpu.shares=1024; cpu.cfs_quota_us=5000; cpu.cfs_burst_us=4000; cpu.idle=1");
	check(&b, "cpu.weight=100; cpu.max=5000; cpu.max.burst=4000; cpu.idle=1");
	c.r.cpu_quota = 5000, c.r.cpu_burst = 5001;
	check_refused(&c, "CPU burst 5001 us is above the CPU quota, 5000 us");
	d.r.cpu_idle = 2;
	check_refused(&d, "CPU idle 2 is neither 0 nor 1");
	e.r.cpu_idle = 0, e.r.cpu_burst = 0;
	check(&e, "");
}

static void memory_nodes_are_a_list(void **state)
{
	(void)state;
	Case a = V1;
	a.r.cpuset_mems = "0-";
	check_refused(&a, "set of memory nodes '0-': not a list such as 0-3,7");
}

/* ---- block devices ---- */

static SpecDeviceRate rates[] = {
	{ .major = 8, .minor = 16, .rate = 1048576 },
	{ .major = 8, .minor = 0, .rate = 0 }, /* no limit */
	{ .major = 253, .minor = 1, .rate = UINT32_MAX },
};

static void give_rates(Case *c)
{
	for (int k = 0; k < SPEC_THROTTLE_KINDS; k++)
		c->r.block_io.throttle[k] = (SpecThrottle){ &rates[k % 2 ? 2 : 0], 1 };
	c->r.block_io.throttle[SPEC_READ_BPS].count = 2;
}

static void rates_of_block_devices(void **state)
{
	(void)state;
	Case a = V1, b = V2;
	give_rates(&a);
	give_rates(&b);
	check(&a,
	      "blkio.throttle.read_bps_device=8:16 1048576; blkio.throttle.write_bps_device=253:1 4294967295; "
	      "blkio.throttle.read_iops_device=8:16 1048576; blkio.throttle.write_iops_device=253:1 4294967295");
	check(&b, "io.max=8:16 rbps=1048576; io.max=253:1 wbps=4294967295; io.max=8:16 riops=1048576; "
		  "io.max=253:1 wiops=4294967295");
}

/* cgroup v1 would take it and use what is left of it in 32 bits. */
static void rates_beyond_32_bits_are_refused_for_operations_only(void **state)
{
	(void)state;
	SpecDeviceRate rate = { .major = 1, .minor = 2, .rate = UINT64_C(1) << 32 };
	Case a = V1, b = V1;
	a.r.block_io.throttle[SPEC_READ_IOPS] = b.r.block_io.throttle[SPEC_READ_BPS] = (SpecThrottle){
		&rate, 1
	};
	check_refused(&a, "rate of read operations of device 1:2: 4294967296 is above 4294967295");
	check(&b, "blkio.throttle.read_bps_device=1:2 4294967296");
}

static void weights_of_block_devices(void **state)
{
	(void)state;
	static const struct {
		int64_t weight;
		const char *io;
	} scale[] = { { 10, "1" }, { 11, "11" }, { 100, "910" }, { 500, "4950" }, { 1000, "10000" } };
	SpecDeviceWeight device = { .major = 8, .weight = 300, .leaf_weight = SPEC_UNSET };
	Case a = V1, b = V2;
	a.r.block_io.weight = b.r.block_io.weight = 500;
	a.r.block_io.weight_devices = b.r.block_io.weight_devices = &device;
	a.r.block_io.weight_devices_count = b.r.block_io.weight_devices_count = 1;
	check(&a, "blkio.weight=500|blkio.bfq.weight=500; blkio.weight_device=8:0 300|blkio.bfq.weight_device=8:0 300");
	check(&b, "io.bfq.weight=500|io.weight=4950; io.bfq.weight=8:0 300|io.weight=8:0 2930");
	for (size_t i = 0; i < ARRAY_LEN(scale); i++) { /* what runc and crun make of them */
		Case c = V2;
		c.r.block_io.weight = scale[i].weight;
		check(&c, arena_printf(&c.arena, "io.bfq.weight=%d|io.weight=%s",
				       (int)scale[i].weight, scale[i].io));
	}
}

static void leaf_weights_are_v1_s(void **state)
{
	(void)state;
	SpecDeviceWeight device = { .major = 8, .minor = 3, .weight = SPEC_UNSET, .leaf_weight = 20 };
	Case a = V1, b = V2, c = V2;
	a.r.block_io.leaf_weight = b.r.block_io.leaf_weight = 30;
	a.r.block_io.weight_devices = c.r.block_io.weight_devices = &device;
	a.r.block_io.weight_devices_count = c.r.block_io.weight_devices_count = 1;
	check(&a, "blkio.leaf_weight=30; blkio.leaf_weight_device=8:3 20");
	check_refused(&b, "the block I/O leaf weight: cgroup v2, which this host has, has none");
	check_refused(&c, "the block I/O leaf weight: cgroup v2");
}

static void bad_weights_are_refused(void **state)
{
	(void)state;
	SpecDeviceWeight none = { .major = 8, .weight = SPEC_UNSET, .leaf_weight = SPEC_UNSET };
	SpecDeviceWeight big = { .major = 8, .weight = 1001, .leaf_weight = SPEC_UNSET };
	Case a = V1, b = V2, c = V1, d = V2, e = NONE, f = make_case(v2_tree, 1);
	a.r.block_io.weight = 9;
	check_refused(&a, "block I/O weight: 9 is not between 10 and 1000");
	b.r.block_io.leaf_weight = 1001;
	check_refused(&b, "block I/O leaf weight: 1001 is not between 10 and 1000");
	c.r.block_io.weight_devices = &none, c.r.block_io.weight_devices_count = 1;
	check_refused(&c, "block I/O weight of device 8:0: neither weight nor leaf weight is given");
	d.r.block_io.weight_devices = &big, d.r.block_io.weight_devices_count = 1;
	check_refused(&d, "block I/O weight of device 8:0: 1001 is not between 10 and 1000");
	e.r.block_io.weight = 100;
	check_refused(&e, "no cgroup controller 'blkio' for the block I/O weight");
	HostCgroup without = v2_tree[0];
	without.controllers = "cpu memory pids";
	f.f.cgroups = &without;
	f.r.block_io.weight = 100;
	check_refused(&f, "no cgroup controller 'io' for the block I/O weight");
}

/* ---- huge pages, network, RDMA ---- */

static void huge_pages(void **state)
{
	(void)state;
	SpecHugepageLimit limits[] = { { "2MB", 209715200 }, { "64KB", 0 } };
	HostCgroup v1 = {
		.controllers = "hugetlb", .mountpoint = "/c/hugetlb", .own = "/", .writable = true
	};
	Case a = V2, b = make_case(&v1, 1), c = V1;
	a.r.hugepage_limits = b.r.hugepage_limits = c.r.hugepage_limits = limits;
	a.r.hugepage_limits_count = b.r.hugepage_limits_count = 2;
	c.r.hugepage_limits_count = 1;
	check(&a, "hugetlb.2MB.rsvd.max=209715200|hugetlb.2MB.max=209715200; hugetlb.64KB.rsvd.max=0|hugetlb.64KB.max=0");
	check(&b, "hugetlb.2MB.rsvd.limit_in_bytes=209715200|hugetlb.2MB.limit_in_bytes=209715200; "
		  "hugetlb.64KB.rsvd.limit_in_bytes=0|hugetlb.64KB.limit_in_bytes=0");
	/* The v2 tree of a hybrid host may have it. */
	check(&c, "hugetlb.2MB.rsvd.max=209715200|hugetlb.2MB.max=209715200");
}

static void huge_page_sizes_are_names_of_files(void **state)
{
	(void)state;
	static const char *const bad[] = { "",     "2",     "MB",     "2mb",  "2M",  "02MB",
					   "2 MB", "2MB/x", "../2MB", "-2MB", "2TB", "12345678901MB" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SpecHugepageLimit limit = { bad[i], 1 };
		Case a = V2;
		a.r.hugepage_limits = &limit;
		a.r.hugepage_limits_count = 1;
		check_refused(&a, "not a size such as 64KB, 2MB or 1GB");
	}
}

static void network_classes_and_priorities(void **state)
{
	(void)state;
	SpecNetPriority priorities[] = { { "eth0", 500 }, { "lo", 0 } }, bad = { "eth0 1\nlo", 2 };
	Case a = V1, b = V2, c = V2, d = V1, e = make_case(v1_trees, 3);
	a.r.net_class_id = b.r.net_class_id = e.r.net_class_id = 1048577;
	a.r.net_priorities = c.r.net_priorities = priorities;
	a.r.net_priorities_count = c.r.net_priorities_count = 2;
	check(&a, "net_cls.classid=1048577; net_prio.ifpriomap=eth0 500; net_prio.ifpriomap=lo 0");
	check_refused(&b, "the network class: cgroup v2, which this host has, has none");
	check_refused(&c, "the network priority: cgroup v2, which this host has, has none");
	d.r.net_priorities = &bad, d.r.net_priorities_count = 1;
	check_refused(&d, "not a name");
	check_refused(&e, "this host has no cgroup controller 'net_cls' for the network class");
}

static void rdma_devices(void **state)
{
	(void)state;
	SpecRdma devices[] = { { "mlx5_1", 3, 10000 },
			       { "mlx4_0", SPEC_UNSET, 1000 },
			       { "rxe3", 0, SPEC_UNSET } };
	SpecRdma none = { "mlx5_1", SPEC_UNSET, SPEC_UNSET }, bad = { "a b", 1, 1 };
	Case a = V2, b = V1, c = V2, d = V2;
	a.r.rdma = b.r.rdma = devices;
	a.r.rdma_count = b.r.rdma_count = 3;
	check(&a, "rdma.max=mlx5_1 hca_handle=3 hca_object=10000; rdma.max=mlx4_0 hca_object=1000; rdma.max=rxe3 hca_handle=0");
	check_refused(&b, "no cgroup controller 'rdma' for the limit of RDMA devices");
	c.r.rdma = &none, c.r.rdma_count = 1;
	check_refused(&c, "limit of RDMA device 'mlx5_1': neither handles nor objects are given");
	d.r.rdma = &bad, d.r.rdma_count = 1;
	check_refused(&d, "limit of RDMA device 'a b': not a name");
}

/* ---- files of v2 by their names ---- */

static Case with_unified(Case c, SpecUnified *u)
{
	c.r.unified = u;
	c.r.unified_count = 1;
	return c;
}

static void files_of_v2_are_written_last_and_line_by_line(void **state)
{
	(void)state;
	SpecUnified two[] = { { "memory.high", "1000\n2000\n" }, { "cgroup.max.descendants", "5" } };
	SpecUnified huge = { "hugetlb.2MB.max", "2097152" }, empty = { "io.max", "" };
	Case a = with_unified(V2, two), b = with_unified(V1, &huge), c = with_unified(V2, &empty);
	a.r.unified_count = 2;
	a.r.memory_limit = 4096;
	a.r.pids_limit = 3;
	check(&a, "memory.max=4096; pids.max=3; memory.high=1000; memory.high=2000; cgroup.max.descendants=5");
	check(&b, "hugetlb.2MB.max=2097152");
	check(&c, "");
}

static void files_that_are_no_limit_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",      "memory",       ".max",       "memory.", "memory/x.max",
		"a b.c", "memory.max\n", "../x.memory"
	};
	static const char *const core[] = { "cgroup.procs", "cgroup.threads",
					    "cgroup.kill",  "cgroup.freeze",
					    "cgroup.type",  "cgroup.subtree_control" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SpecUnified u = { bad[i], "1" };
		Case a = with_unified(V2, &u);
		check_refused(&a, "not the name of a file such as memory.high");
	}
	for (size_t i = 0; i < ARRAY_LEN(core); i++) {
		SpecUnified u = { core[i], "1" };
		Case a = with_unified(V2, &u);
		check_refused(&a, "it limits nothing");
	}
}

static void files_of_v2_need_its_tree_and_the_controller_in_it(void **state)
{
	(void)state;
	SpecUnified high = { "memory.high", "1" }, misc = { "misc.max", "x 1" },
		    depth = { "cgroup.max.depth", "1" };
	HostCgroup locked = v2_tree[0];
	locked.writable = false;
	Case a = with_unified(make_case(v1_trees, 3), &high), b = with_unified(V1, &high),
	     c = with_unified(V2, &misc), d = with_unified(V2, &high), e = with_unified(V2, &depth);
	check_refused(&a, "cgroup setting 'memory.high': this host has no cgroup v2 tree");
	check_refused(&b, "cgroup setting 'memory.high': the controller 'memory' belongs to cgroup v1 on this host (/c/memory)");
	check_refused(&c, "no cgroup controller 'misc' for the cgroup setting 'misc.max'");
	d.f.cgroups = e.f.cgroups = &locked;
	check_refused(&d, "'memory' is not delegated to this user for the cgroup setting 'memory.high'");
	check_refused(&e, "cgroup setting 'cgroup.max.depth': /c is not writable");
}

/* ---- no groups, and why there is none ---- */

static void without_groups_nothing_can_be_limited(void **state)
{
	(void)state;
	DeviceRule rule = { .allow = false, .type = 'a', .major = -1, .minor = -1, .read = true };
	SpecUnified high = { "memory.high", "1" };
	Case defaults = V1, memory = V1, pids = V2, unified = with_unified(V2, &high);
	defaults.no_cgroups = memory.no_cgroups = pids.no_cgroups = unified.no_cgroups = true;
	defaults.r.devices = &rule;
	defaults.r.devices_count = 1;
	defaults.r.pids_limit = 2048;
	defaults.r.pids_limit_is_default = true;
	assert_int_equal(run(&defaults), 0);
	assert_int_equal(defaults.plan.warnings.count, 0);
	assert_int_equal(defaults.plan.count, 0);
	arena_done(&defaults.arena);
	memory.r.memory_limit = 4096;
	check_refused(&memory,
		      "the memory limit needs a control group, and the container gets none (--cgroups disabled)");
	pids.r.pids_limit = 4;
	check_refused(&pids, "the limit of processes needs a control group");
	check_refused(&unified, "the cgroup setting 'memory.high' needs a control group");
}

static void a_missing_controller_is_explained(void **state)
{
	(void)state;
	static const char *off[] = { "memory", "cpu" }, *on[] = { "pids" };
	HostCgroup given = v2_tree[0], ro = v1_trees[3];
	Case a = NONE, b = NONE, c = make_case(&given, 1), d = make_case(&ro, 1);
	a.f.controllers_off = b.f.controllers_off = (StrList){ off, 2 };
	a.f.controllers_on = b.f.controllers_on = (StrList){ on, 1 };
	a.r.memory_limit = b.r.pids_limit = 4096;
	check_refused(&a, "'memory' for the memory limit: the kernel has it switched off; boot with cgroup_enable=memory, or "
			  "without cgroup_disable=memory");
	check_refused(&b, "'pids' for the limit of processes: the kernel has it, but no mounted hierarchy does");
	given.controllers = "memory pids";
	given.delegated = "/user.slice/user@1.service";
	given.own = "/user.slice/user@1.service/app.slice/run-7.scope";
	c.f.privileged = false;
	c.r.cpu_quota = 5000;
	check_refused(&c, "'cpu' for the CPU quota: the group /user.slice/user@1.service, which is yours, was not given it; systemd gives it with "
			  "Delegate=cpu in user@.service");
	ro.writable = false;
	ro.read_only = true;
	d.r.memory_limit = 4096;
	check_refused(&d, "'memory' cannot be used for the memory limit: /c/memory is mounted read-only (in a container");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_settings_of_v1),
		cmocka_unit_test(memory_settings_that_v2_does_not_have_are_refused),
		cmocka_unit_test(memory_in_use_is_checked_before_a_v2_limit),
		cmocka_unit_test(an_oom_killer_that_is_off_without_a_limit_is_a_warning),
		cmocka_unit_test(memory_settings_out_of_range_are_refused),
		cmocka_unit_test(real_time_is_v1_s),
		cmocka_unit_test(burst_and_idle_come_after_quota_and_weight),
		cmocka_unit_test(memory_nodes_are_a_list),
		cmocka_unit_test(rates_of_block_devices),
		cmocka_unit_test(rates_beyond_32_bits_are_refused_for_operations_only),
		cmocka_unit_test(weights_of_block_devices),
		cmocka_unit_test(leaf_weights_are_v1_s),
		cmocka_unit_test(bad_weights_are_refused),
		cmocka_unit_test(huge_pages),
		cmocka_unit_test(huge_page_sizes_are_names_of_files),
		cmocka_unit_test(network_classes_and_priorities),
		cmocka_unit_test(rdma_devices),
		cmocka_unit_test(files_of_v2_are_written_last_and_line_by_line),
		cmocka_unit_test(files_that_are_no_limit_are_refused),
		cmocka_unit_test(files_of_v2_need_its_tree_and_the_controller_in_it),
		cmocka_unit_test(without_groups_nothing_can_be_limited),
		cmocka_unit_test(a_missing_controller_is_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
