#include "kern/populate.h"

#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ /* linux/mman.h of Linux 5.14 */
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE \
	((uintptr_t)4096) /* with larger ones madvise refuses, or does more than was asked for */

/* The linker's. NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern const char __ehdr_start[], _end[];

static void populate(uintptr_t from, uintptr_t to, int how)
{
	from &= ~(PAGE - 1);
	(void)madvise((void *)from, to - from, how); /* for speed alone */
}

void populate_program(size_t stack)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	populate((uintptr_t)__ehdr_start, (uintptr_t)_end, MADV_POPULATE_READ);
	populate(here - stack, here, MADV_POPULATE_WRITE);
}
