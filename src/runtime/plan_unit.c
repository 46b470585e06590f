#include "runtime/plan_unit.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "fmt/variant.h"

#define ANNOTATION   "org.systemd.property."
#define NAME_MAX_LEN 255 /* systemd's UNIT_NAME_MAX */

#define SINCE_PERIOD 242 /* CPUQuotaPeriodUSec */
#define SINCE_CPUSET 244 /* AllowedCPUs, AllowedMemoryNodes */
#define SINCE_IDLE   252 /* CPUWeight=idle */

void plan_unit_add(PlanUnitProperties *p, Arena *a, const char *name, const char *value)
{
	*arena_push(a, &p->items, &p->count,
		    PlanUnitProperty) = (PlanUnitProperty){ .name = name, .value = value };
}

/* ---- names ---- */

static bool is_unit_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
	size_t len = strlen(name);
	return len > 0 && len <= NAME_MAX_LEN && name[0] != '.' && !name[strspn(name, letters)];
}

/* "a-b.slice" is in "a.slice": /a.slice/a-b.slice. */
static int slice_path(const char *slice, Arena *a, const char **ret, Err *e)
{
	size_t len = str_ends(slice, ".slice") ? strlen(slice) - strlen(".slice") : 0;
	const char *path = "", *stem = arena_strndup(a, slice, len);
	if (strcmp(stem, "-") == 0) {
		*ret = path;
		return 0;
	}
	bool wrong = len == 0 || !is_unit_name(slice) || stem[0] == '-' || stem[len - 1] == '-' ||
		     strstr(stem, "--");
	if (wrong)
		return err_make(e, ERR_SPEC, 0, "invalid slice name: %s", slice);
	for (const char *end = stem; *end; end++) {
		end = strchrnul(end + 1, '-');
		path = arena_printf(a, "%s/%.*s.slice", path, (int)(end - stem), stem);
		if (!*end)
			break;
	}
	*ret = path;
	return 0;
}

int plan_unit_name(const char *cgroups_path, const char *container_id, bool is_user, Arena *a,
		   PlanUnitName *ret, Err *e)
{
	const char *asked = cgroups_path && *cgroups_path
				    ? cgroups_path
				    : arena_printf(a, ":mydocker:%s", container_id);
	StrList parts = str_split(a, asked, ':');
	if (parts.count != 3)
		return err_make(e, ERR_SPEC, 0,
				"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"%s\" instead",
				asked);
	const char *slice = parts.items[0], *prefix = parts.items[1], *name = parts.items[2];
	PlanUnitName n = { .slice = *slice ? slice : is_user ? "user.slice" : "system.slice" };
	TRY(slice_path(n.slice, a, &n.path, e));
	n.name = str_ends(name, ".slice")
			 ? name
			 : arena_printf(a, "%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	if (str_ends(name, ".slice"))
		TRY(slice_path(name, a, &n.path, e));
	else
		n.path = arena_printf(a, "%s/%s", n.path, n.name);
	if (!*name || !is_unit_name(n.name))
		return err_make(e, ERR_SPEC, 0,
				"cgroupsPath '%s': '%s' is no name of a unit for systemd", asked,
				n.name);
	*ret = n;
	return 0;
}

/* ---- limits ---- */

/* "max", and what v1 has for it, is systemd's infinity. */
static const char *amount(const char *value, Arena *a)
{
	uint64_t n;
	return num_parse_u64(value, UINT64_MAX, &n) == 0
		       ? arena_printf(a, "uint64 %s", value)
		       : arena_printf(a, "uint64 %" PRIu64, UINT64_MAX);
}

/* "0-3,7" as bits, the first in the lowest of the first byte. */
static const char *cpu_bits(const char *list, Arena *a)
{
	unsigned char bits[1024] = { 0 };
	size_t bytes = 0;
	const char *text = "";
	StrList parts = str_split(a, list, ',');
	for (size_t i = 0; i < parts.count; i++) {
		StrList ends = str_split(a, parts.items[i], '-');
		uint32_t from, to;
		if (num_parse_u32(ends.items[0], 8 * sizeof bits - 1, &from) < 0 ||
		    num_parse_u32(ends.items[ends.count - 1], 8 * sizeof bits - 1, &to) < 0)
			return NULL;
		for (uint32_t k = from; k <= to; k++) {
			bits[k / 8] |= (unsigned char)(1u << k % 8);
			bytes = k / 8 + 1 > bytes ? k / 8 + 1 : bytes;
		}
	}
	for (size_t i = 0; i < bytes; i++)
		text = arena_printf(a, "%s%s0x%02x", text, i ? ", " : "", bits[i]);
	return arena_printf(a, "@ay [%s]", text);
}

typedef struct Limits {
	const HostFacts *f;
	Arena *a;
	PlanUnitProperties *p;
	const char *quota, *period; /* as they are written; NULL: are not */
	int64_t period_now;
} Limits;

/* Microseconds of each second. Systemd keeps whole percent: rounded up, so that what is written below it fits. */
static void add_quota(const Limits *l)
{
	uint64_t quota, period = (uint64_t)(l->period_now > 0 ? l->period_now : UNIT_PERIOD_DEFAULT);
	if (l->period && num_parse_u64(l->period, UINT32_MAX, &period) == 0 &&
	    l->f->manager_version >= SINCE_PERIOD)
		plan_unit_add(l->p, l->a, "CPUQuotaPeriodUSec",
			      arena_printf(l->a, "uint64 %" PRIu64, period));
	if (!l->quota || period == 0)
		return;
	if (num_parse_u64(l->quota, UINT32_MAX * UINT64_C(1000), &quota) < 0)
		plan_unit_add(l->p, l->a, "CPUQuotaPerSecUSec",
			      arena_printf(l->a, "uint64 %" PRIu64, UINT64_MAX));
	else
		plan_unit_add(l->p, l->a, "CPUQuotaPerSecUSec",
			      arena_printf(l->a, "uint64 %" PRIu64,
					   (quota * 1000000 / period + 9999) / 10000 * 10000));
}

static void limit_cpu_max(Limits *l, const char *value)
{
	StrList words = str_split(l->a, value, ' ');
	l->quota = words.items[0];
	if (words.count > 1)
		l->period = words.items[1];
}

/* "8:0 rbps=1048576": one device and one of its limits. */
static void limit_io_max(const Limits *l, const char *value)
{
	static const struct {
		const char *key, *property;
	} kinds[] = { { "rbps=", "IOReadBandwidthMax" },
		      { "wbps=", "IOWriteBandwidthMax" },
		      { "riops=", "IOReadIOPSMax" },
		      { "wiops=", "IOWriteIOPSMax" } };
	StrList words = str_split(l->a, value, ' ');
	for (size_t i = 1; i < words.count; i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			const char *n = str_after(words.items[i], kinds[k].key);
			if (n)
				plan_unit_add(l->p, l->a, kinds[k].property,
					      arena_printf(l->a, "@a(st) [('/dev/block/%s', %s)]",
							   words.items[0],
							   str_after(amount(n, l->a), "uint64 ")));
		}
}

/* "100", "default 100" or "8:0 100". */
static void limit_io_weight(const Limits *l, const char *value)
{
	uint64_t n;
	const char *space = strchr(value, ' '), *number = space ? space + 1 : value;
	if (num_parse_u64(number, 10000, &n) < 0)
		return;
	if (!space || str_starts(value, "default "))
		plan_unit_add(l->p, l->a, "IOWeight", arena_printf(l->a, "uint64 %s", number));
	else
		plan_unit_add(l->p, l->a, "IODeviceWeight",
			      arena_printf(l->a, "@a(st) [('/dev/block/%.*s', %s)]",
					   (int)(space - value), value, number));
}

static void limit_set(const Limits *l, const char *property, const char *value)
{
	const char *bits = l->f->manager_version >= SINCE_CPUSET ? cpu_bits(value, l->a) : NULL;
	if (bits)
		plan_unit_add(l->p, l->a, property, bits);
}

/* Files whose whole content is one number. */
static const struct {
	const char *file, *property;
} amounts[] = {
	{ "memory.max", "MemoryMax" },
	{ "memory.high", "MemoryHigh" },
	{ "memory.low", "MemoryLow" },
	{ "memory.min", "MemoryMin" },
	{ "memory.swap.max", "MemorySwapMax" },
	{ "memory.limit_in_bytes", "MemoryLimit" },
	{ "pids.max", "TasksMax" },
	{ "cpu.weight", "CPUWeight" },
	{ "cpu.shares", "CPUShares" },
	{ "blkio.weight", "BlockIOWeight" },
};

static void limit_add(Limits *l, const CgroupWrite *w)
{
	for (size_t i = 0; i < ARRAY_LEN(amounts); i++)
		if (strcmp(w->file, amounts[i].file) == 0)
			plan_unit_add(l->p, l->a, amounts[i].property, amount(w->value, l->a));
	if (strcmp(w->file, "cpu.max") == 0)
		limit_cpu_max(l, w->value);
	else if (strcmp(w->file, "cpu.cfs_quota_us") == 0)
		l->quota = w->value;
	else if (strcmp(w->file, "cpu.cfs_period_us") == 0)
		l->period = w->value;
	else if (strcmp(w->file, "cpu.idle") == 0 && strcmp(w->value, "1") == 0 &&
		 l->f->manager_version >= SINCE_IDLE)
		plan_unit_add(l->p, l->a, "CPUWeight", "uint64 0");
	else if (strcmp(w->file, "cpuset.cpus") == 0)
		limit_set(l, "AllowedCPUs", w->value);
	else if (strcmp(w->file, "cpuset.mems") == 0)
		limit_set(l, "AllowedMemoryNodes", w->value);
	else if (strcmp(w->file, "io.max") == 0)
		limit_io_max(l, w->value);
	else if (strcmp(w->file, "io.weight") == 0)
		limit_io_weight(l, w->value);
	else if (w->or_file && strcmp(w->or_file, "io.weight") == 0)
		limit_io_weight(l, w->or_value);
}

void plan_unit_limits(const PlanCgroupWrites *writes, const HostFacts *f, int64_t period, Arena *a,
		      PlanUnitProperties *ret)
{
	Limits l = { .f = f, .a = a, .p = ret, .period_now = period };
	for (size_t i = 0; i < writes->count; i++)
		limit_add(&l, &writes->items[i].write);
	add_quota(&l);
}

/* ---- what annotations ask for ---- */

static bool is_property(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return strlen(name) >= 3 && !name[strspn(name, letters)];
}

/* A time in seconds is a property in microseconds: TimeoutStopSec is TimeoutStopUSec. */
static bool is_in_seconds(const char *name)
{
	size_t len = strlen(name);
	return len > 3 && str_ends(name, "Sec") && name[len - 4] >= 'a' && name[len - 4] <= 'z';
}

static int property_of(const SpecPair *p, const char *name, Arena *a, PlanUnitProperties *ret, Err *e)
{
	Variant v;
	const char *value = p->value;
	if (!is_property(name))
		return err_make(e, ERR_SPEC, 0, "annotation %s: '%s' is no name of a property",
				p->key, name);
	int r = variant_parse(p->value, a, &v, e);
	if (r == 0 && is_in_seconds(name)) {
		r = variant_to_usec(&v, a, &value, e);
		name = arena_printf(a, "%.*sUSec", (int)strlen(name) - 3, name);
	}
	if (r < 0)
		return err_wrap(e, r, "annotation %s=%s", p->key, p->value);
	plan_unit_add(ret, a, name, value);
	return 0;
}

static int annotations(const Spec *s, Arena *a, PlanUnitProperties *ret, Err *e)
{
	for (size_t i = 0; i < s->annotations_count; i++) {
		const char *name = str_after(s->annotations[i].key, ANNOTATION);
		if (name)
			TRY(property_of(&s->annotations[i], name, a, ret, e));
	}
	return 0;
}

/* ---- the whole ---- */

static bool allows_one(const PlanCgroupWrites *writes)
{
	for (size_t i = 0; i < writes->count; i++)
		if (strcmp(writes->items[i].write.file, "pids.max") == 0 &&
		    strcmp(writes->items[i].write.value, "1") == 0)
			return true;
	return false;
}

int plan_unit_make(const Spec *s, const HostFacts *f, const char *container_id, const PlanUnitName *name,
		   const PlanCgroupWrites *writes, Arena *a, PlanUnit *ret, Err *e)
{
	bool is_slice = str_ends(name->name, ".slice");
	PlanUnit u = { .name = name->name,
		       .is_user = f->manager_is_user,
		       .alone = !is_slice && allows_one(writes) };
	PlanUnitProperties *p = &u.properties;
	plan_unit_add(p, a, "Description",
		      variant_quote(arena_printf(a, "mydocker container %s", container_id), a));
	if (is_slice) {
		plan_unit_add(p, a, "Wants", arena_printf(a, "[%s]", variant_quote(name->slice, a)));
	} else {
		plan_unit_add(p, a, "Slice", variant_quote(name->slice, a));
		plan_unit_add(p, a, "Delegate", "true");
	}
	plan_unit_add(p, a, "DefaultDependencies", "false");
	plan_unit_add(p, a, "MemoryAccounting", "true");
	plan_unit_add(p, a, "CPUAccounting", "true");
	plan_unit_add(p, a, f->cgroup_mode == CGROUP_V2 ? "IOAccounting" : "BlockIOAccounting", "true");
	plan_unit_add(p, a, "TasksAccounting", "true");
	if (host_facts_has_root(f))
		plan_unit_devices(s->linux_.resources.devices, s->linux_.resources.devices_count, f,
				  a, p);
	plan_unit_limits(writes, f, 0, a, p);
	TRY(annotations(s, a, p, e));
	*ret = u;
	return 0;
}
