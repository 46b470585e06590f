/* cgroup_members.h - what is done with all processes of a group at once: listing, signals, freezing.  (kern/, may include base)
 *
 * Runs in:   the command's process. Groups below count, too.
 * Source:    cgroups(7); Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst "cgroup.freeze".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct CgroupMembers {
	pid_t *pids; /* in this process's pid namespace, rising; those of others are left out */
	size_t count;
} CgroupMembers;

/* A group that does not exist has none. */
int cgroup_members(const char *dir, Arena *a, CgroupMembers *ret, Err *e);

/* Sends a signal to each, by a pidfd that was opened while it was in the group. Who comes meanwhile may get none. */
int cgroup_signal(const char *dir, int sig, Arena *a, Err *e);

/* By its files. */
bool cgroup_is_v1(const char *dir);

/* 1: frozen, or about to be; 0: not; -ENOENT: this group has no freezer. */
int cgroup_is_frozen(const char *dir);

/* Freezes or thaws the group, and waits until it is so: -EBUSY after some seconds; what did not freeze then is thawed again. -ENOENT without a
 * message: this group has no freezer. */
int cgroup_freeze(const char *dir, bool on, Err *e);
