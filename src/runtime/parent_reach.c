#include "runtime/parent_reach.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>

#include "kern/mount.h"
#include "kern/sys.h"

#define OVER_FILES (1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH)

/* With the effective capabilities of `set`, which says what to restore, or without those over files. */
static int caps_use(const struct __user_cap_data_struct set[2], bool over_files, Err *e)
{
	struct __user_cap_data_struct now[2] = { set[0], set[1] };
	if (!over_files)
		now[0].effective &= ~OVER_FILES;
	return sys_capset(now) < 0 ? err_sys(e, "set own capabilities") : 0;
}

static bool is_closed(const char *path)
{
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	return fd < 0 && errno == EACCES;
}

static bool is_source(const Plan *p, const Idmaps *m, size_t i)
{
	return p->wire.mounts[i].kind == WIRE_MOUNT_BIND && !(m->sources && m->sources[i] >= 0);
}

static bool has_root_dir(const Plan *p, const Idmaps *m)
{
	const WirePlan *head = &p->wire.head;
	return !p->has_root_wire && m->root < 0 && !head->overlay_lower &&
	       !(head->flags & WIRE_ROOT_EMPTY);
}

/* Whether init finds this one closed; caps: ours. */
static bool *closed_find(const Plan *p, const Idmaps *m, Arena *a, bool *ret_root, bool *ret_any)
{
	bool *closed = arena_new_array(a, p->wire.mounts_count + 1, bool);
	*ret_root = has_root_dir(p, m) && is_closed(p->wire.strings + p->wire.head.root);
	*ret_any = *ret_root;
	for (size_t i = 0; i < p->wire.mounts_count; i++) {
		closed[i] = is_source(p, m, i) && is_closed(p->wire.strings + p->wire.mounts[i].source);
		*ret_any = *ret_any || closed[i];
	}
	return closed;
}

static int copy_make(const char *path, bool recursive, uint64_t propagation, int *ret, Err *e)
{
	AUTO(fd_close) int copy = FD_NONE;
	TRY(mount_clone(AT_FDCWD, path, recursive, &copy, e));
	TRY(mount_set(copy, true, 0, 0, propagation, e));
	*ret = TAKE_FD(copy);
	return 0;
}

static int source_copy(const Plan *p, size_t i, Arena *a, Idmaps *m, Err *e)
{
	const WireMount *w = &p->wire.mounts[i];
	int copy = FD_NONE;
	bool shares = w->propagation &
		      (MS_SHARED | MS_SLAVE); /* as mount_namespaces(7) has it: nothing goes out */
	int r = copy_make(p->wire.strings + w->source, w->flags & WIRE_MOUNT_RECURSIVE,
			  shares ? MS_SLAVE : MS_PRIVATE, &copy, e);
	if (r < 0)
		return err_wrap(e, r, "mount on %s", p->wire.strings + w->target);
	idmaps_add_source(p, a, m, i, copy);
	return 0;
}

int reach_copies_make(const Plan *p, Arena *a, Idmaps *m, Err *e)
{
	struct __user_cap_data_struct own[2];
	bool root, any;
	if (sys_capget(own) < 0)
		return err_sys(e, "read own capabilities");
	TRY(caps_use(own, false, e));
	const bool *closed = closed_find(p, m, a, &root, &any);
	TRY(caps_use(own, true, e));
	if (root) {
		const char *path = p->wire.strings + p->wire.head.root;
		int r = copy_make(path, true, MS_PRIVATE, &m->root, e);
		if (r < 0)
			return err_wrap(e, r, "root directory '%s'", path);
	}
	for (size_t i = 0; any && i < p->wire.mounts_count; i++)
		if (closed[i])
			TRY(source_copy(p, i, a, m, e));
	return 0;
}
