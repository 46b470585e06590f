/* The content of a folder that a tmpfs is going to cover, copied into it (the mount option "tmpcopyup").
 *
 * The source is HOSTILE: only regular files and folders are opened, never through a link; what changes meanwhile is copied as it is found.
 * Depth is bounded, since each level holds two descriptors and some stack; size is bounded by the tmpfs and the memory limit. */
#include <dirent.h>
#include <limits.h>
#include <sys/sendfile.h>

#include "base/str.h"
#include "init/init.h"
#include "kern/sys.h"

#define DEPTH_MOST 100

/* Opens for reading what was looked at, and nothing else. */
static int reopen(int handle, int flags, int *ret, Err *e)
{
	char path[32];
	(void)str_format(path, sizeof path, "/proc/self/fd/%d", handle); /* it fits */
	*ret = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | flags);
	return *ret < 0 ? err_sys(e, "open it") : 0;
}

static int file_copy(int handle, int to, const char *name, Err *e)
{
	AUTO(fd_close) int in = FD_NONE;
	TRY(reopen(handle, O_NONBLOCK, &in, e));
	AUTO(fd_close)
	int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return err_sys(e, "make it");
	ssize_t n;
	do
		n = sendfile(out, in, NULL, 1 << 20);
	while (n > 0);
	return n < 0 ? err_sys(e, "write it") : 0;
}

static int link_copy(int handle, int to, const char *name, Err *e)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(handle, "", text, sizeof text - 1);
	if (n < 0)
		return err_sys(e, "read the symbolic link");
	text[n] = '\0';
	return symlinkat(text, to, name) < 0 ? err_sys(e, "make it") : 0;
}

static int folder_copy(int from, int to, unsigned depth, Err *e);

static int below_copy(int handle, int to, const char *name, unsigned depth, Err *e)
{
	AUTO(fd_close) int from = FD_NONE;
	TRY(reopen(handle, O_DIRECTORY, &from, e));
	if (mkdirat(to, name, 0700) < 0)
		return err_sys(e, "make it");
	AUTO(fd_close) int made = openat(to, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0)
		return err_sys(e, "open it");
	return folder_copy(from, made, depth + 1, e);
}

static int content_make(int handle, int to, const char *name, const struct stat *st, unsigned depth,
			Err *e)
{
	if (S_ISREG(st->st_mode))
		return file_copy(handle, to, name, e);
	if (S_ISLNK(st->st_mode))
		return link_copy(handle, to, name, e);
	if (S_ISDIR(st->st_mode))
		return below_copy(handle, to, name, depth, e);
	return mknodat(to, name, st->st_mode, st->st_rdev) < 0 ? err_sys(e, "make it") : 0;
}

/* An owner without an id in this user namespace cannot be given: the copy stays ours. */
static int entry_copy(int from, int to, const char *name, unsigned depth, Err *e)
{
	struct stat st;
	AUTO(fd_close) int handle = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (handle < 0 || fstat(handle, &st) < 0)
		return err_sys(e, "look at it");
	TRY(content_make(handle, to, name, &st, depth, e));
	/* The bare call: musl's has a second way for kernels that are too old for us. */
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	if ((fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL) ||
	    (!S_ISLNK(st.st_mode) && fchmodat(to, name, st.st_mode & 07777, 0) < 0) ||
	    syscall(SYS_utimensat, to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "set its owner, mode and time");
	return 0;
}

static int folder_copy(int from, int to, unsigned depth, Err *e)
{
	_Alignas(struct dirent) char buf[2048];
	if (depth > DEPTH_MOST)
		return err_make(e, ERR_SPEC, ELOOP, "more than %u folders deep", DEPTH_MOST);
	for (;;) {
		long n = syscall(SYS_getdents64, from, buf, sizeof buf);
		if (n <= 0)
			return n < 0 ? err_sys(e, "list it") : 0;
		const struct dirent *entry;
		for (long at = 0; at < n; at += entry->d_reclen) {
			entry = (const struct dirent *)(const void *)(buf + at);
			const char *name = entry->d_name;
			if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
				continue;
			int r = entry_copy(from, to, name, depth, e);
			if (r < 0)
				return err_wrap(e, r, depth ? "%s" : "copy up %s", name);
		}
	}
}

int content_copy(int from, int to, Err *e)
{
	return folder_copy(from, to, 0, e);
}
