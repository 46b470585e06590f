/* cgroup_parts.h - what the files of cgroup.h know of each other.            (kern/, private to them) */
#pragma once
#include "kern/cgroup.h"

bool cgroup_v1_has_cpuset(const CgroupRequest *r);

/* Before the group's writes: v1 cpuset groups get CPUs and memory nodes from above; v2 groups get their controllers from above. */
int cgroup_v1_prepare(const CgroupRequest *r, int dirfd, unsigned parents_made, Err *e);
int cgroup_v2_prepare(const CgroupRequest *r, Err *e);

/* The request's writes, in order. */
int cgroup_write_all(const CgroupRequest *r, int dirfd, Err *e);

/* One write for this group, whether it is among the request's or not. */
int cgroup_write_one(const CgroupRequest *r, int dirfd, const CgroupWrite *w, Err *e);

/* Gives the group to the request's owner, after the writes. */
int cgroup_v2_give(const CgroupRequest *r, int dirfd, Err *e);

/* 1 when cgroup.kill did it, 0 when this group has no such file, or -errno. */
int cgroup_v2_kill(int dirfd);

int cgroup_v1_read_memory(int dirfd, CgroupMemory *ret);
int cgroup_v2_read_memory(int dirfd, CgroupMemory *ret);

/* "max", and numbers that are as good as no limit, give CGROUP_NO_LIMIT. */
int cgroup_read_number(int dirfd, const char *file, uint64_t *ret);

/* The number after `key` in a file of lines "key number"; -ENOENT when there is no such line. */
int cgroup_read_key(int dirfd, const char *file, const char *key, uint64_t *ret);

/* Calls fn for each group from below `top` down to `dir` (dir too), the path of each and of the group above it. */
typedef int (*CgroupLevelFn)(const char *above, const char *dir, const void *arg, Err *e);
int cgroup_each_level(const char *top, const char *dir, CgroupLevelFn fn, const void *arg, Err *e);
