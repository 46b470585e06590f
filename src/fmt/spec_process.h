/* spec_process.h - "process" of config.json as a structure. A part of spec.h.               (fmt/, may include base)
 *
 * Ownership: the Spec's arena.
 * Source:    config.md "Process", "POSIX process", "Linux Process"; member names are the keys' names in snake case.
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
} SpecProcess;

/* Reads the text of a process alone, as `exec` is given it; the same as spec_decode(). */
int spec_decode_process(const char *text, size_t len, Arena *a, SpecProcess *ret, Err *e);
