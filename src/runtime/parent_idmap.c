#include "runtime/parent_idmap.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "kern/mount.h"
#include "kern/mountinfo.h"
#include "kern/userns.h"

void idmaps_close(Idmaps *m)
{
	for (size_t i = 0; i < m->userns_count; i++)
		fd_close_auto(&m->userns[i]);
	for (size_t i = 0; i < m->sources_count; i++)
		fd_close_auto(&m->sources[i]);
	fd_close_auto(&m->root);
	*m = IDMAPS_NONE;
}

/* One mount alone. */
static bool can_be_mapped(const char *path, int userns)
{
	AUTO(fd_close) int copy = FD_NONE;
	return mount_clone(AT_FDCWD, path, false, &copy, NULL) >= 0 &&
	       mount_idmap(copy, userns, false, NULL) >= 0;
}

static bool mount_of(const char *path, Arena *a, MountInfo *ret)
{
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	return fd >= 0 && mountinfo_of(fd, a, ret, NULL) >= 0;
}

/* The mount that path is on, or, when that one can be mapped, the one below it that cannot. */
static bool find_culprit(const char *path, int userns, Arena *a, MountInfo *ret)
{
	char *text;
	MountInfo m;
	if (!can_be_mapped(path, userns))
		return mount_of(path, a, ret);
	if (mountinfo_read("/proc/self/mountinfo", a, &text, NULL) < 0)
		return false;
	while (mountinfo_next(&text, &m))
		if (path_is_below(m.mountpoint, path) && mountinfo_is_visible(&m, NULL) &&
		    !can_be_mapped(m.mountpoint, userns)) {
			*ret = m;
			return true;
		}
	return false;
}

/* mount_setattr(2): EINVAL for a file system that does not take part, EPERM for one of another user namespace or a mount that is
 * mapped already. */
static int idmap_refused(const char *path, int userns, int r, Arena *a, Err *e)
{
	MountInfo m;
	if (r == -ENOSYS)
		return err_make(e, ERR_SPEC, ENOSYS,
				"'%s' cannot be id-mapped: this kernel has no mount_setattr (Linux 5.12 is needed)",
				path);
	if ((r != -EINVAL && r != -EPERM) || !find_culprit(path, userns, a, &m))
		return r;
	if (r == -EPERM)
		return err_make(e, ERR_SPEC, EPERM,
				"the mount on %s (%s) cannot be id-mapped: it is already, or its file system belongs to another user namespace",
				m.mountpoint, m.fstype);
	return err_make(e, ERR_SPEC, EINVAL,
			"the file system %s on %s cannot be id-mapped by this kernel; copy the files to ext4, xfs, btrfs or tmpfs, or "
			"give them to the mapped ids and use --uidmap",
			m.fstype, m.mountpoint);
}

/* One copy on its way. */
typedef struct Copy {
	const char *path;
	bool recursive;       /* with what is mounted below */
	bool map_recursive;   /* that with other ids, too */
	uint64_t propagation; /* MS_PRIVATE or MS_SLAVE; 0: as the host's */
	int userns;
} Copy;

/* A copy is a peer of what it was made of, in this mount namespace: what is mounted on it later must not come up there. */
static int copy_make(const Copy *c, Arena *a, int *ret, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	int r = mount_clone(AT_FDCWD, c->path, c->recursive, &copy, e);
	if (r == -ENOENT)
		return err_make(e, ERR_SPEC, ENOENT, "source '%s'", c->path);
	TRY(r);
	if (c->propagation)
		TRY(mount_set(copy, true, 0, 0, c->propagation, e));
	r = mount_idmap(copy, c->userns, c->map_recursive, e);
	if (r < 0)
		return idmap_refused(c->path, c->userns, r, a, e);
	*ret = TAKE_FD(copy);
	return 0;
}

static int userns_all(const Plan *p, Arena *a, Idmaps *m, Err *e)
{
	m->userns = arena_new_array(a, p->idmaps_count, int);
	for (size_t i = 0; i < p->idmaps_count; i++) {
		int r = userns_make(p->idmaps[i].uid_map, p->idmaps[i].gid_map, &m->userns[i], e);
		if (r < 0)
			return err_wrap(e, r, "maps of an id-mapped mount");
		m->userns_count = i + 1;
	}
	return 0;
}

/* A root without overlay comes with what is mounted below it; an overlay shows one file system only. */
static int root_copy(const Plan *p, Arena *a, Idmaps *m, Err *e)
{
	bool whole = !p->has_root_wire;
	if (p->root_idmap < 0)
		return 0;
	Copy c = { .path = p->wire.strings + p->wire.head.root,
		   .recursive = whole,
		   .map_recursive = whole,
		   .propagation = MS_PRIVATE,
		   .userns = m->userns[p->root_idmap] };
	int r = copy_make(&c, a, &m->root, e);
	return r < 0 ? err_wrap(e, r, "root directory '%s'", c.path) : 0;
}

/* "shared" and "slave" are heard of what happens outside; a user namespace tells the outside nothing (mount_namespaces(7)). */
static uint64_t propagation_of(const Plan *p, const WireMount *m)
{
	if (!(m->propagation & (MS_SHARED | MS_SLAVE)))
		return MS_PRIVATE;
	return p->userns.uid_map ? MS_SLAVE : 0;
}

static int source_copy(const Plan *p, const PlanIdmapMount *i, Arena *a, Idmaps *m, Err *e)
{
	const WireMount *mount = &p->wire.mounts[i->mount];
	Copy c = { .path = p->wire.strings + mount->source,
		   .recursive = mount->flags & WIRE_MOUNT_RECURSIVE,
		   .map_recursive = i->recursive,
		   .propagation = propagation_of(p, mount),
		   .userns = m->userns[i->idmap] };
	int r = copy_make(&c, a, &m->sources[i->mount], e);
	return r < 0 ? err_wrap(e, r, "mount on %s", p->wire.strings + mount->target) : 0;
}

static void sources_init(const Plan *p, Arena *a, Idmaps *m)
{
	if (m->sources)
		return;
	m->sources = arena_new_array(a, p->wire.mounts_count, int32_t);
	for (; m->sources_count < p->wire.mounts_count; m->sources_count++)
		m->sources[m->sources_count] = FD_NONE;
}

void idmaps_add_source(const Plan *p, Arena *a, Idmaps *m, size_t mount, int take_copy)
{
	sources_init(p, a, m);
	m->sources[mount] = take_copy;
}

int idmaps_make(const Plan *p, Arena *a, Idmaps *ret, Err *e)
{
	if (p->idmaps_count == 0)
		return 0;
	TRY(userns_all(p, a, ret, e));
	TRY(root_copy(p, a, ret, e));
	if (p->idmap_mounts_count == 0)
		return 0;
	sources_init(p, a, ret);
	for (size_t i = 0; i < p->idmap_mounts_count; i++)
		TRY(source_copy(p, &p->idmap_mounts[i], a, ret, e));
	return 0;
}
