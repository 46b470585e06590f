/* bundle.h - an OCI bundle: a directory with a config.json and the root that it names.       (runtime/, may include base fmt kern)
 *
 * Source:    runtime-spec, bundle.md and config.md.
 * Runs in:   the parent, before anything is made. Nothing is.
 * Input:     the bundle is the caller's, who may start what it says; sizes are bounded.
 */
#pragma once
#include <stdbool.h>

#include "fmt/spec.h"

typedef struct Bundle {
	const char *dir;  /* absolute, without links */
	const char *file; /* the description: its path */
	const char *text; /* its content, not ended with NUL */
	size_t text_len;
	Spec spec; /* with absolute paths: of the root (without links), and of sources of bind mounts */
} Bundle;

/* Whether a mount shows what is elsewhere in the host's tree: its source is a path then. */
bool bundle_is_bind(const SpecMount *m);

/* dir may be relative to the working directory, config to the bundle; NULL: config.json. ERR_SYS, or ERR_SPEC with the key in it. */
int bundle_read(const char *dir, const char *config, Arena *a, Bundle *ret, Err *e);

/* Makes sources of bind mounts absolute that are relative to the bundle. */
void bundle_sources_resolve(const char *dir, Spec *s, Arena *a);
