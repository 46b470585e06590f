#include "criu/mounts.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/mount.h"
#include "kern/mountinfo.h"
#include "kern/path.h"
#include "runtime/bundle.h"

static const char *const devices[] = { "/dev/null",   "/dev/zero",    "/dev/full",
				       "/dev/random", "/dev/urandom", "/dev/tty" };

static void add(CriuPairs *l, const char *key, const char *value, Arena *a)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i].key, key) == 0)
			return;
	*arena_push(a, &l->items, &l->count, CriuPair) = (CriuPair){ .key = key, .value = value };
}

/* ---- names ---- */

/* Where a descriptor's file lies below the root that this path leads to. NULL: not there. */
static const char *place_in(const char *root, int fd, Arena *a)
{
	char target[PATH_MAX];
	ssize_t n = readlink(arena_printf(a, "/proc/self/fd/%d", fd), target, sizeof target - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	const char *rest = strcmp(root, "/") == 0 ? target : str_after(target, root);
	if (!rest || (*rest && *rest != '/'))
		return NULL;
	return arena_strdup(a, *rest ? rest : "/");
}

/* As much of the destination as is in the root, links resolved, and the rest as it is. */
static const char *name_of(int root_fd, const char *root, const char *destination, Arena *a)
{
	const char *clean = path_clean(a, destination);
	for (char *head = arena_strdup(a, clean); *head; *strrchr(head, '/') = '\0') {
		AUTO(fd_close) int fd = path_try_in_root(root_fd, head, O_PATH, 0);
		const char *place = fd >= 0 ? place_in(root, fd, a) : NULL;
		const char *rest = clean + strlen(head);
		if (place)
			return strcmp(place, "/") == 0 && *rest
				       ? rest
				       : arena_printf(a, "%s%s", place, rest);
	}
	return clean;
}

static int root_open(const Spec *s, int *ret_fd, Err *e)
{
	int fd = openat(AT_FDCWD, s->root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "root.path: '%s'", s->root.path);
	*ret_fd = fd;
	return 0;
}

/* ---- dump ---- */

/* The mount that a bind of the description has become. -ENOENT without a message: something else lies over it. */
static int bind_find(int inside_fd, const char *list, const SpecMount *m, Arena *a, MountInfo *ret)
{
	AUTO(fd_close) int fd = path_try_in_root(inside_fd, m->destination, O_PATH, 0);
	char text[512];
	if (fd < 0)
		return -ENOENT;
	ssize_t n = fd_read_text_at(AT_FDCWD, arena_printf(a, "/proc/self/fdinfo/%d", fd), text,
				    sizeof text);
	const char *at = n > 0 ? strstr(text, "mnt_id:") : NULL;
	if (!at)
		return -ENOENT;
	at += strlen("mnt_id:");
	at += strspn(at, " \t");
	char *copy = arena_strdup(a, list);
	while (mountinfo_next(&copy, ret)) {
		const char *id = arena_printf(a, "%d\n", ret->id);
		if (strncmp(at, id, strlen(id)) == 0)
			return 0;
	}
	return -ENOENT;
}

/* 0: no device. The terminal at /dev/console is of the container's own devpts. */
static dev_t device_at(int inside_fd, const MountInfo *m)
{
	struct stat st;
	if (strcmp(m->root, "/") == 0 || strcmp(m->fstype, "devpts") == 0)
		return 0;
	AUTO(fd_close) int fd = path_try_in_root(inside_fd, m->mountpoint, O_PATH, 0);
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) ? st.st_rdev : 0;
}

/* Devices that are bound one by one, and the null device over masked files; groups of v1 where the host's namespace is shown. */
static void others_add(int inside_fd, const char *list, const Spec *s, Arena *a, CriuPairs *ret)
{
	char *copy = arena_strdup(a, list);
	bool whole = !(s->linux_.namespaces & SPEC_NS_CGROUP);
	MountInfo m;
	while (mountinfo_next(&copy, &m)) {
		dev_t device = device_at(inside_fd, &m);
		if (device)
			add(ret, m.mountpoint, device == makedev(1, 3) ? "/dev/null" : m.mountpoint, a);
		if (whole && strcmp(m.fstype, "cgroup") == 0)
			add(ret, m.mountpoint, m.mountpoint, a);
	}
}

int criu_mounts_of(int pid, const Spec *s, Arena *a, CriuPairs *ret, Err *e)
{
	AUTO(fd_close) int root_fd = FD_NONE;
	char *list;
	CriuPairs found = { 0 };
	const char *inside = arena_printf(a, "/proc/%d/root", pid);
	TRY(root_open(s, &root_fd, e));
	AUTO(fd_close) int inside_fd = openat(AT_FDCWD, inside, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (inside_fd < 0)
		return err_sys(e, "open %s", inside);
	TRY(mountinfo_read(arena_printf(a, "/proc/%d/mountinfo", pid), a, &list, e));
	for (size_t i = 0; i < s->mounts_count; i++) {
		const SpecMount *m = &s->mounts[i];
		MountInfo at;
		if (bundle_is_bind(m) && bind_find(inside_fd, list, m, a, &at) == 0 &&
		    strcmp(at.mountpoint, "/") != 0)
			add(&found, at.mountpoint, name_of(root_fd, s->root.path, m->destination, a), a);
	}
	others_add(inside_fd, list, s, a, &found);
	*ret = found;
	return 0;
}

/* ---- restore ---- */

static void groups_add(const Spec *s, const Plan *p, const HostFacts *f, const SpecMount *m,
		       Arena *a, CriuPairs *ret)
{
	if ((s->linux_.namespaces & SPEC_NS_CGROUP) || f->cgroup_mode == CGROUP_V2)
		return;
	for (size_t i = 0; i < p->groups_count; i++) {
		const HostCgroup *h = &f->cgroups[p->groups[i].hierarchy];
		const char *slash = strrchr(h->mountpoint, '/');
		if (!h->is_v2)
			add(ret,
			    arena_printf(a, "%s/%s", m->destination, slash ? slash + 1 : h->mountpoint),
			    p->groups[i].dir, a);
	}
}

int criu_mounts_for(const Spec *s, const Plan *p, const HostFacts *f, Arena *a, CriuPairs *ret, Err *e)
{
	AUTO(fd_close) int root_fd = FD_NONE;
	CriuPairs found = { 0 };
	TRY(root_open(s, &root_fd, e));
	for (size_t i = 0; i < s->mounts_count; i++) {
		const SpecMount *m = &s->mounts[i];
		if (bundle_is_bind(m) && m->source)
			add(&found, name_of(root_fd, s->root.path, m->destination, a), m->source, a);
		else if (m->type && strcmp(m->type, "cgroup") == 0)
			groups_add(s, p, f, m, a, &found);
	}
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		add(&found, devices[i], devices[i], a);
	for (size_t i = 0; i < s->linux_.devices_count; i++)
		add(&found, s->linux_.devices[i].path, s->linux_.devices[i].path, a);
	*ret = found;
	return 0;
}

/* ---- the root ---- */

/* Mount points in what criu mounts with all that was in it are criu's. */
static bool is_in_another(const Spec *s, size_t index)
{
	for (size_t i = 0; i < s->mounts_count; i++)
		if (i != index && !bundle_is_bind(&s->mounts[i]) &&
		    path_is_below(s->mounts[index].destination, s->mounts[i].destination) &&
		    strcmp(s->mounts[index].destination, s->mounts[i].destination) != 0)
			return true;
	return false;
}

/* As init makes it; what is bound is bound here, too, since the next mount point may be in it. */
static int point_make(const SpecMount *m, int root_fd, Err *e)
{
	AUTO(fd_close) int point = FD_NONE;
	AUTO(fd_close) int copy = FD_NONE;
	struct stat st;
	bool binds = bundle_is_bind(m) && m->source;
	if (binds && stat(m->source, &st) < 0)
		return err_sys(e, "mount '%s': source '%s'", m->destination, m->source);
	PathKind kind = !binds || S_ISDIR(st.st_mode) ? PATH_DIR : PATH_FILE;
	int r = path_make_in_root(root_fd, m->destination, kind, 0, &point, e);
	if (r == 0 && binds)
		r = mount_clone(AT_FDCWD, m->source, true, &copy, e);
	if (r == 0 && binds)
		r = mount_set(copy, true, 0, 0, MS_PRIVATE, e);
	if (r == 0 && binds)
		r = mount_attach(copy, point, e);
	return r < 0 ? err_wrap(e, r, "mount '%s'", m->destination) : 0;
}

static int root_show(const Spec *s, const char *dir, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	AUTO(fd_close) int at = openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_sys(e, "open %s", dir);
	TRY(mount_clone(AT_FDCWD, s->root.path, false, &copy, e));
	TRY(mount_set(copy, false, 0, 0, MS_PRIVATE, e));
	return mount_attach(copy, at, e);
}

int criu_root_make(const Spec *s, const char *dir, Err *e)
{
	AUTO(fd_close) int all = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (all < 0)
		return err_sys(e, "open /");
	TRY(mount_set(all, true, 0, 0, MS_SLAVE, e));
	TRY(root_show(s, dir, e));
	AUTO(fd_close) int root_fd = openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return err_sys(e, "open %s", dir);
	for (size_t i = 0; i < s->mounts_count; i++)
		if (!is_in_another(s, i))
			TRY(point_make(&s->mounts[i], root_fd, e));
	if (umount2(dir, MNT_DETACH) < 0)
		return err_sys(e, "take the mounts off %s", dir);
	return root_show(s, dir, e);
}
