#include "kern/tree.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/sys.h"

DEFINE_AUTO(DIR *, closedir, NULL)

typedef struct Removal {
	const char *name; /* of the top, for messages */
	int top;
	unsigned long moved; /* directories moved up so far: makes their names there */
	Err *e;
} Removal;

#define STAY (RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* A directory without the permissions of its owner cannot be listed by an ordinary user, not even by the owner. */
static int grant_to_owner(int dirfd, const char *name)
{
	char path[40];
	AUTO(fd_close) int fd = sys_openat2(dirfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, STAY);
	if (fd < 0)
		return -errno;
	TRY(str_format(path, sizeof path, "/proc/self/fd/%d", fd));
	return chmod(path, 0700) < 0 ? -errno : 0;
}

static int open_dir(int dirfd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = sys_openat2(dirfd, name, (uint64_t)flags, 0, STAY);
	if (fd < 0 && errno == EACCES && grant_to_owner(dirfd, name) == 0)
		fd = sys_openat2(dirfd, name, (uint64_t)flags, 0, STAY);
	return fd < 0 ? -errno : fd;
}

/* Removes one entry unless it is a directory with content: -ENOTEMPTY. */
static int remove_entry(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

/* Moves a directory that has content into the top, under a name that is free there. */
static int move_up(Removal *r, int dirfd, const char *name)
{
	for (;;) {
		char new_name[40];
		TRY(str_format(new_name, sizeof new_name, ".moved-up-%lu", r->moved++));
		if (renameat(dirfd, name, r->top, new_name) == 0 || errno == ENOENT)
			return 0;
		/* Its ".." changes, too: an ordinary user must be allowed to write to it. */
		if (errno == EACCES && grant_to_owner(dirfd, name) == 0 &&
		    renameat(dirfd, name, r->top, new_name) == 0)
			return 0;
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			return -errno;
	}
}

static int failed(Removal *r, int n, const char *entry)
{
	return err_make(r->e, ERR_SYS, -n, "remove '%s' of '%s'", entry, r->name);
}

typedef int (*EntryFn)(Removal *r, int dirfd, const char *name);

/* Goes over a directory until it is empty. fn removes each entry or moves it away. No second descriptor for it: a start that failed for
 * lack of them has to be cleaned up after. */
static int empty_dir(Removal *r, int take_fd, EntryFn fn)
{
	AUTO(closedir) DIR *d = fdopendir(take_fd);
	if (!d) {
		fd_close(take_fd);
		return err_sys(r->e, "remove '%s'", r->name);
	}
	bool found;
	do {
		found = false;
		rewinddir(d);
		struct dirent *entry;
		while (errno = 0, (entry = readdir(d))) {
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			found = true;
			TRY(fn(r, take_fd, entry->d_name));
		}
		if (errno)
			return err_sys(r->e, "list '%s'", r->name);
	} while (found);
	return 0;
}

/* An entry of a directory in the top. */
static int second_level(Removal *r, int dirfd, const char *name)
{
	int n = remove_entry(dirfd, name);
	if (n == -ENOTEMPTY)
		n = move_up(r, dirfd, name);
	return n < 0 ? failed(r, n, name) : 0;
}

/* An entry of the top. */
static int first_level(Removal *r, int dirfd, const char *name)
{
	int n = remove_entry(dirfd, name);
	if (n == -EACCES && grant_to_owner(dirfd, ".") == 0)
		n = remove_entry(dirfd, name);
	if (n != -ENOTEMPTY)
		return n < 0 ? failed(r, n, name) : 0;
	AUTO(fd_close) int fd = open_dir(dirfd, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : failed(r, fd, name);
	if (fchmod(fd, 0700) < 0 && errno != EPERM) /* EPERM: another user's; the removal itself will tell */
		return failed(r, -errno, name);
	TRY(empty_dir(r, TAKE_FD(fd), second_level));
	n = remove_entry(dirfd, name);
	return n < 0 ? failed(r, n, name) : 0;
}

int tree_remove_at(int dirfd, const char *name, Err *e)
{
	assert(!strchr(name, '/'));
	int n = remove_entry(dirfd, name);
	if (n != -ENOTEMPTY)
		return n < 0 ? err_make(e, ERR_SYS, -n, "remove '%s'", name) : 0;
	AUTO(fd_close) int top = open_dir(dirfd, name);
	if (top == -ENOENT)
		return 0;
	if (top < 0)
		return err_make(e, ERR_SYS, -top, "open '%s' to remove it%s", name,
				top == -EXDEV ? ": something is mounted there" : "");
	Removal r = { .name = name, .top = top, .e = e };
	TRY(empty_dir(&r, TAKE_FD(top), first_level));
	n = remove_entry(dirfd, name);
	return n < 0 ? err_make(e, ERR_SYS, -n, "remove '%s'", name) : 0;
}

int tree_remove(const char *path, Err *e)
{
	char parent[PATH_MAX];
	if (str_format(parent, sizeof parent, "%s", path) < 0)
		return err_make(e, ERR_SYS, ENAMETOOLONG, "remove '%s'", path);
	char *slash = strrchr(parent, '/');
	if (!slash || !slash[1])
		return err_make(e, ERR_BUG, EINVAL, "'%s' is no absolute path of a directory", path);
	*slash = '\0';
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, *parent ? parent : "/",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open %s", parent);
	return tree_remove_at(fd, slash + 1, e);
}
