/* populate.h - the pages that a short program is going to touch, asked for at once.                              (kern/)
 *
 * Runs in:   any program, first of all.
 * Why:       a page fault costs as much as several system calls, and where the hypervisor keeps the page tables as much as ten: a start
 *            took fifty of them. To have a page mapped beforehand costs a twentieth of that.
 * Source:    madvise(2), MADV_POPULATE_READ and MADV_POPULATE_WRITE (Linux 5.14). An older kernel refuses; the pages then come one by one.
 */
#pragma once
#include <stddef.h>

/* This program's code and constants, and `stack` bytes of the stack below the caller. */
void populate_program(size_t stack);
