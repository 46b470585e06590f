/* explain.h - the verb `explain`: what a run would do, and why.                            (engine/, may include all but cli)
 *
 * Nothing is made or changed: facts of the host, root and user are looked up, the plan is made, and told.
 * Ownership: the result lives in the arena.
 */
#pragma once
#include "engine/run.h"
#include "engine/spec_fill.h"
#include "runtime/explain.h"
#include "wire/timeline.h"

typedef struct RunExplain {
	const char *container_id; /* of a container that will not be */
	bool id_is_given;         /* by the caller, and is no random number */
	Explain story;
	uint64_t began, floor; /* of a run that was timed: its first moment, as in `times`; the kernel's own floor (floor.h), or 0 */
	Timeline times; /* all zero when the command did not begin, or the run was not timed */
} RunExplain;

/* The errors of engine_run() up to the point where it would begin to make things. */
int engine_explain(const RunRequest *request, Arena *a, RunExplain *ret, Err *e);

/* Runs the container as engine_run() does, and tells what it did and when. */
int engine_run_timed(const RunRequest *request, Arena *a, RunExplain *ret, int *ret_exit_code, Err *e);

/* What the engine itself does around the runtime: LOOK, RECORD, WAIT, CLEAN. */
void engine_explain_story(const RunContext *c, const Spec *s, Explain *x);
