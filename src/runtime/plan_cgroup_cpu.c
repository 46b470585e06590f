#include <inttypes.h>

#include "base/num.h"
#include "runtime/plan_cgroup_parts.h"

/* The kernel's default, in microseconds (sched-rt-group.rst). */
#define RT_PERIOD_DEFAULT 1000000

/* What v1 takes; MIN_SHARES and MAX_SHARES of the kernel. */
#define SHARES_MIN 2
#define SHARES_MAX 262144

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

/* The kernel moves shares into its bounds without a word; runc refuses what it would move, in these words. */
static int check_shares(Writes *w, int64_t n)
{
	const HostCgroup *h = writes_find(w->f, "cpu");
	if (n < 0)
		return err_make(w->e, ERR_SPEC, 0, "CPU shares %" PRId64 " are negative", n);
	if (!w->now || !h)
		return 0;
	if (!h->is_v2 && n > SHARES_MAX)
		return err_make(w->e, ERR_SPEC, 0, "the maximum allowed cpu-shares is %d", SHARES_MAX);
	if (!h->is_v2 && n < SHARES_MIN)
		return err_make(w->e, ERR_SPEC, 0, "the minimum allowed cpu-shares is %d", SHARES_MIN);
	if (w->now->idle == 1 && w->r->cpu_idle != 0)
		return err_make(w->e, ERR_SPEC, 0,
				"CPU shares %" PRId64
				": the container is idle, and takes none; end that first (cpu.idle: 0)",
				n);
	return 0;
}

static int shares(Writes *w)
{
	int64_t n = w->r->cpu_shares;
	const HostCgroup *h;
	if (!writes_is_given(n) || n == 0)
		return 0;
	TRY(check_shares(w, n));
	TRY(writes_need(w, "cpu", "CPU shares", &h));
	if (h->is_v2)
		writes_add(w, h, "cpu", "cpu.weight", writes_number(w, plan_cgroup_weight(n)),
			   "CPU weight");
	else
		writes_add(w, h, "cpu", "cpu.shares", writes_number(w, n), "CPU shares");
	return 0;
}

static int add_idle(Writes *w)
{
	const HostCgroup *h;
	TRY(writes_need(w, "cpu", "CPU idle", &h));
	writes_add(w, h, "cpu", "cpu.idle", writes_number(w, w->r->cpu_idle), "CPU idle")
		->missing = "Linux 5.15 is needed";
	return 0;
}

/* An idle group takes no weight: it ends to be one before, and becomes one after. */
static int idle_end(Writes *w)
{
	return w->now && w->now->idle == 1 && w->r->cpu_idle == 0 ? add_idle(w) : 0;
}

static int idle_begin(Writes *w)
{
	int64_t on = w->r->cpu_idle;
	if (!writes_is_given(on) || on == 0)
		return 0;
	if (on != 1)
		return err_make(w->e, ERR_SPEC, 0, "CPU idle %" PRId64 " is neither 0 nor 1", on);
	return add_idle(w);
}

/* ---- time ---- */

typedef struct CpuTime { /* what is asked for; 0: nothing, -1: no limit */
	int64_t quota, period;
} CpuTime;

/* The kernel's own bounds: 1 ms to 1 s, and a quota of 1 ms at least (sched-bwc.rst). */
static int check_time(Writes *w, const CpuTime *t)
{
	int64_t quota = t->quota == 0 && w->now ? w->now->quota : t->quota;
	int64_t burst = w->r->cpu_burst;
	if (t->period != 0 && (t->period < 1000 || t->period > 1000000))
		return err_make(w->e, ERR_SPEC, 0,
				"CPU period %" PRId64 " us is not between 1000 and 1000000", t->period);
	if (t->quota < -1)
		return err_make(w->e, ERR_SPEC, 0, "CPU quota %" PRId64 " is negative", t->quota);
	if (t->quota > 0 && t->quota < 1000)
		return err_make(w->e, ERR_SPEC, 0, "CPU quota %" PRId64 " us is below 1000", t->quota);
	if (writes_is_given(burst) && burst < 0)
		return err_make(w->e, ERR_SPEC, 0, "CPU burst %" PRId64 " is negative", burst);
	if (!writes_is_given(burst) && w->now)
		burst = w->now->burst;
	if (quota > 0 && burst > quota)
		return err_make(w->e, ERR_SPEC, 0,
				"CPU burst %" PRId64 " us is above the CPU quota, %" PRId64 " us",
				burst, quota);
	return 0;
}

static void add_quota(Writes *w, const HostCgroup *h, int64_t quota)
{
	if (quota != 0)
		writes_add(w, h, "cpu", "cpu.cfs_quota_us", writes_number(w, quota), "CPU quota");
}

/* One write on v2. On v1 the group above may bound what share of a CPU this one gets: what makes that less comes first. */
static int quota_and_period(Writes *w, const CpuTime *t)
{
	const HostCgroup *h;
	if (t->quota == 0 && t->period == 0)
		return 0;
	TRY(writes_need(w, "cpu", t->quota == 0 ? "CPU period" : "CPU quota", &h));
	if (h->is_v2) {
		int64_t quota = t->quota == 0 && w->now ? w->now->quota : t->quota;
		const char *max = quota > 0 ? writes_number(w, quota) : "max";
		writes_add(w, h, "cpu", "cpu.max",
			   t->period ? arena_printf(w->a, "%s %" PRId64, max, t->period) : max,
			   "CPU quota");
		return 0;
	}
	bool quota_first = w->now && t->period < w->now->period;
	if (quota_first)
		add_quota(w, h, t->quota);
	if (t->period)
		writes_add(w, h, "cpu", "cpu.cfs_period_us", writes_number(w, t->period), "CPU period");
	if (!quota_first)
		add_quota(w, h, t->quota);
	return 0;
}

static int add_burst(Writes *w)
{
	int64_t burst = w->r->cpu_burst;
	const HostCgroup *h;
	if (!writes_is_given(burst) || (burst == 0 && (!w->now || w->now->burst <= 0)))
		return 0;
	TRY(writes_need(w, "cpu", "CPU burst", &h));
	writes_add(w, h, "cpu", h->is_v2 ? "cpu.max.burst" : "cpu.cfs_burst_us",
		   writes_number(w, burst), "CPU burst")
		->missing = "Linux 5.14 is needed";
	return 0;
}

/* A burst is never above the quota, before or after. */
static int time_limit(Writes *w)
{
	const SpecResources *r = w->r;
	CpuTime t = { .quota = writes_is_given(r->cpu_quota) ? r->cpu_quota : 0,
		      .period = writes_is_given(r->cpu_period) ? r->cpu_period : 0 };
	if (t.quota == -1 && !w->now)
		t.quota = 0;
	TRY(check_time(w, &t));
	bool burst_first = w->now && r->cpu_burst < w->now->burst;
	if (burst_first)
		TRY(add_burst(w));
	TRY(quota_and_period(w, &t));
	return burst_first ? 0 : add_burst(w);
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

static int real_time_runtime(Writes *w)
{
	return add_real_time(w, "cpu.rt_runtime_us", w->r->cpu_realtime_runtime,
			     "real-time CPU runtime");
}

/* As with quota and period: what makes the share less comes first. */
static int real_time(Writes *w)
{
	int64_t runtime = w->r->cpu_realtime_runtime, period = w->r->cpu_realtime_period;
	bool has_period = writes_is_given(period) && period != 0;
	bool runtime_first = w->now && has_period && period < w->now->rt_period;
	if (!has_period)
		period = w->now ? w->now->rt_period : RT_PERIOD_DEFAULT;
	if (w->now && has_period && (!writes_is_given(runtime) || runtime == 0))
		runtime = w->now->rt_runtime;
	if (writes_is_given(runtime) && period > 0 && runtime > period)
		return err_make(w->e, ERR_SPEC, 0,
				"real-time CPU runtime %" PRId64 " us is above its period, %" PRId64
				" us",
				runtime, period);
	if (runtime_first)
		TRY(real_time_runtime(w));
	TRY(add_real_time(w, "cpu.rt_period_us", w->r->cpu_realtime_period, "real-time CPU period"));
	return runtime_first ? 0 : real_time_runtime(w);
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
	TRY(idle_end(w));
	TRY(shares(w));
	TRY(time_limit(w));
	TRY(real_time(w));
	return idle_begin(w);
}
