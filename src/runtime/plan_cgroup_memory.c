#include <inttypes.h>

#include "runtime/plan_cgroup_parts.h"

static int check_sign(Writes *w, int64_t n, const char *what)
{
	if (n < -1 && writes_is_given(n))
		return err_make(w->e, ERR_SPEC, 0, "%s %" PRId64 " is negative", what, n);
	return 0;
}

static int check(Writes *w)
{
	const SpecResources *r = w->r;
	bool limited = writes_is_limit(r->memory_limit);
	TRY(check_sign(w, r->memory_limit, "memory limit"));
	TRY(check_sign(w, r->memory_swap, "memory plus swap limit"));
	TRY(check_sign(w, r->memory_reservation, "memory reservation"));
	TRY(check_sign(w, r->memory_kernel_tcp, "limit of TCP buffer memory"));
	if (writes_is_limit(r->memory_swap) && !limited)
		return err_make(w->e, ERR_SPEC, 0,
				"a limit of memory plus swap needs a memory limit, too");
	if (writes_is_limit(r->memory_swap) && r->memory_swap < r->memory_limit)
		return err_make(w->e, ERR_SPEC, 0,
				"the limit of memory plus swap, %" PRId64
				", is below the memory limit, %" PRId64,
				r->memory_swap, r->memory_limit);
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

/* Memory plus swap. A default (docker's, from the engine) is left out where swap is not accounted. */
static int swap(Writes *w, const HostCgroup *h)
{
	const SpecResources *r = w->r;
	bool asked = !r->memory_swap_is_default;
	int64_t total = r->memory_swap;
	CgroupWrite *added;
	if (total < 0 /* also SPEC_UNSET */ || (!asked && !w->f->swap_accounting))
		return 0;
	if (!w->f->swap_accounting)
		return err_make(w->e, ERR_SPEC, 0,
				"this host's kernel does not account swap (cgroup controller 'memory'), which the limit of memory plus swap needs");
	if (h->is_v2)
		added = writes_add(w, h, "memory", "memory.swap.max",
				   writes_number(w, total - r->memory_limit), "swap limit");
	else
		added = writes_add(w, h, "memory", "memory.memsw.limit_in_bytes",
				   writes_number(w, total), "limit of memory plus swap");
	added->asked = asked;
	return 0;
}

/* v1 refuses a limit below what is in use by itself; v2 would kill. */
static int limit(Writes *w)
{
	const HostCgroup *h;
	if (!writes_is_limit(w->r->memory_limit))
		return 0;
	TRY(writes_need(w, "memory", "memory limit", &h));
	CgroupWrite *added = writes_add(w, h, "memory",
					h->is_v2 ? "memory.max" : "memory.limit_in_bytes",
					writes_number(w, w->r->memory_limit), "memory limit");
	if (h->is_v2 && w->r->memory_check_before_update)
		added->above = "memory.current";
	return swap(w, h);
}

static int reservation(Writes *w)
{
	const HostCgroup *h;
	if (!writes_is_limit(w->r->memory_reservation))
		return 0;
	TRY(writes_need(w, "memory", "memory reservation", &h));
	writes_add(w, h, "memory", h->is_v2 ? "memory.low" : "memory.soft_limit_in_bytes",
		   writes_number(w, w->r->memory_reservation), "memory reservation");
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
	if (!writes_is_limit(w->r->memory_limit))
		strlist_add(w->a, w->warnings,
			    "the OOM killer is off for the container, and it has no memory limit: it can use up the host's memory");
	return 0;
}

static int kernel_tcp(Writes *w)
{
	const HostCgroup *h;
	if (!writes_is_limit(w->r->memory_kernel_tcp))
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
	TRY(limit(w));
	TRY(reservation(w));
	TRY(swappiness(w));
	TRY(oom_killer(w));
	return kernel_tcp(w);
}
