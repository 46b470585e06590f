/* Overlays: over the root, and over each mount of `--rootfs /`.
 *
 * Theory: the old mount(2), since one fsconfig(2) string holds 255 bytes and what takes several of them (lowerdir+) came with Linux
 * 6.5. In scratch all names are short and relative: l<N> is the lower layer (a copy of the mount), u<N> and w<N> are upper and work
 * folder, m<N> is the mount point. Nothing of it stays reachable: scratch hangs in the host's tree, which goes with the pivot, and
 * overlay has copies of the layers' mounts of its own. */
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "base/str.h"
#include "init/init.h"
#include "kern/mount.h"
#include "kern/sys.h"

static int overlay_mount(const Init *in, const char *target, const char *layers, Err *e)
{
	char data[4096]; /* mount(2) copies one page */
	const char *context = wire_str(in->plan, in->plan->overlay_context);
	if (str_format(data, sizeof data, "%s%s%s", layers,
		       init_has(in, WIRE_INNER_USERNS) ? ",userxattr" : "", context ? context : "") < 0)
		return err_make(e, ERR_SYS, ENAMETOOLONG, "overlay: its layers have too long paths");
	if (mount("overlay", target, "overlay", 0, data) < 0)
		return err_sys(e, "mount an overlay (%s)%s", data,
			       errno == EINVAL && in->plan->idmap_fd >= 0
				       ? "; id-mapped layers need Linux 5.19"
				       : "");
	return 0;
}

/* Where the kernel cannot make its own folder in the work folder, it leaves the overlay read-only and says so in its log alone. */
static int overlay_check(int made, const char *layers, Err *e)
{
	struct statfs fs;
	if (fstatfs(made, &fs) < 0)
		return err_sys(e, "look at the overlay (%s)", layers);
	if (fs.f_flags & ST_RDONLY)
		return err_make(e, ERR_STATE, EROFS,
				"overlay (%s): its work folder cannot be written; is the file system full?",
				layers);
	return 0;
}

/* The root of an overlay shows mode and owner of the upper folder: they become those of the lower one, which may show with other ids
 * than it has on disk. An owner that has no id here shows as overflow id and cannot be given away: the folder stays ours then. */
static int upper_set(int dirfd, const char *upper, int lower, Err *e)
{
	struct stat st;
	if (fstat(lower, &st) < 0)
		return err_sys(e, "look at the lower layer");
	if (!S_ISDIR(st.st_mode))
		return err_make(e, ERR_SYS, ENOTDIR, "the lower layer is not a folder");
	bool is_roots = dirfd != AT_FDCWD; /* in scratch it is new; on disk it may have been given away */
	if (!(is_roots && st.st_uid == 0 && st.st_gid == 0) &&
	    fchownat(dirfd, upper, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL)
		return err_sys(e, "give the upper folder to %u:%u", st.st_uid, st.st_gid);
	if (fchmodat(dirfd, upper, st.st_mode & 07777, 0) < 0)
		return err_sys(e, "set the mode of the upper folder");
	return 0;
}

int overlay_make_in_scratch(Init *in, int lower, uint64_t attrs, int *ret_mount, Err *e)
{
	char l[16], u[16], w[16], m[16], layers[80];
	unsigned n = in->overlays++;
	(void)snprintf(l, sizeof l, "l%u", n); /* they fit: n is below LIMIT_MOUNTS */
	(void)snprintf(u, sizeof u, "u%u", n);
	(void)snprintf(w, sizeof w, "w%u", n);
	(void)snprintf(m, sizeof m, "m%u", n);
	(void)snprintf(layers, sizeof layers, "lowerdir=%s,upperdir=%s,workdir=%s", l, u, w);

	if (mkdirat(in->scratch, u, 0700) < 0 || mkdirat(in->scratch, l, 0700) < 0 ||
	    mkdirat(in->scratch, w, 0700) < 0 || mkdirat(in->scratch, m, 0700) < 0)
		return err_sys(e, "make a scratch folder");
	TRY(upper_set(in->scratch, u, lower, e));
	if (sys_move_mount(lower, "", in->scratch, l, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, "attach the lower layer");
	if (fchdir(in->scratch) < 0)
		return err_sys(e, "enter the scratch folder");
	TRY(overlay_mount(in, m, layers, e));
	AUTO(fd_close) int made = sys_open_tree(in->scratch, m, OPEN_TREE_CLOEXEC);
	if (made < 0)
		return err_sys(e, "open the overlay");
	TRY(overlay_check(made, layers, e));
	if (attrs)
		TRY(mount_set(made, false, attrs, 0, 0, e));
	*ret_mount = TAKE_FD(made);
	return 0;
}

/* Overlay's options take '\' before each of these literally. */
static int escape(char *out, size_t size, const char *path)
{
	size_t n = 0;
	for (; *path; path++) {
		if (n + 3 > size)
			return -ENAMETOOLONG;
		if (strchr("\\,:", *path))
			out[n++] = '\\';
		out[n++] = *path;
	}
	out[n] = '\0';
	return 0;
}

int overlay_make_on_disk(Init *in, int lower, int *ret_mount, Err *e)
{
	const WirePlan *p = in->plan;
	char upper[2048], work[2048], layers[4096];
	bool given = lower >= 0; /* then it is attached, and is the current folder */
	if (given) {
		TRY(upper_set(AT_FDCWD, wire_text(p, p->overlay_upper), lower, e));
		TRY(mount_attach(lower, in->root_dir, e));
	}
	if (escape(upper, sizeof upper, wire_text(p, p->overlay_upper)) < 0 ||
	    escape(work, sizeof work, wire_text(p, p->overlay_work)) < 0 ||
	    str_format(layers, sizeof layers, "lowerdir=%s,upperdir=%s,workdir=%s",
		       given ? "." : wire_text(p, p->overlay_lower), upper, work) < 0)
		return err_make(e, ERR_SYS, ENAMETOOLONG, "overlay: its layers have too long paths");
	if (fchdir(given ? lower : in->root_dir) < 0)
		return err_sys(e, "enter it");
	TRY(overlay_mount(in, ".", layers, e));
	/* "." still is what lies below the new mount; the path, a folder of ours, leads to its top. */
	AUTO(fd_close)
	int made = openat(AT_FDCWD, wire_text(p, given ? p->scratch_dir : p->root),
			  O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (made < 0)
		return err_sys(e, "open the overlay");
	TRY(overlay_check(made, layers, e));
	*ret_mount = TAKE_FD(made);
	return 0;
}
