/* memfd.h - files in memory that nobody can change any more.                                (kern/, may include base)
 *
 * Runs in:   the parent. memfd_create(2), Linux 3.17.
 */
#pragma once
#include <stdbool.h>

#include "base/err.h"

/* A new, empty one (close-on-exec, the caller's). Where the kernel has the choice (Linux 6.3) it can be executed only if asked for;
 * -EACCES: the sysctl vm.memfd_noexec forbids that. */
int memfd_open(const char *name, bool executable, int *ret_fd, Err *e);

/* Seals it against every change for good. The kernel refuses with EBUSY while something else of its own (page migration, DAMON) holds a
 * page for a moment: it is asked again, for about a second. */
int memfd_seal(int fd, const char *name, Err *e);
