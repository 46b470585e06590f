#include "runtime/update.h"

#include <string.h>

#include "base/log.h"
#include "kern/cgroup_update.h"
#include "runtime/facts.h"
#include "runtime/plan_cgroup.h"
#include "runtime/systemd.h"

/* The container's group in a hierarchy, or NULL. */
static const char *group_in(const StrList *groups, const HostCgroup *h)
{
	for (size_t i = 0; i < groups->count; i++) {
		const char *below = str_after(groups->items[i], h->mountpoint);
		if (below && *below == '/')
			return groups->items[i];
	}
	return NULL;
}

/* What of a hierarchy can be written is what the container has there, however we would make groups of our own. */
static const CgroupRequest *groups_find(const StrList *groups, HostFacts *f, Arena *a)
{
	CgroupRequest *found = arena_new_array(a, f->cgroups_count, CgroupRequest);
	for (size_t i = 0; i < f->cgroups_count; i++) {
		HostCgroup *h = &f->cgroups[i];
		found[i] = (CgroupRequest){ .is_v2 = h->is_v2,
					    .controllers = h->controllers,
					    .top = h->mountpoint,
					    .dir = group_in(groups, h) };
		h->writable = found[i].dir != NULL;
	}
	return found;
}

/* So that a unit's next reload sets what is set. */
static int unit_tell(const Systemd *s, const Record *of, const PlanCgroupWrites *writes,
		     const HostFacts *f, int64_t period, Arena *a, Err *e)
{
	PlanUnitProperties p = { 0 };
	if (!of->unit)
		return 0;
	plan_unit_limits(writes, f, period, a, &p);
	return p.count > 0 ? systemd_set(s, of->unit, &p, a, e) : 0;
}

int runtime_update(const Record *of, const SpecResources *r, Arena *a, Err *e)
{
	AUTO(systemd_close) Systemd systemd = SYSTEMD_NONE;
	HostFacts f;
	PlanCgroupWrites plan;
	CgroupLimits now = CGROUP_LIMITS_NONE;
	TRY(host_facts_probe("", 0, a, &f, e));
	host_facts_add_controllers("", a, &f);
	const CgroupRequest *found = groups_find(&of->groups, &f, a);
	for (size_t i = 0; i < f.cgroups_count; i++)
		if (found[i].dir)
			cgroup_read_limits(found[i].dir, found[i].is_v2, &now);
	TRY(plan_cgroup_update(r, &f, &now, a, &plan, e));
	if (of->unit) {
		TRY(systemd_open(of->is_user_unit, a, &systemd, e));
		f.manager_version = systemd.version;
	}
	CgroupUpdate *items = arena_new_array(a, plan.count, CgroupUpdate);
	for (size_t i = 0; i < plan.count; i++)
		items[i] = (CgroupUpdate){ .group = &found[plan.items[i].hierarchy],
					   .write = &plan.items[i].write };
	for (size_t i = 0; i < plan.warnings.count; i++)
		log_warn("%s", plan.warnings.items[i]);
	TRY(cgroup_update(items, plan.count, a, e));
	return unit_tell(&systemd, of, &plan, &f, now.period, a, e);
}
