#include "kern/mount.h"

#include "base/fd.h"
#include "base/str.h"
#include "kern/sys.h"

int mount_fs_open(const char *type, int *ret_fs, Err *e)
{
	int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0 && errno == ENODEV)
		return err_make(e, ERR_SYS, ENODEV, "this kernel has no file system '%s'", type);
	if (fs < 0)
		return err_sys(e, "open the file system '%s'", type);
	*ret_fs = fs;
	return 0;
}

/* The error of the call that just failed, with what the file system logged about it ("e tmpfs: Bad value for 'size'"), or
 * without it when it logged nothing. */
static int fs_error(int fs, const char *what, Err *e)
{
	char text[256];
	int saved = errno;
	ssize_t n = read(fs, text, sizeof text - 1);
	if (n <= 2)
		return err_make(e, ERR_SYS, saved, "%s", what);
	if (text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return err_make(e, ERR_SYS, saved, "%s: %s", what, text + 2);
}

int mount_fs_pick(int mount, int *ret_fs, Err *e)
{
	int fs = sys_fspick(mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
	if (fs < 0)
		return err_sys(e, "open its file system");
	*ret_fs = fs;
	return 0;
}

int mount_fs_change(int fs, Err *e)
{
	if (sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return fs_error(fs, "change the file system", e);
	return 0;
}

int mount_fs_set_pair(int fs, const char *key, const char *value, Err *e)
{
	char what[256];
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) == 0)
		return 0;
	int saved = errno;
	(void)str_format(what, sizeof what, "option '%s=%s'", key, value); /* a cut one still shows which */
	errno = saved;
	return fs_error(fs, what, e);
}

int mount_fs_set(int fs, const char *option, Err *e)
{
	char key[64];
	const char *equals = strchr(option, '=');
	if (equals) {
		if (str_format(key, sizeof key, "%.*s", (int)(equals - option), option) < 0)
			return err_make(e, ERR_SPEC, EINVAL, "option '%s'", option);
		return mount_fs_set_pair(fs, key, equals + 1, e);
	}
	if (sys_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0) == 0)
		return 0;
	int saved = errno;
	(void)str_format(key, sizeof key, "option '%s'", option); /* as above */
	errno = saved;
	return fs_error(fs, key, e);
}

int mount_fs_make(int fs, uint64_t attrs, int *ret_mount, Err *e)
{
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_error(fs, "create the file system", e);
	int mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
	if (mount < 0)
		return fs_error(fs, "make the mount", e);
	*ret_mount = mount;
	return 0;
}

int mount_clone(int dirfd, const char *path, bool recursive, int *ret_mount, Err *e)
{
	unsigned how = (recursive ? AT_RECURSIVE : 0) | (*path ? 0 : AT_EMPTY_PATH);
	int mount = sys_open_tree(dirfd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | how);
	if (mount < 0)
		return *path ? err_sys(e, "copy the mount of '%s'", path)
			     : err_sys(e, "copy the mount");
	*ret_mount = mount;
	return 0;
}

int mount_set(int mount, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation, Err *e)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };
	if (sys_mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr) < 0)
		return err_sys(e, "set its attributes (set %#llx, clear %#llx, propagation %#llx)",
			       (unsigned long long)set, (unsigned long long)clear,
			       (unsigned long long)propagation);
	return 0;
}

int mount_idmap(int mount, int userns, bool recursive, Err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };
	if (sys_mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr) < 0)
		return err_sys(e, "map its ids");
	return 0;
}

/* The commonest mistake gets words. */
static int attach_error(int mount, int target, Err *e)
{
	struct stat from, to;
	int saved = errno;
	if (fstat(mount, &from) == 0 && fstat(target, &to) == 0 &&
	    S_ISDIR(from.st_mode) != S_ISDIR(to.st_mode))
		return err_make(e, ERR_SPEC, ENOTDIR, "the source is %s, the target is %s",
				S_ISDIR(from.st_mode) ? "a folder" : "a file",
				S_ISDIR(to.st_mode) ? "a folder" : "a file");
	return err_make(e, ERR_SYS, saved, "attach the mount");
}

int mount_attach(int mount, int target, Err *e)
{
	if (sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return attach_error(mount, target, e);
	return 0;
}
