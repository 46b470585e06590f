/* cgroup.h - one container's control groups: made and limited before anybody is in them.    (kern/, may include base)
 *
 * Runs in:   the parent. One call for each hierarchy; the plan says which groups and what is written to them.
 * On disk:   DIR is the container's group, absolute. Groups above it are made as needed and shared; in the group itself nobody may be yet.
 * Joining:   v1: the child writes "0" to the `tasks` descriptor, while it has one thread. v2: it is born in the group through the
 *            directory's descriptor (process_clone). cgroup.procs is never written: that waits for a grace period, 10 ms or so.
 * Files:     cgroup.c what both versions share, cgroup_write.c what is written and why that fails, cgroup_v1.c and cgroup_v2.c the rest.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fd.h"

typedef struct CgroupWrite {
	const char *file, *value;
	const char *or_file, *or_value; /* instead, where the group lacks the file; NULL: nothing is */
	const char *above; /* a file of the group whose number the value must be above; NULL: none */
	const char *what;  /* "memory limit", for messages */
	const char *missing; /* what it means that there is no file, for messages; may be NULL */
	bool asked; /* false: a default; where the file does not exist there is one warning */
} CgroupWrite;

typedef enum CgroupMaker {                    /* of the group itself */
			   CGROUP_BY_US,      /* one that is there must be unused */
			   CGROUP_BY_OTHERS,  /* it must be there */
			   CGROUP_BY_WHOEVER, /* it is made if it is not there */
} CgroupMaker;

typedef struct CgroupRequest {
	bool is_v2;
	CgroupMaker maker;
	bool claim; /* the group's lock says whose it is, as long as *ret_fd is open; one of a container's groups is enough */
	const char *controllers; /* v1: "cpu,cpuacct"; v2: "cpu io memory", those that can be had */
	const char *top;         /* the mount point, or the group that is delegated to us: exists */
	const char *dir;         /* the group to be made, below top */
	const CgroupWrite *writes;
	size_t writes_count;
	bool has_owner; /* v2: the group and the files by which it is divided are given to this user */
	uint32_t owner;
} CgroupRequest;

/* Makes the group, its missing parents and the writes, in order. *ret_fd (the caller's, close-on-exec) is what the child joins by.
 * On failure a group of ours that was not there is gone again. Modes are subject to the umask. ERR_EXISTS (-EEXIST): it is somebody else's, and was
 * not touched. A value that the kernel refuses is named. */
int cgroup_make(const CgroupRequest *r, int *ret_fd, Err *e);

/* By what a process joins a group that is there, of either kind: *ret_fd as cgroup_make() has it. */
int cgroup_open(const char *dir, bool *ret_is_v2, int *ret_fd, Err *e);

/* Whether a v2 group other than the root of all holds processes of its own, and so can hand no controller on. */
bool cgroup_v2_holds_processes(const char *dir);

/* Kills everything in the group and in the groups below it, and waits for none of it. v2 from Linux 5.14 on by cgroup.kill, else by
 * going over the lists until they are empty; groups below a v1 group go with it. A group that does not exist has nobody in it. */
int cgroup_kill(const char *dir, Err *e);

/* Removes the group and the groups below it. Processes that are just dying are waited for, up to 2 s: then -EBUSY (ERR_STATE).
 * A group that does not exist is as good as removed. */
int cgroup_remove(const char *dir, Err *e);

/* Removes the group if it is empty; one that others use, or that is gone, is as good. */
int cgroup_remove_unused(const char *dir, Err *e);

#define CGROUP_NO_LIMIT UINT64_MAX
typedef struct CgroupMemory {
	uint64_t oom_kills;   /* processes killed for lack of memory in the group */
	uint64_t limit;       /* bytes; CGROUP_NO_LIMIT */
	uint64_t total_limit; /* memory and swap; CGROUP_NO_LIMIT also where swap is not counted */
	uint64_t peak;        /* bytes; 0: this kernel does not tell (v2 before Linux 5.19) */
} CgroupMemory;

/* Only the first of these, which is nearly always 0 and all there is to know then. The same errors as below. */
int cgroup_read_oom_kills(const char *dir, bool is_v2, uint64_t *ret);

/* How often a fork was refused in a group because of its limit of processes, or of one above on v1. -ENOENT: not counted. */
int cgroup_read_forks_refused(const char *dir, uint64_t *ret);

/* What became of the memory limit of a group. -ENOENT without a message: no such group, or no memory controller in it. */
int cgroup_read_memory(const char *dir, bool is_v2, CgroupMemory *ret);
