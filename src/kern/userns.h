/* userns.h - user namespaces: which one we are in; those that hold id maps and nothing else, for id-mapped mounts.   (kern/, may include base)
 *
 * Runs in:   the parent; userns_make() with privilege over the ids. A short-lived child makes the namespace and ends when it has been
 *            opened; the descriptor keeps it.
 */
#pragma once
#include <stdbool.h>

#include "base/err.h"

/* The inode of the first user namespace, linux/proc_ns.h: root of any other is not the owner of the host's files. */
#define USERNS_FIRST_INODE 0xEFFFFFFDu

/* Whether this process is in it, as on a kernel that has no other. */
bool userns_is_first(void);

/* uid_map and gid_map: texts for the files of that name in /proc, user_namespaces(7). *ret_fd is close-on-exec and the caller's. */
int userns_make(const char *uid_map, const char *gid_map, int *ret_fd, Err *e);
