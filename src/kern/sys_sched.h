/* sys_sched.h - the system calls about scheduling, as those in sys.h.                                (kern/)
 *
 * Source: sched_setattr(2), ioprio_set(2), set_mempolicy(2), sched_setaffinity(2). Sets are arrays of 64 bits a word.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* sched_setattr(2), version 1 of the structure; linux/sched/types.h has it under a name that libc's may have, too. */
typedef struct SysSchedAttr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
} SysSchedAttr;

static inline int sys_sched_setattr(const SysSchedAttr *attr)
{
	return (int)syscall(SYS_sched_setattr, 0, attr, 0);
}

static inline int sys_ioprio_set(int which, int who, int priority)
{
	return (int)syscall(SYS_ioprio_set, which, who, priority);
}

static inline int sys_set_mempolicy(int mode, const uint64_t *nodes, unsigned long bits)
{
	return (int)syscall(SYS_set_mempolicy, mode, nodes, bits);
}

/* Of the calling process; size in bytes. */
static inline int sys_sched_setaffinity(const uint64_t *cpus, size_t size)
{
	return (int)syscall(SYS_sched_setaffinity, 0, size, cpus);
}

static inline int sys_sched_getaffinity(uint64_t *cpus, size_t size)
{
	return (int)syscall(SYS_sched_getaffinity, 0, size, cpus);
}
