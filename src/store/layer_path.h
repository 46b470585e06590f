/* layer_path.h - the names in a layer's archive: which are allowed, and which are no files but whiteouts.      (store/, may include base)
 *
 * Input:     HOSTILE. What comes out has no part that is empty, "." or "..", and does not begin with "/": openat(2) by parts stays inside.
 * Ownership: a LayerPath is a value.
 * Source:    image-spec layer.md, "Whiteouts" and "Opaque Whiteout".
 */
#pragma once
#include <limits.h>

#include "base/err.h"

typedef enum LayerName {
	LAYER_NAME_FILE,     /* a file of any type */
	LAYER_NAME_ROOT,     /* the tree's own root: "./" */
	LAYER_NAME_WHITEOUT, /* name[] is the file that the layers below do not show any more */
	LAYER_NAME_OPAQUE,   /* nothing that the layers below have in parent[] is shown */
	LAYER_NAME_IGNORED,  /* a leftover of aufs, which docker passes over, too */
} LayerName;

typedef struct LayerPath {
	LayerName kind;
	char parent[PATH_MAX]; /* "usr/lib"; "" is the root */
	char name[NAME_MAX + 1];
} LayerPath;

/* Reads an entry's path. ERR_SPEC: absolute, with "..", too long, or a whiteout of nothing or of a place outside of its folder. */
int layer_path_parse(const char *path, LayerPath *ret, Err *e);
