#include "engine/host_devices.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

#define DEPTH_MOST 8u

static void dir_close(DIR *d)
{
	(void)closedir(d); /* reading is done, nothing can be lost */
}
DEFINE_AUTO(DIR *, dir_close, NULL)

static bool is_left_out(const char *path)
{
	static const char *const own[] = { "/dev/pts",     "/dev/shm",  "/dev/mqueue", "/dev/fd",
					   "/dev/console", "/dev/ptmx", "/dev/core" };
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strcmp(path, own[i]) == 0)
			return true;
	return false;
}

static void device_add(Arena *a, HostDevices *list, const char *path, const struct stat *st)
{
	*arena_push(a, &list->items, &list->count, SpecDevice) = (SpecDevice){
		.path = path,
		.type = S_ISBLK(st->st_mode) ? 'b' : 'c',
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
	};
}

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

static int dir_walk(Arena *a, const char *path, unsigned level, HostDevices *list, Err *e)
{
	AUTO(dir_close) DIR *d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, "open %s", path);
	for (struct dirent *entry; (entry = readdir(d));) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		char *below = arena_printf(a, "%s/%s", path, entry->d_name);
		if (is_left_out(below) || fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && level < DEPTH_MOST)
			TRY(dir_walk(a, below, level + 1, list, e));
		else if (is_device(&st))
			device_add(a, list, below, &st);
	}
	return 0;
}

int host_devices_at(const char *path, Arena *a, HostDevices *ret, const char **ret_dir, Err *e)
{
	HostDevices list = { 0 };
	char real[PATH_MAX];
	struct stat st;
	*ret_dir = NULL;
	if (stat(path, &st) < 0)
		return err_sys(e, "look at '%s'", path);
	if (is_device(&st)) {
		device_add(a, &list, path, &st);
	} else if (S_ISDIR(st.st_mode)) {
		if (!realpath(path, real))
			return err_sys(e, "look at '%s'", path);
		*ret_dir = arena_strdup(a, real);
		TRY(dir_walk(a, *ret_dir, 0, &list, e));
	}
	if (list.count == 0)
		return err_make(e, ERR_USAGE, 0,
				"'%s' is neither a device nor a directory with devices", path);
	*ret = list;
	return 0;
}
