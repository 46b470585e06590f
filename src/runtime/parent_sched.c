/* What a new process gets of its maker's: CPUs to begin on, and limits that it could not raise by itself. */
#include <linux/capability.h>
#include <linux/sched.h>

#include "base/limits.h"
#include "base/log.h"
#include "kern/process.h"
#include "kern/sys_sched.h"
#include "runtime/parent_parts.h"

/* The child has our CPUs: for the moment they are those that an `exec` is to begin on. */
pid_t runtime_spawn(const Plan *p, uint64_t flags, int group_fd, const ProcessChild *child,
		    int *ret_pidfd, Err *e)
{
	uint64_t ours[LIMIT_CPUS / 64] = { 0 };
	if (p->initial_cpus_count > 0) {
		if (sys_sched_getaffinity(ours, sizeof ours) < 0)
			return err_sys(e, "read the CPUs of this process");
		if (sys_sched_setaffinity(p->initial_cpus, p->initial_cpus_count * sizeof *ours) < 0)
			return err_sys(e, "process.execCPUAffinity.initial: error setting initial CPU affinity");
		log_debug("nsexec: affinity: 0x%llx", (unsigned long long)p->initial_cpus[0]);
	}
	pid_t pid = process_spawn(p->clone_flags | flags, group_fd, child, ret_pidfd, e);
	if (pid != 0 && p->initial_cpus_count > 0)
		(void)sys_sched_setaffinity(ours, sizeof ours); /* they were ours: nothing refuses them */
	return pid;
}

/* In a user namespace CAP_SYS_RESOURCE is of no use for this, getrlimit(2). Only the hard limits: the soft ones may be too small for init. */
int runtime_limits_raise(const Plan *p, const HostFacts *facts, pid_t pid, Err *e)
{
	const WireBuild *w = &p->wire;
	uint64_t now[2]; /* struct rlimit64 */
	if (!(w->head.flags & WIRE_USERNS) || !(facts->caps >> CAP_SYS_RESOURCE & 1))
		return 0;
	for (size_t i = 0; i < w->rlimits_count; i++) {
		const WireRlimit *l = &w->rlimits[i];
		if (syscall(SYS_prlimit64, pid, l->resource, NULL, now) < 0)
			return err_sys(e, "read the limits of process %d", (int)pid);
		const uint64_t raised[2] = { now[0], l->hard };
		if (l->hard > now[1])
			(void)syscall(SYS_prlimit64, pid, l->resource, raised,
				      NULL); /* init says what it lacks */
	}
	return 0;
}
