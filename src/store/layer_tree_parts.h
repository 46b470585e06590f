/* layer_tree_parts.h - what layer_tree.c and layer_folder.c share.                               (store/, private to them)
 *
 * Ownership: a Layer owns its arena and the folder that is open; what it is made from is the caller's.
 */
#pragma once
#include <sys/stat.h>

#include "base/fd.h"
#include "store/layer_path.h"
#include "store/layer_tree.h"

typedef struct FolderTime {
	const char *path; /* "" is the root */
	struct timespec mtime;
} FolderTime;

typedef struct Layer {
	TarReader *tar;
	int root;
	const LayerTreeOptions *options;
	LayerTreeCounts counts;
	Arena arena;
	FolderTime *times; /* set last: what is made in a folder changes its own */
	size_t times_count;
	char at[PATH_MAX]; /* the folder that at_fd is, below the root; archives stay in one for a while */
	int at_fd;         /* FD_NONE: none is open */
} Layer;

/* The folder of an entry, made with mode 0755 where the archive has not told of it; it stays open until another one is asked for. */
int layer_folder_open(Layer *l, const char *path, int *ret_fd, Err *e);

/* The same for what must be there already. -ENOENT: it is not, or is no folder. The caller's to close. */
int layer_folder_find(const Layer *l, const char *path, int *ret_fd, Err *e);

/* A folder, new or there already, whose owner, mode and time are the entry's from now on. */
int layer_folder_make(Layer *l, const LayerPath *p, const TarEntry *entry, Err *e);

/* Says of the open folder that lower layers are not to be looked at below it. */
int layer_folder_set_opaque(const Layer *l, int fd, Err *e);

/* Removes what has the name, so that something else can be made there; what is not there is as good. *ret_hidden: it was a whiteout. */
int layer_make_room(Layer *l, int dir, const char *name, bool *ret_hidden, Err *e);

bool layer_is_whiteout(const struct stat *st);

/* The times are set last, when nothing more is made in the folders. */
int layer_folder_times(Layer *l, Err *e);

/* owner, mode, attributes and time of an open file or folder */
int layer_metadata_set(Layer *l, int fd, const TarEntry *entry, Err *e);
struct timespec layer_time_of(const TarEntry *entry);

/* Extended attributes: by path where that is no NULL, and not through a link; else of the file that fd is open on. */
int layer_xattrs_set(Layer *l, int fd, const char *path, const TarEntry *entry, Err *e);
