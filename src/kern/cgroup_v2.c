#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "kern/cgroup_parts.h"

static bool has_word(const char *list, const char *word, size_t len)
{
	for (const char *p = list; *p;) {
		const char *end = strchrnul(p, ' ');
		if ((size_t)(end - p) == len && memcmp(p, word, len) == 0)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

/* A controller that the group shall have: for its writes, or to count what it uses. */
static bool is_needed(const CgroupRequest *r, const char *word, size_t len)
{
	if (has_word("cpu io memory pids", word, len))
		return true;
	for (size_t i = 0; i < r->writes_count; i++)
		if (strncmp(r->writes[i].file, word, len) == 0 && r->writes[i].file[len] == '.')
			return true;
	return false;
}

bool cgroup_v2_holds_processes(const char *dir)
{
	char path[4096], some[16];
	if (str_format(path, sizeof path, "%s/cgroup.type", dir) < 0 || access(path, F_OK) < 0)
		return false; /* the root of all has no type: it alone may do both */
	if (str_format(path, sizeof path, "%s/cgroup.procs", dir) < 0)
		return false;
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fd_read_up_to(fd, some, sizeof some) != 0; /* an error: it is threaded already */
}

/* Hands the needed controllers that `above` has on to its groups. What it does not have is left: the write that needs it will say so.
 * So is all of it when the group holds processes ("no internal processes"). The kernel refuses that for memory, but not for cpu, cpuset
 * and pids: those would turn the group, whoever's it is, into a threaded one, in which no container can be. */
static int enable_level(const char *above, const char *dir, const void *arg, Err *e)
{
	const CgroupRequest *r = arg;
	char path[4096], enabled[512], word[64];
	(void)dir;
	TRY(str_format(path, sizeof path, "%s/cgroup.subtree_control", above));
	ssize_t n = fd_read_text_at(AT_FDCWD, path, enabled, sizeof enabled);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", path);
	if (cgroup_v2_holds_processes(above))
		return 0;
	for (const char *p = r->controllers; *p;) {
		const char *end = strchrnul(p, ' ');
		size_t len = (size_t)(end - p);
		if (len > 0 && is_needed(r, p, len) && !has_word(enabled, p, len) &&
		    str_format(word, sizeof word, "+%.*s", (int)len, p) > 0)
			(void)fd_write_text_at(AT_FDCWD, path,
					       word); /* one at a time: one that fails takes none with it */
		p = *end ? end + 1 : end;
	}
	return 0;
}

int cgroup_v2_prepare(const CgroupRequest *r, Err *e)
{
	char above[4096], enabled[512];
	const char *slash = strrchr(r->dir, '/');
	TRY(str_format(above, sizeof above, "%.*s/cgroup.subtree_control", (int)(slash - r->dir),
		       r->dir));
	if (fd_read_text_at(AT_FDCWD, above, enabled, sizeof enabled) < 0)
		enabled[0] = '\0';
	for (const char *p = r->controllers; *p;) {
		const char *end = strchrnul(p, ' ');
		if (is_needed(r, p, (size_t)(end - p)) && !has_word(enabled, p, (size_t)(end - p)))
			return cgroup_each_level(r->top, r->dir, enable_level, r, e);
		p = *end ? end + 1 : end;
	}
	return 0; /* the usual case: the shared parent has handed them on before */
}

/* The kernel lists which files go with a group, cgroups(7); before Linux 4.15 it is these three. A group need not have all. */
int cgroup_v2_give(const CgroupRequest *r, int dirfd, Err *e)
{
	char files[1024];
	if (fd_read_text_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", files, sizeof files) < 0)
		(void)str_format(files, sizeof files,
				 "cgroup.procs\ncgroup.subtree_control\ncgroup.threads"); /* fits */
	if (fchownat(dirfd, "", r->owner, (gid_t)-1, AT_EMPTY_PATH) < 0)
		return err_sys(e, "give the group %s to user %u", r->dir, r->owner);
	for (char *file = files, *end; *file; file = end) {
		end = strchrnul(file, '\n');
		if (*end)
			*end++ = '\0';
		if (fchownat(dirfd, file, r->owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_sys(e, "give %s/%s to user %u", r->dir, file, r->owner);
	}
	return 0;
}

int cgroup_v2_kill(int dirfd)
{
	int r = fd_write_text_at(dirfd, "cgroup.kill", "1"); /* Linux 5.14 */
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

int cgroup_v2_read_memory(int dirfd, CgroupMemory *ret)
{
	uint64_t swap;
	TRY(cgroup_read_key(dirfd, "memory.events", "oom_kill", &ret->oom_kills));
	TRY(cgroup_read_number(dirfd, "memory.max", &ret->limit));
	if (cgroup_read_number(dirfd, "memory.peak", &ret->peak) < 0)
		ret->peak = 0; /* Linux 5.19 */
	if (ret->limit == CGROUP_NO_LIMIT || cgroup_read_number(dirfd, "memory.swap.max", &swap) < 0 ||
	    __builtin_add_overflow(ret->limit, swap, &ret->total_limit))
		ret->total_limit = CGROUP_NO_LIMIT;
	return 0;
}
