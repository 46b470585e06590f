#include <string.h>

#include "fmt/spec_rows.h"

/* ---- memory, cpu, pids ---- */

#define LIMIT(name, field, least) \
	SPEC_I64(name, SpecResources, field, least, .flags = SPEC_ZERO_IS_UNSET)

static const SpecRow memory_rows[] = {
	LIMIT("limit", memory_limit, -1),
	LIMIT("reservation", memory_reservation, -1),
	LIMIT("swap", memory_swap, -1),
	SPEC_NOT_YET("kernel", SPEC_ZERO | SPEC_MINUS_1),
	SPEC_NOT_YET("kernelTCP", SPEC_ZERO | SPEC_MINUS_1),
	SPEC_NOT_YET("swappiness", 0), /* 0 asks for 0 */
	SPEC_NOT_YET("disableOOMKiller", SPEC_FALSE),
	SPEC_NOT_YET("useHierarchy", 0), /* what either value changes depends on the kernel */
	SPEC_NOT_YET("checkBeforeUpdate", SPEC_FALSE),
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
	SPEC_NOT_YET("burst", SPEC_ZERO),
	SPEC_NOT_YET("realtimeRuntime", SPEC_ZERO),
	SPEC_NOT_YET("realtimePeriod", SPEC_ZERO),
	SPEC_NOT_YET("idle", SPEC_ZERO),
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

static int decode_access(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	DeviceRule *rule = base;
	const char *access;
	(void)row;
	TRY(json_get_string(v, &access, d->e));
	if (access[strspn(access, "rwm")])
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

/* ---- what is not supported ---- */

static const SpecRow block_io_rows[] = {
	SPEC_NOT_YET("weight", SPEC_ZERO),
	SPEC_NOT_YET("leafWeight", SPEC_ZERO),
	SPEC_NOT_YET("weightDevice", SPEC_EMPTY_ARRAY),
	SPEC_NOT_YET("throttleReadBpsDevice", SPEC_EMPTY_ARRAY),
	SPEC_NOT_YET("throttleWriteBpsDevice", SPEC_EMPTY_ARRAY),
	SPEC_NOT_YET("throttleReadIOPSDevice", SPEC_EMPTY_ARRAY),
	SPEC_NOT_YET("throttleWriteIOPSDevice", SPEC_EMPTY_ARRAY),
	SPEC_ROWS_END,
};

static const SpecRow network_rows[] = {
	SPEC_NOT_YET("classID", SPEC_ZERO),
	SPEC_NOT_YET("priorities", SPEC_EMPTY_ARRAY),
	SPEC_ROWS_END,
};

/* config-linux.md "Control groups" */
const SpecRow spec_resources_rows[] = {
	SPEC_OBJECT("memory", 0, memory_rows),
	SPEC_OBJECT("cpu", 0, cpu_rows),
	SPEC_OBJECT("pids", 0, pids_rows),
	SPEC_ROW("devices", decode_rules),
	SPEC_OBJECT("blockIO", 0, block_io_rows),
	SPEC_OBJECT("network", 0, network_rows),
	SPEC_NOT_YET("hugepageLimits", SPEC_EMPTY_ARRAY),
	SPEC_NOT_YET("rdma", SPEC_EMPTY_OBJECT),
	SPEC_NOT_YET("unified", SPEC_EMPTY_OBJECT),
	SPEC_ROWS_END,
};
