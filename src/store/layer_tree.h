/* layer_tree.h - makes the tree of one layer from its archive.                                (store/, may include base fmt kern)
 *
 * Runs in:   a process that does nothing else, root or root of a user namespace, with umask 0. It needs /proc for attributes of links.
 * Input:     the archive is HOSTILE. All is made by descriptors below the root, which nobody else may enter; no symbolic link is ever followed,
 *            no device or FIFO opened. What is refused ends the layer: its tree is then the caller's to throw away.
 * Theory:    the tree of a layer does not depend on those below it, so whiteouts become overlayfs's own at once: a character device 0/0, and on
 *            an opaque folder the extended attribute. A whiteout hides what lower layers have, never what this one has: a file of the same
 *            layer takes its place, and a folder of the same layer becomes opaque, whichever comes first.
 * Kept:      types, modes, owners, times to the nanosecond, hard links, holes, device numbers, extended attributes; not those by which overlayfs
 *            itself would be told something (trusted.overlay.*, user.overlay.*).
 * Source:    image-spec layer.md; kernel Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "fmt/tar.h"

typedef struct LayerTreeOptions {
	bool as_user; /* for an overlay with "userxattr", and without device nodes, which are refused */
	uint64_t max_bytes, max_entries; /* more is refused */
} LayerTreeOptions;

typedef struct LayerTreeCounts {
	uint64_t entries;
	uint64_t bytes; /* of files' content, holes left out */
	uint64_t xattrs_lost; /* that the file system does not take; security.capability is never among them */
} LayerTreeCounts;

/* Reads the archive to its end and makes all that is in it below root, an empty folder. ERR_SPEC for what is refused, with the entry's path. */
int layer_tree_make(TarReader *t, int root, const LayerTreeOptions *o, LayerTreeCounts *ret, Err *e);
