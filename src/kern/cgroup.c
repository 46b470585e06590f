#include "kern/cgroup.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "kern/cgroup_members.h"
#include "kern/cgroup_parts.h"
#include "kern/process.h"
#include "kern/sys.h"

#define PATH_SIZE 4096
#define RACES_MAX 64

DEFINE_AUTO(DIR *, closedir, NULL)

/* ---- making ---- */

int cgroup_each_level(const char *top, const char *dir, CgroupLevelFn fn, const void *arg, Err *e)
{
	char above[PATH_SIZE], path[PATH_SIZE];
	TRY(str_format(above, sizeof above, "%s", top));
	for (const char *p = dir + strlen(top); *p;) {
		const char *end = strchrnul(p + 1, '/');
		TRY(str_format(path, sizeof path, "%.*s", (int)(end - dir), dir));
		TRY(fn(above, path, arg, e));
		memcpy(above, path, sizeof above);
		p = end;
	}
	return 0;
}

typedef struct Parents {
	const char *leaf;
	unsigned *made;
} Parents;

static int make_level(const char *above, const char *dir, const void *arg, Err *e)
{
	const Parents *p = arg;
	(void)above;
	if (strcmp(dir, p->leaf) == 0)
		return 0;
	if (mkdir(dir, 0755) == 0)
		(*p->made)++;
	else if (errno != EEXIST)
		return err_sys(e, "make the group %s", dir);
	return 0;
}

static int make_leaf(const CgroupRequest *r, unsigned *parents_made, bool *ret_found, Err *e)
{
	Parents p = { .leaf = r->dir, .made = parents_made };
	if (r->maker == CGROUP_BY_OTHERS)
		return 0;
	int n = mkdir(r->dir, 0755);
	/* Others may remove a parent in which nobody is yet. */
	for (int i = 0; n < 0 && errno == ENOENT && i < RACES_MAX; i++) {
		TRY(cgroup_each_level(r->top, r->dir, make_level, &p, e));
		n = mkdir(r->dir, 0755);
	}
	if (n == 0 || (errno == EEXIST && r->maker == CGROUP_BY_WHOEVER))
		return 0;
	*ret_found = errno == EEXIST;
	if (*ret_found)
		return 0;
	if (errno == ENOMEM)
		return err_make(e, ERR_SYS, ENOMEM,
				"make the group %s: the memory limit of a group above it is used up",
				r->dir);
	return err_sys(e, "make the group %s", r->dir);
}

static int open_tasks(int dirfd, const char *path, const CgroupRequest *r, int *ret_fd, Err *e)
{
	int tasks = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	if (tasks < 0)
		return err_sys(e, "open %s/tasks", r->dir);
	*ret_fd = tasks;
	return 0;
}

/* Nothing is written to most v1 groups: for them one call does. */
static int open_tasks_alone(const CgroupRequest *r, int *ret_fd, Err *e)
{
	char path[PATH_SIZE];
	TRY(str_format(path, sizeof path, "%s/tasks", r->dir));
	return open_tasks(AT_FDCWD, path, r, ret_fd, e);
}

static int fill(const CgroupRequest *r, unsigned parents_made, int *ret_fd, Err *e)
{
	if (!r->is_v2 && r->writes_count == 0 && !cgroup_v1_has_cpuset(r))
		return open_tasks_alone(r, ret_fd, e);
	AUTO(fd_close) int dirfd = openat(AT_FDCWD, r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(e, "open the group %s", r->dir);
	if (r->is_v2)
		TRY(cgroup_v2_prepare(r, e));
	else
		TRY(cgroup_v1_prepare(r, dirfd, parents_made, e));
	TRY(cgroup_write_all(r, dirfd, e));
	if (r->has_owner)
		TRY(cgroup_v2_give(r, dirfd, e));
	if (r->is_v2) {
		*ret_fd = TAKE_FD(dirfd);
		return 0;
	}
	return open_tasks(dirfd, "tasks", r, ret_fd, e);
}

/* Two that are made at the same moment must not get one group: whoever has its lock, by the descriptor that its process joins by, has it. */
static int claim(const CgroupRequest *r, int fd, Err *e)
{
	if (!r->claim || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_sys(e, "lock the group %s", r->dir);
	return err_make(e, ERR_EXISTS, EEXIST, "make the group %s: in use by another container", r->dir);
}

/* What is there may be used when nobody is in it or below it, and nothing would be held. The words are runc's. */
static int check_unused(const CgroupRequest *r, Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	CgroupMembers in;
	TRY(cgroup_members(r->dir, &a, &in, e));
	if (in.count > 0)
		return err_make(e, ERR_EXISTS, EEXIST,
				"the group %s: container's cgroup is not empty: %zu process(es) found",
				r->dir, in.count);
	if (cgroup_is_frozen(r->dir) > 0)
		return err_make(e, ERR_EXISTS, EEXIST,
				"the group %s: container's cgroup unexpectedly frozen", r->dir);
	return 0;
}

/* Locked first: what is written is for nobody else. */
static int take_existing(const CgroupRequest *r, int *ret_fd, Err *e)
{
	AUTO(fd_close) int joins = FD_NONE;
	AUTO(fd_close) int again = FD_NONE;
	bool is_v2;
	TRY(cgroup_open(r->dir, &is_v2, &joins, e));
	TRY(claim(r, joins, e));
	TRY(check_unused(r, e));
	TRY(fill(r, 0, &again, e));
	*ret_fd = TAKE_FD(joins);
	return 0;
}

int cgroup_make(const CgroupRequest *r, int *ret_fd, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	unsigned parents_made = 0;
	bool found = false;
	assert(path_is_below(r->dir, r->top) && strlen(r->dir) > strlen(r->top));
	TRY(make_leaf(r, &parents_made, &found, e));
	if (found)
		return take_existing(r, ret_fd, e);
	int n = fill(r, parents_made, &fd, e);
	if (n < 0 && r->maker == CGROUP_BY_US)
		(void)rmdir(r->dir); /* nobody has been in it */
	TRY(n);
	TRY(claim(r, fd, e)); /* who has it has found ours before we were in it: it is his */
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int cgroup_open(const char *dir, bool *ret_is_v2, int *ret_fd, Err *e)
{
	char path[PATH_SIZE];
	TRY(str_format(path, sizeof path, "%s/tasks", dir));
	int fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	*ret_is_v2 = fd < 0 && errno == ENOENT;
	if (*ret_is_v2)
		fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the group %s", dir);
	*ret_fd = fd;
	return 0;
}

/* ---- killing ---- */

#define BATCH 64

/* Up to BATCH processes of a group, in this process's pid namespace. Returns their number. */
static int list_processes(int dirfd, pid_t pids[static BATCH])
{
	char text[BATCH * 11 + 1];
	AUTO(fd_close) int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = fd_read_up_to(fd, text, sizeof text - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	int count = 0;
	for (char *p = text, *end; count < BATCH && (end = strchr(p, '\n')); p = end + 1) {
		uint32_t pid;
		*end = '\0';
		if (num_parse_u32(p, INT32_MAX, &pid) == 0)
			pids[count++] = (pid_t)pid;
	}
	return count;
}

static bool is_listed(const pid_t *pids, int count, pid_t pid)
{
	for (int i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Kills those that are in the group before and after their pidfd is opened, so that a pid that changes hands meanwhile hits nobody
 * else. Returns how many there were before. */
static int kill_listed(int dirfd)
{
	pid_t before[BATCH] = { 0 }, after[BATCH] = { 0 };
	int pidfds[BATCH];
	int count = list_processes(dirfd, before);
	for (int i = 0; i < count; i++)
		pidfds[i] = before[i] > 0 ? sys_pidfd_open(before[i], 0)
					  : FD_NONE; /* 0: of another pid namespace */
	int still = count > 0 ? list_processes(dirfd, after) : 0;
	for (int i = 0; i < count; i++) {
		if (pidfds[i] < 0)
			continue;
		if (is_listed(after, still, before[i]))
			(void)process_signal(pidfds[i], SIGKILL); /* ESRCH is what we want */
		fd_close(pidfds[i]);
	}
	return count;
}

/* ---- removing ---- */

static int open_below(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The name of the first group in a group. false: there is none. */
static bool first_child(int dirfd, char name[static NAME_MAX + 1])
{
	int fd = open_below(dirfd, ".");
	AUTO(closedir) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (fd >= 0)
			fd_close(fd);
		return false;
	}
	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		(void)str_format(name, NAME_MAX + 1, "%s", entry->d_name); /* d_name is no longer than that */
		return true;
	}
	return false;
}

/* Removes all groups below one, however deep, with two descriptors: down to a group that has none below it, up by "..". A group
 * cannot be moved to another parent, so ".." leads back. -EBUSY: a process is in one, which is killed first when `kill` says so. */
static int remove_below(int top, bool kill)
{
	char name[NAME_MAX + 1];
	AUTO(fd_close) int at = open_below(top, ".");
	if (at < 0)
		return -errno;
	for (unsigned long depth = 0;;) {
		int next;
		if (first_child(at, name)) {
			if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
				continue;
			if (errno != EBUSY && errno != ENOTEMPTY)
				return -errno;
			next = open_below(at, name);
			char below[NAME_MAX + 1];
			if (next >= 0 && !first_child(next, below)) {
				int found = kill ? kill_listed(next) : 0;
				fd_close(next);
				return found < 0 ? found : -EBUSY;
			}
			depth++;
		} else if (depth > 0) {
			next = open_below(at, "..");
			depth--;
		} else {
			return 0;
		}
		if (next < 0)
			return -errno;
		fd_close(at);
		at = next;
	}
}

/* Sleeps 1, 2, 4 ... 64 ms; false once about 2 s have passed. */
static bool wait_a_little(unsigned *round)
{
	unsigned ms = *round < 6 ? 1u << *round : 64;
	if ((*round)++ >= 36)
		return false;
	const struct timespec time = { .tv_nsec = (long)ms * 1000000 };
	(void)nanosleep(&time, NULL); /* a signal makes the round shorter */
	return true;
}

int cgroup_kill(const char *dir, Err *e)
{
	AUTO(fd_close) int dirfd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 && errno == ENOENT)
		return 0;
	if (dirfd < 0)
		return err_sys(e, "open the group %s", dir);
	int n = cgroup_v2_kill(dirfd);
	if (n == -ENODEV)
		return 0; /* others have removed it meanwhile */
	if (n < 0)
		return err_make(e, ERR_SYS, -n, "kill what is in the group %s", dir);
	if (n == 0)
		(void)fd_write_text_at(dirfd, "freezer.state",
				       "THAWED"); /* v1: the frozen do not die; other groups have no such file */
	for (unsigned round = 0; n == 0;) {
		int found = kill_listed(dirfd), below = remove_below(dirfd, true);
		if (found == 0 && below == 0)
			break;
		if (found < 0)
			return found == -ENODEV || found == -ENOENT
				       ? 0
				       : err_make(e, ERR_SYS, -found,
						  "list what is in the group %s", dir);
		if (!wait_a_little(&round))
			return err_make(e, ERR_STATE, EBUSY,
					"kill what is in the group %s: it does not die", dir);
	}
	return 0;
}

int cgroup_remove(const char *dir, Err *e)
{
	for (unsigned round = 0;;) {
		if (rmdir(dir) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY && errno != ENOTEMPTY)
			return err_sys(e, "remove the group %s", dir);
		AUTO(fd_close)
		int dirfd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int n = dirfd >= 0 ? remove_below(dirfd, false) : -errno;
		if (n == 0 && (rmdir(dir) == 0 || errno == ENOENT))
			return 0;
		if (n < 0 && n != -EBUSY && n != -ENOENT && n != -ENODEV)
			return err_make(e, ERR_SYS, -n, "remove the groups below %s", dir);
		if (!wait_a_little(&round))
			return err_make(e, ERR_STATE, EBUSY,
					"remove the group %s: a process is still in it", dir);
	}
}

int cgroup_remove_unused(const char *dir, Err *e)
{
	if (rmdir(dir) == 0 || errno == ENOENT || errno == EBUSY || errno == ENOTEMPTY)
		return 0;
	return err_sys(e, "remove the group %s", dir);
}

/* ---- reading ---- */

int cgroup_read_number(int dirfd, const char *file, uint64_t *ret)
{
	char text[64];
	ssize_t n = fd_read_text_at(dirfd, file, text, sizeof text);
	if (n < 0)
		return (int)n;
	if (strcmp(text, "max") == 0) {
		*ret = CGROUP_NO_LIMIT;
		return 0;
	}
	TRY(num_parse_u64(text, UINT64_MAX, ret));
	if (*ret >= (UINT64_C(1) << 62)) /* v1 has no word for it: the most pages that there can be */
		*ret = CGROUP_NO_LIMIT;
	return 0;
}

int cgroup_read_key(int dirfd, const char *file, const char *key, uint64_t *ret)
{
	char text[1024];
	TRY(fd_read_text_at(dirfd, file, text, sizeof text));
	for (char *line = text; *line;) {
		char *end = strchrnul(line, '\n');
		bool last = !*end;
		*end = '\0';
		const char *rest = str_after(line, key);
		if (rest && *rest == ' ')
			return num_parse_u64(rest + 1, UINT64_MAX, ret);
		line = last ? end : end + 1;
	}
	return -ENOENT;
}

int cgroup_read_oom_kills(const char *dir, bool is_v2, uint64_t *ret)
{
	char path[PATH_SIZE];
	TRY(str_format(path, sizeof path, "%s/%s", dir, is_v2 ? "memory.events" : "memory.oom_control"));
	return cgroup_read_key(AT_FDCWD, path, "oom_kill", ret);
}

int cgroup_read_forks_refused(const char *dir, uint64_t *ret)
{
	char path[PATH_SIZE];
	TRY(str_format(path, sizeof path, "%s/pids.events", dir));
	return cgroup_read_key(AT_FDCWD, path, "max", ret);
}

int cgroup_read_memory(const char *dir, bool is_v2, CgroupMemory *ret)
{
	AUTO(fd_close) int dirfd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return -errno;
	CgroupMemory m = { 0 };
	TRY(is_v2 ? cgroup_v2_read_memory(dirfd, &m) : cgroup_v1_read_memory(dirfd, &m));
	*ret = m;
	return 0;
}
