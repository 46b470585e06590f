/* spec_resources.h - limits: "linux.resources" of config.json as a structure. A part of spec.h.   (fmt/, may include base)
 *
 * Ownership: the Spec's arena. A number that was not given is SPEC_UNSET; -1 is "no limit" where the specification says so.
 * Source:    config-linux.md "Control groups", "Memory" to "Unified"; member names are the keys' names in snake case.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/device_rule.h"
#include "base/err.h"
#include "base/str.h"

#define SPEC_UNSET INT64_MIN

typedef struct SpecDeviceWeight {
	uint32_t major, minor;
	int64_t weight, leaf_weight;
} SpecDeviceWeight;

typedef struct SpecDeviceRate {
	uint32_t major, minor;
	uint64_t rate; /* bytes or operations a second; 0: no limit, as cgroup v1 reads it */
} SpecDeviceRate;

typedef enum SpecThrottleKind {
	SPEC_READ_BPS,
	SPEC_WRITE_BPS,
	SPEC_READ_IOPS,
	SPEC_WRITE_IOPS,
	SPEC_THROTTLE_KINDS
} SpecThrottleKind;

typedef struct SpecThrottle {
	SpecDeviceRate *items;
	size_t count;
} SpecThrottle;

typedef struct SpecBlockIo {
	int64_t weight, leaf_weight;
	SpecDeviceWeight *weight_devices;
	size_t weight_devices_count;
	SpecThrottle throttle[SPEC_THROTTLE_KINDS];
} SpecBlockIo;

typedef struct SpecHugepageLimit {
	const char *page_size; /* "2MB" */
	uint64_t limit;        /* bytes */
} SpecHugepageLimit;

typedef struct SpecNetPriority {
	const char *name; /* of an interface, in the runtime's network namespace */
	uint32_t priority;
} SpecNetPriority;

typedef struct SpecRdma {
	const char *device;
	int64_t hca_handles, hca_objects;
} SpecRdma;

typedef struct SpecUnified { /* a file of the container's cgroup v2 group, and what is written to it, line by line */
	const char *key, *value;
} SpecUnified;

typedef struct SpecNetDevice { /* "linux.netDevices": moved from the runtime's network namespace into the container's */
	const char *name;        /* there */
	const char *name_inside; /* NULL: the same; "%d" in it stands for the first number that is free */
} SpecNetDevice;

typedef struct SpecIntelRdt { /* "linux.intelRdt": a group of the resctrl file system */
	bool given;
	const char *clos_id; /* NULL: the container's id; "/": the root of that file system */
	const char *l3_schema, *mem_bw_schema; /* lines of its "schemata"; NULL: not given */
	StrList schemata;
	bool monitoring;
} SpecIntelRdt;

typedef struct SpecResources {
	int64_t memory_limit, memory_reservation, memory_swap; /* bytes; swap is memory plus swap */
	bool memory_swap_is_default; /* ours, not asked for: left out where swap is not accounted (engine only) */
	int64_t memory_kernel_tcp;    /* bytes */
	int64_t memory_swappiness;    /* 0 to 100 */
	int64_t memory_use_hierarchy; /* 0, 1 */
	bool memory_disable_oom_killer, memory_check_before_update;
	int64_t cpu_shares, cpu_quota, cpu_period, cpu_burst; /* relative; microseconds */
	int64_t cpu_realtime_runtime, cpu_realtime_period;    /* microseconds */
	int64_t cpu_idle;                                     /* 1: only what nobody else wants */
	const char *cpuset_cpus, *cpuset_mems;                /* NULL: not given */
	int64_t pids_limit;
	bool pids_limit_is_default; /* ours, not asked for: a host that cannot give it gets a warning (engine only) */
	SpecBlockIo block_io;
	SpecHugepageLimit *hugepage_limits;
	size_t hugepage_limits_count;
	uint32_t net_class_id; /* 0: not given */
	SpecNetPriority *net_priorities;
	size_t net_priorities_count;
	SpecRdma *rdma;
	size_t rdma_count;
	SpecUnified *unified;
	size_t unified_count;
	DeviceRule *devices;
	size_t devices_count;
} SpecResources;

/* Nothing is given. */
void spec_resources_init(SpecResources *r);

/* Reads the object alone, without a config.json around it: what callers of `update` send. What is null counts as not given. */
int spec_resources_decode(const char *text, size_t len, Arena *a, SpecResources *ret, Err *e);
