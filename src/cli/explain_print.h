/* explain_print.h - the story of a start, for people and for programs.                        (cli/) */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/explain.h"

/* Prints what a run by this request would do. Returns 0. */
int explain_print(const RunRequest *r, bool json, Arena *a, Err *e);

/* Prints a story that is there already. Returns 0. */
int explain_print_story(const RunExplain *r, bool json, Arena *a, Err *e);

/* Runs it, and prints on standard error what each stage of its start took. Returns the container's exit code. */
int explain_run_timed(const RunRequest *r, bool json, Arena *a, Err *e);
