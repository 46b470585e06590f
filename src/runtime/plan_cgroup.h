/* plan_cgroup.h - from the limits of a container's description to what is written into its groups.   (runtime/, may include base fmt kern)
 *
 * Theory:    pure. A fresh group has no limits, so what asks for "no limit" needs no write and no controller. A limit that was asked for
 *            and that no hierarchy can give is an error that names the controller; a default that it cannot give is a warning or left out.
 * Order:     safe for a fresh group: memory before memory plus swap, period before quota, quota before burst, weight before idle, deny
 *            all before allow; what is written by a file's own name comes last. For a group in use the values it has decide: no write
 *            may leave it with a pair of values that the kernel refuses.
 * Files:     plan_cgroup.c the order, devices and processes; plan_cgroup_memory.c, _cpu.c, _io.c, _net.c, _unified.c the rest.
 * Source:    config-linux.md "Control groups"; Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fmt/spec.h"
#include "kern/cgroup.h"
#include "kern/cgroup_update.h"
#include "runtime/facts.h"

typedef struct PlanCgroupWrite {
	size_t hierarchy;       /* index in HostFacts.cgroups */
	const char *controller; /* "memory"; "cgroup" for files that belong to none */
	CgroupWrite write;
} PlanCgroupWrite;

typedef struct PlanCgroupWrites {
	PlanCgroupWrite *items;
	size_t count;
	StrList warnings;
} PlanCgroupWrites;

/* ERR_SPEC: the limits contradict each other, are outside of what kernels take, or have no controller here. */
int plan_cgroup_writes(const SpecLinux *l, const HostFacts *f, Arena *a, PlanCgroupWrites *ret, Err *e);

/* The same for groups in use, which have the limits `now`: "no limit" is written, too, and the order is safe from there on. A hierarchy
 * in which the container has no group is not writable among these facts. Rules for devices are passed over, as runc does. */
int plan_cgroup_update(const SpecResources *r, const HostFacts *f, const CgroupLimits *now,
		       Arena *a, PlanCgroupWrites *ret, Err *e);

/* True when device rules go to the v2 tree as a program (kern/device_filter.h): no v1 hierarchy has them among the writes. */
bool plan_cgroup_devices_by_program(const HostFacts *f);

/* True when access to devices can be limited at all, by one or the other. */
bool plan_cgroup_limits_devices(const HostFacts *f);

/* cpu.shares (2 to 262144, default 1024) as cpu.weight (1 to 10000, default 100). */
unsigned plan_cgroup_weight(int64_t shares);
