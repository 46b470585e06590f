#include "kern/path.h"

#include <limits.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/sys.h"

#define IN_ROOT   (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define LINKS_MAX 40 /* as in the kernel, path_resolution(7) */
#define RACES_MAX 64

/* EAGAIN: a rename elsewhere made ".." uncertain, openat2(2). */
int path_try_in_root(int rootfd, const char *path, int flags, unsigned long resolve)
{
	for (int i = 0;; i++) {
		int fd = sys_openat2(rootfd, path, (unsigned)(flags | O_CLOEXEC), 0, IN_ROOT | resolve);
		if (fd >= 0)
			return fd;
		if (errno != EINTR && (errno != EAGAIN || i == RACES_MAX))
			return -errno;
	}
}

int path_open_in_root(int rootfd, const char *path, int flags, int *ret_fd, Err *e)
{
	int fd = path_try_in_root(rootfd, path, flags, 0);
	if (fd < 0)
		return err_make(e, ERR_SYS, -fd, "'%s' in the container's root", path);
	*ret_fd = fd;
	return 0;
}

/* A walk through a path, component by component. */
typedef struct Walk {
	int rootfd;
	const char *path;    /* as asked for, for messages */
	int dir;             /* where we are, or FD_NONE: at the root */
	char done[PATH_MAX]; /* the same as text, free of links and ".."; "" is the root */
	char todo[PATH_MAX]; /* what is left */
	unsigned links;
	PathKind kind;
	unsigned flags;
} Walk;

static inline void walk_done_auto(Walk *w)
{
	fd_close_auto(&w->dir);
}

static int walk_dir(const Walk *w)
{
	return w->dir < 0 ? w->rootfd : w->dir;
}

static void walk_enter(Walk *w, int dir)
{
	fd_close_auto(&w->dir);
	w->dir = dir;
}

static int walk_too_long(const Walk *w, Err *e)
{
	return err_make(e, ERR_SYS, ENAMETOOLONG, "'%s' in the container's root", w->path);
}

/* "..": by text, since no link is left in it, and then from the root again, which cannot leave it. */
static int walk_up(Walk *w, Err *e)
{
	char *slash = strrchr(w->done, '/');
	if (!slash)
		return 0; /* the root is its own parent */
	*slash = '\0';
	int dir = FD_NONE;
	if (*w->done)
		TRY(path_open_in_root(w->rootfd, w->done, O_PATH | O_DIRECTORY, &dir, e));
	walk_enter(w, dir);
	return 0;
}

static int link_refused(const char *path, Err *e)
{
	return err_make(e, ERR_SPEC, ELOOP,
			"'%s' in the container's root leads through a symbolic link", path);
}

/* Replaces the link `fd` by its target in front of what is left to do. */
static int walk_link(Walk *w, int fd, Err *e)
{
	char target[PATH_MAX];
	if (w->flags & PATH_NO_SYMLINKS)
		return link_refused(w->path, e);
	if (++w->links > LINKS_MAX)
		return err_make(e, ERR_SYS, ELOOP, "'%s' in the container's root", w->path);
	ssize_t n = readlinkat(fd, "", target, sizeof target);
	if (n < 0)
		return err_sys(e, "read a symbolic link of '%s' in the container's root", w->path);
	size_t len = (size_t)n, rest = strlen(w->todo) + 1;
	if (len + 1 + rest > sizeof w->todo)
		return walk_too_long(w, e);
	memmove(w->todo + len + 1, w->todo, rest);
	memcpy(w->todo, target, len);
	w->todo[len] = '/';
	if (target[0] == '/') {
		walk_enter(w, FD_NONE);
		w->done[0] = '\0';
	}
	return 0;
}

/* Makes name, the last or an inner component, where we are. Returns 0 also when somebody else was faster. */
static int walk_make(Walk *w, const char *name, bool last, Err *e)
{
	if (last && w->kind == PATH_FILE) {
		int fd = openat(walk_dir(w), name,
				O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
		if (fd >= 0) {
			fd_close(fd);
			return 0;
		}
	} else if (mkdirat(walk_dir(w), name, 0755) == 0) {
		return 0;
	}
	if (errno == EEXIST)
		return 0;
	return err_sys(e, "make '%s' in the container's root", w->path);
}

static int walk_open(Walk *w, const char *name, bool last, int *ret_fd, Err *e)
{
	for (int i = 0; i < RACES_MAX; i++) {
		int fd = openat(walk_dir(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != ENOENT)
			return err_sys(e, "'%s' in the container's root", w->path);
		TRY(walk_make(w, name, last, e));
	}
	return err_make(e, ERR_SYS, EAGAIN, "'%s' in the container's root changes all the time",
			w->path);
}

/* One component, which is neither "." nor "..". */
static int walk_into(Walk *w, const char *name, bool last, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	struct stat st;

	TRY(walk_open(w, name, last, &fd, e));
	if (fstat(fd, &st) < 0)
		return err_sys(e, "'%s' in the container's root", w->path);
	if (S_ISLNK(st.st_mode))
		return walk_link(w, fd, e);
	size_t len = strlen(w->done);
	if (str_format(w->done + len, sizeof w->done - len, "/%s", name) < 0)
		return walk_too_long(w, e);
	walk_enter(w, TAKE_FD(fd));
	return 0;
}

static int walk(Walk *w, Err *e)
{
	char name[NAME_MAX + 1];
	for (;;) {
		const char *start = w->todo + strspn(w->todo, "/");
		size_t len = strcspn(start, "/");
		if (len == 0)
			return 0;
		if (len > NAME_MAX)
			return walk_too_long(w, e);
		memcpy(name, start, len);
		name[len] = '\0';
		const char *rest = start + len;
		bool last = rest[strspn(rest, "/")] == '\0';
		memmove(w->todo, rest, strlen(rest) + 1);
		if (strcmp(name, ".") == 0)
			continue;
		TRY(strcmp(name, "..") == 0 ? walk_up(w, e) : walk_into(w, name, last, e));
	}
}

int path_make_entry(int dir, const char *name, PathKind kind)
{
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -ENOENT;
	if (kind == PATH_DIR) {
		if (mkdirat(dir, name, 0755) < 0)
			return -ENOENT;
		int made = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return made < 0 ? -ENOENT : made; /* exchanged at once */
	}
	int file = openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
	if (file < 0)
		return -ENOENT;
	fd_close(file);
	int made = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (made >= 0 && fstat(made, &st) == 0 && S_ISREG(st.st_mode))
		return made;
	if (made >= 0)
		fd_close(made);
	return -ENOENT;
}

/* The usual case of something missing: all but the last component exists. In two calls and one to open what was made; -ENOENT when it
 * is another case (a dangling link, "..", more that is missing), in which the walk decides. */
static int make_last(int rootfd, const char *path, PathKind kind, unsigned long resolve)
{
	char above[PATH_MAX];
	const char *name = err_basename(path);
	if (str_format(above, sizeof above, "/%.*s", (int)(name - path), path) < 0)
		return -ENOENT;
	AUTO(fd_close) int dir = path_try_in_root(rootfd, above, O_PATH | O_DIRECTORY, resolve);
	return dir < 0 ? -ENOENT : path_make_entry(dir, name, kind);
}

int path_make_in_root(int rootfd, const char *path, PathKind kind, unsigned flags, int *ret_fd, Err *e)
{
	unsigned long resolve = flags & PATH_NO_SYMLINKS ? RESOLVE_NO_SYMLINKS : 0;
	int fd = path_try_in_root(rootfd, path, O_PATH, resolve); /* the common case in one call */
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd == -ELOOP && (flags & PATH_NO_SYMLINKS))
		return link_refused(path, e);
	if (fd == -ENOENT)
		fd = make_last(rootfd, path, kind, resolve);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd != -ENOENT)
		return err_make(e, ERR_SYS, -fd, "'%s' in the container's root", path);
	AUTO(walk_done)
	Walk w = { .rootfd = rootfd, .path = path, .dir = FD_NONE, .kind = kind, .flags = flags };
	if (str_format(w.todo, sizeof w.todo, "%s", path) < 0)
		return walk_too_long(&w, e);
	TRY(walk(&w, e));
	if (w.dir < 0)
		return path_open_in_root(rootfd, "/", O_PATH | O_DIRECTORY, ret_fd, e);
	*ret_fd = TAKE_FD(w.dir);
	return 0;
}

int path_parent_in_root(int rootfd, const char *path, int *ret_dir, const char **ret_name, Err *e)
{
	char dir[PATH_MAX];
	const char *name = err_basename(path);
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_make(e, ERR_SPEC, EINVAL, "'%s' does not name a file", path);
	if (str_format(dir, sizeof dir, "%s%.*s", path[0] == '/' ? "" : "/", (int)(name - path),
		       path) < 0)
		return err_make(e, ERR_SYS, ENAMETOOLONG, "'%s' in the container's root", path);
	TRY(path_make_in_root(rootfd, dir, PATH_DIR, 0, ret_dir, e));
	*ret_name = name;
	return 0;
}

ssize_t path_read_in_root(int rootfd, const char *path, char *buf, size_t size, Err *e)
{
	AUTO(fd_close) int handle = FD_NONE;
	AUTO(fd_close) int fd = FD_NONE;
	struct stat st;
	char again[32];

	TRY(path_open_in_root(rootfd, path, O_PATH | O_NOFOLLOW, &handle, e));
	if (fstat(handle, &st) < 0)
		return err_sys(e, "'%s' in the container's root", path);
	if (!S_ISREG(st.st_mode))
		return err_make(e, ERR_SPEC, 0, "'%s' in the container's root is %s", path,
				S_ISLNK(st.st_mode) ? "a symbolic link, which is not followed here"
						    : "not a regular file");
	(void)str_format(again, sizeof again, "/proc/self/fd/%d",
			 handle); /* the very file that was looked at; it fits */
	fd = openat(AT_FDCWD, again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s' in the container's root", path);
	ssize_t n = fd_read_up_to(fd, buf, size);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read '%s' in the container's root", path);
	if ((size_t)n == size)
		return err_make(e, ERR_SPEC, EFBIG,
				"'%s' in the container's root has more than %zu bytes", path, size - 1);
	buf[n] = '\0';
	return n;
}
