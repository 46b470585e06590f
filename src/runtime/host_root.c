#include "runtime/host_root.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "kern/mountinfo.h"

static int mounts_count(const char *path, Arena *a, uint64_t *ret, Err *e)
{
	char *text;
	MountInfo m;
	*ret = 0;
	TRY(mountinfo_read("/proc/self/mountinfo", a, &text, e));
	while (mountinfo_next(&text, &m))
		*ret += strcmp(m.mountpoint, path) == 0;
	return 0;
}

int host_root_look(Plan *p, Record *record, Arena *a, Err *e)
{
	if (!p->host_root)
		return 0;
	char *path = arena_alloc(a, PATH_MAX);
	if (!realpath(p->host_root, path))
		return err_sys(e, "root directory '%s'", p->host_root);
	p->host_root = path;
	TRY(mounts_count(path, a, &p->host_root_below, e));
	record->host_root = p->host_root;
	record->host_root_below = p->host_root_below;
	return 0;
}

int host_root_remove(const char *path, uint64_t below, Arena *a, Err *e)
{
	uint64_t now;
	if (!path)
		return 0;
	TRY(mounts_count(path, a, &now, e));
	if (now > below && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return err_sys(e, "take the container's root away from %s", path);
	return 0;
}
