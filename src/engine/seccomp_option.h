/* seccomp_option.h - --security-opt seccomp=: from the option to the filter.                  (engine/)
 *
 * Runs in:   the engine, before anything is made.
 * Input:     the caller's file, read with the caller's rights: only a regular file is ever opened, of LIMIT_SECCOMP_BYTES at most.
 */
#pragma once
#include "engine/spec_fill.h"

/* True when the option names a file: not given, "builtin" or "unconfined" it does not. */
bool seccomp_option_is_file(const char *option);

/* Fills the spec's filter for a container with these capabilities in its bounding set. Without the option it is the default profile,
 * or nothing with --privileged; an option that is given wins over --privileged. Errors name file, key and line. */
int seccomp_option_fill(const RunContext *c, uint64_t caps, Spec *s, Err *e);
