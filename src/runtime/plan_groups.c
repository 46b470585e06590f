#include <string.h>

#include "runtime/plan_parts.h"

/* The group's path below a hierarchy's root, or below the group that is delegated to us. */
static int group_path(const PlanContext *c, const char **ret, Err *e)
{
	const char *asked = c->spec->linux_.cgroups_path;
	if (!asked) {
		*ret = arena_printf(c->arena, "/mydocker/%s", c->in->container_id);
		return 0;
	}
	StrList parts = str_split(c->arena, asked, '/');
	if (strlist_has(&parts, "..") || strlist_has(&parts, "."))
		return err_make(e, ERR_SPEC, 0, "cgroup path '%s': '.' and '..' are not allowed", asked);
	*ret = path_clean(c->arena, asked);
	if (strcmp(*ret, "/") == 0)
		return err_make(e, ERR_SPEC, 0, "cgroup path '%s': names no group", asked);
	return 0;
}

/* Whether systemd makes and removes groups in a hierarchy: of v1 it knows these controllers alone. */
static bool is_of_systemd(const PlanContext *c, const HostCgroup *h)
{
	static const char *const known[] = { "name=systemd", "cpu",     "cpuacct", "blkio",
					     "memory",       "devices", "pids" };
	if (h->is_v2)
		return true;
	StrList has = str_split(c->arena, h->controllers, ',');
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlist_has(&has, known[i]))
			return true;
	return false;
}

static void group_add(const PlanContext *c, Plan *p, size_t hierarchy, const char *path)
{
	const HostCgroup *h = &c->facts->cgroups[hierarchy];
	const char *manager = c->facts->manager_group, *below = manager ? manager : h->delegated;
	const char *top = arena_printf(c->arena, "%s%s", h->mountpoint, below ? below : "");
	*arena_push(c->arena, &p->groups, &p->groups_count, PlanGroup) = (PlanGroup){
		.hierarchy = hierarchy,
		.top = top,
		.dir = arena_printf(c->arena, "%s%s", top, path),
		.maker = !manager   ? CGROUP_BY_US
			 : h->is_v2 ? CGROUP_BY_OTHERS
				    : CGROUP_BY_WHOEVER,
		.parents_stay = manager && is_of_systemd(c, h),
	};
}

/* Writes are known by then. */
static int unit_make(const PlanContext *c, const PlanUnitName *name, const PlanCgroupWrites *writes,
		     Plan *p, Err *e)
{
	if (p->groups_count == 0)
		return err_make(e, ERR_SPEC, 0,
				"systemd makes the groups, but no cgroup hierarchy is writable here");
	return plan_unit_make(c->spec, c->facts, c->in->container_id, name, writes, c->arena,
			      &p->unit, e);
}

int plan_groups(const PlanContext *c, Plan *p, Err *e)
{
	const char *path;
	const SpecLinux *l = &c->spec->linux_;
	PlanCgroupWrites writes;
	PlanUnitName name;
	bool by_systemd = c->facts->manager_group && !l->no_cgroups;
	if (by_systemd)
		TRY(plan_unit_name(l->cgroups_path, c->in->container_id, c->facts->manager_is_user,
				   c->arena, &name, e));
	if (by_systemd)
		path = name.path;
	else
		TRY(group_path(c, &path, e));
	p->remove_parents = by_systemd || l->cgroups_path != NULL;
	for (size_t i = 0; i < c->facts->cgroups_count; i++)
		if (c->facts->cgroups[i].writable && !l->no_cgroups)
			group_add(c, p, i, path);
	TRY(plan_cgroup_writes(l, c->facts, c->arena, &writes, e));
	p->writes = writes.items;
	p->writes_count = writes.count;
	for (size_t i = 0; i < writes.warnings.count; i++)
		strlist_add(c->arena, &p->warnings, writes.warnings.items[i]);
	if (by_systemd)
		TRY(unit_make(c, &name, &writes, p, e));
	p->device_rules = l->resources.devices;
	p->device_rules_count = l->resources.devices_count;
	return 0;
}
