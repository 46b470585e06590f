#include "engine/overlay_dir.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* The file system that path would be made on: that of its nearest existing parent. */
static bool would_be_on_overlay(const char *path, Arena *a)
{
	struct statfs fs;
	char *p = arena_strdup(a, path);
	while (statfs(*p ? p : "/", &fs) < 0) {
		char *slash = strrchr(p, '/');
		if (errno != ENOENT || !slash)
			return false;
		*slash = '\0';
	}
	return fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

const char *overlay_dir_choose(const char *root_dir, const char *id, const char *lower, Arena *a)
{
	if (path_is_below(root_dir, lower) || would_be_on_overlay(root_dir, a))
		return NULL;
	return arena_printf(a, "%s/containers/%s", root_dir, id);
}

/* Makes a directory with all above it, those with mode 0700: they are ours. */
static int dirs_make(const char *path, Err *e)
{
	char p[PATH_MAX];
	TRY(str_format(p, sizeof p, "%s/", path));
	for (char *slash = strchr(p + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(p, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make directory %s", p);
		*slash = '/';
	}
	return 0;
}

int overlay_dir_make(const char *dir, int lower_fd, Err *e)
{
	struct stat st;
	if (fstat(lower_fd, &st) < 0)
		return err_sys(e, "stat the root directory");
	TRY(dirs_make(dir, e));
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", dir);
	if (mkdirat(fd, "work", 0700) < 0 || mkdirat(fd, "upper", 0700) < 0)
		return err_sys(e, "make the throw-away layer in %s", dir);
	/* An ordinary user cannot give it away: it stays his, as it does in memory. */
	bool given = fchownat(fd, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) == 0 ||
		     (errno == EPERM && geteuid() != 0);
	if (!given || fchmodat(fd, "upper", st.st_mode & 07777, 0) < 0)
		return err_sys(e, "give %s/upper the owner and mode of the root", dir);
	return 0;
}
