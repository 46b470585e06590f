/* base64.h - base64 with padding (RFC 4648, section 4), as configuration files of docker hold names and passwords.   (fmt/, may include base)
 *
 * Input:     of the user's files. What comes out may hold any byte; it is ended with a NUL that is not counted.
 */
#pragma once
#include <stddef.h>

#include "base/arena.h"

const char *base64_encode(Arena *a, const void *bytes, size_t size);

/* -EINVAL: not base64. Padding may be missing. */
int base64_decode(Arena *a, const char *text, const char **ret, size_t *ret_size);
