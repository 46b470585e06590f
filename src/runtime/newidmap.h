/* newidmap.h - newuidmap(1) and newgidmap(1), which write id maps for ordinary users.     (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent; each is executed in a child of its own, by its absolute path, without environment, and awaited. They are
 *            set-user-ID root and decide by /etc/subuid and /etc/subgid what the caller may map.
 */
#pragma once
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* Has `program` write map (the text for /proc/PID/uid_map) for the process. What it says on standard error becomes the message. */
int newidmap_run(const char *program, pid_t pid, const char *map, Arena *a, Err *e);
