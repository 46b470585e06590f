/* syscalls.c - lookups in the table of system calls. */
#include "base/syscalls.h"

#include <errno.h>

#define ARM_NR_BASE 0xf0000 /* __ARM_NR_BASE in arm's asm/unistd.h */

const SyscallRow *syscall_find(const char *name)
{
	size_t low = 0, high = syscall_row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, syscall_rows[middle].name);
		if (order == 0)
			return &syscall_rows[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int syscall_number(const SyscallRow *row, SyscallArch arch)
{
	int nr = row->nr[arch];

	if (nr == SYSCALL_NONE)
		return -ENOSYS;
	if (nr >= SYSCALL_ARM_PRIVATE)
		return nr - SYSCALL_ARM_PRIVATE + ARM_NR_BASE;
	return arch == SYSCALL_X32 ? nr | SYSCALL_X32_BIT : nr;
}

const char *syscall_name(int number, SyscallArch arch)
{
	for (size_t i = 0; i < syscall_row_count; i++) {
		if (syscall_number(&syscall_rows[i], arch) == number)
			return syscall_rows[i].name;
	}
	return NULL;
}
