/* cmd_run.h - what `run` makes of its options, besides the tables.                               (cli/) */
#pragma once
#include "cli/run_options.h"

/* What docker checks between options, in docker's sense; zeroes that mean "not given" become SPEC_UNSET. cpus: how many this host
 * lets us use. */
int run_check(RunRequest *r, unsigned cpus, Err *e);
