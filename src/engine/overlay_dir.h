/* overlay_dir.h - the throw-away layer of `--rootfs DIR:O` on disk.                       (engine/)
 *
 * On disk:   ROOT/containers/<id>/{upper,work}, mode 0700 above; named in the container's record before it is made, removed by
 *            tree_remove().
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* ROOT/containers/<id>; NULL when the layer must live in memory instead: an overlay's upper layer may neither lie in its lower one nor
 * on an overlay (overlayfs.rst). */
const char *overlay_dir_choose(const char *root_dir, const char *id, const char *lower, Arena *a);

/* Makes it, upper/ with owner and mode of the directory lower_fd. */
int overlay_dir_make(const char *dir, int lower_fd, Err *e);
