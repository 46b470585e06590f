/* mountinfo.h - the list of mounts as the kernel prints it.                                 (kern/, may include base)
 *
 * Runs in:   the parent. Reading it costs about 1 us for each mount of the host: once, and only where something shorter will not do.
 * Source:    proc(5), /proc/PID/mountinfo; Documentation/filesystems/proc.rst 3.5.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct MountInfo {
	int id, parent;
	const char *root;          /* the directory in the file system that is the mount's root */
	const char *mountpoint;    /* seen from this process's root */
	const char *options;       /* of this mount: "rw,nosuid,relatime" */
	const char *fstype;        /* with its subtype: "fuse.sshfs" */
	const char *source;        /* "none" and the like, too */
	const char *super_options; /* of the file system: "rw,memory" */
	bool shared, slave; /* gives mounts to its peers; takes them from a master (mount_namespaces(7)) */
} MountInfo;

/* Reads a whole file of unknown size into the arena, ended with NUL. */
int mountinfo_read(const char *path, Arena *a, char **ret, Err *e);

/* Takes the next mount off *text, which is cut to pieces; the strings point into it, octal escapes decoded. Lines that are not of
 * the known form are passed over. false at the end. */
bool mountinfo_next(char **text, MountInfo *ret);

/* The mount that fd, of any kind, is on. -ENOENT: it is none of this mount namespace. */
int mountinfo_of(int fd, Arena *a, MountInfo *ret, Err *e);

/* True when a comma-separated list has this word. */
bool mountinfo_has_option(const char *options, const char *word);

/* True when looking up the mount point leads to this very mount, not to one that was put over it or over a directory above it.
 * Also true when the kernel cannot tell (before Linux 5.8). *ret_is_dir says whether it is a directory; it may be NULL. */
bool mountinfo_is_visible(const MountInfo *m, bool *ret_is_dir);
