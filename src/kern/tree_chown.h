/* tree_chown.h - giving a file, or a directory with all in it, to an owner.                 (kern/, may include base)
 *
 * Runs in:   the parent, privileged or not.
 * Input:     the content is HOSTILE: any names, modes and links. No symbolic link is followed, its own owner is changed; what is mounted
 *            below is gone into. Depth is bounded (LIMIT_TREE_DEPTH), since each level holds a descriptor.
 * Crash:     each file has either owner; doing it again ends it. Files that have the owner already are not touched.
 */
#pragma once
#include <sys/types.h>

#include "base/err.h"

/* fd: the top, open with O_PATH or more. Errors name the file below it. */
int tree_chown(int fd, uid_t uid, gid_t gid, Err *e);
