/* stages.h - the stages of a start, parent's and init's, in their order.                    (wire/, may include base)
 *
 * Each stage is one line of a story in the code: engine/run.c and runtime/parent.c for the parent, init/main.c for init. The list names
 * them for whoever tells about a start: `mydocker explain` (runtime/explain.h) what each does, a timeline how long it took.
 */
#pragma once

typedef enum StageSide { STAGE_SIDE_PARENT, STAGE_SIDE_INIT, STAGE_SIDE_END } StageSide;

/* clang-format off */
#define STAGES(X) /* stage, whose, title */ \
	X(LOOK,       PARENT, "looks: the host, the root, the user; decides everything and changes nothing") \
	X(RECORD,     PARENT, "writes down what will be made, before it is made: what a crash leaves behind is found by that") \
	X(GROUPS,     PARENT, "makes the control groups: limits are there before the process they are for") \
	X(PROGRAM,    PARENT, "puts init into memory: a small program that sets the container up from inside") \
	X(IDMAPS,     PARENT, "copies mounts that are to show with other ids: only who owns a file system may do that") \
	X(ROOT_TREE,  PARENT, "lets another init make the overlays: in a user namespace the kernel does not allow it") \
	X(SPAWN,      PARENT, "makes the process, already in its namespaces and groups") \
	X(MAPPED,     PARENT, "puts the process on record, gives its user namespace its ids, and lets init go on") \
	X(FOLLOW,     PARENT, "follows init from step to step, up to the end of the line, which means that the command runs") \
	X(START,      INIT,   "starts") \
	X(JOIN,       INIT,   "joins its groups") \
	X(OPEN,       INIT,   "opens what it needs of the host while it still sees it") \
	X(HEAR,       INIT,   "waits for its ids, the only time that it waits") \
	X(IDENTITY,   INIT,   "becomes root of its namespaces, out of reach of everybody else's debugger") \
	X(ROOT,       INIT,   "mounts the root") \
	X(MOUNTS,     INIT,   "mounts what belongs into it: each made apart and complete, then put on its place inside the root") \
	X(DEVICES,    INIT,   "makes the devices that every program expects") \
	X(TERMINAL,   INIT,   "makes the terminal") \
	X(KERNEL,     INIT,   "sets what the kernel keeps for each namespace") \
	X(WORKDIR,    INIT,   "makes the working directory, if it is missing") \
	X(MASKS,      INIT,   "covers what shows or changes the host") \
	X(LABELS,     INIT,   "names the profile or label that the command gets") \
	X(PIVOT,      INIT,   "leaves the host's files: from here no path leads out") \
	X(SESSION,    INIT,   "gives the command a clean start") \
	X(LIMITS,     INIT,   "sets resource limits of the process itself") \
	X(PRIVILEGES, INIT,   "gives up its privileges: from here it may do no more than the command") \
	X(BIND,       INIT,   "ties its life to the parent's") \
	X(EXEC,       INIT,   "becomes the command") \
	X(WAIT,       END,    "waits, and passes signals on") \
	X(CLEAN,      END,    "takes everything back")
/* clang-format on */

typedef enum Stage {
#define STAGE_ENUM(name, side, title) STAGE_##name,
	STAGES(STAGE_ENUM)
#undef STAGE_ENUM
		STAGE_COUNT
} Stage;
