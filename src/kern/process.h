/* process.h - making, naming, signalling and awaiting a process.                            (kern/, may include base)
 *
 * Runs in:   the parent. A process is held by its pidfd (Linux 5.3); a pid alone is reused by the world, so records keep it together
 *            with its start time and the boot's id.
 * Traps:     after process_clone() the child has its parent's libc caches (musl: thread id): only plain system calls until it execs.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/sched.h>

#include "base/err.h"
#include "base/fd.h"

/* clone3(2), like fork(2): the child continues with a copy of everything. flags: CLONE_NEW*, to which CLONE_PIDFD is added.
 * cgroup_fd: a cgroup v2 directory that the child starts in (CLONE_INTO_CGROUP, Linux 5.7), or FD_NONE.
 * Returns the pid, and the pidfd (close-on-exec) in *ret_pidfd; in the child 0, and *ret_pidfd is untouched. */
pid_t process_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd, Err *e);

/* What a process does that is made by process_spawn(): it ends in execveat(2) or _exit(2), and never returns. */
typedef struct ProcessChild {
	void (*run)(void *arg);
	void *arg;
} ProcessChild;

/* Among the flags of process_spawn(): until it executes, the child uses this process's memory, and this process waits (vfork.h). */
#define PROCESS_IN_OUR_MEMORY (CLONE_VM | CLONE_VFORK)

/* The same, for a child that soon executes: cheaper by what it would cost to copy this process. */
pid_t process_spawn(uint64_t flags, int cgroup_fd, const ProcessChild *child, int *ret_pidfd, Err *e);

/* unshare(2): moves this process into new namespaces (CLONE_NEW*). Its errors are those of process_clone(). */
int process_unshare(uint64_t flags, Err *e);

/* Writes text to the file of a process in /proc, "uid_map", "oom_score_adj" ..., in one write(2). */
int process_file_write(pid_t pid, const char *name, const char *text, Err *e);

/* A pidfd of an existing process. -ESRCH (ERR_STATE): there is none. */
int process_open(pid_t pid, int *ret_pidfd, Err *e);

/* Sends a signal; -ESRCH: it has ended. No message is made. */
int process_signal(int pidfd, int sig);

typedef struct ProcessEnd {
	bool by_signal;
	bool dumped; /* by a signal, and left a core */
	int number;  /* the exit status, or the signal */
} ProcessEnd;

/* Waits so long for the end of a process, which need not be a child. False: not yet. */
bool process_has_ended(int pidfd, int milliseconds);

/* The number, here, of the process that a pidfd is for. -ESRCH: it has ended and is reaped, or is in no namespace that we see. */
int process_of_pidfd(int pidfd, pid_t *ret, Err *e);

/* All signals get their default action, and none is blocked: both outlive execve(2), signal(7). */
int process_reset_signals(Err *e);

/* Waits for the end of a child and reaps it. */
int process_wait(int pidfd, ProcessEnd *ret, Err *e);

/* What a shell would say: the status, or 128 plus the signal. */
int process_end_code(const ProcessEnd *end);

/* The time a process was started, in clock ticks since boot (proc(5), stat field 22): with the pid and the boot's id it names a
 * process for good. -ESRCH when there is no such process, without a message. */
int process_start_time(pid_t pid, uint64_t *ret);

/* The id of this boot, 36 characters and NUL. */
#define BOOT_ID_SIZE 37
int boot_id(char ret[static BOOT_ID_SIZE], Err *e);
