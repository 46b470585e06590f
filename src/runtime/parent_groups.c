#include "runtime/parent_start.h"

#include <string.h>

#include "kern/device_filter.h"
#include "runtime/parent_parts.h"

#define PIDS_MAX "pids.max"

static void undo_groups(void *arg)
{
	Start *s = arg;
	if (*s->ret_hangs)
		return;   /* it is in them */
	if (s->unit_made) /* ours, as the first process of a scope, keeps it */
		systemd_close(s->systemd);
	if (runtime_groups_remove(s->plan, s->groups_made, s->unit_made, NULL) < 0)
		s->dir->is_kept = true;
}

/* The plan's writes for one hierarchy, in order. */
static size_t group_writes(const Start *s, size_t hierarchy, CgroupWrite *ret)
{
	size_t n = 0;
	for (size_t i = 0; i < s->plan->writes_count; i++)
		if (s->plan->writes[i].hierarchy == hierarchy)
			ret[n++] = s->plan->writes[i].write;
	for (size_t i = 0; i < n && s->plan->unit.alone; i++)
		if (strcmp(ret[i].file, PIDS_MAX) == 0)
			ret[i].value = "2"; /* until the process that systemd was given is gone: parent_unit_leave() */
	return n;
}

/* The groups of a unit are there and limited when this returns, with a process of ours in them. */
static int unit_start(Start *s, Err *e)
{
	if (!s->plan->unit.name)
		return 0;
	int r = systemd_start(s->systemd, &s->plan->unit, s->arena, e);
	s->unit_made = r != -EEXIST; /* one that is there is somebody else's */
	return r;
}

int parent_unit_leave(Start *s, Err *e)
{
	if (!s->unit_made)
		return 0;
	systemd_close(s->systemd);
	for (size_t i = 0; i < s->plan->writes_count && s->plan->unit.alone; i++) {
		const PlanCgroupWrite *w = &s->plan->writes[i];
		if (strcmp(w->write.file, PIDS_MAX) == 0)
			TRY(runtime_group_write(s->plan, w, s->arena, e));
	}
	return 0;
}

int parent_groups_make(Start *s, Undo *undo, Err *e)
{
	const Plan *p = s->plan;
	CgroupWrite *writes = arena_new_array(s->arena, p->writes_count, CgroupWrite);
	s->group_fds = arena_new_array(s->arena, p->groups_count, int);
	s->group_v2 = arena_new_array(s->arena, p->groups_count, bool);
	undo_push(undo, undo_groups, s);
	TRY(unit_start(s, e));
	for (size_t i = 0; i < p->groups_count; i++) {
		const HostCgroup *h = &s->facts->cgroups[p->groups[i].hierarchy];
		const CgroupRequest request = {
			.is_v2 = h->is_v2,
			.maker = p->groups[i].maker,
			.claim = i == 0 && p->groups[i].maker == CGROUP_BY_US,
			.controllers = h->controllers,
			.top = p->groups[i].top,
			.dir = p->groups[i].dir,
			.writes = writes,
			.writes_count = group_writes(s, p->groups[i].hierarchy, writes),
			.has_owner = p->groups[i].has_owner,
			.owner = p->groups[i].owner,
		};
		s->group_fds[i] = FD_NONE;
		s->group_v2[i] = h->is_v2;
		s->groups_made = i + 1;
		int r = cgroup_make(&request, &s->group_fds[i], e);
		if (r == -EEXIST)
			s->groups_made = i; /* somebody else's: not ours to remove, or to kill in */
		TRY(r);
	}
	return 0;
}

int parent_groups_open(Start *s, Err *e)
{
	const StrList *dirs = s->join->groups;
	s->group_fds = arena_new_array(s->arena, dirs->count, int);
	s->group_v2 = arena_new_array(s->arena, dirs->count, bool);
	for (size_t i = 0; i < dirs->count; i++) {
		s->group_fds[i] = FD_NONE;
		s->groups_made = i + 1;
		TRY(cgroup_open(dirs->items[i], &s->group_v2[i], &s->group_fds[i], e));
	}
	return 0;
}

int parent_group_fd(const Start *s)
{
	for (size_t i = 0; i < s->groups_made; i++)
		if (s->group_v2[i])
			return s->group_fds[i];
	return FD_NONE;
}

int parent_devices_limit(Start *s, Err *e)
{
	const Plan *p = s->plan;
	if (!plan_cgroup_devices_by_program(s->facts) || p->groups_count == 0 ||
	    p->device_rules_count == 0)
		return 0;
	return device_filter_attach(parent_group_fd(s), p->device_rules, p->device_rules_count,
				    s->arena, e);
}
