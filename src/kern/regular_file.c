#include "kern/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static int file_open(const char *path, const char *what, size_t most, ErrKind wrong,
		     size_t *ret_size, int *ret_fd, Err *e)
{
	char self[40];
	struct stat st;
	AUTO(fd_close) int seen = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	if (seen < 0)
		return err_sys(e, "open %s", what);
	if (fstat(seen, &st) < 0)
		return err_sys(e, "look at %s", what);
	if (!S_ISREG(st.st_mode))
		return err_make(e, wrong, 0, "%s is not a regular file", what);
	if (st.st_size > (off_t)most)
		return err_make(e, wrong, 0, "%s is larger than %zu bytes", what, most);
	(void)str_format(self, sizeof self, "/proc/self/fd/%d", seen); /* it fits */
	int fd = openat(AT_FDCWD, self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open %s", what);
	*ret_size = (size_t)st.st_size;
	*ret_fd = fd;
	return 0;
}

int regular_file_read(const char *path, const char *what, size_t most, ErrKind wrong, Arena *a,
		      const char **ret_text, size_t *ret_len, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	size_t size;
	TRY(file_open(path, what, most, wrong, &size, &fd, e));
	char *text = arena_alloc(a, size + 1); /* one more tells whether it has grown */
	ssize_t len = fd_read_up_to(fd, text, size + 1);
	if (len < 0)
		return err_sys(e, "read %s", what);
	if ((size_t)len > size)
		return err_make(e, wrong, 0, "%s grew while it was read", what);
	*ret_text = text;
	*ret_len = (size_t)len;
	return 0;
}
