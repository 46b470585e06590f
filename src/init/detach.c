/* Mounts of a container that is there and that are to go. The container may have put links and folders in the way since: a mount is known by
 * its number, which nobody in there can give to another one, and never by its path alone. A masked path stays masked. */
#include <linux/stat.h>
#include <sys/mount.h>

#include "base/str.h"
#include "init/init.h"
#include "kern/path.h"
#include "kern/sys.h"

int mount_take_away(const Init *in, int mount, Err *e)
{
	char path[32];
	(void)str_format(path, sizeof path, "self/fd/%d", mount); /* it fits */
	if (fchdir(in->host_proc) < 0)
		return err_sys(e, "enter /proc");
	return umount2(path, MNT_DETACH) < 0 ? err_sys(e, "take the mount away") : 0;
}

static bool may_go(const Init *in, uint64_t id)
{
	const int32_t *ids = WIRE_ITEMS(in->plan, mount_ids, int32_t);
	for (uint32_t i = 0; i < in->plan->mount_ids.count; i++)
		if ((uint64_t)ids[i] == id)
			return true;
	return false;
}

static int mount_find(const Init *in, const char *target, int *ret, Err *e)
{
	struct statx st = { 0 };
	AUTO(fd_close) int fd = path_try_in_root(in->root, target, O_PATH, 0);
	if (fd < 0)
		return err_make(e, ERR_SYS, -fd, "find it");
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return err_sys(e, "look at it");
	if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT) || !may_go(in, st.stx_mnt_id))
		return err_make(e, ERR_STATE, EINVAL,
				"nothing is mounted there that config.json or 'mounts add' has put there");
	*ret = TAKE_FD(fd);
	return 0;
}

static int detach_one(const Init *in, const WireMount *m, bool look_only, Err *e)
{
	AUTO(fd_close) int mount = FD_NONE;
	int r = mount_find(in, wire_text(in->plan, m->target), &mount, e);
	if (r == 0 && !look_only)
		r = mount_take_away(in, mount, e);
	return r < 0 ? err_wrap(e, r, "mount on %s", wire_text(in->plan, m->target)) : 0;
}

/* Looked at again when its turn comes: what lies on another may be on the list, too. */
int mounts_detach(Init *in, Err *e)
{
	const WireMount *m = WIRE_ITEMS(in->plan, mounts, WireMount);
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = in->plan->mounts.count; i-- > 0;)
			if (m[i].kind == WIRE_MOUNT_DETACH)
				TRY(detach_one(in, &m[i], pass == 0, e));
	return 0;
}
