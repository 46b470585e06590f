#include "runtime/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "kern/tree.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

void state_close(State *s)
{
	fd_close_auto(&s->containers_fd);
	fd_close_auto(&s->names_fd);
	*s = STATE_NONE;
}

void container_dir_close(ContainerDir *d)
{
	fd_close_auto(&d->fd);
	d->fd = FD_NONE;
}

/* Makes every missing directory above path's last component. */
static int parents_make(const char *path, Arena *a, Err *e)
{
	char *p = arena_strdup(a, path);
	for (char *slash = strchr(p + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make directory %s", p);
		*slash = '/';
	}
	return 0;
}

static int top_open(const char *path, Arena *a, int *ret_fd, Err *e)
{
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, DIR_FLAGS);
	if (fd < 0 && errno == ENOENT) {
		TRY(parents_make(path, a, e));
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make state directory %s", path);
		fd = openat(AT_FDCWD, path, DIR_FLAGS);
	}
	if (fd < 0)
		return err_sys(e, "open state directory %s", path);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat state directory %s", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return err_make(e, ERR_STATE, EPERM,
				"state directory %s belongs to another user or others may write to it",
				path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int sub_open(int dirfd, const char *dir, const char *name, int *ret_fd, Err *e)
{
	int fd = openat(dirfd, name, DIR_FLAGS);
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make directory %s/%s", dir, name);
		fd = openat(dirfd, name, DIR_FLAGS);
	}
	if (fd < 0)
		return err_sys(e, "open directory %s/%s", dir, name);
	*ret_fd = fd;
	return 0;
}

int state_open(const char *path, Arena *a, State *ret, Err *e)
{
	AUTO(fd_close) int top = FD_NONE;
	AUTO(state_close) State s = STATE_NONE;
	TRY(top_open(path, a, &top, e));
	TRY(sub_open(top, path, "containers", &s.containers_fd, e));
	TRY(sub_open(top, path, "names", &s.names_fd, e));
	s.path = path;
	*ret = TAKE(s, STATE_NONE);
	return 0;
}

/* Opens and locks one container's directory. A sweeper may have locked and removed it between its making and this: then -ENOENT. */
static int dir_lock(State *s, const char *id, int how, Arena *a, ContainerDir *ret)
{
	AUTO(fd_close) int fd = openat(s->containers_fd, id, DIR_FLAGS);
	struct stat st;
	if (fd < 0)
		return -errno;
	while (flock(fd, how) < 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_nlink == 0)
		return -ENOENT;
	*ret = (ContainerDir){ .id = arena_strdup(a, id),
			       .path = arena_printf(a, "%s/containers/%s", s->path, id),
			       .fd = TAKE_FD(fd) };
	return 0;
}

int state_add(State *s, const char *id, Arena *a, ContainerDir *ret, Err *e)
{
	for (;;) {
		if (mkdirat(s->containers_fd, id, 0700) < 0) {
			if (errno == EEXIST)
				return err_make(e, ERR_EXISTS, EEXIST, "container %s", id);
			return err_sys(e, "make %s/containers/%s", s->path, id);
		}
		int r = dir_lock(s, id, LOCK_EX, a, ret);
		if (r == -ENOENT)
			continue; /* swept before we had the lock */
		errno = -r;
		return r < 0 ? err_sys(e, "lock %s/containers/%s", s->path, id) : 0;
	}
}

int state_lock(State *s, const char *id, Arena *a, ContainerDir *ret, Err *e)
{
	int r = dir_lock(s, id, LOCK_EX | LOCK_NB, a, ret);
	if (r == 0 || r == -EBUSY || r == -ENOENT)
		return r;
	errno = -r;
	return err_sys(e, "lock %s/containers/%s", s->path, id);
}

int state_remove(State *s, ContainerDir *d, Err *e)
{
	int r = tree_remove_at(s->containers_fd, d->id, e);
	container_dir_close(d);
	return r == -ENOENT ? 0 : r;
}

/* Reads the id behind a name. */
static const char *name_holder(State *s, const char *name, Arena *a)
{
	char id[256];
	ssize_t n = readlinkat(s->names_fd, name, id, sizeof id);
	return n < 0 ? "" : arena_strndup(a, id, (size_t)n);
}

/* Looking at a name and then acting on it is one step for everybody: else one could give back what another has just taken. */
static int names_lock(State *s)
{
	while (flock(s->names_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void names_unlock(State *s)
{
	(void)flock(s->names_fd, LOCK_UN); /* cannot fail for a lock that is held */
}

int state_ids_lock(State *s, Err *e)
{
	while (flock(s->containers_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "lock %s/containers", s->path);
	return 0;
}

void state_ids_unlock(State *s)
{
	while (flock(s->containers_fd, LOCK_UN) < 0 && errno == EINTR)
		;
}

int state_name_take(State *s, const char *name, const char *id, Arena *a, const char **ret_holder)
{
	TRY(names_lock(s));
	int r = symlinkat(id, s->names_fd, name) < 0 ? -errno : 0;
	if (r < 0)
		*ret_holder = r == -EEXIST ? name_holder(s, name, a) : "";
	names_unlock(s);
	return r;
}

static int name_remove(State *s, const char *name, const char *id)
{
	char holder[256];
	ssize_t n = readlinkat(s->names_fd, name, holder, sizeof holder);
	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? 0 : -errno; /* EINVAL: no link, so nobody's name */
	if ((size_t)n != strlen(id) || memcmp(holder, id, (size_t)n) != 0)
		return 0;
	return unlinkat(s->names_fd, name, 0) < 0 ? -errno : 0;
}

int state_name_give(State *s, const char *name, const char *id)
{
	TRY(names_lock(s));
	int r = name_remove(s, name, id);
	names_unlock(s);
	return r;
}
