#include "base/fd.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void fd_close(int fd)
{
	int saved = errno;
	(void)close(fd); /* EINTR and EIO leave it closed on Linux; nothing can be done about either */
	errno = saved;
}

int fd_open_missing_stdio(Err *e)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		int got = open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY); /* inherited on purpose: it is our stdio */
		if (got < 0)
			return err_sys(e, "open /dev/null for closed descriptor %d", fd);
		if (got != fd) {
			fd_close(got);
			return err_make(e, ERR_BUG, 0,
					"descriptor %d was taken while the closed ones were filled",
					got);
		}
	}
	return 0;
}

int fd_keep_for_exec(int fd, Err *e)
{
	if (fcntl(fd, F_SETFD, 0) < 0)
		return err_sys(e, "keep descriptor %d across exec", fd);
	return 0;
}

int fd_write_all(int fd, const void *buf, size_t len, const char *name, Err *e)
{
	const char *p = buf;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "write %s", name);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_read_up_to(int fd, void *buf, size_t size)
{
	char *p = buf;
	size_t got = 0;
	while (got < size) {
		ssize_t n = read(fd, p + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

ssize_t fd_read_text_at(int dirfd, const char *path, char *buf, size_t size)
{
	AUTO(fd_close) int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = fd_read_up_to(fd, buf, size);
	if (n < 0)
		return n;
	if ((size_t)n == size)
		return -EFBIG;
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

int fd_write_text_at(int dirfd, const char *path, const char *text)
{
	AUTO(fd_close) int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}
