/* tree.h - deleting a directory with everything in it.                                      (kern/, may include base)
 *
 * Runs in:   the parent, privileged or not. Two descriptors and a fixed amount of memory, however deep the tree.
 * Input:     the content is HOSTILE: any names, depth, modes and symbolic links. Nothing is opened but directories, each relative to the
 *            one it is in, none through a link, none that is a mount point.
 * Theory:    the tree is kept two levels deep: a directory that is not empty and lies in a child of the top is moved up into the top.
 */
#pragma once
#include "base/err.h"

/* Removes `name`, one component, from the directory dirfd: a file, a link, or a directory with all below. What is not there is as
 * good as removed. -EXDEV or -EBUSY: something is mounted in it; what could be removed before that is gone. */
int tree_remove_at(int dirfd, const char *name, Err *e);

/* The same for an absolute path, whose parents are ours. */
int tree_remove(const char *path, Err *e);
