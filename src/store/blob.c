#include "store/blob.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

void digest_path(const Digest *d, char ret[static DIGEST_PATH_SIZE])
{
	(void)str_format(ret, DIGEST_PATH_SIZE, "%s/%s", digest_algorithm_name(d->algorithm),
			 digest_digits(d)); /* it fits */
}

int digest_folder_make(int dir, const Digest *d, Err *e)
{
	if (mkdirat(dir, digest_algorithm_name(d->algorithm), 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make a folder of the store");
	return 0;
}

int digest_folder_sync(int dir, const Digest *d, Err *e)
{
	AUTO(fd_close)
	int fd = openat(dir, digest_algorithm_name(d->algorithm), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? err_sys(e, "sync a folder of the store") : 0;
}

int blob_open(const Store *s, const Digest *d, int *ret_fd, uint64_t *ret_size, Err *e)
{
	char path[DIGEST_PATH_SIZE];
	struct stat st;
	digest_path(d, path);
	AUTO(fd_close) int fd = openat(s->blobs, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, "open the blob %s", d->text);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at the blob %s", d->text);
	if (!S_ISREG(st.st_mode))
		return err_make(e, ERR_STATE, 0, "the blob %s is no file", d->text);
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int blob_read(const Store *s, const Digest *d, uint64_t max, Arena *a, const char **ret,
	      size_t *ret_size, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	uint64_t size;
	Digest is;
	TRY(blob_open(s, d, &fd, &size, e));
	if (size > max)
		return err_make(e, ERR_STATE, EFBIG, "the blob %s", d->text);
	char *text = arena_alloc(a, size + 1);
	ssize_t n = fd_read_up_to(fd, text, size + 1);
	if (n < 0)
		return err_sys(e, "read the blob %s", d->text);
	digest_sum(d->algorithm, text, (size_t)n, &is);
	if (!digest_equal(&is, d))
		return err_make(e, ERR_STATE, 0,
				"the blob %s is damaged: 'mydocker system check --repair' fetches it again",
				d->text);
	*ret = text;
	*ret_size = (size_t)n;
	return 0;
}

int blob_put(const Store *s, DigestAlgorithm algorithm, const char *text, size_t size, Digest *ret,
	     Err *e)
{
	char path[DIGEST_PATH_SIZE], beside[64];
	digest_sum(algorithm, text, size, ret);
	digest_path(ret, path);
	if (faccessat(s->blobs, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	TRY(digest_folder_make(s->blobs, ret, e));
	(void)str_format(beside, sizeof beside, "blob.%d", (int)getpid()); /* it fits */
	AUTO(fd_close)
	int fd = openat(s->staging, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "make the blob %s", ret->text);
	TRY(fd_write_all(fd, text, size, "a blob", e));
	if (fsync(fd) < 0 || renameat(s->staging, beside, s->blobs, path) < 0)
		return err_sys(e, "put the blob %s in place", ret->text);
	return digest_folder_sync(s->blobs, ret, e);
}
