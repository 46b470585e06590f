/* root_option.h - the string of --rootfs: DIR or DIR:O.                                   (engine/) */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* Opens the directory (O_PATH, close-on-exec, the caller's) and finds its real path. "DIR:O" asks for a throw-away overlay over it; the
 * host's own root is always seen that way (ROOT_HOST). Errors name the directory (ERR_SPEC or ERR_SYS). */
int root_option_open(const char *text, Arena *a, SpecRootKind *ret_kind, const char **ret_path,
		     int *ret_fd, Err *e);
