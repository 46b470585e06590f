/* plan->mounts, in order, everything by descriptor: first the mount is made, detached, with all its attributes; then its target is
 * looked up (or made) inside the container's root; then the one is put on the other. */
#include "base/str.h"
#include "init/init.h"
#include "kern/mount.h"
#include "kern/path.h"
#include "kern/sys.h"

/* One mount on its way. */
typedef struct Job {
	const WireMount *m;
	const char *type, *source, *target;
	uint64_t attrs; /* to set now: without RDONLY when that comes last */
} Job;

static bool is_last(const WireMount *m)
{
	return (m->flags & WIRE_MOUNT_READONLY_LAST) && (m->attr_set & MOUNT_ATTR_RDONLY);
}

static int fs_make(const Init *in, const Job *j, int *ret_mount, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;
	const WireStr *options = WIRE_ITEMS(in->plan, mount_options, WireStr) + j->m->options_first;

	TRY(mount_fs_open(j->type, &fs, e));
	if (j->source)
		TRY(mount_fs_set_pair(fs, "source", j->source, e));
	for (uint32_t i = 0; i < j->m->options_count; i++)
		TRY(mount_fs_set(fs, wire_text(in->plan, options[i]), e));
	return mount_fs_make(fs, j->attrs, ret_mount, e);
}

/* sysfs shows the network namespace's devices, so a user namespace that does not own that one may not mount it. The host's
 * then stands in, read-only. */
static int sysfs_copy(const Job *j, int *ret_mount, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	TRY(mount_clone(AT_FDCWD, "/sys", true, &copy, e));
	TRY(mount_set(copy, true, j->attrs | MOUNT_ATTR_RDONLY, 0, 0, e));
	*ret_mount = TAKE_FD(copy);
	return 0;
}

static int target_open(const Init *in, const Job *j, bool is_file, int *ret_fd, Err *e)
{
	bool exact = j->m->kind == WIRE_MOUNT_FS &&
		     (str_eq(j->type, "proc") || str_eq(j->type, "sysfs"));
	return path_make_in_root(in->root, j->target, is_file ? PATH_FILE : PATH_DIR,
				 exact ? PATH_NO_SYMLINKS : 0, ret_fd, e);
}

static int propagation_set(const Job *j, int mount, Err *e)
{
	uint64_t how = j->m->propagation & ~(uint64_t)MS_REC;
	return how ? mount_set(mount, j->m->propagation & MS_REC, 0, 0, how, e) : 0;
}

static int fs_mount(Init *in, const Job *j, int *ret_mount, Err *e)
{
	AUTO(fd_close) int made = FD_NONE;
	AUTO(fd_close) int target = FD_NONE;

	int r = fs_make(in, j, &made, e);
	if ((r == -ENODEV || r == -ENOENT) && (j->m->flags & WIRE_MOUNT_OPTIONAL))
		return 0;
	if (r == -EPERM && init_has(in, WIRE_USERNS) && str_eq(j->type, "sysfs"))
		r = sysfs_copy(j, &made, e);
	TRY(r);
	TRY(propagation_set(j, made, e));
	TRY(target_open(in, j, j->m->flags & WIRE_MOUNT_FILE, &target, e));
	TRY(mount_attach(made, target, e));
	bool whole = j->m->options_count == 0 && !(j->m->attr_set & MOUNT_ATTR_RDONLY);
	if (str_eq(j->type, "proc") && in->proc < 0 && whole) /* for sysctls */
		in->proc = TAKE_FD(made);
	else if (str_eq(j->type, "devpts") && in->devpts < 0 && !is_last(j->m)) /* for the terminal */
		in->devpts = TAKE_FD(made);
	else
		*ret_mount = TAKE_FD(made);
	return 0;
}

/* Attributes of a copy. With "read-only last" what came with it (RECURSIVE) becomes read-only now, and its top is opened again for
 * the targets that are to be made in it. */
static int bind_set(const Job *j, int mount, Err *e)
{
	bool recursive = j->m->flags & WIRE_MOUNT_RECURSIVE;
	if (j->m->attr_set | j->m->attr_clear)
		TRY(mount_set(mount, recursive, recursive ? j->m->attr_set : j->attrs,
			      j->m->attr_clear, 0, e));
	if (recursive && is_last(j->m))
		TRY(mount_set(mount, false, 0, MOUNT_ATTR_RDONLY, 0, e));
	return propagation_set(j, mount, e);
}

static int bind_mount(const Init *in, const Job *j, int copy, Err *e)
{
	AUTO(fd_close) int target = FD_NONE;
	struct stat st;

	TRY(bind_set(j, copy, e));
	if (fstat(copy, &st) < 0)
		return err_sys(e, "look at the source");
	TRY(target_open(in, j, !S_ISDIR(st.st_mode), &target, e));
	return mount_attach(copy, target, e);
}

/* What cannot be overlaid must not show through either: its mount point is covered, if it exists. */
static int overlay_mask(Init *in, const Job *j, Err *e)
{
	AUTO(fd_close) int target = path_try_in_root(in->root, j->target, O_PATH, 0);
	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return err_make(e, ERR_SYS, -target, "mask it");
	return mask_put(in, target, e);
}

static int overlay_mount(Init *in, const Job *j, int lower, int *ret_mount, Err *e)
{
	AUTO(fd_close) int target = FD_NONE;
	AUTO(fd_close) int made = FD_NONE;

	int r = lower < 0 ? -ENOENT : overlay_make_in_scratch(in, lower, j->attrs, &made, e);
	if (r < 0 && (j->m->flags & WIRE_MOUNT_MASK_ON_FAILURE))
		return overlay_mask(in, j, e);
	TRY(r);
	TRY(propagation_set(j, made, e));
	TRY(target_open(in, j, false, &target, e));
	TRY(mount_attach(made, target, e));
	*ret_mount = TAKE_FD(made);
	return 0;
}

static int job_do(Init *in, const Job *j, int source, int *ret_mount, Err *e)
{
	if (j->m->kind == WIRE_MOUNT_FS)
		return fs_mount(in, j, ret_mount, e);
	if (source < 0 && (j->m->flags & WIRE_MOUNT_OPTIONAL))
		return 0;
	if (j->m->kind == WIRE_MOUNT_OVERLAY)
		return overlay_mount(in, j, source, ret_mount, e);
	TRY(bind_mount(in, j, source, e));
	return 0;
}

int mounts_make(Init *in, Err *e)
{
	for (uint32_t i = 0; i < in->plan->mounts.count; i++) {
		const WireMount *m = &WIRE_ITEMS(in->plan, mounts, WireMount)[i];
		Job j = {
			.m = m,
			.type = wire_str(in->plan, m->type),
			.source = wire_str(in->plan, m->source),
			.target = wire_text(in->plan, m->target),
			.attrs = m->attr_set & ~(is_last(m) ? (uint64_t)MOUNT_ATTR_RDONLY : 0),
		};
		AUTO(fd_close) int source = TAKE_FD(in->sources[i]);
		AUTO(fd_close) int made = FD_NONE;
		int r = job_do(in, &j, source, &made, e);
		if (r < 0)
			return err_wrap(e, r, "mount %s on %s",
					m->kind == WIRE_MOUNT_FS ? j.type : j.source, j.target);
		if (is_last(m))
			in->sources[i] = m->kind == WIRE_MOUNT_BIND ? TAKE_FD(source) : TAKE_FD(made);
	}
	return 0;
}
