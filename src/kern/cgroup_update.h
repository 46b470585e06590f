/* cgroup_update.h - the limits of groups in use are changed, or stay as they were.            (kern/, may include base)
 *
 * Runs in:   any process that may write to the groups; who is in them does not notice.
 * Undo:      what a file held is read before it is written. When a write fails, all before it are taken back, last first, as far as the
 *            kernel lets us; what cannot be taken back is a warning.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kern/cgroup.h"

#define CGROUP_NOT_THERE INT64_MIN /* the group has no such file */

/* What a container's groups have of the limits that depend on each other: bytes, microseconds; -1: no limit. */
typedef struct CgroupLimits {
	int64_t memory, swap; /* v1: swap is memory plus swap; v2: swap alone */
	int64_t quota, period, burst, rt_runtime, rt_period;
	int64_t idle; /* 0, 1 */
} CgroupLimits;
/* clang-format off */
#define CGROUP_LIMITS_NONE ((CgroupLimits){ CGROUP_NOT_THERE, CGROUP_NOT_THERE, CGROUP_NOT_THERE, CGROUP_NOT_THERE, \
	CGROUP_NOT_THERE, CGROUP_NOT_THERE, CGROUP_NOT_THERE, CGROUP_NOT_THERE })
/* clang-format on */

/* Adds to `ret` what one of the groups has of them. */
void cgroup_read_limits(const char *dir, bool is_v2, CgroupLimits *ret);

typedef struct CgroupUpdate {
	const CgroupRequest *group; /* which exists */
	const CgroupWrite *write;
} CgroupUpdate;

/* Writes all, in order. A value that is in place is not written again. */
int cgroup_update(const CgroupUpdate *items, size_t count, Arena *a, Err *e);
