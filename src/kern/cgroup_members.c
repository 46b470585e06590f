#include "kern/cgroup_members.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"
#include "kern/cgroup_parts.h"
#include "kern/process.h"
#include "kern/sys.h"

DEFINE_AUTO(DIR *, closedir, NULL)

#define DEPTH_MOST \
	64 /* of groups in one another: the kernel's own limit is a number of a v2 group, by default none */

/* ---- listing ---- */

/* Whole lines only: what is left of the last one is kept at the beginning of the buffer. */
static int numbers_take(char *text, size_t *len, Arena *a, CgroupMembers *m)
{
	char *line = text, *end;
	text[*len] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		uint32_t pid;
		*end = '\0';
		if (num_parse_u32(line, INT32_MAX, &pid) < 0)
			return -EINVAL;
		if (pid > 0)
			*arena_push(a, &m->pids, &m->count, pid_t) = (pid_t)pid;
	}
	*len -= (size_t)(line - text);
	memmove(text, line, *len);
	return 0;
}

/* cgroup.procs of both kinds. */
static int own_members(int dirfd, Arena *a, CgroupMembers *m)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;
	AUTO(fd_close) int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + len, sizeof text - 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EOPNOTSUPP ? 0 : -errno; /* a threaded group: its domain lists it */
		len += (size_t)n;
		int r = numbers_take(text, &len, a, m);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A group that goes away meanwhile has nobody in it. */
static int members_below(int dirfd, unsigned depth, Arena *a, CgroupMembers *m)
{
	int r = own_members(dirfd, a, m);
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closedir) DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	if (!d)
		fd_close_auto(&copy);
	struct dirent *entry;
	while (r == 0 && d && (entry = readdir(d))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		AUTO(fd_close)
		int below = openat(dirfd, entry->d_name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			r = depth < DEPTH_MOST ? members_below(below, depth + 1, a, m) : -ELOOP;
	}
	return r == -ENODEV || r == -ENOENT ? 0 : r;
}

static int compare(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

int cgroup_members(const char *dir, Arena *a, CgroupMembers *ret, Err *e)
{
	CgroupMembers m = { 0 };
	AUTO(fd_close) int fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd >= 0 ? members_below(fd, 0, a, &m) : errno == ENOENT ? 0 : -errno;
	if (r < 0)
		return err_make(e, ERR_SYS, -r, "list what is in the group %s", dir);
	if (m.count > 1)
		qsort(m.pids, m.count, sizeof *m.pids, compare);
	*ret = m;
	return 0;
}

/* ---- signals ---- */

static bool is_in(const CgroupMembers *m, pid_t pid)
{
	return m->count > 0 && bsearch(&pid, m->pids, m->count, sizeof pid, compare);
}

/* A number may change hands between the list and the pidfd, so who is still listed after that is the one that is meant. */
int cgroup_signal(const char *dir, int sig, Arena *a, Err *e)
{
	CgroupMembers before, after;
	int failed = 0;
	TRY(cgroup_members(dir, a, &before, e));
	int *pidfds = arena_new_array(a, before.count, int);
	for (size_t i = 0; i < before.count; i++)
		pidfds[i] = sys_pidfd_open(before.pids[i], 0);
	int r = cgroup_members(dir, a, &after, e);
	for (size_t i = 0; i < before.count; i++) {
		int sent = r == 0 && pidfds[i] >= 0 && is_in(&after, before.pids[i])
				   ? process_signal(pidfds[i], sig)
				   : 0;
		if (sent < 0 && sent != -ESRCH)
			failed = sent;
		fd_close_auto(&pidfds[i]);
	}
	TRY(r);
	return failed < 0 ? err_make(e, ERR_SYS, -failed,
				     "send signal %d to what is in the group %s", sig, dir)
			  : 0;
}

/* ---- freezing ---- */

#define WAIT_MS 10000

static const char *freezer_v1(int dirfd)
{
	return faccessat(dirfd, "freezer.state", F_OK, 0) == 0 ? "freezer.state" : NULL;
}

/* v1 says FREEZING until all are; v2 has the wish in one file, and how it is in another. */
static int wish_read(int dirfd)
{
	char text[32];
	if (freezer_v1(dirfd)) {
		ssize_t n = fd_read_text_at(dirfd, "freezer.state", text, sizeof text);
		return n < 0 ? (int)n : !str_eq(text, "THAWED");
	}
	ssize_t n = fd_read_text_at(dirfd, "cgroup.freeze", text, sizeof text);
	return n < 0 ? (int)n : str_eq(text, "1");
}

static bool is_so(int dirfd, bool on)
{
	char text[32];
	uint64_t frozen;
	if (freezer_v1(dirfd))
		return fd_read_text_at(dirfd, "freezer.state", text, sizeof text) >= 0 &&
		       str_eq(text, on ? "FROZEN" : "THAWED");
	return cgroup_read_key(dirfd, "cgroup.events", "frozen", &frozen) == 0 && (frozen == 1) == on;
}

static int wish_write(int dirfd, bool on)
{
	return freezer_v1(dirfd) ? fd_write_text_at(dirfd, "freezer.state", on ? "FROZEN" : "THAWED")
				 : fd_write_text_at(dirfd, "cgroup.freeze", on ? "1" : "0");
}

bool cgroup_is_v1(const char *dir)
{
	char path[4096];
	return str_format(path, sizeof path, "%s/tasks", dir) >= 0 && access(path, F_OK) == 0;
}

int cgroup_is_frozen(const char *dir)
{
	AUTO(fd_close) int fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : wish_read(fd);
}

/* A v1 group in which somebody is just being made may stay FREEZING until the wish is written again. */
int cgroup_freeze(const char *dir, bool on, Err *e)
{
	const struct timespec step = { .tv_nsec = 1000000 };
	AUTO(fd_close) int fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the group %s", dir);
	for (int ms = 0; ms < WAIT_MS; ms++) {
		int r = ms % 16 == 0 ? wish_write(fd, on) : 0;
		if (r == -ENOENT)
			return r;
		if (r < 0)
			return err_make(e, ERR_SYS, -r, "%s the group %s", on ? "freeze" : "thaw", dir);
		if (is_so(fd, on))
			return 0;
		(void)nanosleep(&step, NULL); /* a signal makes it shorter */
	}
	(void)wish_write(fd, false); /* not half frozen for ever */
	return err_make(e, ERR_STATE, EBUSY, "%s the group %s: what is in it does not follow",
			on ? "freeze" : "thaw", dir);
}
