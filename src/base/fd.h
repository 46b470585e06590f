/* fd.h - file descriptors: ownership, whole reads and writes, inheritance.                  (base/, used by all)
 *
 * Every descriptor is O_CLOEXEC from birth; passing one to another program is the explicit act fd_keep_for_exec().
 * A variable that holds none is FD_NONE, which no call mistakes for the current directory. Test descriptors with "< 0".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define FD_NONE (-EBADF)

/* Closes fd, which must be valid; errno is kept. */
void fd_close(int fd);
static inline void fd_close_auto(int *fd)
{
	if (*fd >= 0)
		fd_close(*fd);
}

/* Opens /dev/null on each of 0, 1 and 2 that is closed, so that no later descriptor takes their place. */
int fd_open_missing_stdio(Err *e);

/* Clears FD_CLOEXEC: the next program executed by this process inherits fd under the same number. */
int fd_keep_for_exec(int fd, Err *e);

/* Writes all of buf, resuming after EINTR and short writes. `name` is for the message. */
int fd_write_all(int fd, const void *buf, size_t len, const char *name, Err *e);

/* Reads up to size bytes until end of file, resuming after EINTR. Returns the count (size means there may be more), or
 * -errno with errno set and no message. */
ssize_t fd_read_up_to(int fd, void *buf, size_t size);

/* Reads a small text file below dirfd (or AT_FDCWD) into buf and ends it with NUL; the trailing newline is removed. Returns
 * the length; -EFBIG when it does not fit. No message is made: callers know what a missing file means. */
ssize_t fd_read_text_at(int dirfd, const char *path, char *buf, size_t size);

/* Opens path below dirfd for writing and writes text in one write(2), as kernel files want it. No message is made. */
int fd_write_text_at(int dirfd, const char *path, const char *text);
