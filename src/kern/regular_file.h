/* regular_file.h - reading a file that somebody else names.                                  (kern/, may include base)
 *
 * Input:     the path is the user's. A FIFO would block, and a device may start something when it is opened: so the file is looked at
 *            first, and what was seen is opened. Links are followed.
 */
#pragma once
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* The whole file, at most `most` bytes, not ended with NUL. what: "seccomp profile 'x'", for messages. ERR_SYS, or `wrong` where the
 * file is none that can be read so. */
int regular_file_read(const char *path, const char *what, size_t most, ErrKind wrong, Arena *a,
		      const char **ret_text, size_t *ret_len, Err *e);
