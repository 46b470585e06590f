/* "linux.resources" of config.json beyond the common limits: every key, and what is wrong with it. */
#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "fmt/spec.h"

static int decode(Arena *a, const char *members, Spec *ret, Err *e)
{
	const char *text = arena_printf(
		a, "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"/r\"},\"linux\":{\"resources\":{%s}}}",
		members);
	return spec_decode(text, strlen(text), a, ret, e);
}

static const SpecResources *decoded(Arena *a, Spec *s, const char *members)
{
	Err e = { 0 };
	if (decode(a, members, s, &e) < 0)
		fail_msg("%s: %s", members, e.msg);
	return &s->linux_.resources;
}

static void memory(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	const SpecResources *r = decoded(&a, &s,
					 "\"memory\":{\"kernel\":-1,\"kernelTCP\":5,\"swappiness\":0,\"disableOOMKiller\":true,"
					 "\"useHierarchy\":false,\"checkBeforeUpdate\":true}");
	assert_true(r->memory_kernel_tcp == 5 && r->memory_swappiness == 0);
	assert_true(r->memory_disable_oom_killer && r->memory_check_before_update);
	assert_true(r->memory_use_hierarchy == 0);
	r = decoded(&a, &s,
		    "\"memory\":{\"kernelTCP\":0,\"swappiness\":100,\"useHierarchy\":true,\"kernel\":0}");
	assert_true(r->memory_kernel_tcp == SPEC_UNSET && r->memory_swappiness == 100);
	assert_true(r->memory_use_hierarchy == 1 && !r->memory_disable_oom_killer);
	r = decoded(&a, &s, "");
	assert_true(r->memory_swappiness == SPEC_UNSET && r->memory_use_hierarchy == SPEC_UNSET);
	assert_false(r->memory_check_before_update);
}

static void cpu(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	const SpecResources *r = decoded(
		&a, &s, "\"cpu\":{\"burst\":1,\"realtimeRuntime\":2,\"realtimePeriod\":3,\"idle\":1}");
	assert_true(r->cpu_burst == 1 && r->cpu_realtime_runtime == 2);
	assert_true(r->cpu_realtime_period == 3 && r->cpu_idle == 1);
	r = decoded(&a, &s,
		    "\"cpu\":{\"burst\":0,\"realtimeRuntime\":0,\"realtimePeriod\":0,\"idle\":0}");
	assert_true(r->cpu_burst == 0 && r->cpu_realtime_runtime == SPEC_UNSET);
	assert_true(r->cpu_realtime_period == SPEC_UNSET && r->cpu_idle == 0);
}

static void block_io(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	const SpecBlockIo *
		b = &decoded(&a, &s,
			     "\"blockIO\":{\"weight\":10,\"leafWeight\":11,\"weightDevice\":["
			     "{\"major\":8,\"minor\":0,\"weight\":500,\"leafWeight\":300},{\"major\":8,\"minor\":16,\"weight\":501}],"
			     "\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":18446744073709551615}],"
			     "\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":2,\"rate\":2}],"
			     "\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":3,\"rate\":3},{\"major\":9,\"minor\":3,\"rate\":0}],"
			     "\"throttleWriteIOPSDevice\":[{\"major\":4095,\"minor\":1048575,\"rate\":4}]}")
			     ->block_io;
	assert_true(b->weight == 10 && b->leaf_weight == 11);
	assert_int_equal(b->weight_devices_count, 2);
	assert_true(b->weight_devices[0].weight == 500 && b->weight_devices[0].leaf_weight == 300);
	assert_true(b->weight_devices[1].minor == 16 && b->weight_devices[1].leaf_weight == SPEC_UNSET);
	assert_int_equal(b->throttle[SPEC_READ_IOPS].count, 2);
	assert_true(b->throttle[SPEC_READ_BPS].items[0].rate == UINT64_MAX);
	for (uint32_t k = 0; k < SPEC_THROTTLE_KINDS; k++)
		assert_true(k == SPEC_WRITE_IOPS || b->throttle[k].items[0].minor == k + 1);
	assert_true(b->throttle[SPEC_WRITE_IOPS].items[0].major == 4095);
	b = &decoded(&a, &s, "\"blockIO\":{\"weight\":0}")->block_io;
	assert_true(b->weight == SPEC_UNSET && b->leaf_weight == SPEC_UNSET);
}

static void huge_pages_network_rdma_and_files(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	const SpecResources *r = decoded(
		&a, &s,
		"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],"
		"\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":500}]},"
		"\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000},\"rxe3\":{\"hcaObjects\":0}},"
		"\"unified\":{\"hugetlb.2MB.max\":\"1\",\"io.max\":\"\"}");
	assert_int_equal(r->hugepage_limits_count, 1);
	assert_string_equal(r->hugepage_limits[0].page_size, "2MB");
	assert_true(r->hugepage_limits[0].limit == 0);
	assert_int_equal(r->net_class_id, 1048577);
	assert_int_equal(r->net_priorities_count, 1);
	assert_string_equal(r->net_priorities[0].name, "eth0");
	assert_int_equal(r->net_priorities[0].priority, 500);
	assert_int_equal(r->rdma_count, 2);
	assert_string_equal(r->rdma[0].device, "mlx5_1");
	assert_true(r->rdma[0].hca_handles == 3 && r->rdma[0].hca_objects == 10000);
	assert_true(r->rdma[1].hca_handles == SPEC_UNSET && r->rdma[1].hca_objects == 0);
	assert_int_equal(r->unified_count, 2);
	assert_string_equal(r->unified[0].key, "hugetlb.2MB.max");
	assert_string_equal(r->unified[0].value, "1");
	assert_string_equal(r->unified[1].value, "");
}

static const struct {
	const char *members, *message;
} wrong[] = {
	{ "\"memory\":{\"kernel\":1}",
	  "memory.kernel asks for a limit of kernel memory, which Linux no longer has: memory.limit counts it" },
	{ "\"memory\":{\"kernel\":\"1\"}", "memory.kernel must be a whole number, not a string" },
	{ "\"memory\":{\"kernelTCP\":-2}", "memory.kernelTCP must be from -1 to 9223372036854775807" },
	{ "\"memory\":{\"swappiness\":101}", "memory.swappiness must be from 0 to 100" },
	{ "\"memory\":{\"swappiness\":-1}", "memory.swappiness must be from 0 to 100" },
	{ "\"memory\":{\"disableOOMKiller\":1}",
	  "memory.disableOOMKiller must be true or false, not a number" },
	{ "\"memory\":{\"useHierarchy\":1}", "memory.useHierarchy must be true or false, not a number" },
	{ "\"memory\":{\"checkBeforeUpdate\":\"\"}",
	  "memory.checkBeforeUpdate must be true or false, not a string" },
	{ "\"cpu\":{\"burst\":-1}", "cpu.burst must be from 0 to 9223372036854775807" },
	{ "\"cpu\":{\"realtimeRuntime\":-1}",
	  "cpu.realtimeRuntime must be from 0 to 9223372036854775807" },
	{ "\"cpu\":{\"realtimePeriod\":1.5}",
	  "cpu.realtimePeriod must be a whole number, written without a fraction or an exponent" },
	{ "\"cpu\":{\"idle\":2}", "cpu.idle must be from 0 to 1" },
	{ "\"blockIO\":{\"weight\":65536}", "blockIO.weight must be from 0 to 65535" },
	{ "\"blockIO\":{\"leafWeight\":-1}", "blockIO.leafWeight must be from 0 to 65535" },
	{ "\"blockIO\":{\"weightDevice\":[{}]}", "blockIO.weightDevice[0].major is missing" },
	{ "\"blockIO\":{\"weightDevice\":[{\"major\":1,\"minor\":2}]}",
	  "blockIO.weightDevice[0] must have a weight, a leafWeight or both" },
	{ "\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":1,\"rate\":2}]}",
	  "blockIO.throttleReadBpsDevice[0].minor is missing" },
	{ "\"blockIO\":{\"throttleWriteBpsDevice\":[{\"major\":1,\"minor\":2}]}",
	  "blockIO.throttleWriteBpsDevice[0].rate is missing" },
	{ "\"blockIO\":{\"throttleReadIOPSDevice\":[{\"major\":4096,\"minor\":2,\"rate\":1}]}",
	  "blockIO.throttleReadIOPSDevice[0].major must be from 0 to 4095" },
	{ "\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":1,\"minor\":2,\"rate\":-1}]}",
	  "blockIO.throttleWriteIOPSDevice[0].rate must be from 0 to 18446744073709551615" },
	{ "\"network\":{\"classID\":4294967296}", "network.classID must be from 0 to 4294967295" },
	{ "\"network\":{\"priorities\":[{}]}", "network.priorities[0].name is missing" },
	{ "\"network\":{\"priorities\":[{\"name\":\"lo\"}]}",
	  "network.priorities[0].priority is missing" },
	{ "\"hugepageLimits\":[{}]", "hugepageLimits[0].pageSize is missing" },
	{ "\"hugepageLimits\":[{\"pageSize\":\"2MB\"}]", "hugepageLimits[0].limit is missing" },
	{ "\"rdma\":{\"mlx5_1\":{}}", "rdma.mlx5_1 must have hcaHandles, hcaObjects or both" },
	{ "\"rdma\":{\"mlx5_1\":{\"hcaHandles\":4294967296}}",
	  "rdma.mlx5_1.hcaHandles must be from 0 to 4294967295" },
	{ "\"unified\":[]", "unified must be an object, not an array" },
	{ "\"unified\":{\"pids.max\":5}", "unified.pids.max must be a string, not a number" },
};

static void wrong_values_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Spec s;
		Err e = { 0 };
		if (decode(&a, wrong[i].members, &s, &e) >= 0)
			fail_msg("accepted: %s", wrong[i].members);
		assert_string_equal(e.msg, arena_printf(&a, "linux.resources.%s (line 1)",
							wrong[i].message));
		assert_int_equal(e.kind, ERR_SPEC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory),
		cmocka_unit_test(cpu),
		cmocka_unit_test(block_io),
		cmocka_unit_test(huge_pages_network_rdma_and_files),
		cmocka_unit_test(wrong_values_are_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
