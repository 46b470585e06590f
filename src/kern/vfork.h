/* vfork.h - a process that runs in its maker's memory until it executes.                                        (kern/)
 *
 * Runs in:   the parent, which has one thread and has blocked its signals (a handler of ours must not run in the child).
 * Why:       a copy of the page tables, and then of each page that either of the two writes, is most of what a small process costs: half
 *            to three quarters where the hypervisor keeps the page tables.
 */
#pragma once
#include <linux/sched.h>

/* clone3(2) with CLONE_VM | CLONE_VFORK and no stack of its own: the child calls run(arg) on top of this process's stack, while this
 * process waits in the kernel, where only SIGKILL reaches it, until the child has executed or is gone. run() must not return, and changes
 * nothing of this process's but what lies beyond that call; descriptors, credentials, limits and signal dispositions are its own. Without
 * these flags, on other machines than x86-64 and arm64, and where a sanitizer keeps books of the memory, the child is a copy of this
 * process, and both run at once.
 * As libc's: the pid, or -1 and errno. Never 0. */
long vfork_clone3(struct clone_args *args, void (*run)(void *arg), void *arg);
