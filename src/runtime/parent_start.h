/* parent_start.h - one start while it is told: what parent.c and parent_groups.c share.               (runtime/, private to them)
 *
 * Runs in:   the parent.
 * Ownership: a Start owns its descriptors; the rest is the caller's or the arena's.
 */
#pragma once
#include "base/undo.h"
#include "runtime/parent.h"
#include "runtime/parent_idmap.h"
#include "wire/sync.h"

/* What the story holds while it is told. */
typedef struct Start {
	const Plan *plan;
	const HostFacts *facts;
	WaitSignals *signals;
	Systemd *systemd;
	ContainerDir *dir;
	const TimelineShared *timeline;
	int start_fd;
	Arena *arena;
	const RuntimeJoin *join;
	const RuntimeHooks *hooks;
	const char *state;
	int *group_fds; /* for each group: v1 its tasks file, v2 its directory */
	bool *group_v2;
	size_t groups_made;
	bool unit_made; /* or asked for */
	int *join_fds;  /* for each of plan->joins */
	size_t joins_made;
	int init_fd;                       /* init, to be executed from memory */
	int root_fd;                       /* a finished tree for the root, or FD_NONE */
	int hook_output_fd, hook_error_fd; /* files for what init's hooks print, or FD_NONE */
	Idmaps idmaps;                     /* copies of mounts that are shown with other ids */
	Sync sync, init_sync;              /* our end, and init's until it runs */
	Container container;
	bool *ret_hangs;
} Start;

/* The plan's groups, with a unit of systemd first if they are in one; undo takes them back. -EEXIST: one is somebody else's, and stays. */
int parent_groups_make(Start *s, Undo *undo, Err *e);

/* Those of a container that is there, of whichever kind they are. */
int parent_groups_open(Start *s, Err *e);

/* Once the container's process is in the groups: the one that systemd was given leaves them. */
int parent_unit_leave(Start *s, Err *e);

/* The descriptor that clone3 puts the child in the v2 group by; FD_NONE: there is no such group. */
int parent_group_fd(const Start *s);

/* v1 has a controller for devices; a pure v2 tree has a program on the group instead, which this attaches. */
int parent_devices_limit(Start *s, Err *e);
