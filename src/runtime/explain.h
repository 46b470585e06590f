/* explain.h - the story of a start: every kernel step of a plan, in order, each with its reason.   (runtime/, may include base fmt kern wire)
 *
 * Theory:    pure, like the plan it reads. It says what runtime/parent.c and init/ do with that plan: calls by their names in the
 *            system call interface, with the arguments that matter. What has no effect (looking, closing) is left out.
 * Truth:     tests/integration/test_explain.py compares it with what strace(1) sees of the same start, call by call.
 * Ownership: all texts live in the arena.
 */
#pragma once
#include <stddef.h>

#include "base/arena.h"
#include "runtime/plan.h"
#include "wire/stages.h"

typedef struct ExplainStep {
	const char *call; /* "fsopen("proc"), fsmount(NOSUID|NODEV|NOEXEC), move_mount("/proc")" */
	const char *why;  /* NULL: as the step before */
} ExplainStep;

typedef struct ExplainStage {
	ExplainStep *steps;
	size_t steps_count; /* 0: this container does not need the stage */
} ExplainStage;

typedef struct Explain {
	Arena *arena;
	ExplainStage stages[STAGE_COUNT];
} Explain;

/* Adds a step to a stage. why may be NULL. Control characters in what comes from outside are shown as escapes. */
__attribute__((format(printf, 4, 5))) void explain_add(Explain *x, Stage stage, const char *why,
						       const char *call, ...);

/* Fills in what the runtime does: GROUPS to EXEC, and the groups' part of CLEAN. The engine adds its own. */
void runtime_explain(const Plan *p, const HostFacts *f, Explain *x);

const char *stage_name(Stage s);  /* "GROUPS" in small letters: "groups" */
const char *stage_title(Stage s); /* what it does, without its subject */
StageSide stage_side(Stage s);

/* ---- shared by explain_*.c ---- */

typedef struct ExplainBit {
	uint64_t bit;
	const char *name;
} ExplainBit;
/* "NOSUID|NODEV", or "0". */
const char *explain_bits(Arena *a, uint64_t value, const ExplainBit *bits, size_t count);
const char *explain_mount_attrs(Arena *a, uint64_t attrs); /* MOUNT_ATTR_* without the prefix */

void explain_parent(const Plan *p, const HostFacts *f, Explain *x);
/* The stages of an init that follows this wire plan; with WIRE_ROOT_ONLY all of them go into STAGE_ROOT_TREE. */
void explain_init(const Plan *p, const WireBuild *w, Explain *x);
