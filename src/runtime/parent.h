/* parent.h - the parent's half of a container's start and end.                        (runtime/, may include base fmt kern wire)
 *
 * Runs in:   the process that will be the container's parent: its death ends the container (until there is a monitor).
 * Theory:    runtime_start() is a story of named steps, to be read beside init/main.c. Each step that changes the host was named in
 *            the container's record before, and pushes its undo.
 * Ownership: a Container owns its descriptors; runtime_finish() and failure of runtime_start() leave no process and no group behind,
 *            but a process that hangs in the kernel.
 * Crashes:   a group that cannot be removed stays on record: runtime_start() marks the folder as kept, after runtime_finish() the
 *            caller does.
 */
#pragma once
#include "base/err.h"
#include "base/fd.h"
#include "kern/cgroup.h"
#include "kern/process.h"
#include "kern/wait_signals.h"
#include "runtime/hooks.h"
#include "runtime/plan.h"
#include "runtime/state.h"
#include "runtime/systemd.h"
#include "wire/timeline.h"

typedef struct Container {
	pid_t pid;
	int pidfd;
	int terminal_fd; /* master of the container's terminal, or FD_NONE */
	bool hangs; /* the start failed, and its process cannot be ended: it is left, in its groups, and the record has to stay */
} Container;
#define CONTAINER_NONE ((Container){ .pidfd = FD_NONE, .terminal_fd = FD_NONE })

void container_close(Container *c);
static inline void container_close_auto(Container *c)
{
	container_close(c);
}

/* For a command in a container that is there (runtime_plan_exec()): the container's first process, and its groups. */
typedef struct RuntimeJoin {
	int pidfd;
	const StrList *groups; /* directories */
} RuntimeJoin;

/* Who makes the container's processes in place of init, from groups that are made: criu, on restore. */
typedef struct RuntimeMaker {
	/* For each group: v1 its tasks file, v2 its directory. What it has made is in *ret; after a failure nothing is left but in the groups. */
	int (*make)(void *arg, const int *group_fds, const bool *group_v2, size_t count,
		    Container *ret, Err *e);
	void *arg;
} RuntimeMaker;

/* What a start is made from; all is borrowed. */
typedef struct RuntimeStart {
	const Plan *plan;
	const HostFacts *facts;
	Systemd *systemd; /* where the plan has a unit; its helper has ended when the start has succeeded */
	ContainerDir *dir;         /* NULL with join: nothing is put on record */
	const RuntimeJoin *join;   /* NULL: a container of its own */
	const RuntimeMaker *maker; /* NULL: init makes it */
	const RuntimeHooks *hooks; /* NULL: the plan has none for the parent */
	const char *state; /* as PlanInput.hook_state; needed where the filter asks somebody */
	WaitSignals *signals;
	const TimelineShared *timeline; /* its page is NULL: the start is not timed */
	/* FD_NONE: the command begins at once, and the parent's death is the container's. Else both ends of a FIFO: all is made, and
	 * the process waits for a byte there, whoever its parent is by then; the rest is sync_expect_exec_pipe()'s. */
	int start_fd;
	Arena *arena;
} RuntimeStart;

/* Starts the planned container: groups, process, id maps, mounts, record, exec. Returns when the command has been executed; the
 * failure of any step on either side comes back as its own error. The record (record.h) must be written before. -EINTR with
 * signals->ended_by: a signal ended it (wait_signals_hangup()). Of a failed start *ret holds nothing but `hangs`. */
int runtime_start(const RuntimeStart *in, Container *ret, Err *e);

/* Puts a container's first process on record. */
int runtime_record_process(const ContainerDir *dir, const Plan *p, pid_t pid, Arena *a, Err *e);

/* Ends what is left of the container, and leaves its groups. */
int runtime_kill_rest(const Plan *p, const HostFacts *facts, const Container *c, Err *e);

/* Ends what is left of the container (its unit; processes that outlived its first one), reads what the memory controller counted (oom_kills 0 where
 * there is none) and removes its groups. Goes on after an error and returns the first. */
int runtime_finish(const Plan *p, const HostFacts *facts, const Container *c,
		   CgroupMemory *ret_memory, Arena *a, Err *e);
