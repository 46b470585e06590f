#include <string.h>

#include "base/limits.h"
#include "fmt/spec_rows.h"

/* ---- memory, CPU, processes ---- */

#define LIMIT(name, field, least) \
	SPEC_I64(name, SpecResources, field, least, .flags = SPEC_ZERO_IS_UNSET)

/* A limit that nothing can keep: Linux 5.16 and later take it and ignore it. */
static int refuse_kernel_memory(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	int64_t limit;
	(void)base;
	TRY(json_get_i64(v, row->min, (int64_t)row->max, &limit, d->e));
	if (limit <= 0)
		return 0;
	return spec_fail(d, v,
			 "asks for a limit of kernel memory, which Linux no longer has: memory.limit counts it");
}

static int decode_switch(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	bool on;
	TRY(json_get_bool(v, &on, d->e));
	*(int64_t *)((char *)base + row->offset) = on;
	return 0;
}

static const SpecRow memory_rows[] = {
	LIMIT("limit", memory_limit, -1),
	LIMIT("reservation", memory_reservation, -1),
	LIMIT("swap", memory_swap, -1),
	SPEC_ROW("kernel", refuse_kernel_memory, .min = -1, .max = INT64_MAX),
	LIMIT("kernelTCP", memory_kernel_tcp, -1),
	SPEC_ROW("swappiness", spec_row_i64, /* 0 asks for 0 */
		 .offset = SPEC_FIELD(SpecResources, memory_swappiness, int64_t), .max = 100),
	SPEC_BOOL("disableOOMKiller", SpecResources, memory_disable_oom_killer),
	SPEC_ROW("useHierarchy", decode_switch,
		 .offset = SPEC_FIELD(SpecResources, memory_use_hierarchy, int64_t)),
	SPEC_BOOL("checkBeforeUpdate", SpecResources, memory_check_before_update),
	SPEC_ROWS_END,
};

/* cpuset(7), "List format" without the step ("0-10:2"), which the specification does not have. */
static int decode_cpu_list(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_text(d, v, base, row));
	const char *list = v->as.string;
	if (list[strspn(list, "0123456789,-")])
		return spec_fail(d, v, "must be a list such as 0-3,7, not '%.100s'", list);
	return 0;
}

static const SpecRow cpu_rows[] = {
	LIMIT("shares", cpu_shares, 0),
	LIMIT("quota", cpu_quota, -1),
	LIMIT("period", cpu_period, 0),
	SPEC_ROW("cpus", decode_cpu_list, .offset = SPEC_FIELD(SpecResources, cpuset_cpus, const char *)),
	SPEC_ROW("mems", decode_cpu_list, .offset = SPEC_FIELD(SpecResources, cpuset_mems, const char *)),
	SPEC_I64("burst", SpecResources, cpu_burst, 0), /* 0 takes one back */
	LIMIT("realtimeRuntime", cpu_realtime_runtime, 0),
	LIMIT("realtimePeriod", cpu_realtime_period, 0),
	SPEC_ROW("idle", spec_row_i64, .offset = SPEC_FIELD(SpecResources, cpu_idle, int64_t), .max = 1),
	SPEC_ROWS_END,
};

static const SpecRow pids_rows[] = {
	SPEC_I64("limit", SpecResources, pids_limit, -1,
		 .flags = SPEC_REQUIRED), /* here 0 is a limit, says the specification */
	SPEC_ROWS_END,
};

/* ---- device rules ---- */

static int decode_rule_type(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *type;
	(void)row;
	TRY(json_get_string(v, &type, d->e));
	if (strlen(type) > 1 || !strchr("acb", *type)) /* which finds the end of an empty one: not given */
		return spec_fail(d, v, "must be one of a, c, b, not '%.64s'", type);
	if (*type)
		((DeviceRule *)base)->type = *type;
	return 0;
}

/* runc takes an 'a', too, and it says nothing more there: configurations have "rwa". */
static int decode_access(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	DeviceRule *rule = base;
	const char *access;
	(void)row;
	TRY(json_get_string(v, &access, d->e));
	if (access[strspn(access, "rwma")])
		return spec_fail(d, v, "must be of the letters r, w, m, not '%.64s'", access);
	rule->read = strchr(access, 'r');
	rule->write = strchr(access, 'w');
	rule->mknod = strchr(access, 'm');
	return 0;
}

static const SpecRow rule_rows[] = {
	SPEC_BOOL("allow", DeviceRule, allow, .flags = SPEC_REQUIRED),
	SPEC_ROW("type", decode_rule_type),
	SPEC_I64("major", DeviceRule, major, -1),
	SPEC_I64("minor", DeviceRule, minor, -1),
	SPEC_ROW("access", decode_access),
	SPEC_ROWS_END,
};

/* A rule without access: all of it is meant where that denies or where all devices are meant (cgroup v1 reads "a" so, too); what it would
 * allow of a single device is not guessed. */
static int finish_rule(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	DeviceRule *rule = item;
	(void)index;
	if (rule->read || rule->write || rule->mknod)
		return 0;
	if (rule->allow && rule->type != 'a') {
		spec_enter(d, "access", 0);
		return spec_fail(d, v, "is missing: which of r, w, m are allowed?");
	}
	rule->read = rule->write = rule->mknod = true;
	return 0;
}

static int decode_rules(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const DeviceRule init = { .type = 'a', .major = -1, .minor = -1 };
	static const SpecList list = {
		.rows = rule_rows,
		.size = sizeof(DeviceRule),
		.init = &init,
		.check = finish_rule,
	};
	SpecResources *r = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &r->devices, &r->devices_count);
}

/* ---- block devices ---- */

#define WEIGHT(name, T, field)                                                                   \
	SPEC_ROW(name, spec_row_i64, .offset = SPEC_FIELD(T, field, int64_t), .max = UINT16_MAX, \
		 .flags = SPEC_ZERO_IS_UNSET)
/* mknod(2): the kernel's device numbers have 12 and 20 bits. */
#define DEVICE_NUMBERS(T)                                                   \
	SPEC_U32("major", T, major, (1 << 12) - 1, .flags = SPEC_REQUIRED), \
		SPEC_U32("minor", T, minor, (1 << 20) - 1, .flags = SPEC_REQUIRED)

static const SpecRow weight_rows[] = {
	DEVICE_NUMBERS(SpecDeviceWeight),
	WEIGHT("weight", SpecDeviceWeight, weight),
	WEIGHT("leafWeight", SpecDeviceWeight, leaf_weight),
	SPEC_ROWS_END,
};

static const SpecRow rate_rows[] = {
	DEVICE_NUMBERS(SpecDeviceRate),
	SPEC_U64("rate", SpecDeviceRate, rate, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static int check_weight(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	const SpecDeviceWeight *w = item;
	(void)index;
	if (w->weight == SPEC_UNSET && w->leaf_weight == SPEC_UNSET)
		return spec_fail(d, v, "must have a weight, a leafWeight or both");
	return 0;
}

static int decode_weights(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecDeviceWeight init = { .weight = SPEC_UNSET, .leaf_weight = SPEC_UNSET };
	static const SpecList list = {
		.rows = weight_rows,
		.size = sizeof(SpecDeviceWeight),
		.max = LIMIT_MOUNTS,
		.init = &init,
		.check = check_weight,
	};
	SpecBlockIo *b = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &b->weight_devices, &b->weight_devices_count);
}

static int decode_rates(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = rate_rows,
				       .size = sizeof(SpecDeviceRate),
				       .max = LIMIT_MOUNTS };
	SpecThrottle *t = (SpecThrottle *)((char *)base + row->offset);
	return spec_decode_objects(d, v, &list, &t->items, &t->count);
}

#define RATES(name, kind) \
	SPEC_ROW(name, decode_rates, .offset = SPEC_FIELD(SpecBlockIo, throttle[kind], SpecThrottle))

static const SpecRow block_io_rows[] = {
	WEIGHT("weight", SpecBlockIo, weight),
	WEIGHT("leafWeight", SpecBlockIo, leaf_weight),
	SPEC_ROW("weightDevice", decode_weights),
	RATES("throttleReadBpsDevice", SPEC_READ_BPS),
	RATES("throttleWriteBpsDevice", SPEC_WRITE_BPS),
	RATES("throttleReadIOPSDevice", SPEC_READ_IOPS),
	RATES("throttleWriteIOPSDevice", SPEC_WRITE_IOPS),
	SPEC_ROWS_END,
};

/* ---- huge pages, network, RDMA ---- */

static const SpecRow hugepage_rows[] = {
	SPEC_TEXT("pageSize", SpecHugepageLimit, page_size, .flags = SPEC_REQUIRED),
	SPEC_U64("limit", SpecHugepageLimit, limit, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static int decode_hugepages(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = hugepage_rows,
				       .size = sizeof(SpecHugepageLimit),
				       .max = LIMIT_MOUNTS };
	SpecResources *r = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &r->hugepage_limits, &r->hugepage_limits_count);
}

static const SpecRow priority_rows[] = {
	SPEC_TEXT("name", SpecNetPriority, name, .flags = SPEC_REQUIRED),
	SPEC_U32("priority", SpecNetPriority, priority, UINT32_MAX, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static int decode_priorities(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = priority_rows,
				       .size = sizeof(SpecNetPriority),
				       .max = LIMIT_MOUNTS };
	SpecResources *r = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &r->net_priorities, &r->net_priorities_count);
}

static const SpecRow network_rows[] = {
	SPEC_U32("classID", SpecResources, net_class_id, UINT32_MAX),
	SPEC_ROW("priorities", decode_priorities),
	SPEC_ROWS_END,
};

static const SpecRow rdma_rows[] = {
	SPEC_ROW("hcaHandles", spec_row_i64, .offset = SPEC_FIELD(SpecRdma, hca_handles, int64_t),
		 .max = UINT32_MAX),
	SPEC_ROW("hcaObjects", spec_row_i64, .offset = SPEC_FIELD(SpecRdma, hca_objects, int64_t),
		 .max = UINT32_MAX),
	SPEC_ROWS_END,
};

static int decode_rdma(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecResources *r = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_object(v, d->e));
	SpecRdma *items = arena_new_array(d->arena, v->count, SpecRdma);
	for (const JsonValue *member = v->as.list.first; member; member = member->next, i++) {
		SpecRdma *item = &items[i];
		*item = (SpecRdma){ .device = member->key,
				    .hca_handles = SPEC_UNSET,
				    .hca_objects = SPEC_UNSET };
		spec_enter(d, member->key, 0);
		TRY(spec_decode_object(d, member, rdma_rows, item));
		if (item->hca_handles == SPEC_UNSET && item->hca_objects == SPEC_UNSET)
			return spec_fail(d, member, "must have hcaHandles, hcaObjects or both");
		spec_leave(d);
	}
	r->rdma = items;
	r->rdma_count = i;
	return 0;
}

/* ---- files of cgroup v2 by their names ---- */

static int decode_unified(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecResources *r = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_object(v, d->e));
	SpecUnified *items = arena_new_array(d->arena, v->count, SpecUnified);
	for (const JsonValue *member = v->as.list.first; member; member = member->next, i++) {
		spec_enter(d, member->key, 0);
		TRY(json_get_string(member, &items[i].value, d->e));
		spec_leave(d);
		items[i].key = member->key;
	}
	r->unified = items;
	r->unified_count = i;
	return 0;
}

/* ---- the table ---- */

/* config-linux.md "Control groups" */
const SpecRow spec_resources_rows[] = {
	SPEC_OBJECT("memory", 0, memory_rows),
	SPEC_OBJECT("cpu", 0, cpu_rows),
	SPEC_OBJECT("pids", 0, pids_rows),
	SPEC_ROW("devices", decode_rules),
	SPEC_OBJECT("blockIO", offsetof(SpecResources, block_io), block_io_rows),
	SPEC_OBJECT("network", 0, network_rows),
	SPEC_ROW("hugepageLimits", decode_hugepages),
	SPEC_ROW("rdma", decode_rdma),
	SPEC_ROW("unified", decode_unified),
	SPEC_ROWS_END,
};

int spec_resources_decode(const char *text, size_t len, Arena *a, SpecResources *ret, Err *e)
{
	const JsonValue *root;
	SpecDecoder d = { .arena = a, .e = e, .null_is_absent = true };
	SpecResources r;
	TRY(json_parse(text, len, a, &root, e));
	spec_resources_init(&r);
	int n = spec_decode_object(&d, root, spec_resources_rows, &r);
	if (n < 0)
		return spec_name_key(&d, "the resources", e, n);
	*ret = r;
	return 0;
}
