/* process.h - what callers leave to the runtime in the description of a process.              (oci/)
 *
 * Input:     the root's /etc/passwd is HOSTILE (engine/user.h).
 */
#pragma once
#include "base/arena.h"
#include "fmt/spec.h"

/* Of variables with the same name the last one stays; HOME, when it is not there or empty, is that of the user in the root's /etc/passwd, else
 * "/". root_fd: the container's root, or FD_NONE. */
void oci_process_finish(SpecProcess *p, int root_fd, Arena *a);
