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

static void group_add(const PlanContext *c, Plan *p, size_t hierarchy, const char *path)
{
	const HostCgroup *h = &c->facts->cgroups[hierarchy];
	const char *top = arena_printf(c->arena, "%s%s", h->mountpoint,
				       h->delegated ? h->delegated : "");
	*arena_push(c->arena, &p->groups, &p->groups_count, PlanGroup) = (PlanGroup){
		.hierarchy = hierarchy,
		.top = top,
		.dir = arena_printf(c->arena, "%s%s", top, path),
	};
}

int plan_groups(const PlanContext *c, Plan *p, Err *e)
{
	const char *path;
	const SpecLinux *l = &c->spec->linux_;
	PlanCgroupWrites writes;
	TRY(group_path(c, &path, e));
	p->remove_parents = l->cgroups_path != NULL;
	for (size_t i = 0; i < c->facts->cgroups_count; i++)
		if (c->facts->cgroups[i].writable && !l->no_cgroups)
			group_add(c, p, i, path);
	TRY(plan_cgroup_writes(l, c->facts, c->arena, &writes, e));
	p->writes = writes.items;
	p->writes_count = writes.count;
	for (size_t i = 0; i < writes.warnings.count; i++)
		strlist_add(c->arena, &p->warnings, writes.warnings.items[i]);
	p->device_rules = l->resources.devices;
	p->device_rules_count = l->resources.devices_count;
	return 0;
}
