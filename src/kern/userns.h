/* userns.h - user namespaces that hold id maps and nothing else, for id-mapped mounts.        (kern/, may include base)
 *
 * Runs in:   the parent, with privilege over the ids. A short-lived child makes the namespace and ends when it has been opened; the
 *            descriptor keeps it.
 */
#pragma once
#include "base/err.h"

/* uid_map and gid_map: texts for the files of that name in /proc, user_namespaces(7). *ret_fd is close-on-exec and the caller's. */
int userns_make(const char *uid_map, const char *gid_map, int *ret_fd, Err *e);
