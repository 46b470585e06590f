/* `--rootfs /` for who has no privilege over the host's mounts.
 *
 * Theory:    in a mount namespace that belongs to a new user namespace all mounts that came with it are locked together: a copy of one
 *            without what lies below it is refused (EINVAL), since it would show what is covered. So no overlay has / for its lower
 *            layer. Instead the root is an empty file system in memory, with an entry for each of the host's: an overlay over a
 *            directory that has no mount below it; a directory that has is shown with all of them, read-only; links are made anew.
 */
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/limits.h"
#include "runtime/plan_parts.h"

static const HostMount *mount_at(const HostFacts *f, const char *path)
{
	for (size_t i = 0; i < f->mounts_count; i++)
		if (strcmp(f->mounts[i].mountpoint, path) == 0)
			return &f->mounts[i];
	return NULL;
}

static void overlay_add(const PlanContext *c, Plan *p, const HostEntry *entry, const HostMount *m)
{
	*wire_add(&p->wire, mounts, WireMount) = (WireMount){
		.kind = WIRE_MOUNT_OVERLAY,
		.flags = WIRE_MOUNT_MASK_ON_FAILURE | plan_root_flags(c),
		.target = wire_add_str(&p->wire, entry->path),
		.source = wire_add_str(&p->wire, entry->path),
		.attr_set = (m ? m->attrs : 0) | plan_root_attrs(c),
	};
}

static void bind_add(Plan *p, const char *path)
{
	*wire_add(&p->wire, mounts, WireMount) = (WireMount){
		.kind = WIRE_MOUNT_BIND,
		.flags = WIRE_MOUNT_RECURSIVE | WIRE_MOUNT_OPTIONAL,
		.target = wire_add_str(&p->wire, path),
		.source = wire_add_str(&p->wire, path),
		.tree_set = MOUNT_ATTR_RDONLY,
		.propagation = MS_PRIVATE | MS_REC,
	};
}

/* What comes with a directory and shows the kernel's own state. */
static void mask_below(const PlanContext *c, Plan *p, const char *path)
{
	const HostFacts *f = c->facts;
	for (size_t i = 0; i < f->mounts_count; i++) {
		const HostMount *m = &f->mounts[i];
		if (path_is_below(m->mountpoint, path) && plan_root_is_masked(m->fstype) &&
		    !plan_root_is_replaced(c, m->mountpoint))
			*wire_add(&p->wire, masked, WireStr) = wire_add_str(&p->wire, m->mountpoint);
	}
}

static void entry_add(const PlanContext *c, Plan *p, const HostEntry *entry)
{
	const HostMount *m = mount_at(c->facts, entry->path);
	if (entry->link) {
		*wire_add(&p->wire, root_links, WirePair) = (WirePair){
			.name = wire_add_str(&p->wire, entry->path + 1),
			.value = wire_add_str(&p->wire, entry->link),
		};
	} else if (m && plan_root_is_masked(m->fstype)) {
		return; /* nothing is to be seen of it: there is no such entry */
	} else if (!entry->is_dir) {
		bind_add(p, entry->path);
	} else if (entry->has_mounts) {
		bind_add(p, entry->path);
		mask_below(c, p, entry->path);
	} else {
		overlay_add(c, p, entry, m);
	}
}

int plan_root_entries(const PlanContext *c, Plan *p, Err *e)
{
	const HostFacts *f = c->facts;
	if (f->entries_count > LIMIT_MOUNTS)
		return err_make(e, ERR_SPEC, 0,
				"the host's root directory has more than %u entries", LIMIT_MOUNTS);
	p->wire.head.flags |= WIRE_SCRATCH | WIRE_ROOT_EMPTY;
	for (size_t i = 0; i < f->entries_count; i++)
		if (!plan_root_is_replaced(c, f->entries[i].path))
			entry_add(c, p, &f->entries[i]);
	return 0;
}
