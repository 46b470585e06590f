/* container_options.h - options of `run` about the container as such, read from their strings.      (engine/)
 *
 * Runs in:   the engine, before anything is made, and first of all: which descriptors the caller has given can only be told while we have
 *            opened none of our own.
 * Ownership: everything lives in the arena or is the request's.
 * Source:    docker's rules for --attach, --label, --annotation and --stop-*; podman's for --preserve-fd and --preserve-fds.
 */
#pragma once
#include "engine/run.h"
#include "fmt/spec.h"

#define STOP_TIMEOUT_DEFAULT 10

typedef struct ContainerOptions {
	bool stdout_attached, stderr_attached;
	int *keep_fds; /* sorted as they were given */
	size_t keep_fds_count;
	SpecPair *labels;
	size_t labels_count;
	int stop_signal; /* SIGTERM by default */
	int64_t stop_timeout;
} ContainerOptions;

/* ERR_USAGE names the option and its value. */
int container_options_read(const RunRequest *r, Arena *a, ContainerOptions *ret, Err *e);

/* "KEY[=VALUE]" of --label or --annotation; a later one of the same key replaces the earlier one. */
int container_options_pairs(const char *option, const StrList *texts, Arena *a, SpecPair **ret,
			    size_t *ret_count, Err *e);
