/* cgroup_stats.h - what a group has used: numbers out of its files.                         (kern/, may include base)
 *
 * Runs in:   the command's process. A file that is not there is no error but -ENOENT, without a message: which there are depends on the
 *            version and the controllers of the hierarchy.
 * Source:    Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
 */
#pragma once
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* The number in a file; UINT64_MAX for "max". */
int cgroup_stat_number(const char *dir, const char *file, uint64_t *ret);

/* The number of the line "key number". */
int cgroup_stat_key(const char *dir, const char *file, const char *key, uint64_t *ret);

/* All lines of a file. */
int cgroup_stat_lines(const char *dir, const char *file, Arena *a, StrList *ret);
