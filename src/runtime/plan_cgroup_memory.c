#include <inttypes.h>

#include "runtime/plan_cgroup_parts.h"

static int check_sign(Writes *w, int64_t n, const char *what)
{
	if (n < -1 && writes_is_given(n))
		return err_make(w->e, ERR_SPEC, 0, "%s %" PRId64 " is negative", what, n);
	return 0;
}

/* Memory, and memory plus swap, as they will be: what is not asked for stays. SPEC_UNSET and less than 0: no limit. */
typedef struct Pair {
	int64_t limit, total;
} Pair;

/* What a group in use has of both. v2 counts swap alone. */
static Pair pair_now(const Writes *w, const HostCgroup *h)
{
	Pair p = { w->now->memory, w->now->swap };
	bool sums = h && h->is_v2;
	if (sums && (p.limit < 0 || p.total < 0 || __builtin_add_overflow(p.limit, p.total, &p.total)))
		p.total = -1;
	return p;
}

static Pair pair_wanted(const Writes *w, Pair now)
{
	const SpecResources *r = w->r;
	Pair p = { .limit = writes_is_given(r->memory_limit) ? r->memory_limit : now.limit,
		   .total = writes_is_given(r->memory_swap) ? r->memory_swap : now.total };
	if (r->memory_limit == -1 && !writes_is_given(r->memory_swap)) /* of swap, too, as runc */
		p.total = -1;
	return p;
}

static int check_pair(Writes *w)
{
	const SpecResources *r = w->r;
	if (!writes_is_given(r->memory_limit) && !writes_is_given(r->memory_swap))
		return 0;
	Pair now = w->now ? pair_now(w, writes_find(w->f, "memory")) : (Pair){ -1, -1 };
	Pair p = pair_wanted(w, now);
	if (p.total < 0)
		return 0;
	if (p.limit < 0)
		return err_make(w->e, ERR_SPEC, 0,
				"a limit of memory plus swap needs a memory limit, too");
	if (p.total >= p.limit)
		return 0;
	if (!writes_is_given(r->memory_swap))
		return err_make(w->e, ERR_SPEC, 0,
				"the memory limit, %" PRId64
				", is above the limit of memory plus swap that is set, %" PRId64
				": give that one, too",
				p.limit, p.total);
	return err_make(w->e, ERR_SPEC, 0,
			"the limit of memory plus swap, %" PRId64
			", is below the memory limit, %" PRId64,
			p.total, p.limit);
}

static int check(Writes *w)
{
	const SpecResources *r = w->r;
	bool limited = writes_is_limit(r->memory_limit);
	TRY(check_sign(w, r->memory_limit, "memory limit"));
	TRY(check_sign(w, r->memory_swap, "memory plus swap limit"));
	TRY(check_sign(w, r->memory_reservation, "memory reservation"));
	TRY(check_sign(w, r->memory_kernel_tcp, "limit of TCP buffer memory"));
	TRY(check_pair(w));
	if (writes_is_limit(r->memory_reservation) && limited && r->memory_reservation > r->memory_limit)
		return err_make(w->e, ERR_SPEC, 0,
				"the memory reservation, %" PRId64
				", is above the memory limit, %" PRId64,
				r->memory_reservation, r->memory_limit);
	if (writes_is_given(r->memory_swappiness) &&
	    (r->memory_swappiness < 0 || r->memory_swappiness > 100))
		return err_make(w->e, ERR_SPEC, 0,
				"memory swappiness %" PRId64 " is not between 0 and 100",
				r->memory_swappiness);
	return 0;
}

/* Linux 5.11 and later always count the groups below, and refuse a 0. */
static int hierarchy(Writes *w)
{
	int64_t on = w->r->memory_use_hierarchy;
	const char *what = "counting of the groups below";
	const HostCgroup *h;
	if (!writes_is_given(on))
		return 0;
	TRY(writes_need(w, "memory", what, &h));
	if (h->is_v2)
		return on ? 0
			  : err_make(w->e, ERR_SPEC, 0,
				     "%s cannot be switched off: cgroup v2 always counts them", what);
	writes_add(w, h, "memory", "memory.use_hierarchy", on ? "1" : "0", what);
	return 0;
}

static int check_swap(Writes *w)
{
	if (w->f->swap_accounting)
		return 0;
	return err_make(w->e, ERR_SPEC, 0,
			"this host's kernel does not account swap (cgroup controller 'memory'), which the limit of memory plus swap needs");
}

static CgroupWrite *add_swap(Writes *w, const HostCgroup *h, Pair p)
{
	if (!h->is_v2)
		return writes_add(w, h, "memory", "memory.memsw.limit_in_bytes",
				  writes_limit(w, h, p.total), "limit of memory plus swap");
	return writes_add(w, h, "memory", "memory.swap.max",
			  writes_limit(w, h, p.total < 0 ? -1 : p.total - p.limit), "swap limit");
}

/* A default (docker's, from the engine) is left out where swap is not accounted. */
static int swap(Writes *w, const HostCgroup *h)
{
	const SpecResources *r = w->r;
	bool asked = !r->memory_swap_is_default;
	if (!writes_is_limit(r->memory_swap) || (!asked && !w->f->swap_accounting))
		return 0;
	TRY(check_swap(w));
	add_swap(w, h, (Pair){ r->memory_limit, r->memory_swap })->asked = asked;
	return 0;
}

static void add_limit(Writes *w, const HostCgroup *h)
{
	CgroupWrite *added = writes_add(w, h, "memory",
					h->is_v2 ? "memory.max" : "memory.limit_in_bytes",
					writes_limit(w, h, w->r->memory_limit), "memory limit");
	if (h->is_v2 && w->r->memory_check_before_update)
		added->above = "memory.current";
}

/* v1 refuses a limit below what is in use by itself; v2 would kill. */
static int limit(Writes *w)
{
	const HostCgroup *h;
	if (!writes_is_limit(w->r->memory_limit))
		return 0;
	TRY(writes_need(w, "memory", "memory limit", &h));
	add_limit(w, h);
	return swap(w, h);
}

/* v1 refuses a memory limit above that of memory plus swap at any time: which comes first depends on what is set. On v2, where swap is
 * counted alone, the sum stays when memory changes and nothing is said of swap: so it is on v1. */
static int limits_of_group_in_use(Writes *w)
{
	bool has_limit = writes_is_given(w->r->memory_limit);
	const HostCgroup *h;
	if (!has_limit && !writes_is_given(w->r->memory_swap))
		return 0;
	TRY(writes_need(w, "memory", has_limit ? "memory limit" : "limit of memory plus swap", &h));
	Pair now = pair_now(w, h), p = pair_wanted(w, now);
	bool has_swap = writes_is_given(w->r->memory_swap) || w->r->memory_limit == -1 ||
			(h->is_v2 && p.total >= 0);
	if (has_swap && p.total >= 0)
		TRY(check_swap(w));
	has_swap = has_swap && w->f->swap_accounting; /* else there is none to take back */
	bool swap_first = has_swap && (p.total < 0 || (now.limit >= 0 && p.total >= now.limit));
	if (swap_first)
		add_swap(w, h, p);
	if (has_limit)
		add_limit(w, h);
	if (has_swap && !swap_first)
		add_swap(w, h, p);
	return 0;
}

/* No reservation is 0 to v2, where "max" would keep all that the container has from being reclaimed. */
static int reservation(Writes *w)
{
	int64_t n = w->r->memory_reservation;
	const HostCgroup *h;
	if (!writes_is_wanted(w, n))
		return 0;
	TRY(writes_need(w, "memory", "memory reservation", &h));
	if (h->is_v2)
		writes_add(w, h, "memory", "memory.low", writes_number(w, n < 0 ? 0 : n),
			   "memory reservation");
	else
		writes_add(w, h, "memory", "memory.soft_limit_in_bytes", writes_number(w, n),
			   "memory reservation");
	return 0;
}

static int swappiness(Writes *w)
{
	const HostCgroup *h;
	if (!writes_is_given(w->r->memory_swappiness))
		return 0;
	TRY(writes_need_v1(w, "memory", "memory swappiness",
			   "gives a group none of its own; the host's is the sysctl vm.swappiness", &h));
	writes_add(w, h, "memory", "memory.swappiness", writes_number(w, w->r->memory_swappiness),
		   "memory swappiness");
	return 0;
}

static int oom_killer(Writes *w)
{
	const HostCgroup *h;
	if (!w->r->memory_disable_oom_killer)
		return 0;
	TRY(writes_need_v1(w, "memory", "switching off of the OOM killer", "does not do that", &h));
	writes_add(w, h, "memory", "memory.oom_control", "1", "switching off of the OOM killer");
	if (!w->now && !writes_is_limit(w->r->memory_limit))
		strlist_add(w->a, w->warnings,
			    "the OOM killer is off for the container, and it has no memory limit: it can use up the host's memory");
	return 0;
}

static int kernel_tcp(Writes *w)
{
	const HostCgroup *h;
	if (!writes_is_wanted(w, w->r->memory_kernel_tcp))
		return 0;
	TRY(writes_need_v1(w, "memory", "limit of TCP buffer memory",
			   "has none; the memory limit counts it, too", &h));
	writes_add(w, h, "memory", "memory.kmem.tcp.limit_in_bytes",
		   writes_number(w, w->r->memory_kernel_tcp), "limit of TCP buffer memory");
	return 0;
}

int plan_cgroup_memory(Writes *w)
{
	TRY(check(w));
	TRY(hierarchy(w));
	TRY(w->now ? limits_of_group_in_use(w) : limit(w));
	TRY(reservation(w));
	TRY(swappiness(w));
	TRY(oom_killer(w));
	return kernel_tcp(w);
}
