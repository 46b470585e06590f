#include <inttypes.h>

#include "base/num.h"
#include "runtime/plan_cgroup_parts.h"

/* The kernel's default, in microseconds (sched-rt-group.rst). */
#define RT_PERIOD_DEFAULT 1000000

/* ---- weight ---- */

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

static int shares(Writes *w)
{
	int64_t n = w->r->cpu_shares;
	const HostCgroup *h;
	if (!writes_is_given(n) || n == 0)
		return 0;
	if (n < 0)
		return err_make(w->e, ERR_SPEC, 0, "CPU shares %" PRId64 " are negative", n);
	TRY(writes_need(w, "cpu", "CPU shares", &h));
	if (h->is_v2)
		writes_add(w, h, "cpu", "cpu.weight", writes_number(w, plan_cgroup_weight(n)),
			   "CPU weight");
	else
		writes_add(w, h, "cpu", "cpu.shares", writes_number(w, n), "CPU shares");
	return 0;
}

/* Last of the CPU's: an idle group takes no weight. */
static int idle(Writes *w)
{
	int64_t on = w->r->cpu_idle;
	const HostCgroup *h;
	if (!writes_is_given(on) || on == 0)
		return 0;
	if (on != 1)
		return err_make(w->e, ERR_SPEC, 0, "CPU idle %" PRId64 " is neither 0 nor 1", on);
	TRY(writes_need(w, "cpu", "CPU idle", &h));
	writes_add(w, h, "cpu", "cpu.idle", "1", "CPU idle")->missing = "Linux 5.15 is needed";
	return 0;
}

/* ---- time ---- */

/* The kernel's own bounds: 1 ms to 1 s, and a quota of 1 ms at least (sched-bwc.rst). */
static int check_time(Writes *w, int64_t quota, int64_t period)
{
	int64_t burst = w->r->cpu_burst;
	if (period != 0 && (period < 1000 || period > 1000000))
		return err_make(w->e, ERR_SPEC, 0,
				"CPU period %" PRId64 " us is not between 1000 and 1000000", period);
	if (quota < -1)
		return err_make(w->e, ERR_SPEC, 0, "CPU quota %" PRId64 " is negative", quota);
	if (quota >= 0 && quota < 1000)
		return err_make(w->e, ERR_SPEC, 0, "CPU quota %" PRId64 " us is below 1000", quota);
	if (writes_is_given(burst) && burst < 0)
		return err_make(w->e, ERR_SPEC, 0, "CPU burst %" PRId64 " is negative", burst);
	if (writes_is_given(burst) && quota > 0 && burst > quota)
		return err_make(w->e, ERR_SPEC, 0,
				"CPU burst %" PRId64 " us is above the CPU quota, %" PRId64 " us",
				burst, quota);
	return 0;
}

static int quota_and_period(Writes *w, int64_t quota, int64_t period)
{
	const HostCgroup *h;
	if (quota < 0 && period == 0)
		return 0;
	TRY(writes_need(w, "cpu", quota < 0 ? "CPU period" : "CPU quota", &h));
	if (h->is_v2) {
		const char *max = quota < 0 ? "max" : writes_number(w, quota);
		writes_add(w, h, "cpu", "cpu.max",
			   period ? arena_printf(w->a, "%s %" PRId64, max, period) : max, "CPU quota");
		return 0;
	}
	if (period)
		writes_add(w, h, "cpu", "cpu.cfs_period_us", writes_number(w, period), "CPU period");
	if (quota >= 0)
		writes_add(w, h, "cpu", "cpu.cfs_quota_us", writes_number(w, quota), "CPU quota");
	return 0;
}

static int time_limit(Writes *w)
{
	const SpecResources *r = w->r;
	int64_t quota = writes_is_given(r->cpu_quota) && r->cpu_quota != 0 ? r->cpu_quota : -1;
	int64_t period = writes_is_given(r->cpu_period) ? r->cpu_period : 0;
	const HostCgroup *h;
	TRY(check_time(w, quota, period));
	TRY(quota_and_period(w, quota, period));
	if (!writes_is_given(r->cpu_burst) || r->cpu_burst == 0)
		return 0;
	TRY(writes_need(w, "cpu", "CPU burst", &h));
	writes_add(w, h, "cpu", h->is_v2 ? "cpu.max.burst" : "cpu.cfs_burst_us",
		   writes_number(w, r->cpu_burst), "CPU burst")
		->missing = "Linux 5.14 is needed";
	return 0;
}

/* ---- real time ---- */

static int add_real_time(Writes *w, const char *file, int64_t n, const char *what)
{
	const HostCgroup *h;
	if (!writes_is_given(n) || n == 0)
		return 0;
	if (n < 0)
		return err_make(w->e, ERR_SPEC, 0, "%s %" PRId64 " is negative", what, n);
	TRY(writes_need_v1(w, "cpu", what, "does not divide real-time CPU time", &h));
	writes_add(w, h, "cpu", file, writes_number(w, n), what)
		->missing = "this kernel does not divide real-time CPU time (CONFIG_RT_GROUP_SCHED)";
	return 0;
}

static int real_time(Writes *w)
{
	int64_t runtime = w->r->cpu_realtime_runtime;
	int64_t period = writes_is_given(w->r->cpu_realtime_period) && w->r->cpu_realtime_period != 0
				 ? w->r->cpu_realtime_period
				 : RT_PERIOD_DEFAULT;
	if (writes_is_given(runtime) && period > 0 && runtime > period)
		return err_make(w->e, ERR_SPEC, 0,
				"real-time CPU runtime %" PRId64 " us is above its period, %" PRId64
				" us",
				runtime, period);
	TRY(add_real_time(w, "cpu.rt_period_us", w->r->cpu_realtime_period, "real-time CPU period"));
	return add_real_time(w, "cpu.rt_runtime_us", runtime, "real-time CPU runtime");
}

/* ---- which CPUs and memory nodes ---- */

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

static int add_set(Writes *w, const char *file, const char *list, const char *what, uint32_t *ret_highest)
{
	const HostCgroup *h;
	if (list_highest(list, w->a, ret_highest) < 0)
		return err_make(w->e, ERR_SPEC, 0, "%s '%s': not a list such as 0-3,7", what, list);
	TRY(writes_need(w, "cpuset", what, &h));
	writes_add(w, h, "cpuset", file, list, what);
	return 0;
}

static int cpuset(Writes *w)
{
	uint32_t highest;
	const char *cpus = w->r->cpuset_cpus, *mems = w->r->cpuset_mems;
	if (cpus && *cpus) {
		TRY(add_set(w, "cpuset.cpus", cpus, "set of CPUs", &highest));
		if (w->f->cpus > 0 && highest >= w->f->cpus)
			return err_make(w->e, ERR_SPEC, 0,
					"set of CPUs '%s': this host has the CPUs 0-%u", cpus,
					w->f->cpus - 1);
	}
	if (mems && *mems)
		TRY(add_set(w, "cpuset.mems", mems, "set of memory nodes", &highest));
	return 0;
}

int plan_cgroup_cpu(Writes *w)
{
	TRY(cpuset(w));
	TRY(shares(w));
	TRY(time_limit(w));
	TRY(real_time(w));
	return idle(w);
}
