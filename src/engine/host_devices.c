#include "engine/host_devices.h"

#include <dirent.h>
#include <fcntl.h>
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

static void device_add(Arena *a, Spec *s, const char *path, const struct stat *st)
{
	SpecLinux *l = &s->linux_;
	*arena_push(a, &l->devices, &l->devices_count, SpecDevice) = (SpecDevice){
		.path = path,
		.type = S_ISBLK(st->st_mode) ? 'b' : 'c',
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
	};
}

static int dir_walk(Arena *a, const char *path, unsigned level, Spec *s, Err *e)
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
			TRY(dir_walk(a, below, level + 1, s, e));
		else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			device_add(a, s, below, &st);
	}
	return 0;
}

int host_devices_add(Arena *a, Spec *s, Err *e)
{
	return dir_walk(a, "/dev", 0, s, e);
}
