/* user_tree.h - removing directories in which a container's ids have left files.          (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent, at a container's end and in the sweep.
 * Theory:    an ordinary user's container has ids besides his own, those of /etc/subuid. What belongs to them he cannot remove himself,
 *            not even from his own directory; in a user namespace that has these ids he can.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/id_range.h"

/* Removes path and all below it, as tree_remove() does. uids, gids: the ids of the host that the container had besides ours. */
int user_tree_remove(const char *path, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e);
