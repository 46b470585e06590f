#include <fcntl.h>
#include <signal.h>

#include "base/log.h"
#include "runtime/group_report.h"
#include "runtime/host_root.h"
#include "runtime/parent.h"
#include "runtime/parent_parts.h"
#include "runtime/rdt.h"

/* Keeps the first error for *e, and warns of the others, or of all when e is NULL. */
static void note_failure(int r, const Err *own, int *first, Err *e)
{
	char text[sizeof own->msg + 64];
	if (r >= 0)
		return;
	if (*first == 0 && e)
		*e = *own;
	else
		log_warn("%s", err_text(own, text, sizeof text));
	if (*first == 0)
		*first = r;
}

/* In a scope that is still there nobody is any more, or who is shall end. */
static int unit_end(const PlanUnit *u, Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	return systemd_stop_unit(u->is_user, u->name, &a, e);
}

int runtime_group_write(const Plan *p, const PlanCgroupWrite *w, Arena *a, Err *e)
{
	for (size_t i = 0; i < p->groups_count; i++) {
		if (p->groups[i].hierarchy != w->hierarchy)
			continue;
		const char *path = arena_printf(a, "%s/%s", p->groups[i].dir, w->write.file);
		int r = fd_write_text_at(AT_FDCWD, path, w->write.value);
		if (r < 0)
			return err_make(e, ERR_SYS, -r, "write %s to %s (%s)", w->write.value, path,
					w->write.what);
	}
	return 0;
}

/* Goes on after an error and returns the first. */
int runtime_groups_remove(const Plan *p, size_t count, bool unit, Err *e)
{
	int first = 0;
	if (unit) {
		Err own = { 0 };
		int r = unit_end(&p->unit, &own);
		note_failure(r, &own, &first, e);
	}
	for (size_t i = 0; i < count; i++) {
		Err own = { 0 };
		int r = cgroup_remove(p->groups[i].dir, &own);
		note_failure(r, &own, &first, e);
	}
	for (size_t i = p->parents.count; i > 0; i--) {
		Err own = { 0 };
		int r = cgroup_remove_unused(p->parents.items[i - 1], &own);
		note_failure(r, &own, &first, e);
	}
	return first;
}

/* Goes on after an error and returns the first. */
int runtime_host_remove(const Plan *p, Arena *a, Err *e)
{
	int r = rdt_remove(&p->rdt, e);
	int n = host_root_remove(p->host_root, p->host_root_below, a, r < 0 ? NULL : e);
	return r < 0 ? r : n;
}

/* A group that reaches all of the container's processes: the v2 one has cgroup.kill, else any. */
static const char *kill_group(const Plan *p, const HostFacts *facts)
{
	const char *dir = NULL;
	for (size_t i = 0; i < p->groups_count; i++)
		if (!dir || facts->cgroups[p->groups[i].hierarchy].is_v2)
			dir = p->groups[i].dir;
	return dir;
}

int runtime_kill_rest(const Plan *p, const HostFacts *facts, const Container *c, Err *e)
{
	/* With a pid namespace of its own everything ended with the first process. */
	const char *dir = p->own_pids ? NULL : kill_group(p, facts);
	(void)process_signal(c->pidfd, SIGKILL); /* ended already is as good */
	return dir ? cgroup_kill(dir, e) : 0;
}

int runtime_finish(const Plan *p, const HostFacts *facts, const Container *c,
		   CgroupMemory *ret_memory, Arena *a, Err *e)
{
	int killed = runtime_kill_rest(p, facts, c, e);
	group_report_memory(p, facts, ret_memory);
	int removed = runtime_groups_remove(p, p->groups_count, p->unit.name != NULL,
					    killed < 0 ? NULL : e);
	int taken = runtime_host_remove(p, a, killed < 0 || removed < 0 ? NULL : e);
	return killed < 0 ? killed : removed < 0 ? removed : taken;
}
