/* user_tree.h - directories that hold, or are to hold, files of a container's ids.        (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent: before the start, at a container's end and in the sweep.
 * Theory:    an ordinary user's container has ids besides his own, those of /etc/subuid. What belongs to them he can neither remove nor
 *            give away himself, not even in his own directory; in a user namespace that has these ids he can. A child does it there
 *            when he was refused.
 * Ids:       uids and gids are those of the host that the container has; ours may be among them.
 */
#pragma once
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id_range.h"

/* Removes path and all below it, as tree_remove() does. */
int user_tree_remove(const char *path, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e);

/* Gives all at fd to uid:gid, ids of the host, as tree_chown() does. */
int user_tree_chown(int fd, uid_t uid, gid_t gid, const IdRanges *uids, const IdRanges *gids,
		    Arena *a, Err *e);
