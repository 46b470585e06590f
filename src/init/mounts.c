/* plan->mounts, in order, everything by descriptor: first the mount is made, detached, with all its attributes; then its target is
 * looked up (or made) inside the container's root; then the one is put on the other. */
#include <limits.h>

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

static const WireMount *mount_at(const Init *in, uint32_t i)
{
	return &WIRE_ITEMS(in->plan, mounts, WireMount)[i];
}

static int fs_set(const Init *in, const WireMount *m, int fs, Err *e)
{
	const WireStr *options = WIRE_ITEMS(in->plan, mount_options, WireStr) + m->options_first;
	for (uint32_t i = 0; i < m->options_count; i++)
		TRY(mount_fs_set(fs, wire_text(in->plan, options[i]), e));
	return 0;
}

static int fs_make(const Init *in, const Job *j, int *ret_mount, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;

	TRY(mount_fs_open(j->type, &fs, e));
	if (j->source)
		TRY(mount_fs_set_pair(fs, "source", j->source, e));
	TRY(fs_set(in, j->m, fs, e));
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

static bool is_shared(const WireMount *m)
{
	return m->kind == WIRE_MOUNT_BIND && (m->propagation & MS_SHARED);
}

/* Where fd is, with all links resolved. */
static int fd_path(const Init *in, int fd, char *ret, size_t size, Err *e)
{
	char link[32];
	(void)str_format(link, sizeof link, "%sself/fd/%d", in->host_proc < 0 ? "/proc/" : "", fd); /* it fits */
	ssize_t n = readlinkat(in->host_proc < 0 ? AT_FDCWD : in->host_proc, link, ret, size - 1);
	if (n < 0)
		return err_sys(e, "find where it is");
	ret[n] = '\0';
	return 0;
}

/* A mount in a shared one would appear on the host and stay there. The plan has compared the paths; the root's symbolic links may still
 * lead there. Apart from its caller for the sake of 8 KiB of stack, which other targets need not pay for. */
__attribute__((noinline)) static int target_check(const Init *in, int target, Err *e)
{
	const WirePlan *p = in->plan;
	char ours[PATH_MAX], other[PATH_MAX];
	TRY(fd_path(in, target, ours, sizeof ours, e));
	for (uint32_t i = 0; i < p->mounts.count; i++) {
		const WireMount *m = mount_at(in, i);
		if (in->sources[i] < 0 || !is_shared(m))
			continue;
		TRY(fd_path(in, in->sources[i], other, sizeof other, e));
		if (path_is_below(ours, other))
			return err_make(e, ERR_SPEC, 0,
					"the path leads into the shared mount on %s: it would appear on the host, too",
					wire_text(p, m->target));
	}
	return 0;
}

/* The path of the target below the fresh tmpfs; NULL: it is not there. */
static const char *below_fresh(const Init *in, const Job *j)
{
	if (!in->has_fresh)
		return NULL;
	const char *at = wire_text(in->plan, mount_at(in, in->fresh)->target);
	size_t len = strlen(at);
	return strncmp(j->target, at, len) == 0 && j->target[len] == '/' ? j->target + len + 1 : NULL;
}

static int target_open(const Init *in, const Job *j, bool is_file, int *ret_fd, Err *e)
{
	const char *entry = in->shared == 0 ? below_fresh(in, j) : NULL;
	*ret_fd = entry ? path_make_entry(in->sources[in->fresh], entry, is_file ? PATH_FILE : PATH_DIR)
			: FD_NONE;
	if (*ret_fd >= 0)
		return 0;
	bool exact = j->m->kind == WIRE_MOUNT_FS &&
		     (str_eq(j->type, "proc") || str_eq(j->type, "sysfs"));
	int r = path_make_in_root(in->root, j->target, is_file ? PATH_FILE : PATH_DIR,
				  exact ? PATH_NO_SYMLINKS : 0, ret_fd, e);
	if (r < 0)
		return r == -ELOOP && exact ? err_wrap(e, r, "must be mounted on ordinary directory")
					    : r; /* runc's words */
	return in->shared > 0 ? target_check(in, *ret_fd, e) : 0;
}

/* What a new tmpfs takes over from the folder that it is going to cover. */
static int target_take_over(const Init *in, const Job *j, int made, Err *e)
{
	const unsigned any = WIRE_MOUNT_TARGET_MODE | WIRE_MOUNT_TARGET_OWNER | WIRE_MOUNT_COPY_UP;
	struct stat st;
	if (!(j->m->flags & any))
		return 0;
	AUTO(fd_close) int dir = path_try_in_root(in->root, j->target, O_RDONLY | O_DIRECTORY, 0);
	if (dir == -ENOENT || dir == -ENOTDIR)
		return 0; /* not there yet, or found to be a file later */
	if (dir < 0)
		return err_make(e, ERR_SYS, -dir, "open what it covers");
	if (fstat(dir, &st) < 0)
		return err_sys(e, "look at what it covers");
	if (j->m->flags & WIRE_MOUNT_COPY_UP)
		TRY(content_copy(dir, made, e));
	if ((j->m->flags & WIRE_MOUNT_TARGET_OWNER) && fchownat(made, ".", st.st_uid, st.st_gid, 0) < 0 &&
	    errno != EINVAL) /* no id in this user namespace */
		return err_sys(e, "give it to %u:%u", st.st_uid, st.st_gid);
	if ((j->m->flags & WIRE_MOUNT_TARGET_MODE) && fchmodat(made, ".", st.st_mode & 07777, 0) < 0)
		return err_sys(e, "set its mode");
	return 0;
}

static int propagation_set(const Job *j, int mount, Err *e)
{
	uint64_t how = j->m->propagation & ~(uint64_t)MS_REC;
	return how ? mount_set(mount, j->m->propagation & MS_REC, 0, 0, how, e) : 0;
}

/* *ret_mount stays FD_NONE where it may be missing, and is. */
static int fs_make_or_not(const Init *in, const Job *j, int *ret_mount, Err *e)
{
	int r = fs_make(in, j, ret_mount, e);
	if ((r == -ENODEV || r == -ENOENT) && (j->m->flags & WIRE_MOUNT_OPTIONAL))
		return 0;
	if (r == -EPERM && init_has(in, WIRE_INNER_USERNS) && str_eq(j->type, "sysfs"))
		r = sysfs_copy(j, ret_mount, e);
	return r;
}

static int fs_mount(Init *in, const Job *j, int *take_made, int *ret_mount, Err *e)
{
	AUTO(fd_close) int made = TAKE_FD(*take_made);
	AUTO(fd_close) int target = FD_NONE;

	if (made < 0)
		TRY(fs_make_or_not(in, j, &made, e));
	if (made < 0)
		return 0;
	if (str_eq(j->type, "mqueue"))
		TRY(label_put(in, made, e));
	TRY(propagation_set(j, made, e));
	TRY(target_take_over(in, j, made, e));
	TRY(target_open(in, j, j->m->flags & WIRE_MOUNT_FILE, &target, e));
	TRY(mount_attach(made, target, e));
	bool whole = j->m->options_count == 0 && !(j->m->attr_set & MOUNT_ATTR_RDONLY);
	if (init_has(in, WIRE_MOUNTS_ONLY)) {
		*ret_mount = TAKE_FD(made);
	} else if (str_eq(j->type, "proc") && in->proc < 0 && whole) { /* for sysctls */
		in->proc = TAKE_FD(made);
	} else if (str_eq(j->type, "devpts") && (in->devpts < 0 || str_eq(j->target, "/dev/pts"))) {
		fd_close_auto(&in->devpts); /* for the terminal: the usual one, wherever others are */
		in->devpts = TAKE_FD(made);
	} else {
		*ret_mount = TAKE_FD(made);
	}
	return 0;
}

/* Attributes of a copy: first those of all that came with it. */
static int bind_set(const Job *j, int mount, Err *e)
{
	const WireMount *m = j->m;
	if (m->tree_set | m->tree_clear)
		TRY(mount_set(mount, true, m->tree_set, m->tree_clear, 0, e));
	if (m->attr_set | m->attr_clear)
		TRY(mount_set(mount, false, m->attr_set, m->attr_clear, 0, e));
	return propagation_set(j, mount, e);
}

static int bind_mount(Init *in, const Job *j, int copy, Err *e)
{
	AUTO(fd_close) int target = FD_NONE;
	struct stat st;

	TRY(bind_set(j, copy, e));
	if (fstat(copy, &st) < 0)
		return err_sys(e, "look at the source");
	TRY(target_open(in, j, !S_ISDIR(st.st_mode), &target, e));
	TRY(mount_attach(copy, target, e));
	in->shared += is_shared(j->m);
	return 0;
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

/* "remount": what is there already. */
static int mount_again(Init *in, const Job *j, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;
	AUTO(fd_close) int target = path_try_in_root(in->root, j->target, O_PATH, 0);
	if (target < 0)
		return err_make(e, ERR_SPEC, -target, "find what to change");
	if (j->m->options_count > 0) {
		TRY(mount_fs_pick(target, &fs, e));
		TRY(fs_set(in, j->m, fs, e));
		TRY(mount_fs_change(fs, e));
	}
	return bind_set(j, target, e);
}

static int job_do(Init *in, const Job *j, int *take_source, int *ret_mount, Err *e)
{
	int source = *take_source;
	if (j->m->kind == WIRE_MOUNT_DETACH)
		return 0; /* in their own order: mounts_detach() */
	if (j->m->flags & WIRE_MOUNT_AGAIN)
		return mount_again(in, j, e);
	if (j->m->kind == WIRE_MOUNT_FS)
		return fs_mount(in, j, take_source, ret_mount, e);
	if (source < 0 && (j->m->flags & WIRE_MOUNT_OPTIONAL))
		return 0;
	if (j->m->kind == WIRE_MOUNT_OVERLAY)
		return overlay_mount(in, j, source, ret_mount, e);
	TRY(bind_mount(in, j, source, e));
	return 0;
}

static Job job_of(const Init *in, const WireMount *m)
{
	return (Job){
		.m = m,
		.type = wire_str(in->plan, m->type),
		.source = wire_str(in->plan, m->source),
		.target = wire_text(in->plan, m->target),
		.attrs = m->attr_set & ~(mount_is_read_only_last(m) ? (uint64_t)MOUNT_ATTR_RDONLY : 0),
	};
}

static int job_error(const Job *j, int r, Err *e)
{
	return err_wrap(e, r, "mount %s on %s", j->m->kind == WIRE_MOUNT_FS ? j->type : j->source,
			j->target);
}

/* But for a procfs, which shows the pid namespace of who makes it: only a child will be in the container's. */
int mounts_prepare(Init *in, Err *e)
{
	for (uint32_t i = 0; i < in->plan->mounts.count; i++) {
		const Job j = job_of(in, mount_at(in, i));
		if (j.m->kind != WIRE_MOUNT_FS || str_eq(j.type, "proc"))
			continue;
		int r = fs_make_or_not(in, &j, &in->sources[i], e);
		if (r < 0)
			return job_error(&j, r, e);
	}
	return 0;
}

/* The start of a container that fails takes all with it; one that is there keeps nothing of what failed. */
static void mounts_take_back(Init *in, uint32_t count)
{
	while (init_has(in, WIRE_MOUNTS_ONLY) && count-- > 0)
		if (in->sources[count] >= 0)
			(void)mount_take_away(in, in->sources[count], NULL); /* the failure itself is told */
}

int mounts_make(Init *in, Err *e)
{
	for (uint32_t i = 0; i < in->plan->mounts.count; i++) {
		const WireMount *m = mount_at(in, i);
		const Job j = job_of(in, m);
		AUTO(fd_close) int source = TAKE_FD(in->sources[i]);
		AUTO(fd_close) int made = FD_NONE;
		bool in_fresh = below_fresh(in, &j);
		int r = job_do(in, &j, &source, &made, e);
		if (r < 0) {
			mounts_take_back(in, i);
			return job_error(&j, r, e);
		}
		if (!in_fresh) { /* what else is mounted may cover it */
			in->has_fresh = m->kind == WIRE_MOUNT_FS && made >= 0 &&
					str_eq(j.type, "tmpfs");
			in->fresh = i;
		}
		if (mount_is_read_only_last(m) || is_shared(m) || init_has(in, WIRE_MOUNTS_ONLY) ||
		    (in->has_fresh && in->fresh == i))
			in->sources[i] = m->kind == WIRE_MOUNT_BIND ? TAKE_FD(source) : TAKE_FD(made);
	}
	return 0;
}
