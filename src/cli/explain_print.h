/* explain_print.h - the story of a start, for people and for programs.                        (cli/) */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/run.h"

/* Prints what a run by this request would do. Returns 0. */
int explain_print(const RunRequest *r, bool json, Arena *a, Err *e);
