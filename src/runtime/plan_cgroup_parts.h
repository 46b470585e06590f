/* plan_cgroup_parts.h - what the files of plan_cgroup.h know of each other.      (runtime/, private to plan_cgroup*.c)
 *
 * Each part adds its writes to the list; plan_cgroup.c has the order. A part that gets a default which this host cannot give leaves a
 * warning or nothing; what was asked for and cannot be given is ERR_SPEC.
 */
#pragma once
#include "kern/cgroup_update.h"
#include "runtime/plan_cgroup.h"

typedef struct Writes {
	const SpecResources *r;
	const HostFacts *f;
	bool no_cgroups;         /* none is made */
	bool is_bare;            /* no hierarchy is writable, and that was said */
	const CgroupLimits *now; /* what groups in use have; NULL: they are fresh, and have no limits */
	Arena *a;
	PlanCgroupWrite *items;
	size_t count;
	StrList *warnings;
	Err *e;
} Writes;

/* plan_cgroup.c: shared by the parts. `what` is a noun for messages, "memory limit". */
bool writes_is_given(int64_t n);
bool writes_is_limit(int64_t n);                   /* given, and not "no limit" */
bool writes_is_wanted(const Writes *w, int64_t n); /* needs a write: "no limit" is what a fresh group has */
const HostCgroup *writes_find(const HostFacts *f, const char *controller);
bool writes_only_v2(const HostFacts *f);
const char *writes_number(Writes *w, int64_t n);
const char *writes_limit(Writes *w, const HostCgroup *h,
			 int64_t n); /* the number, or the version's word for no limit */

/* The hierarchy that has the controller and that we may divide, or the error that `what` has none. */
int writes_need(Writes *w, const char *controller, const char *what, const HostCgroup **ret);

/* The same for what only cgroup v1 has; `v2` says what is so on v2, for the error there. */
int writes_need_v1(Writes *w, const char *controller, const char *what, const char *v2,
		   const HostCgroup **ret);

/* Adds a write that was asked for; what is returned may be changed. */
CgroupWrite *writes_add(Writes *w, const HostCgroup *h, const char *controller, const char *file,
			const char *value, const char *what);

/* The parts. */
int plan_cgroup_memory(Writes *w);    /* plan_cgroup_memory.c */
int plan_cgroup_cpu(Writes *w);       /* plan_cgroup_cpu.c: time, and which CPUs and memory nodes */
int plan_cgroup_io(Writes *w);        /* plan_cgroup_io.c: block devices */
int plan_cgroup_hugepages(Writes *w); /* plan_cgroup_unified.c */
int plan_cgroup_net(Writes *w);       /* plan_cgroup_net.c: network classes and priorities, RDMA */
int plan_cgroup_unified(Writes *w);   /* plan_cgroup_unified.c: files of v2 by their names */
