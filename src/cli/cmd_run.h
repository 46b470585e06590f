/* cmd_run.h - the options of `run`, shared by its three files.                              (cli/) */
#pragma once
#include "cli/cmd.h"
#include "engine/run.h"

typedef struct RunOpts {
	RunRequest request; /* most rows fill it directly */
	StrList env, env_files, security;
	bool env_host;
} RunOpts;

/* Options of docker and podman that are not there yet. */
extern const Opt run_later_opts[];

/* --security-opt words into the request. ERR_USAGE for unknown ones, by name for those that are not there yet. */
int run_read_security(const StrList *words, RunRequest *r, Err *e);

/* What docker checks between options, in docker's sense; zeroes that mean "not given" become SPEC_UNSET. cpus: how many this host
 * lets us use. */
int run_check(RunRequest *r, unsigned cpus, Err *e);
