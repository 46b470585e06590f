#include "runtime/group_report.h"

#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/signals.h"
#include "fmt/size.h"

static bool has_memory(const HostCgroup *h)
{
	return h->is_v2 || strstr(h->controllers, "memory");
}

void group_report_memory(const Plan *p, const HostFacts *f, CgroupMemory *ret)
{
	*ret = (CgroupMemory){ .limit = CGROUP_NO_LIMIT, .total_limit = CGROUP_NO_LIMIT };
	for (size_t i = 0; i < p->groups_count; i++) {
		const HostCgroup *h = &f->cgroups[p->groups[i].hierarchy];
		const char *dir = p->groups[i].dir;
		if (!has_memory(h) || cgroup_read_oom_kills(dir, h->is_v2, &ret->oom_kills) < 0)
			continue;
		if (ret->oom_kills > 0 && cgroup_read_memory(dir, h->is_v2, ret) < 0)
			log_warn("read the memory limit and peak of %s: %s", dir, strerror(errno));
		return;
	}
}

/* The write of the limit of processes that was asked for. */
static const PlanCgroupWrite *asked_pids(const Plan *p)
{
	for (size_t i = 0; i < p->writes_count; i++)
		if (p->writes[i].write.asked && str_eq(p->writes[i].write.file, "pids.max"))
			return &p->writes[i];
	return NULL;
}

uint64_t group_report_forks(const Plan *p, uint64_t *ret_limit)
{
	const PlanCgroupWrite *w = asked_pids(p);
	uint64_t refused = 0;
	for (size_t i = 0; w && i < p->groups_count; i++)
		if (p->groups[i].hierarchy == w->hierarchy &&
		    (cgroup_read_forks_refused(p->groups[i].dir, &refused) < 0 ||
		     num_parse_u64(w->write.value, UINT64_MAX, ret_limit) < 0))
			return 0;
	return refused;
}

int group_report_death(const Plan *p, const HostFacts *f, const ProcessEnd *end, int r, Err *e)
{
	CgroupMemory m;
	char limit[16];
	if (!end->by_signal)
		return err_wrap(e, r, "init exited with %d", end->number);
	group_report_memory(p, f, &m);
	if (end->number != SIGKILL || m.oom_kills == 0)
		return err_wrap(e, r, "init was killed by signal %s", signal_name(end->number));
	if (m.limit == CGROUP_NO_LIMIT)
		return err_make(e, ERR_STATE, ENOMEM,
				"start the container: the groups above it, or the host, have too little memory for it");
	return err_make(e, ERR_STATE, ENOMEM,
			"start the container: its memory limit of %s is too small for that",
			size_format(limit, sizeof limit, m.limit));
}
