/* syscalls.h - names and numbers of system calls on the architectures we build filters for.          (base/, used by all)
 *
 * Complete for what libseccomp 2.5.4 knows on these architectures (shown by a test), and newer: Linux 7.0. A new call is one line in
 * syscalls_table.c, and one decision in the default seccomp profile (a test asks for it).
 * Ownership: constant data, nothing to release.
 * Source:    the kernel's arch/.../syscall.tbl by way of asm/unistd.h; tools/gen-syscalls.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

typedef enum SyscallArch {
	SYSCALL_X86_64,
	SYSCALL_X32, /* an x86_64 kernel's second table: its numbers have SYSCALL_X32_BIT set */
	SYSCALL_X86,
	SYSCALL_AARCH64,
	SYSCALL_ARM, /* EABI */
	SYSCALL_ARCH_COUNT
} SyscallArch;

#define SYSCALL_X32_BIT     0x40000000
#define SYSCALL_NONE        0xffff /* in a row: there is no such call on this architecture */
#define SYSCALL_ARM_PRIVATE 0xf000 /* in a row: stands for __ARM_NR_BASE, 0xf0000 */

#define SYSCALL_X86_IPC 0x80

typedef struct SyscallRow {
	char name[30];
	uint16_t nr[SYSCALL_ARCH_COUNT]; /* packed: read through syscall_number() */
	uint8_t x86_way; /* x86's other way to this call: 0 none, n is socketcall(n), SYSCALL_X86_IPC | n is ipc(n) */
} SyscallRow;

extern const SyscallRow syscall_rows[]; /* sorted by name */
extern const size_t syscall_row_count;

/* The row of a call by its kernel name ("openat", "mmap2"), or NULL when no architecture here has it. */
const SyscallRow *syscall_find(const char *name);

/* The call's number as the kernel sees it (x32 with its bit, ARM's private ones at 0xf0000), or -ENOSYS when this architecture
 * does not have it. */
int syscall_number(const SyscallRow *row, SyscallArch arch);

/* The name of a number, or NULL. A linear search: for messages and tests. Of two names for one number the first is given. */
const char *syscall_name(int number, SyscallArch arch);
