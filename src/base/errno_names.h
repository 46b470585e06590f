/* errno_names.h - error numbers by name.                                                     (base/)
 *
 * Source: include/uapi/asm-generic/errno.h, which x86 and ARM use as it is.
 */
#pragma once

/* "EPERM" -> 1; -ENOENT for what is no error's name. */
int errno_from_name(const char *name);
