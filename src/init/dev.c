/* Device nodes and links. They are made on the descriptor of their folder, which was looked up inside the root: an image whose /dev
 * leads elsewhere gets them elsewhere inside itself. */
#include <sys/sysmacros.h>

#include "init/init.h"
#include "kern/mount.h"
#include "kern/path.h"
#include "kern/sys.h"

/* The folder that was used last: nearly all of them lie in /dev. */
typedef struct Folder {
	int fd;
	const char *path; /* of a file in it */
	size_t len;       /* of its own part of that */
} Folder;

static inline void folder_done_auto(Folder *f)
{
	fd_close_auto(&f->fd);
}

/* The folder of path, and its name there. */
static int folder_of(const Init *in, Folder *f, const char *path, const char **ret_name, Err *e)
{
	const char *name = err_basename(path);
	size_t len = (size_t)(name - path);
	if (f->fd >= 0 && f->path && *name && len == f->len && memcmp(path, f->path, len) == 0) {
		*ret_name = name;
		return 0;
	}
	int fd;
	TRY(path_parent_in_root(in->root, path, &fd, ret_name, e));
	fd_close_auto(&f->fd);
	*f = (Folder){ .fd = fd, .path = path, .len = len };
	return 0;
}

static bool is_device(const struct stat *st, const WireDevice *d)
{
	return (st->st_mode & S_IFMT) == (d->mode & S_IFMT) &&
	       (S_ISFIFO(d->mode) || st->st_rdev == makedev(d->major, d->minor));
}

static int device_exists(int dir, const char *name, const WireDevice *d, Err *e)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_device(&st, d))
		return 0;
	return err_make(e, ERR_SPEC, EEXIST, "another file is there");
}

static int device_make(int dir, const char *name, const WireDevice *d, Err *e)
{
	if (mknodat(dir, name, (mode_t)d->mode, makedev(d->major, d->minor)) < 0)
		return errno == EEXIST ? device_exists(dir, name, d, e) : err_sys(e, "make the node");
	if ((d->uid != 0 || d->gid != 0) && fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "give it to %u:%u", d->uid, d->gid);
	return 0;
}

/* A user namespace may not make nodes. */
static int device_bind(int dir, const char *name, const char *path, const WireDevice *d, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	struct stat st;

	TRY(mount_clone(AT_FDCWD, path, false, &copy, e));
	if (fstat(copy, &st) < 0)
		return err_sys(e, "look at the host's node");
	if (!is_device(&st, d))
		return err_make(e, ERR_STATE, ENODEV, "the host's file is not the device %u:%u",
				d->major, d->minor);
	AUTO(fd_close)
	int target = openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, 0644);
	if (target < 0)
		return err_sys(e, "make the file to bind it on");
	return mount_attach(copy, target, e);
}

static int devices_all(const Init *in, Folder *f, Err *e)
{
	const WirePlan *p = in->plan;
	for (uint32_t i = 0; i < p->devices.count; i++) {
		const WireDevice *d = &WIRE_ITEMS(p, devices, WireDevice)[i];
		const char *path = wire_text(p, d->path), *name;
		int r = folder_of(in, f, path, &name, e);
		if (r == 0)
			r = init_has(in, WIRE_INNER_USERNS) ? device_bind(f->fd, name, path, d, e)
							    : device_make(f->fd, name, d, e);
		if (r < 0)
			return err_wrap(e, r, "device %s", path);
	}
	return 0;
}

int devices_make(Init *in, Err *e)
{
	AUTO(folder_done) Folder f = { .fd = FD_NONE };
	const WirePlan *p = in->plan;

	TRY(devices_all(in, &f, e));
	for (uint32_t i = 0; i < p->links.count; i++) {
		const WirePair *link = &WIRE_ITEMS(p, links, WirePair)[i];
		const char *path = wire_text(p, link->name), *name;
		int r = folder_of(in, &f, path, &name, e);
		if (r == 0 && symlinkat(wire_text(p, link->value), f.fd, name) < 0 && errno != EEXIST)
			r = err_sys(e, "make the symbolic link");
		if (r < 0)
			return err_wrap(e, r, "%s", path);
	}
	return 0;
}
