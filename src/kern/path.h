/* path.h - paths inside a container's root: resolved by the kernel, in that root, to a descriptor.   (kern/, may include base)
 *
 * Runs in:   init and the parent. Nothing here allocates.
 * Input:     the root's content is HOSTILE: any component may be a symbolic link to anywhere. openat2(2) with RESOLVE_IN_ROOT treats
 *            the root as "/" for absolute links and "..", and refuses the magic links of /proc. What is made is made on the
 *            descriptor of its folder. No path is resolved twice: use the descriptor that comes back.
 * Messages:  name the path as the container sees it; they have no verb, so that callers wrap them ("mount tmpfs on /x").
 */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

typedef enum PathKind { PATH_DIR, PATH_FILE } PathKind;

enum {                            /* flags of path_make_in_root() */
       PATH_NO_SYMLINKS = 1 << 0, /* no component may be a symbolic link: -ELOOP */
};

/* Opens path in the root. flags as in open(2), O_CLOEXEC is added. -ENOENT, -ENOTDIR, -ELOOP (a magic link, or too many links)... */
int path_open_in_root(int rootfd, const char *path, int flags, int *ret_fd, Err *e);

/* The same without a message, for callers to whom a missing path is no error. Returns the descriptor or -errno. */
int path_try_in_root(int rootfd, const char *path, int flags, unsigned long resolve);

/* Opens path with O_PATH and makes what is missing on the way: folders with mode 0755, at the end a folder or an empty file (0644).
 * The modes are subject to the umask. A dangling symbolic link is followed, inside the root, and what it names is made.
 * What exists is of any type: the caller looks at it. */
int path_make_in_root(int rootfd, const char *path, PathKind kind, unsigned flags, int *ret_fd, Err *e);

/* Makes one entry of a directory, and opens it with O_PATH. -ENOENT: it exists, or cannot be made so, or name is not one alone; then
 * path_make_in_root() knows what to do. */
int path_make_entry(int dir, const char *name, PathKind kind);

/* Opens (or makes) the folder of path, whose last component is not looked at. *ret_name points into path. -EINVAL when path ends
 * in "/", "." or "..". */
int path_parent_in_root(int rootfd, const char *path, int *ret_dir, const char **ret_name, Err *e);

/* Reads a text file of an image (/etc/passwd) into buf of `size` bytes and ends it with NUL; returns its length. Only a regular
 * file is ever opened; its last component may not be a symbolic link. -EFBIG: longer than size - 1. Needs /proc. */
ssize_t path_read_in_root(int rootfd, const char *path, char *buf, size_t size, Err *e);
