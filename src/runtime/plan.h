/* plan.h - from a container's description and a host's facts to everything that will be done.   (runtime/, may include base fmt kern wire)
 *
 * Theory:    runtime_plan() is pure: data in, flat arrays out, no system call. Everything unsupported is refused here, by name, before
 *            any side effect. The plan has two halves: the parent's (clone flags, id maps, groups and what is written to them) and
 *            init's, which is built directly as a wire plan (wire/wire.h). Descriptors are the only thing added later.
 * Ownership: the plan lives in the arena that was given; spec and facts must live as long.
 * Tests:     plan_dump() prints a plan for golden files; no privilege is needed.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fmt/spec.h"
#include "runtime/facts.h"
#include "runtime/plan_cgroup.h"
#include "runtime/plan_unit.h"
#include "runtime/userns_maps.h"
#include "wire/wire_build.h"

/* What a plan needs to know besides spec and facts. */
typedef struct PlanInput {
	const char *container_id; /* 64 hexadecimal digits, or the runtime's id */
	const char *scratch_dir; /* an empty directory of ours on the host that init may mount on in its own namespace */
	StrList masked_host_dirs; /* ROOT_HOST: our own folders, not to be seen inside */
	bool stdin_null;          /* the command gets the null device as standard input */
	bool stdout_null, stderr_null;
	bool reaper; /* pid 1 is a reaper, and the command its child */
	const char *hook_state; /* for hooks: the container's state without "status" and "pid", as JSON without its end */
	const int *keep_fds; /* open descriptors of this process that the command gets, too */
	size_t keep_fds_count;
} PlanInput;

/* One group that the container gets: index i belongs to facts.cgroups[hierarchy]. */
typedef struct PlanGroup {
	size_t hierarchy;
	const char *top; /* absolute: the mount point, or the group that is delegated to us */
	const char *dir; /* absolute, below top */
	CgroupMaker maker;
	bool parents_stay; /* those above it are systemd's to remove */
	bool has_owner;    /* v2: given to this user of the host */
	uint32_t owner;
} PlanGroup;

/* By which ids a mount shows its files: the maps of a user namespace that exists for nothing else. */
typedef struct PlanIdmap {
	const char *uid_map, *gid_map;
} PlanIdmap;

typedef struct PlanIdmapMount { /* a bind whose copy is made and id-mapped by the parent */
	uint32_t mount;         /* index of wire.mounts */
	uint32_t idmap;         /* index of idmaps */
	bool recursive;         /* what is mounted below it, too */
} PlanIdmapMount;

typedef struct PlanJoin { /* a namespace of others, or, without a path, those of the process that a command is to be beside */
	const char *path, *type;
	uint32_t flags; /* CLONE_NEW* */
} PlanJoin;

/* A group of the resctrl file system (config-linux.md, "IntelRdt"). */
typedef struct PlanRdt {
	const char *dir;      /* absolute; NULL: none is asked for */
	const char *mon_dir;  /* below it, to be made; NULL: nothing is to be counted */
	const char *schemata; /* lines, each with its end; NULL: none */
	bool is_named; /* others may use it, too: it stays when the container goes, and is taken as it is */
	bool is_ours; /* did not exist: goes with the container. Known when the record is written (rdt.h) */
} PlanRdt;

typedef struct Plan {
	const char *container_id;
	uint64_t clone_flags; /* CLONE_NEW* for clone3; the cgroup namespace is unshared by init after joining */
	bool own_pids; /* a new pid namespace: it ends with its first process */
	PlanJoin *joins;
	size_t joins_count;
	UsernsMaps userns;         /* all NULL: no user namespace of its own */
	const char *oom_score_adj; /* text for /proc/PID/oom_score_adj; NULL: left as it is */
	PlanIdmap *idmaps;         /* different ones only */
	size_t idmaps_count;
	int root_idmap; /* index of idmaps, or -1: the root, or its lower layer, is shown as it is */
	PlanIdmapMount *idmap_mounts;
	size_t idmap_mounts_count;
	PlanUnit unit; /* whose groups these are, where systemd makes them */
	PlanGroup *groups;
	size_t groups_count;
	bool remove_parents; /* groups that are made above the container's own go with it (the shared default parent stays) */
	StrList parents;         /* these; known when the record is written (shared_parents.h) */
	PlanCgroupWrite *writes; /* in order; .hierarchy indexes facts.cgroups */
	size_t writes_count;
	DeviceRule *device_rules; /* for the v2 device program; v1 rules are among the writes */
	size_t device_rules_count;
	const SpecNetDevice *net_devices; /* moved into the container's network namespace before init mounts anything */
	size_t net_devices_count;
	PlanRdt rdt;
	const char *host_root; /* without a mount namespace of its own: where its root is mounted; NULL: it has one */
	uint64_t host_root_below; /* how many mounts are there before it; known when the record is written (host_root.h) */
	uint64_t init_nofile,
		nofile_hard; /* soft limit of open files that init needs for its mounts; 0: it has it */
	uint64_t *initial_cpus; /* a bit set: what the first process of an `exec` may use until it is in its groups */
	size_t initial_cpus_count; /* words; 0: as ours */
	const char *listener_path,
		*listener_metadata; /* who is asked by the filter, and told what; NULL: nobody */
	StrList warnings;           /* one line each, to be shown before anything is done */
	WireBuild wire;
	/* In a user namespace the kernel lets nobody make overlays over the host's mounts, so an init with the host's privileges makes
	 * the root's tree first, by a plan of its own, and the container's gets it finished. */
	bool has_root_wire;
	WireBuild root_wire;
} Plan;

/* Makes the plan. ERR_SPEC names the option or key that this host or this version cannot give. */
int runtime_plan(const Spec *spec, const HostFacts *facts, const PlanInput *in, Arena *a, Plan *ret,
		 Err *e);

/* The plan of a command in a container that is there: spec->process, and of the rest what makes it one of the container's. */
int runtime_plan_exec(const Spec *spec, const HostFacts *facts, const PlanInput *in, Arena *a,
		      Plan *ret, Err *e);

/* The plan of spec->mounts for a container that is there, of which the rest of spec tells. With `remove` what is mounted on their destinations
 * goes, if it is one of these: numbers in /proc/PID/mountinfo. */
typedef struct PlanMountsInput {
	const char *container_id;
	bool remove;
	const int32_t *ids;
	size_t ids_count;
} PlanMountsInput;
int runtime_plan_mounts(const Spec *spec, const HostFacts *facts, const PlanMountsInput *in,
			Arena *a, Plan *ret, Err *e);

/* The plan as text, one fact a line, in the order in which things are done. */
char *plan_dump(const Plan *p, const HostFacts *facts, Arena *a);
