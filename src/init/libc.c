/* Small versions of what is large in musl, for this program alone. On 64-bit machines the kernel's structures are musl's: what musl adds is
 * for others, for threads that are cancelled, and for kernels of long ago. */
#ifndef __GLIBC__
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* stat(3), lstat(3) and fstat(3) are this one, too. */
int fstatat(int dirfd, const char *restrict path, struct stat *restrict st, int flags)
{
	return (int)syscall(SYS_newfstatat, dirfd, path, st, flags);
}

/* Without flags, which no caller here gives. */
int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	(void)flags;
	return (int)syscall(SYS_fchmodat, dirfd, path, mode);
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	va_start(ap, cmd);
	long arg = va_arg(ap, long);
	va_end(ap);
	return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

/* The callers' structures are initialised whole, so that the halves of lengths that musl calls padding are zero. */
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return syscall(SYS_sendmsg, fd, msg, flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	return syscall(SYS_recvmsg, fd, msg, flags);
}
#endif
