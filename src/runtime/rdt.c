#include "runtime/rdt.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "kern/resctrl.h"

void rdt_look(PlanRdt *r, Record *record)
{
	struct stat st;
	if (!r->dir)
		return;
	r->is_ours = !r->is_named && stat(r->dir, &st) < 0 && errno == ENOENT;
	record->rdt = r->dir;
	record->rdt_mon = r->mon_dir;
	record->rdt_is_ours = r->is_ours;
}

/* Whoever prepared it has a say in what is in it, and is asked for nothing. */
static int prepared_find(const PlanRdt *r, Err *e)
{
	struct stat st;
	if (stat(r->dir, &st) < 0)
		return err_sys(e, "closID: clos dir not accessible (must be pre-created when l3CacheSchema, memBwSchema and schemata are empty): %s",
			       r->dir);
	return 0;
}

static int group_fill(const PlanRdt *r, bool made, Arena *a, Err *e)
{
	if (r->schemata && r->is_named && !made)
		TRY(resctrl_compare(r->dir, r->schemata, a, e));
	else if (r->schemata)
		TRY(resctrl_set(r->dir, r->schemata, e));
	int n = r->mon_dir ? resctrl_make(r->mon_dir, e) : 1;
	if (n == 0)
		return err_make(e, ERR_EXISTS, EEXIST, "the monitoring group %s exists", r->mon_dir);
	return n < 0 ? n : 0;
}

static int groups_make(const PlanRdt *r, Arena *a, Err *e)
{
	int made = 0;
	if (r->is_named && !r->schemata)
		TRY(prepared_find(r, e));
	else
		made = TRY(resctrl_make(r->dir, e));
	int n = group_fill(r, made, a, e);
	if (n < 0 && made)
		(void)resctrl_remove(r->dir, NULL); /* nobody has been in it */
	return n;
}

int rdt_make(const PlanRdt *r, Arena *a, Err *e)
{
	int n = r->dir ? groups_make(r, a, e) : 0;
	return n < 0 ? err_wrap(e, n, "linux.intelRdt") : 0;
}

int rdt_join(const PlanRdt *r, pid_t pid, bool is_late, Err *e)
{
	int n = r->dir ? resctrl_join(r->dir, pid, e) : 0;
	if (n == 0 && r->mon_dir)
		n = resctrl_join(r->mon_dir, pid, e);
	if (n == -ENOENT && is_late) {
		log_warn("the process is not in the container's group %s, which is gone", r->dir);
		return 0;
	}
	return n < 0 ? err_wrap(e, n, "linux.intelRdt") : 0;
}

int rdt_remove_recorded(const Record *r, Err *e)
{
	int n = r->rdt_mon ? resctrl_remove(r->rdt_mon, e) : 0;
	int m = r->rdt && r->rdt_is_ours ? resctrl_remove(r->rdt, n < 0 ? NULL : e) : 0;
	return n < 0 ? n : m;
}

int rdt_remove(const PlanRdt *r, Err *e)
{
	return rdt_remove_recorded(
		&(Record){ .rdt = r->dir, .rdt_mon = r->mon_dir, .rdt_is_ours = r->is_ours }, e);
}
