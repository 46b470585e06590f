/* How the kernel schedules the process: CPU time, disks, the CPUs that `exec` may use, memory nodes. */
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <string.h>

#include "fmt/spec_rows.h"

#include "base/bit_list.h"
#include "base/limits.h"
#include "base/sched_names.h"

/* ---- flags and lists ---- */

/* Adds up what the names of an array stand for. what: "scheduler flag". */
static int decode_flags(SpecDecoder *d, const JsonValue *v, uint32_t (*from_name)(const char *),
			const char *what, uint32_t *ret)
{
	size_t i = 0;
	uint32_t flags = 0;
	TRY(json_expect_array(v, d->e));
	for (const JsonValue *element = v->as.list.first; element; element = element->next, i++) {
		const char *name;
		spec_enter(d, NULL, i);
		TRY(json_get_string(element, &name, d->e));
		uint32_t flag = from_name(name);
		if (!flag)
			return spec_fail(d, element, "is an invalid %s: '%.64s'", what, name);
		spec_leave(d);
		flags |= flag;
	}
	*ret = flags;
	return 0;
}

/* "0-3,7"; a text of no characters names none. limit: a multiple of 64. */
static int decode_bits(SpecDecoder *d, const JsonValue *v, const char *what, size_t limit,
		       uint64_t **ret, size_t *ret_count)
{
	const char *list;
	TRY(json_get_string(v, &list, d->e));
	if (!*list)
		return 0;
	uint64_t *words = arena_new_array(d->arena, limit / 64, uint64_t);
	int n = bit_list_parse(list, words, limit / 64);
	if (n == -ERANGE)
		return spec_fail(d, v, "has an invalid %s in '%.100s': the highest is %zu", what,
				 list, limit - 1);
	if (n < 0)
		return spec_fail(d, v, "has an invalid %s: '%.100s' is no list such as 0-3,7", what,
				 list);
	*ret = words;
	*ret_count = (size_t)n;
	return 0;
}

/* ---- scheduler ---- */

static int decode_policy(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *name;
	(void)row;
	TRY(json_get_string(v, &name, d->e));
	int policy = sched_policy_from_name(name);
	if (!*name)
		return spec_fail(d, v, "is empty: scheduler policy is required");
	if (policy < 0)
		return spec_fail(d, v, "is an invalid scheduler policy: '%.64s'", name);
	((SpecScheduler *)base)->policy = (uint32_t)policy;
	return 0;
}

static int decode_nice(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	int64_t n;
	(void)row;
	TRY(json_get_i64(v, INT32_MIN, INT32_MAX, &n, d->e));
	if (n < -20 || n > 19)
		return spec_fail(d, v, "must be from -20 to 19: invalid scheduler.nice: %" PRId64, n);
	((SpecScheduler *)base)->nice = (int32_t)n;
	return 0;
}

static int decode_sched_flags(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	(void)row;
	return decode_flags(d, v, sched_flag_from_name, "scheduler flag",
			    &((SpecScheduler *)base)->flags);
}

static const SpecRow scheduler_rows[] = {
	SPEC_ROW("policy", decode_policy, .flags = SPEC_REQUIRED),
	SPEC_ROW("nice", decode_nice),
	SPEC_U32("priority", SpecScheduler, priority, INT32_MAX),
	SPEC_ROW("flags", decode_sched_flags),
	SPEC_U64("runtime", SpecScheduler, runtime),
	SPEC_U64("deadline", SpecScheduler, deadline),
	SPEC_U64("period", SpecScheduler, period),
	SPEC_ROWS_END,
};

int spec_decode_scheduler(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecScheduler s = { .given = true };
	(void)row;
	TRY(spec_decode_object(d, v, scheduler_rows, &s));
	const char *policy = sched_policy_name(s.policy);
	if (s.priority != 0 && strcmp(policy, "SCHED_FIFO") != 0 && strcmp(policy, "SCHED_RR") != 0)
		return spec_fail(d, v,
				 "must have no priority with %s: "
				 "scheduler.priority can only be specified for SchedFIFO or SchedRR policy",
				 policy);
	if (s.policy != SCHED_NAMES_DEADLINE && (s.runtime | s.deadline | s.period) != 0)
		return spec_fail(d, v,
				 "must have no times with %s: "
				 "scheduler runtime/deadline/period can only be specified for SchedDeadline policy",
				 policy);
	((SpecProcess *)base)->scheduler = s;
	return 0;
}

/* ---- ioPriority ---- */

static int decode_io_class(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *name;
	(void)row;
	TRY(json_get_string(v, &name, d->e));
	int io_class = io_class_from_name(name);
	if (io_class < 0)
		return spec_fail(d, v,
				 "must be one of IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE: "
				 "invalid ioPriority.Class: '%.64s'",
				 name);
	((SpecIoPriority *)base)->io_class = (uint32_t)io_class;
	return 0;
}

static int decode_io_level(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	int64_t n;
	(void)row;
	TRY(json_get_i64(v, INT32_MIN, INT32_MAX, &n, d->e));
	if (n < 0 || n > 7)
		return spec_fail(d, v, "must be from 0 to 7: invalid ioPriority.Priority: %" PRId64, n);
	((SpecIoPriority *)base)->priority = (uint32_t)n;
	return 0;
}

/* Without a priority it is 0, as runc has it: IOPRIO_CLASS_IDLE has none. */
static const SpecRow io_priority_rows[] = {
	SPEC_ROW("class", decode_io_class, .flags = SPEC_REQUIRED),
	SPEC_ROW("priority", decode_io_level),
	SPEC_ROWS_END,
};

int spec_decode_io_priority(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	(void)row;
	return spec_decode_object(d, v, io_priority_rows, &((SpecProcess *)base)->io_priority);
}

/* ---- execCPUAffinity ---- */

static int decode_initial(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecCpuAffinity *a = base;
	(void)row;
	return decode_bits(d, v, "CPU", LIMIT_CPUS, &a->initial, &a->initial_count);
}

static int decode_final(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecCpuAffinity *a = base;
	(void)row;
	return decode_bits(d, v, "CPU", LIMIT_CPUS, &a->final, &a->final_count);
}

static const SpecRow cpu_affinity_rows[] = {
	SPEC_ROW("initial", decode_initial),
	SPEC_ROW("final", decode_final),
	SPEC_ROWS_END,
};

int spec_decode_cpu_affinity(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecCpuAffinity *a = &((SpecProcess *)base)->exec_cpu_affinity;
	(void)row;
	a->given = true;
	return spec_decode_object(d, v, cpu_affinity_rows, a);
}

/* ---- memoryPolicy ---- */

typedef struct MemoryPolicy {
	SpecMemoryPolicy policy;
	uint32_t flags;
} MemoryPolicy;

static int decode_mode(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	MemoryPolicy *m = base;
	const char *name;
	(void)row;
	TRY(json_get_string(v, &name, d->e));
	int mode = mempolicy_mode_from_name(name);
	if (mode < 0)
		return spec_fail(d, v, "is an invalid memory policy mode: '%.64s'", name);
	m->policy.given = true;
	m->policy.mode = (uint32_t)mode;
	return 0;
}

static int decode_nodes(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	MemoryPolicy *m = base;
	(void)row;
	return decode_bits(d, v, "memory policy node", LIMIT_MEMORY_NODES, &m->policy.nodes,
			   &m->policy.nodes_count);
}

static int decode_mode_flags(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	(void)row;
	return decode_flags(d, v, mempolicy_flag_from_name, "memory policy flag",
			    &((MemoryPolicy *)base)->flags);
}

static const SpecRow memory_policy_rows[] = {
	SPEC_ROW("mode", decode_mode),
	SPEC_ROW("nodes", decode_nodes),
	SPEC_ROW("flags", decode_mode_flags),
	SPEC_ROWS_END,
};

static unsigned nodes_count(const SpecMemoryPolicy *p)
{
	unsigned n = 0;
	for (size_t i = 0; i < p->nodes_count * 64; i++)
		n += p->nodes[i / 64] >> i % 64 & 1;
	return n;
}

int spec_decode_memory_policy(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	MemoryPolicy m = { 0 };
	(void)row;
	TRY(spec_decode_object(d, v, memory_policy_rows, &m));
	if (!m.policy.given) /* with runc's words */
		return spec_fail(d, v, "has an invalid memory policy mode: mode is missing");
	if ((m.policy.mode == MPOL_DEFAULT || m.policy.mode == MPOL_LOCAL) && nodes_count(&m.policy) > 0)
		return spec_fail(d, v, "has an invalid memory policy: mode requires 0 nodes but got %u",
				 nodes_count(&m.policy));
	m.policy.mode |= m.flags;
	((SpecLinux *)base)->memory_policy = m.policy;
	return 0;
}
