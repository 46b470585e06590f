#include "kern/tree_chown.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"

typedef struct Owner {
	uid_t uid;
	gid_t gid;
} Owner;

DEFINE_AUTO(DIR *, closedir, NULL)

static int dir_chown(int dirfd, const char *name, const Owner *to, unsigned depth, Err *e);

/* What is exchanged between the two calls is as good: all in this folder gets the owner. */
static int entry_chown(int dirfd, const char *name, const Owner *to, unsigned depth, Err *e)
{
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at it");
	if ((st.st_uid != to->uid || st.st_gid != to->gid) &&
	    fchownat(dirfd, name, to->uid, to->gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return err_sys(e, "change its owner");
	return S_ISDIR(st.st_mode) ? dir_chown(dirfd, name, to, depth + 1, e) : 0;
}

static int dir_chown(int dirfd, const char *name, const Owner *to, unsigned depth, Err *e)
{
	if (depth > LIMIT_TREE_DEPTH)
		return err_make(e, ERR_SPEC, ELOOP, "more than %u directories deep", LIMIT_TREE_DEPTH);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "open it"); /* it has gone */
	AUTO(closedir) DIR *d = fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return err_sys(e, "open it");
	}
	struct dirent *entry;
	while (errno = 0, (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int r = entry_chown(fd, entry->d_name, to, depth, e);
		if (r < 0)
			return err_wrap(e, r, "%s", entry->d_name);
	}
	return errno ? err_sys(e, "list it") : 0;
}

int tree_chown(int fd, uid_t uid, gid_t gid, Err *e)
{
	const Owner to = { .uid = uid, .gid = gid };
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at it");
	if ((st.st_uid != uid || st.st_gid != gid) &&
	    fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "change its owner");
	return S_ISDIR(st.st_mode) ? dir_chown(fd, ".", &to, 0, e) : 0;
}
