/* mount.h - mounts by descriptor: the new mount API (Linux 5.2; mount_setattr 5.12).              (kern/, may include base)
 *
 * Runs in:   init and the parent. Nothing here allocates.
 * Ownership: a returned mount is the caller's descriptor. A detached mount ends with its last descriptor; an attached one stays, and
 *            the descriptor then is simply its root.
 * Messages:  say what failed, without the target, which callers add ("mount tmpfs on /tmp: ..."). Kernel's own words on a refused
 *            option are taken from the file system's log, fsopen(2).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* A new instance of a file system, step by step. option is "key" or "key=value". */
int mount_fs_open(const char *type, int *ret_fs, Err *e); /* -ENODEV: the kernel has no such type */
int mount_fs_set(int fs, const char *option, Err *e);
int mount_fs_set_pair(int fs, const char *key, const char *value, Err *e);

/* Creates the instance and a detached mount of it; attrs: MOUNT_ATTR_*. */
int mount_fs_make(int fs, uint64_t attrs, int *ret_mount, Err *e);

/* The file system of the mount whose root `mount` is, for options by mount_fs_set(), which then all hold at once. */
int mount_fs_pick(int mount, int *ret_fs, Err *e);
int mount_fs_change(int fs, Err *e);

/* A detached copy of the mount at path (below dirfd, or dirfd itself when path is ""), with what is mounted below it when
 * `recursive`. Links in path are followed. -EINVAL in a user namespace: mounts below it, which may not be uncovered. */
int mount_clone(int dirfd, const char *path, bool recursive, int *ret_mount, Err *e);

/* Changes attributes, and the propagation unless it is 0 (MS_PRIVATE etc.), of a mount, attached or not. */
int mount_set(int mount, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation, Err *e);

/* Shows a detached mount that nobody uses yet with other ids: those that userns (a user namespace with maps) gives to the ids of its
 * files. MOUNT_ATTR_IDMAP, Linux 5.12. -EINVAL: not with this file system; -EPERM: not for who does not own the file system. */
int mount_idmap(int mount, int userns, bool recursive, Err *e);

/* Attaches a detached mount at the very file that target refers to. Folders go on folders, files on files. */
int mount_attach(int mount, int target, Err *e);
