/* spec_process.h - "process" of config.json as a structure. A part of spec.h.               (fmt/, may include base)
 *
 * Ownership: the Spec's arena.
 * Source:    config.md "Process", "POSIX process", "Linux Process", config-linux.md "Memory policy"; member names are the keys' names in snake case.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef struct SpecRlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
	bool is_default; /* ours, not asked for: lowered to what this host gives (engine only, never from JSON) */
} SpecRlimit;

typedef struct SpecCaps { /* sets as bit masks, bit n is capability n (base/caps.h) */
	uint64_t bounding, effective, inheritable, permitted, ambient;
} SpecCaps;

typedef struct SpecScheduler { /* sched_setattr(2) */
	bool given;
	uint32_t policy; /* SCHED_* */
	int32_t nice;
	uint32_t priority, flags;           /* flags: SCHED_FLAG_* */
	uint64_t runtime, deadline, period; /* nanoseconds */
} SpecScheduler;

typedef struct SpecMemoryPolicy { /* set_mempolicy(2) */
	bool given;
	uint32_t mode;   /* MPOL_* with MPOL_F_* */
	uint64_t *nodes; /* a bit set (base/bit_list.h) */
	size_t nodes_count;
} SpecMemoryPolicy;

typedef struct SpecIoPriority { /* ioprio_set(2) */
	uint32_t io_class;      /* IOPRIO_CLASS_*; 0: not given */
	uint32_t priority;      /* 0, the highest, to 7 */
} SpecIoPriority;

/* CPUs that `exec` starts on and that its process is left with, as bit sets (base/bit_list.h). Count 0: not given. */
typedef struct SpecCpuAffinity {
	bool given;
	uint64_t *initial, *final;
	size_t initial_count, final_count;
} SpecCpuAffinity;

typedef struct SpecProcess {
	bool terminal;
	uint16_t console_height, console_width; /* 0: not given */
	uint32_t uid, gid, umask;
	bool has_umask;
	const uint32_t *additional_gids;
	size_t additional_gids_count;
	StrList args, env;
	const char *cwd;
	bool has_capabilities;
	SpecCaps capabilities;
	SpecRlimit *rlimits;
	size_t rlimits_count;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int32_t oom_score_adj;                        /* -1000 to 1000 */
	const char *apparmor_profile, *selinux_label; /* of the command; NULL: none is set */
	SpecScheduler scheduler;
	SpecIoPriority io_priority;
	SpecCpuAffinity exec_cpu_affinity;
} SpecProcess;

/* Reads the text of a process alone, as `exec` is given it; the same as spec_decode(). */
int spec_decode_process(const char *text, size_t len, Arena *a, SpecProcess *ret, Err *e);
