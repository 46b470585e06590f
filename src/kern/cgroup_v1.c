#include <fcntl.h>
#include <string.h>

#include "base/str.h"
#include "kern/cgroup_parts.h"

/* ---- cpuset: a group without CPUs and memory nodes takes no process ---- */

static bool is_empty(int dirfd, const char *file)
{
	char text[4096];
	return fd_read_text_at(dirfd, file, text, sizeof text) == 0;
}

static int copy_down(const char *above, const char *dir, const char *file, Err *e)
{
	char path[4096], text[4096];
	TRY(str_format(path, sizeof path, "%s/%s", dir, file));
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n > 0) /* has some: ours, or what its owner set */
		return 0;
	TRY(str_format(path, sizeof path, "%s/%s", above, file));
	n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", path);
	TRY(str_format(path, sizeof path, "%s/%s", dir, file));
	n = fd_write_text_at(AT_FDCWD, path, text);
	return n < 0 ? err_make(e, ERR_SYS, (int)-n, "set %s to '%s'", path, text) : 0;
}

static int fill_level(const char *above, const char *dir, const void *arg, Err *e)
{
	(void)arg;
	TRY(copy_down(above, dir, "cpuset.cpus", e));
	return copy_down(above, dir, "cpuset.mems", e);
}

bool cgroup_v1_has_cpuset(const CgroupRequest *r)
{
	return str_eq(r->controllers, "cpuset") || str_starts(r->controllers, "cpuset,") ||
	       strstr(r->controllers, ",cpuset");
}

int cgroup_v1_prepare(const CgroupRequest *r, int dirfd, unsigned parents_made, Err *e)
{
	if (!cgroup_v1_has_cpuset(r))
		return 0;
	if (is_empty(dirfd, "cpuset.mems")) /* filled after cpuset.cpus */
		TRY(cgroup_each_level(r->top, r->dir, fill_level, NULL, e));
	if (parents_made > 0)
		/* Groups that are made in the new parent later get theirs from it by themselves. Without it they are filled as above. */
		(void)fd_write_text_at(dirfd, "../cgroup.clone_children", "1");
	return 0;
}

/* ---- memory ---- */

int cgroup_v1_read_memory(int dirfd, CgroupMemory *ret)
{
	TRY(cgroup_read_key(dirfd, "memory.oom_control", "oom_kill", &ret->oom_kills)); /* Linux 4.13 */
	TRY(cgroup_read_number(dirfd, "memory.limit_in_bytes", &ret->limit));
	TRY(cgroup_read_number(dirfd, "memory.max_usage_in_bytes", &ret->peak));
	if (cgroup_read_number(dirfd, "memory.memsw.limit_in_bytes", &ret->total_limit) < 0)
		ret->total_limit = CGROUP_NO_LIMIT; /* swap is not counted */
	return 0;
}
