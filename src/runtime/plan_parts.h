/* plan_parts.h - the parts of runtime_plan(), each a pure function in a file of its own.    (runtime/, private to the plan)
 *
 * Theory:    each reads the spec, the facts and what earlier parts left in the plan, and adds its own rows. The order is plan.c's.
 * Ownership: all that a part makes lives in the context's arena.
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
int plan_exec_namespaces(const PlanContext *c, Plan *p, Err *e);
int plan_mounts_namespaces(const PlanContext *c, Plan *p, Err *e);
bool plan_gid_is_mapped(const PlanContext *c, uint32_t gid); /* inside */

/* plan_idmap.c: id-mapped mounts. option is "idmap", "ridmap" or one of these with "=uids=...;gids=..."; m is the mount, whose own maps
 * count, or NULL for the root. *ret is the index in p->idmaps. */
int plan_idmap(const PlanContext *c, Plan *p, const char *option, const SpecMount *m, uint32_t *ret,
	       Err *e);
bool plan_option_is_idmap(const char *word);

/* plan_groups.c: which cgroups, what is written to them. */
int plan_groups(const PlanContext *c, Plan *p, Err *e);

/* plan_rdt.c: the group of the resctrl file system. */
int plan_rdt(const PlanContext *c, Plan *p, Err *e);

/* plan_root.c: the root directory and what is laid over it. */
int plan_root(const PlanContext *c, Plan *p, Err *e);
bool plan_root_is_masked(const char *fstype); /* shows the kernel's own state: never shown */
bool plan_root_is_replaced(const PlanContext *c,
			   const char *path); /* the container has something of its own there */
uint64_t plan_root_attrs(const PlanContext *c); /* of the mounts that make up the root, and their WIRE_MOUNT_* flags */
uint16_t plan_root_flags(const PlanContext *c);

/* plan_root_user.c: the host's tree without privilege. */
int plan_root_entries(const PlanContext *c, Plan *p, Err *e);

/* plan_mounts.c: the mounts of the spec, masked and read-only paths. */
int plan_mounts(const PlanContext *c, Plan *p, Err *e);
int plan_mounts_later(const PlanContext *c, Plan *p, Err *e); /* of a container that is there */
void plan_mounts_detach(const PlanContext *c, Plan *p);
int plan_check_shared(const Plan *p, Err *e); /* last: knows all that is mounted */

/* plan_dev.c: device nodes and links in /dev. */
int plan_dev(const PlanContext *c, Plan *p, Err *e);
int plan_check_devices(const PlanContext *c, const Plan *p, Err *e); /* last: knows capabilities and groups */

/* plan_sysctl.c: kernel parameters of the namespaces. */
int plan_sysctls(const PlanContext *c, Plan *p, Err *e);

/* plan_hooks.c: those that init runs. */
int plan_hooks(const PlanContext *c, Plan *p, Err *e);

/* plan_sched.c: how the kernel schedules the command; for `exec`, on which CPUs. */
void plan_scheduling(const PlanContext *c, Plan *p);
void plan_exec_cpus(const PlanContext *c, Plan *p);

/* plan_process.c: the command, its identity, privileges, limits and seccomp program. */
int plan_process(const PlanContext *c, Plan *p, Err *e);
