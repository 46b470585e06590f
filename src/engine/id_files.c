#include "engine/id_files.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

int cid_file_make(const char *path, const char *id, Err *e)
{
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST)
		return err_make(e, ERR_EXISTS, 0,
				"--cidfile '%s': the file exists; delete it, unless its container still runs",
				path);
	if (fd < 0)
		return err_sys(e, "make the file of --cidfile, '%s'", path);
	int r = fd_write_all(fd, id, strlen(id), path, e);
	if (r < 0)
		(void)unlink(path); /* made a moment ago */
	return r;
}

/* Not blocking: a FIFO without a reader is an error and no wait. */
int pid_file_open(const char *path, PidFile *ret, Err *e)
{
	const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY;
	PidFile f = { .path = path, .is_new = true };
	f.fd = openat(AT_FDCWD, path, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (f.fd < 0 && errno == EEXIST) {
		f.is_new = false;
		f.fd = openat(AT_FDCWD, path, flags | O_CLOEXEC);
	}
	if (f.fd < 0)
		return err_sys(e, "open the pid file '%s'", path);
	*ret = f;
	return 0;
}

int pid_file_write(PidFile *f, pid_t pid, Err *e)
{
	char text[16];
	TRY(str_format(text, sizeof text, "%d", (int)pid));
	if (!f->is_new && ftruncate(f->fd, 0) < 0 && errno != EINVAL) /* EINVAL: a pipe or device */
		return err_sys(e, "empty the pid file '%s'", f->path);
	return fd_write_all(f->fd, text, strlen(text), f->path, e);
}

void pid_file_close(PidFile *f)
{
	fd_close_auto(&f->fd);
	f->fd = FD_NONE;
}
