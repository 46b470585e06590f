/* mount_option.h - the string of --mount.                                                   (engine/)
 *
 * Pure: text in, an OCI mount out. The keys are docker's and podman's together. A key that is unknown, is there twice or does not go with
 * the type is ERR_USAGE, as is one that is missing; the error names it and the whole text.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* cwd (absolute): where a source that begins with '.' is taken from. */
int mount_option_parse(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e);
