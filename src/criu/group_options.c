#include "criu/group_options.h"

#include <fcntl.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/mount.h"
#include "kern/mountinfo.h"

/* A mount of cgroup v2 that can be reached. -ENOENT: there is none. */
static int find(Arena *a, MountInfo *ret, Err *e)
{
	char *text;
	TRY(mountinfo_read("/proc/self/mountinfo", a, &text, e));
	while (mountinfo_next(&text, ret))
		if (str_eq(ret->fstype, "cgroup2") && mountinfo_is_visible(ret, NULL))
			return 0;
	return err_make(e, ERR_SYS, ENOENT, "find a mount of cgroup v2");
}

int group_options_read(Arena *a, const char **ret, Err *e)
{
	MountInfo m;
	int r = find(a, &m, e);
	*ret = r == 0 ? m.super_options : NULL;
	return r == -ENOENT ? 0 : r;
}

int group_options_give_back(const char *options, Arena *a, Err *e)
{
	MountInfo m;
	if (!options)
		return 0;
	TRY(find(a, &m, e));
	if (str_eq(m.super_options, options))
		return 0;
	AUTO(fd_close) int mount = open(m.mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO(fd_close) int fs = FD_NONE;
	if (mount < 0)
		return err_sys(e, "open '%s'", m.mountpoint);
	StrList list = str_split(a, options, ',');
	TRY(mount_fs_pick(mount, &fs, e));
	for (size_t i = 0; i < list.count; i++)
		if (!str_eq(list.items[i], "rw") && !str_eq(list.items[i], "ro"))
			TRY(mount_fs_set(fs, list.items[i], e));
	return mount_fs_change(fs, e);
}
