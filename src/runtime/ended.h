/* ended.h - what became of runs that failed: kept for `why`.                          (runtime/, may include base fmt kern)
 *
 * On disk:   STATE/ended/<id>.json, mode 0600, complete or absent; the newest ENDED_KEPT, for this boot only. Nothing depends on them: a run
 *            that cannot leave one says so in the debug log alone. STATE/ended/new is the one that is being written.
 * Locking:   who writes holds a flock on the folder, so what a dead engine has left of `new` is overwritten by the next one.
 * Ownership: strings live in the arena given to the reader, or are the writer's.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "kern/cgroup.h"
#include "kern/wait_loop.h"

#define ENDED_KEPT 32

typedef struct Ended {
	const char *id;
	const char *name;    /* NULL: none */
	const char *command; /* its first word; NULL: not known */
	uint64_t when;       /* seconds since 1970 */
	pid_t pid;           /* of its first process, as the host saw it; 0: there was none */
	bool own_pids;       /* it had a pid namespace of its own */
	int exit_code;       /* as a shell says it */
	int signal; /* that ended its first process; 0: it ended by itself, or never began */
	CgroupMemory memory;
	WaitSignal passed; /* the last signal that the parent passed on */
	const char *error; /* why it did not begin; NULL: it did */
	const char *ours;  /* what mydocker itself did to end it, as a sentence; NULL: nothing */
	StrList kernel;    /* what the kernel's log says about it */
} Ended;

/* Writes one, and removes the oldest beyond ENDED_KEPT. */
int ended_write(const char *state_dir, const Ended *x, Arena *a, Err *e);

/* Finds the newest one whose id begins with `which` or whose name it is; NULL: the newest of all. ERR_NOT_FOUND when there is none,
 * ERR_USAGE when the beginning fits several ids. */
int ended_find(const char *state_dir, const char *which, Arena *a, Ended *ret, Err *e);
