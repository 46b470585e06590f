/* resctrl.h - groups of the resctrl file system: shares of caches and of the bandwidth of memory.     (kern/, may include base)
 *
 * Runs in:   the parent. A group is a directory right below the mount point, or the mount point itself; a monitoring group is one in
 *            its mon_groups. Who is in none of ours is in the root's.
 * Tests:     no machine without such processors has this file system: all of it is tested on a tree of ordinary files.
 * Source:    Documentation/arch/x86/resctrl.rst of Linux.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* Makes a group. 0: it exists already; 1: it was made. What the kernel says of a failure is in the message. */
int resctrl_make(const char *dir, Err *e);

/* Sets lines of the group's schemata, all in one write. */
int resctrl_set(const char *dir, const char *schemata, Err *e);

/* -EINVAL: the group has other values than these; the message says which line. */
int resctrl_compare(const char *dir, const char *schemata, Arena *a, Err *e);

/* Whether `have`, the text of a file schemata, has all the values of the lines in `want`. Else *ret_line is the first that differs. */
bool resctrl_agrees(const char *have, const char *want, Arena *a, const char **ret_line);

/* Puts a process that has one thread into the group; its children will be there. */
int resctrl_join(const char *dir, pid_t pid, Err *e);

/* Those in it go to the group above. One that does not exist is as good as removed. */
int resctrl_remove(const char *dir, Err *e);
