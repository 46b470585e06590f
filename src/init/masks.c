/* Paths that must show nothing, and those that must not be written.
 *
 * A masked folder gets an empty read-only tmpfs, a masked file the null device: programs expect that one there (docker), it needs no
 * file system of its own, and reading it gives end of file. It is the host's, looked at before it is used, since the one in the
 * container's /dev may be anything; copied read-only, so that a chmod(1) of a masked path cannot reach the host's /dev/null. The
 * first of each kind is attached, the others are copies of it: before Linux 6.15 a detached mount could not be copied.
 * A symbolic link is followed inside the container's root: what it leads to there is covered. */
#include <sys/sysmacros.h>

#include "init/init.h"
#include "kern/mount.h"
#include "kern/path.h"
#include "kern/sys.h"

static int empty_dir_make(const char *context, int *ret_mount, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;
	TRY(mount_fs_open("tmpfs", &fs, e));
	TRY(mount_fs_set_pair(fs, "mode", "0555", e));
	if (context)
		TRY(mount_fs_set(fs, context, e));
	return mount_fs_make(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
			     ret_mount, e);
}

static int null_copy(int *ret_mount, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	struct stat st;

	TRY(mount_clone(AT_FDCWD, "/dev/null", false, &copy, e));
	if (fstat(copy, &st) < 0)
		return err_sys(e, "look at the host's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_make(e, ERR_STATE, ENODEV, "the host's /dev/null is not the null device");
	TRY(mount_set(copy, false, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, 0, e));
	*ret_mount = TAKE_FD(copy);
	return 0;
}

int mask_put(Init *in, int target, Err *e)
{
	AUTO(fd_close) int mask = FD_NONE;
	struct stat st;

	if (fstat(target, &st) < 0)
		return err_sys(e, "look at it");
	int *first = S_ISDIR(st.st_mode) ? &in->mask_dir : &in->mask_file;
	if (*first >= 0)
		TRY(mount_clone(*first, "", false, &mask, e));
	else
		TRY(S_ISDIR(st.st_mode)
			    ? empty_dir_make(wire_str(in->plan, in->plan->mount_context), &mask, e)
			    : null_copy(&mask, e));
	TRY(mount_attach(mask, target, e));
	if (*first < 0)
		*first = TAKE_FD(mask);
	return 0;
}

/* Read-only, with all that is mounted below; other attributes stay. */
static int readonly_put(int target, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	TRY(mount_clone(target, "", true, &copy, e));
	TRY(mount_set(copy, true, MOUNT_ATTR_RDONLY, 0, 0, e));
	return mount_attach(copy, target, e);
}

static int cover(Init *in, const char *path, bool mask, Err *e)
{
	AUTO(fd_close) int target = path_try_in_root(in->root, path, O_PATH, 0);
	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	/* In a folder of somebody who has no id here: nobody of the container gets there either. */
	if (target == -EACCES && mask && init_has(in, WIRE_INNER_USERNS))
		return 0;
	if (target < 0)
		return err_make(e, ERR_SYS, -target, "%s %s", mask ? "mask" : "make read-only", path);
	int r = mask ? mask_put(in, target, e) : readonly_put(target, e);
	return r < 0 ? err_wrap(e, r, "%s %s", mask ? "mask" : "make read-only", path) : 0;
}

int masks_apply(Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	for (uint32_t i = 0; i < p->readonly.count; i++)
		TRY(cover(in, wire_text(p, WIRE_ITEMS(p, readonly, WireStr)[i]), false, e));
	for (uint32_t i = 0; i < p->masked.count; i++)
		TRY(cover(in, wire_text(p, WIRE_ITEMS(p, masked, WireStr)[i]), true, e));
	for (uint32_t i = 0; i < p->mounts.count; i++) {
		const WireMount *m = &WIRE_ITEMS(p, mounts, WireMount)[i];
		if (in->sources[i] < 0 || !mount_is_read_only_last(m))
			continue;
		int r = mount_set(in->sources[i], false, MOUNT_ATTR_RDONLY, 0, 0, e);
		if (r < 0)
			return err_wrap(e, r, "make %s read-only", wire_text(p, m->target));
	}
	if (init_has(in, WIRE_ROOT_READONLY)) {
		int r = mount_set(in->root, false, MOUNT_ATTR_RDONLY, 0, 0, e);
		return r < 0 ? err_wrap(e, r, "make the root read-only") : 0;
	}
	return 0;
}
