/* userns.h - user namespaces: which one we are in; a child in a new one; those that only hold id maps.       (kern/, may include base)
 *
 * Runs in:   the parent; userns_make() with privilege over the ids. A short-lived child makes the namespace and ends when it has been
 *            opened; the descriptor keeps it.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* The inode of the first user namespace, linux/proc_ns.h: root of any other is not the owner of the host's files. */
#define USERNS_FIRST_INODE 0xEFFFFFFDu

/* Whether this process is in it, as on a kernel that has no other. */
bool userns_is_first(void);

/* A child in a new user namespace, which waits so that its maps can be written. It ends when it is not told, and when we die. */
typedef struct UsernsChild {
	pid_t pid;
	int pidfd, told, tell; /* the ends of a pipe: both stay ours, so that a write to a child that is dead does not kill us */
} UsernsChild;

/* What it does when it is told, with every capability in its namespace; there is nobody to return an error to. */
typedef void UsernsTask(void *arg);

/* task may be NULL. userns_child_end() must follow. */
int userns_child_make(UsernsTask *task, void *arg, UsernsChild *ret, Err *e);

/* Tells it to do its task, or not; awaits its end. ERR_SYS: it could not be told. */
int userns_child_end(UsernsChild *c, bool go, Err *e);

/* For id-mapped mounts. uid_map and gid_map: texts for the files of that name in /proc, user_namespaces(7). *ret_fd is close-on-exec and the caller's. */
int userns_make(const char *uid_map, const char *gid_map, int *ret_fd, Err *e);
