#include "runtime/plan_cgroup.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/own.h"

typedef struct Writes {
	const SpecResources *r;
	const HostFacts *f;
	Arena *a;
	PlanCgroupWrite *items;
	size_t count;
	StrList *warnings;
	Err *e;
} Writes;

static bool is_given(int64_t n)
{
	return n != SPEC_UNSET;
}

static bool is_limit(int64_t n)
{
	return is_given(n) && n >= 0;
}

/* ---- which hierarchy has a controller ---- */

static bool has_word(const char *list, const char *word, char sep)
{
	size_t len = strlen(word);
	for (const char *p = list; *p;) {
		const char *end = strchrnul(p, sep);
		if ((size_t)(end - p) == len && memcmp(p, word, len) == 0)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

static const HostCgroup *find(const HostFacts *f, const char *controller)
{
	for (size_t i = 0; i < f->cgroups_count; i++)
		if (has_word(f->cgroups[i].controllers, controller, f->cgroups[i].is_v2 ? ' ' : ','))
			return &f->cgroups[i];
	return NULL;
}

static const HostCgroup *find_usable(const HostFacts *f, const char *controller)
{
	const HostCgroup *h = find(f, controller);
	return h && h->writable ? h : NULL;
}

/* The hierarchy that has the controller and that we may divide, or the error that `what` has none. */
static int need(Writes *w, const char *controller, const char *what, const HostCgroup **ret)
{
	const HostCgroup *h = find(w->f, controller);
	if (!h)
		return err_make(w->e, ERR_SPEC, 0, "this host has no cgroup controller '%s' for the %s",
				controller, what);
	if (!h->writable)
		return err_make(w->e, ERR_SPEC, 0,
				"the cgroup controller '%s' is not delegated to this user for the %s: %s is not writable",
				controller, what, h->mountpoint);
	*ret = h;
	return 0;
}

static void add(Writes *w, const HostCgroup *h, const char *controller, const char *file,
		const char *value, const char *what, bool asked)
{
	*arena_push(w->a, &w->items, &w->count, PlanCgroupWrite) = (PlanCgroupWrite){
		.hierarchy = (size_t)(h - w->f->cgroups),
		.file = file,
		.value = value,
		.controller = controller,
		.what = what,
		.asked = asked,
	};
}

static const char *number(Writes *w, int64_t n)
{
	return arena_printf(w->a, "%" PRId64, n);
}

/* ---- memory ---- */

static int check_memory(Writes *w)
{
	const SpecResources *r = w->r;
	bool limited = is_limit(r->memory_limit);
	if (r->memory_limit < -1 && is_given(r->memory_limit))
		return err_make(w->e, ERR_SPEC, 0, "memory limit %" PRId64 " is negative",
				r->memory_limit);
	if (r->memory_swap < -1 && is_given(r->memory_swap))
		return err_make(w->e, ERR_SPEC, 0, "memory plus swap limit %" PRId64 " is negative",
				r->memory_swap);
	if (r->memory_reservation < -1 && is_given(r->memory_reservation))
		return err_make(w->e, ERR_SPEC, 0, "memory reservation %" PRId64 " is negative",
				r->memory_reservation);
	if (is_limit(r->memory_swap) && !limited)
		return err_make(w->e, ERR_SPEC, 0,
				"a limit of memory plus swap needs a memory limit, too");
	if (is_limit(r->memory_swap) && r->memory_swap < r->memory_limit)
		return err_make(w->e, ERR_SPEC, 0,
				"the limit of memory plus swap, %" PRId64
				", is below the memory limit, %" PRId64,
				r->memory_swap, r->memory_limit);
	if (is_limit(r->memory_reservation) && limited && r->memory_reservation > r->memory_limit)
		return err_make(w->e, ERR_SPEC, 0,
				"the memory reservation, %" PRId64
				", is above the memory limit, %" PRId64,
				r->memory_reservation, r->memory_limit);
	return 0;
}

/* Memory plus swap. A default (docker's, from the engine) is left out where swap is not accounted. */
static int swap(Writes *w, const HostCgroup *h)
{
	const SpecResources *r = w->r;
	bool asked = !r->memory_swap_is_default;
	int64_t total = r->memory_swap;
	if (total < 0 /* also SPEC_UNSET */ || (!asked && !w->f->swap_accounting))
		return 0;
	if (!w->f->swap_accounting)
		return err_make(w->e, ERR_SPEC, 0,
				"this host's kernel does not account swap (cgroup controller 'memory'), which the limit of memory plus swap needs");
	if (h->is_v2)
		add(w, h, "memory", "memory.swap.max", number(w, total - r->memory_limit),
		    "swap limit", asked);
	else
		add(w, h, "memory", "memory.memsw.limit_in_bytes", number(w, total),
		    "limit of memory plus swap", asked);
	return 0;
}

static int memory(Writes *w)
{
	const SpecResources *r = w->r;
	const HostCgroup *h;
	TRY(check_memory(w));
	if (is_limit(r->memory_limit)) {
		TRY(need(w, "memory", "memory limit", &h));
		add(w, h, "memory", h->is_v2 ? "memory.max" : "memory.limit_in_bytes",
		    number(w, r->memory_limit), "memory limit", true);
		TRY(swap(w, h));
	}
	if (is_limit(r->memory_reservation)) {
		TRY(need(w, "memory", "memory reservation", &h));
		add(w, h, "memory", h->is_v2 ? "memory.low" : "memory.soft_limit_in_bytes",
		    number(w, r->memory_reservation), "memory reservation", true);
	}
	return 0;
}

/* ---- cpu ---- */

/* The logarithm to base 2, bit by bit: the start path has no libm when it is built with glibc. */
static double log_2(double x)
{
	double log = 0, bit = 1;
	while (x >= 2) {
		x /= 2;
		log += 1;
	}
	for (int i = 0; i < 48; i++) {
		bit /= 2;
		x *= x;
		if (x >= 2) {
			x /= 2;
			log += bit;
		}
	}
	return log;
}

/* weight = ceil(10 ^ ((l * l + 125 * l) / 612 - 7 / 34)), l = log2(shares): what runc (since 1.3.2) and crun (since 1.23) use. It maps
 * the least, the default and the greatest value to each other; their old linear formula made the default of 1024 a weight of 39. */
unsigned plan_cgroup_weight(int64_t shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	double l = log_2((double)shares);
	double want = (l * l + 125 * l - 126) / 612 *
		      3.321928094887362; /* log2 of the weight before rounding */
	unsigned low = 1, high = 10000;
	while (low < high) { /* the least whole number that is not below it */
		unsigned middle = (low + high) / 2;
		if (log_2(middle) >= want - 1e-9)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int cpu_shares(Writes *w)
{
	int64_t shares = w->r->cpu_shares;
	const HostCgroup *h;
	if (!is_given(shares) || shares == 0)
		return 0;
	if (shares < 0)
		return err_make(w->e, ERR_SPEC, 0, "CPU shares %" PRId64 " are negative", shares);
	TRY(need(w, "cpu", "CPU shares", &h));
	if (h->is_v2)
		add(w, h, "cpu", "cpu.weight", number(w, plan_cgroup_weight(shares)), "CPU weight",
		    true);
	else
		add(w, h, "cpu", "cpu.shares", number(w, shares), "CPU shares", true);
	return 0;
}

static int cpu_quota(Writes *w)
{
	int64_t quota = is_given(w->r->cpu_quota) && w->r->cpu_quota != 0 ? w->r->cpu_quota : -1;
	int64_t period = is_given(w->r->cpu_period) ? w->r->cpu_period : 0;
	const HostCgroup *h;
	if (quota < 0 && period == 0)
		return quota < -1
			       ? err_make(w->e, ERR_SPEC, 0, "CPU quota %" PRId64 " is negative", quota)
			       : 0;
	/* The kernel's own bounds: 1 ms to 1 s, and a quota of 1 ms at least (sched-bwc.rst). */
	if (period != 0 && (period < 1000 || period > 1000000))
		return err_make(w->e, ERR_SPEC, 0,
				"CPU period %" PRId64 " us is not between 1000 and 1000000", period);
	if (quota < -1 || (quota >= 0 && quota < 1000))
		return err_make(w->e, ERR_SPEC, 0, "CPU quota %" PRId64 " us is below 1000", quota);
	TRY(need(w, "cpu", quota < 0 ? "CPU period" : "CPU quota", &h));
	if (h->is_v2) {
		const char *max = quota < 0 ? "max" : number(w, quota);
		add(w, h, "cpu", "cpu.max",
		    period ? arena_printf(w->a, "%s %" PRId64, max, period) : max, "CPU quota", true);
		return 0;
	}
	if (period)
		add(w, h, "cpu", "cpu.cfs_period_us", number(w, period), "CPU period", true);
	if (quota >= 0)
		add(w, h, "cpu", "cpu.cfs_quota_us", number(w, quota), "CPU quota", true);
	return 0;
}

/* The highest number of a list such as "0-3,7" (cpuset(7), "List format"). -EINVAL: it is none. */
static int list_highest(const char *list, Arena *a, uint32_t *ret)
{
	StrList parts = str_split(a, list, ',');
	uint32_t from, to;
	*ret = 0;
	for (size_t i = 0; i < parts.count; i++) {
		StrList ends = str_split(a, parts.items[i], '-');
		if (ends.count > 2 || num_parse_u32(ends.items[0], INT32_MAX, &from) < 0 ||
		    num_parse_u32(ends.items[ends.count - 1], INT32_MAX, &to) < 0 || to < from)
			return -EINVAL;
		*ret = to > *ret ? to : *ret;
	}
	return 0;
}

static int check_cpus(Writes *w)
{
	uint32_t highest;
	const char *list = w->r->cpuset_cpus;
	if (list_highest(list, w->a, &highest) < 0)
		return err_make(w->e, ERR_SPEC, 0, "set of CPUs '%s': not a list such as 0-3,7", list);
	if (w->f->cpus > 0 && highest >= w->f->cpus)
		return err_make(w->e, ERR_SPEC, 0, "set of CPUs '%s': this host has the CPUs 0-%u",
				list, w->f->cpus - 1);
	return 0;
}

static int cpuset(Writes *w)
{
	const HostCgroup *h;
	if (w->r->cpuset_cpus && *w->r->cpuset_cpus) {
		TRY(check_cpus(w));
		TRY(need(w, "cpuset", "set of CPUs", &h));
		add(w, h, "cpuset", "cpuset.cpus", w->r->cpuset_cpus, "set of CPUs", true);
	}
	if (w->r->cpuset_mems && *w->r->cpuset_mems) {
		TRY(need(w, "cpuset", "set of memory nodes", &h));
		add(w, h, "cpuset", "cpuset.mems", w->r->cpuset_mems, "set of memory nodes", true);
	}
	return 0;
}

/* ---- processes ---- */

static int pids(Writes *w)
{
	const HostCgroup *h;
	int64_t limit = w->r->pids_limit;
	bool asked = !w->r->pids_limit_is_default;
	if (!is_given(limit) || limit == -1)
		return 0;
	if (limit < 0)
		return err_make(w->e, ERR_SPEC, 0, "limit of processes %" PRId64 " is negative", limit);
	if (!asked && !find_usable(w->f, "pids")) {
		strlist_add(w->a, w->warnings,
			    arena_printf(w->a,
					 "the number of processes is not limited to %" PRId64
					 ": the cgroup controller 'pids' is %s",
					 limit, find(w->f, "pids") ? "not writable here" : "not there"));
		return 0;
	}
	TRY(need(w, "pids", "limit of processes", &h));
	add(w, h, "pids", "pids.max", number(w, limit), "limit of processes", asked);
	return 0;
}

/* ---- devices on v1 ---- */

static bool is_all(const DeviceRule *d)
{
	return d->type == 'a' && d->major < 0 && d->minor < 0 && d->read && d->write && d->mknod;
}

static bool overlaps(const DeviceRule *a, const DeviceRule *b)
{
	return a->type == b->type && (a->major < 0 || b->major < 0 || a->major == b->major) &&
	       (a->minor < 0 || b->minor < 0 || a->minor == b->minor) &&
	       ((a->read && b->read) || (a->write && b->write) || (a->mknod && b->mknod));
}

static bool same_devices(const DeviceRule *a, const DeviceRule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static const char *device_number(Writes *w, int64_t n)
{
	return n < 0 ? "*" : number(w, n);
}

static void device_write(Writes *w, const HostCgroup *h, const DeviceRule *d)
{
	const char *value = arena_printf(w->a, "%c %s:%s %s%s%s", d->type, device_number(w, d->major),
					 device_number(w, d->minor), d->read ? "r" : "",
					 d->write ? "w" : "", d->mknod ? "m" : "");
	add(w, h, "devices", d->allow ? "devices.allow" : "devices.deny", value, "device rule", true);
}

/* Rule `i`, which comes after rule `first` that set the default. A v1 group has one default and a set of exceptions to it, in which
 * order does not matter as it does here: a rule that takes something back from an exception works only when it names the very same
 * devices; one that takes nothing back is not needed (devices.rst). */
static int device_rule(Writes *w, const HostCgroup *h, size_t first, size_t i, bool default_allow)
{
	const DeviceRule *rules = w->r->devices, *d = &rules[i];
	if (!d->read && !d->write && !d->mknod)
		return 0;
	if (d->type == 'a')
		return err_make(w->e, ERR_SPEC, 0,
				"device rule %zu: on cgroup v1 a rule about all types is about all devices and rwm",
				i + 1);
	if (d->allow != default_allow) {
		device_write(w, h, d);
		return 0;
	}
	bool takes_back = false;
	for (size_t k = first; k < i; k++) {
		if (rules[k].allow == default_allow || !overlaps(&rules[k], d))
			continue;
		if (!same_devices(&rules[k], d))
			return err_make(w->e, ERR_SPEC, 0,
					"device rule %zu takes back a part of rule %zu, which cgroup v1 cannot do: "
					"give the two the same device numbers",
					i + 1, k + 1);
		takes_back = true;
	}
	if (takes_back)
		device_write(w, h, d);
	return 0;
}

static int devices(Writes *w)
{
	const DeviceRule *rules = w->r->devices;
	const HostCgroup *h = find_usable(w->f, "devices");
	if (w->r->devices_count == 0 || plan_cgroup_devices_by_program(w->f))
		return 0;
	if (!h) {
		/* In a user namespace no device node can be made and none of the host's be opened without permission: nothing is lost. */
		if (w->f->privileged)
			strlist_add(w->a, w->warnings,
				    "access to devices is limited by file permissions alone: no cgroup hierarchy that could limit it is writable");
		return 0;
	}
	/* What stands before the last rule about all devices has no effect. */
	size_t first = 0;
	for (size_t i = 0; i < w->r->devices_count; i++)
		if (is_all(&rules[i]))
			first = i + 1;
	bool allow = first > 0 && rules[first - 1].allow;
	add(w, h, "devices", allow ? "devices.allow" : "devices.deny", "a", "device rule", true);
	for (size_t i = first; i < w->r->devices_count; i++)
		TRY(device_rule(w, h, first, i, allow));
	return 0;
}

bool plan_cgroup_devices_by_program(const HostFacts *f)
{
	bool has_v2 = false;
	for (size_t i = 0; i < f->cgroups_count; i++)
		has_v2 |= f->cgroups[i].is_v2 && f->cgroups[i].writable;
	return f->privileged && has_v2 && !find_usable(f, "devices");
}

bool plan_cgroup_limits_devices(const HostFacts *f)
{
	return find_usable(f, "devices") || plan_cgroup_devices_by_program(f);
}

int plan_cgroup_writes(const SpecResources *r, const HostFacts *f, Arena *a, PlanCgroupWrite **ret,
		       size_t *ret_count, StrList *ret_warnings, Err *e)
{
	Writes w = { .r = r, .f = f, .a = a, .warnings = ret_warnings, .e = e };
	TRY(devices(&w));
	TRY(cpuset(&w));
	TRY(cpu_shares(&w));
	TRY(cpu_quota(&w));
	TRY(memory(&w));
	TRY(pids(&w));
	*ret = w.items;
	*ret_count = w.count;
	return 0;
}
