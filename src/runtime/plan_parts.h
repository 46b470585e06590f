/* plan_parts.h - the parts of runtime_plan(), each a pure function in a file of its own.    (runtime/, private to the plan)
 *
 * Each reads the spec, the facts and what earlier parts left in the plan, and adds its own rows. The order is plan.c's.
 */
#pragma once
#include "runtime/plan.h"

typedef struct PlanContext {
	const Spec *spec;
	const HostFacts *facts;
	const PlanInput *in;
	Arena *arena;
} PlanContext;

/* plan_ids.c: namespaces, id maps. */
int plan_namespaces(const PlanContext *c, Plan *p, Err *e);
bool plan_gid_is_mapped(const Spec *s, uint32_t gid);

/* plan_groups.c: which cgroups, what is written to them. */
int plan_groups(const PlanContext *c, Plan *p, Err *e);

/* plan_root.c: the root directory and what is laid over it. */
int plan_root(const PlanContext *c, Plan *p, Err *e);

/* plan_mounts.c: the mounts of the spec, masked and read-only paths. */
int plan_mounts(const PlanContext *c, Plan *p, Err *e);
int plan_check_shared(const Plan *p, Err *e); /* last: knows all that is mounted */

/* plan_dev.c: device nodes and links in /dev. */
int plan_dev(const PlanContext *c, Plan *p, Err *e);
int plan_check_devices(const PlanContext *c, const Plan *p, Err *e); /* last: knows capabilities and groups */

/* plan_sysctl.c: kernel parameters of the namespaces. */
int plan_sysctls(const PlanContext *c, Plan *p, Err *e);

/* plan_process.c: the command, its identity, privileges, limits and seccomp program. */
int plan_process(const PlanContext *c, Plan *p, Err *e);
