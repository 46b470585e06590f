/* cmd_run.h - what `run` makes of its options, besides the tables.                               (cli/) */
#pragma once
#include "cli/run_options.h"

/* What docker checks between options, in docker's sense; zeroes that mean "not given" become SPEC_UNSET. cpus: how many this host
 * lets us use. */
int run_check(RunRequest *r, unsigned cpus, Err *e);

/* The options as a request, checked as far as that goes without looking at the host; the files of --env-file and --label-file are read.
 * *ret_json: whether an explanation is for programs. */
int run_read(const CliContext *c, RunOpts *o, bool *ret_json, Err *e);
