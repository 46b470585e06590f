#include <sched.h>
#include <sys/prctl.h>

#include "init/init.h"
#include "kern/mount.h"
#include "kern/path.h"
#include "kern/sys.h"

int groups_join(Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	const int32_t *fds = WIRE_ITEMS(p, join_fds, int32_t);
	for (uint32_t i = 0; i < p->join_fds.count; i++) {
		bool joined = write(fds[i], "0", 1) == 1;
		if (!joined && errno == EINVAL) /* sched-rt-group.rst */
			return err_sys(e, "join cgroup %u of %u: a real-time process needs --cpu-rt-runtime there",
				       i + 1, p->join_fds.count);
		if (!joined)
			return err_sys(e, "join cgroup %u of %u", i + 1, p->join_fds.count);
		fd_close(fds[i]);
	}
	if (init_has(in, WIRE_UNSHARE_CGROUPNS) && unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(e, "make a cgroup namespace");
	return 0;
}

static bool shares_mounts(const WireMount *m)
{
	return m->kind == WIRE_MOUNT_BIND && (m->propagation & (MS_SHARED | MS_SLAVE));
}

static int source_clone(Init *in, const WireMount *m, int *ret, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	bool recursive = m->kind == WIRE_MOUNT_BIND && (m->flags & WIRE_MOUNT_RECURSIVE);
	TRY(mount_clone(AT_FDCWD, wire_text(in->plan, m->source), recursive, &copy, e));
	if (init_has(in, WIRE_HOST_MOUNTS) && !shares_mounts(m)) /* a copy is a peer of what it was taken from */
		TRY(mount_set(copy, true, 0, 0, MS_PRIVATE, e));
	if (m->kind == WIRE_MOUNT_OVERLAY && in->plan->idmap_fd >= 0)
		TRY(mount_idmap(copy, in->plan->idmap_fd, false, e));
	*ret = TAKE_FD(copy);
	return 0;
}

/* Whoever may fail does so later, in mounts_make(): what is optional, or masked instead, stays FD_NONE. */
static int source_open(Init *in, uint32_t i, Err *e)
{
	const WireMount *m = &WIRE_ITEMS(in->plan, mounts, WireMount)[i];
	if (m->kind == WIRE_MOUNT_FS || m->kind == WIRE_MOUNT_DETACH || in->sources[i] >= 0)
		return 0;
	const char *source = wire_text(in->plan, m->source);
	int r = source_clone(in, m, &in->sources[i], e);
	if ((r == -ENOENT && (m->flags & WIRE_MOUNT_OPTIONAL)) ||
	    (r < 0 && (m->flags & WIRE_MOUNT_MASK_ON_FAILURE)))
		return 0;
	if (r == -ENOENT)
		return err_make(e, ERR_SPEC, ENOENT, "mount on %s: source '%s'",
				wire_text(in->plan, m->target), source);
	return r < 0 ? err_wrap(e, r, "mount on %s", wire_text(in->plan, m->target)) : 0;
}

/* It gets what the host mounts there. */
static bool root_is_slave(const Init *in)
{
	return in->plan->root_propagation & MS_SLAVE;
}

static int root_open(Init *in, Err *e)
{
	bool given = in->plan->root_fd >= 0;
	if (init_has(in, WIRE_MOUNTS_ONLY))
		return 0;
	const char *path = wire_text(in->plan, given ? in->plan->scratch_dir : in->plan->root);
	in->root_dir = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->root_dir < 0)
		return err_sys(e, "open the root directory '%s'", path);
	if (given)
		in->root = in->plan->root_fd;
	if (given || in->plan->overlay_upper || init_has(in, WIRE_ROOT_EMPTY))
		return 0; /* the tree is finished, or the overlay finds its layers by path, or there is none yet */
	int r = mount_clone(in->root_dir, "", !in->plan->overlay_lower, &in->root, e);
	if (r == 0 && root_is_slave(in)) /* with what came with it: nothing of it is to be the host's peer */
		r = mount_set(in->root, true, 0, 0, MS_SLAVE, e);
	else if (r == 0 && init_has(in, WIRE_HOST_MOUNTS))
		r = mount_set(in->root, true, 0, 0, MS_PRIVATE, e);
	return r < 0 ? err_wrap(e, r, "root directory '%s'", path) : 0;
}

static int sources_open(Init *in, bool sharing, Err *e)
{
	for (uint32_t i = 0; i < in->plan->mounts.count; i++)
		if (shares_mounts(&WIRE_ITEMS(in->plan, mounts, WireMount)[i]) == sharing)
			TRY(source_open(in, i, e));
	return 0;
}

int rootfs_open(Init *in, Err *e)
{
	for (uint32_t i = 0; i < in->plan->source_fds.count; i++)
		in->sources[i] = WIRE_ITEMS(in->plan, source_fds, int32_t)[i];
	/* While our copy of the host's mounts is what the namespace began with: peers of the host's, in a user namespace their slaves. */
	TRY(sources_open(in, true, e));
	if (root_is_slave(in))
		TRY(root_open(in, e));
	if (!init_has(in, WIRE_HOST_MOUNTS) && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make all mounts private");
	if (!root_is_slave(in))
		TRY(root_open(in, e));
	if (init_has(in, WIRE_SCRATCH)) {
		const char *path = wire_text(in->plan, in->plan->scratch_dir);
		in->scratch_dir = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (in->scratch_dir < 0)
			return err_sys(e, "open the scratch directory '%s'", path);
	}
	return sources_open(in, false, e);
}

/* The capabilities stay: only who leaves id 0 loses them, and who is not 0 now was not before, since 0 is not mapped. What was raised to
 * bring them through execve(2) goes: emptying the inheritable set empties the ambient one, capabilities(7). */
static int inheritance_end(Err *e)
{
	struct __user_cap_data_struct caps[2];
	if (sys_capget(caps) < 0)
		return err_sys(e, "read own capabilities");
	caps[0].inheritable = caps[1].inheritable = 0;
	if (sys_capset(caps) < 0)
		return err_sys(e, "empty the inheritable capabilities");
	return 0;
}

/* Not dumpable: from here on nobody of the container, and nobody outside but root, may trace us or open our /proc entries. Before
 * it an ordinary user's parent could not write the id maps, which then belong to root (proc(5)). */
int identity_take(Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	if (init_has(in, WIRE_USERNS)) {
		if (sys_setresgid(p->setup_gid, p->setup_gid, p->setup_gid) < 0)
			return err_sys(e, "become group %u of the user namespace", p->setup_gid);
		if (!init_has(in, WIRE_NO_SETGROUPS) && !init_has(in, WIRE_KEEP_GROUPS) &&
		    sys_setgroups(0, NULL) < 0)
			return err_sys(e, "leave the supplementary groups");
		if (sys_setresuid(p->setup_uid, p->setup_uid, p->setup_uid) < 0)
			return err_sys(e, "become user %u of the user namespace", p->setup_uid);
		TRY(inheritance_end(e));
	}
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "become not dumpable");
	if (!init_has(in, WIRE_EXEC))
		umask(0); /* modes are exact; session_enter() sets the command's */
	return 0;
}

static int scratch_make(Init *in, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;
	if (!init_has(in, WIRE_SCRATCH))
		return 0;
	TRY(mount_fs_open("tmpfs", &fs, e));
	TRY(mount_fs_set_pair(fs, "mode", "0700", e));
	TRY(mount_fs_make(fs, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, &in->scratch, e));
	TRY(mount_attach(in->scratch, in->scratch_dir, e));
	return 0;
}

static int empty_root_make(Init *in, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;
	AUTO(fd_close) int target = FD_NONE;
	const WirePlan *p = in->plan;
	TRY(mount_fs_open("tmpfs", &fs, e));
	TRY(mount_fs_set_pair(fs, "mode", "0755", e));
	TRY(mount_fs_make(fs, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, &in->root, e));
	if (mkdirat(in->scratch, "root", 0700) < 0 ||
	    (target = openat(in->scratch, "root", O_PATH | O_CLOEXEC)) < 0)
		return err_sys(e, "make a folder for it");
	TRY(mount_attach(in->root, target, e));
	for (uint32_t i = 0; i < p->root_links.count; i++) {
		const WirePair *link = &WIRE_ITEMS(p, root_links, WirePair)[i];
		if (symlinkat(wire_text(p, link->value), in->root, wire_text(p, link->name)) < 0)
			return err_sys(e, "make the link %s", wire_text(p, link->name));
	}
	return 0;
}

int rootfs_attach(Init *in, Err *e)
{
	const char *path = wire_text(in->plan, in->plan->root);
	int r = scratch_make(in, e);
	if (r < 0)
		return err_wrap(e, r, "scratch file system");
	if (init_has(in, WIRE_ROOT_EMPTY)) {
		r = empty_root_make(in, e);
	} else if (!in->plan->overlay_lower) {
		r = mount_attach(in->root, in->root_dir, e);
	} else {
		AUTO(fd_close) int lower = TAKE_FD(in->root);
		r = in->plan->overlay_upper ? overlay_make_on_disk(in, lower, &in->root, e)
					    : overlay_make_in_scratch(in, lower, 0, &in->root, e);
	}
	return r < 0 ? err_wrap(e, r, "root directory '%s'", path) : 0;
}

/* A missing working directory is made, as docker does, while the root is still writable. One that leads out of the root by a magic
 * link (/proc/self/fd/7) is refused. */
int workdir_make(Init *in, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	const char *cwd = wire_text(in->plan, in->plan->cwd);
	if (cwd[0] != '/')
		return err_make(e, ERR_SPEC, 0, "working directory '%s' is not absolute", cwd);
	if (strcmp(cwd, "/") == 0)
		return 0;
	int r = path_make_in_root(in->root, cwd, PATH_DIR, 0, &fd, e);
	if (r == -ELOOP)
		return err_make(e, ERR_SPEC, ELOOP,
				"working directory '%s' leads through a link of /proc, or in a circle",
				cwd);
	return r < 0 ? err_wrap(e, r, "working directory") : 0;
}

/* For an initial RAM file system, which stays below all else: the root is moved on top of it. What the host's procfs and sysfs show must
 * not be found there, whoever gets out of the chroot. */
static int rootfs_move(const Init *in, Err *e)
{
	static const char hosts[][6] = { "/sys", "/proc" };
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (umount2(hosts[i], MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
			return err_sys(e, "detach the host's %s", hosts[i]);
	if (fchdir(in->root) < 0)
		return err_sys(e, "enter the container's root");
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return err_sys(e, "move '%s' to /", wire_text(in->plan, in->plan->root));
	if (chroot(".") < 0 || chdir("/") < 0)
		return err_sys(e, "enter the container's root");
	return 0;
}

/* In a mount namespace that is others', too. */
int rootfs_enter(int root, Err *e)
{
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_sys(e, "enter the container's root");
	return 0;
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one and is taken away by ".". */
static int rootfs_exchange(Init *in, Err *e)
{
	if (fchdir(in->root) < 0)
		return err_sys(e, "enter the container's root");
	if (sys_pivot_root(".", ".") < 0) {
		if (errno == EINVAL)
			return err_make(e, ERR_SYS, EINVAL,
					"pivot_root to '%s' (the host's root must not be the initial RAM file system)",
					wire_text(in->plan, in->plan->root));
		return err_sys(e, "pivot_root to '%s'", wire_text(in->plan, in->plan->root));
	}
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(e, "detach the host's tree");
	if (chdir("/") < 0)
		return err_sys(e, "enter the container's root");
	return 0;
}

/* Last: a mount that is shared can neither be moved nor pivoted to, and nothing but what is in it sees its peers then. */
int rootfs_pivot(Init *in, Err *e)
{
	uint64_t how = in->plan->root_propagation;
	TRY(init_has(in, WIRE_HOST_MOUNTS) ? rootfs_enter(in->root, e)
	    : init_has(in, WIRE_NO_PIVOT)  ? rootfs_move(in, e)
					   : rootfs_exchange(in, e));
	if (how == 0)
		return 0;
	int r = mount_set(in->root, how & MS_REC, 0, 0, how & ~(uint64_t)MS_REC, e);
	return r < 0 ? err_wrap(e, r, "propagation of the root") : 0;
}
