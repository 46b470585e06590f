/* group_options.h - the options of cgroup v2, which criu takes away.                                (criu/, may include base kern)
 *
 * cgroup v2 is one file system for the whole host. Who mounts it from the first cgroup namespace gives all of it the options of this mount
 * (cgroups(7): nsdelegate, memory_recursiveprot), and criu mounts it without any, to see and to make groups.
 *
 * Runs in:   the command's process, criu's parent, before criu is started and after it has ended; its mount namespace may be another then.
 * Crashes:   a command that is killed in between leaves the host without these options.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* "rw,nsdelegate"; NULL where there is no cgroup v2. */
int group_options_read(Arena *a, const char **ret, Err *e);

/* Sets them again, if they are not what they were. */
int group_options_give_back(const char *options, Arena *a, Err *e);
