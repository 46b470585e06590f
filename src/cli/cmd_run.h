/* cmd_run.h - what `run` makes of its options, besides the tables.                               (cli/) */
#pragma once
#include "cli/run_options.h"

/* --security-opt words into the request. ERR_USAGE for unknown ones, by name for those that are not there yet. */
int run_read_security(const StrList *words, RunRequest *r, Err *e);

/* What docker checks between options, in docker's sense; zeroes that mean "not given" become SPEC_UNSET. cpus: how many this host
 * lets us use. */
int run_check(RunRequest *r, unsigned cpus, Err *e);
