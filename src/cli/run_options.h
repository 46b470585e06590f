/* run_options.h - the option tables of `run`, one for each group of --help.                     (cli/)
 *
 * Ownership: all but the strings of argv is the caller's arena's.
 */
#pragma once
#include "cli/cmd.h"
#include "cli/format.h"
#include "engine/run.h"

typedef struct RunOpts {
	RunRequest request; /* most rows fill it directly */
	StrList env, env_files, labels, label_files, security;
	bool env_host;
	const char *explain; /* "plan" or "timed"; NULL: just run */
	FormatOpts format;   /* of what it prints */
	bool quiet;          /* nothing is pulled yet */
} RunOpts;

extern const Opt run_container_opts[], run_command_opts[], run_files_opts[], run_network_opts[],
	run_resources_opts[], run_isolation_opts[];

/* Options of docker and podman that are refused: not there yet, or never. */
extern const Opt run_later_opts[];
