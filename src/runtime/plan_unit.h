/* plan_unit.h - a container whose groups systemd makes: the unit, and what systemd is told of it.      (runtime/, may include base fmt kern)
 *
 * Theory:    pure. The unit is a transient scope, or a slice where the name asks for one. What is written into the groups (plan_cgroup.h)
 *            is told to systemd as well, file by file, so that it has the same values and writes no others at its next reload. What it
 *            has no property for is only written.
 * Source:    systemd.scope(5), systemd.resource-control(5), org.freedesktop.systemd1(5).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/device_rule.h"
#include "base/err.h"
#include "fmt/spec.h"
#include "runtime/facts.h"
#include "runtime/plan_cgroup.h"

#define UNIT_PERIOD_DEFAULT 100000 /* of a CPU quota, in microseconds: the kernel's */

typedef struct PlanUnitProperty {
	const char *name, *value; /* the value in the text form of GVariant (fmt/variant.h) */
} PlanUnitProperty;

typedef struct PlanUnitProperties {
	PlanUnitProperty *items;
	size_t count;
} PlanUnitProperties;

typedef struct PlanUnit {
	const char *name; /* "libpod-3f2a.scope"; NULL: the groups are made by ourselves */
	bool is_user;     /* it is the user's systemd that has it */
	PlanUnitProperties properties;
	bool alone; /* one process is all that the limit allows: it is set when the one that systemd was given has left */
} PlanUnit;

/* Where a unit belongs, and where its groups are below the group of its systemd. */
typedef struct PlanUnitName {
	const char *slice, *name,
		*path; /* "machine.slice", "libpod-3f2a.scope", "/machine.slice/libpod-3f2a.scope" */
} PlanUnitName;

/* cgroups_path: "SLICE:PREFIX:NAME", or NULL. ERR_SPEC: it is something else, or no name that systemd takes. */
int plan_unit_name(const char *cgroups_path, const char *container_id, bool is_user, Arena *a,
		   PlanUnitName *ret, Err *e);

/* Unit and properties of a new container. */
int plan_unit_make(const Spec *s, const HostFacts *f, const char *container_id, const PlanUnitName *name,
		   const PlanCgroupWrites *writes, Arena *a, PlanUnit *ret, Err *e);

/* The properties that say the same as these writes. period: of the CPU quota, where the writes give none. */
void plan_unit_limits(const PlanCgroupWrites *writes, const HostFacts *f, int64_t period, Arena *a,
		      PlanUnitProperties *ret);

/* DevicePolicy and DeviceAllow, where systemd can say what the rules say (plan_unit_devices.c). */
void plan_unit_devices(const DeviceRule *rules, size_t count, const HostFacts *f, Arena *a,
		       PlanUnitProperties *ret);

void plan_unit_add(PlanUnitProperties *p, Arena *a, const char *name, const char *value);
