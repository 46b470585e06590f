#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/limits.h"
#include "runtime/plan_parts.h"

/* A path as overlay's "lowerdir" takes it: commas separate options and colons layers, so they and the escape itself are escaped. */
static char *overlay_escape(Arena *a, const char *path)
{
	char *out = arena_alloc(a, 2 * strlen(path) + 1);
	char *p = out;
	for (; *path; path++) {
		if (strchr(":,\\", *path))
			*p++ = '\\';
		*p++ = *path;
	}
	return out;
}

/* Trees of the host that a container has its own of, whatever is mounted there. */
static const char *const fresh_dirs[] = { "/proc", "/sys", "/dev", "/run", "/tmp" };

static bool is_fresh(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(fresh_dirs); i++)
		if (path_is_below(path, fresh_dirs[i]))
			return true;
	return false;
}

/* File systems that show the kernel's own state or start something when touched: never seen through an overlay. */
bool plan_root_is_masked(const char *fstype)
{
	static const char *const masked[] = { "proc",    "sysfs",      "devpts",     "devtmpfs",
					      "cgroup",  "cgroup2",    "autofs",     "mqueue",
					      "debugfs", "tracefs",    "securityfs", "bpf",
					      "pstore",  "efivarfs",   "configfs",   "fusectl",
					      "nsfs",    "rpc_pipefs", "hugetlbfs",  "binfmt_misc" };
	for (size_t i = 0; i < ARRAY_LEN(masked); i++)
		if (strcmp(fstype, masked[i]) == 0)
			return true;
	return false;
}

/* By a fresh tree, or by a mount of its own there or above: the host's is not seen anyway. */
bool plan_root_is_replaced(const PlanContext *c, const char *path)
{
	const Spec *s = c->spec;
	if (is_fresh(path))
		return true;
	for (size_t i = 0; i < s->mounts_count; i++)
		if (path_is_below(path, s->mounts[i].destination))
			return true;
	return false;
}

/* A read-only root is that last, for mount points may have to be made in it. */
uint64_t plan_root_attrs(const PlanContext *c)
{
	return c->spec->root.readonly ? MOUNT_ATTR_RDONLY : 0;
}

uint16_t plan_root_flags(const PlanContext *c)
{
	return c->spec->root.readonly ? WIRE_MOUNT_READONLY_LAST : 0;
}

static int host_mount_add(const PlanContext *c, Plan *p, WireBuild *w, const HostMount *m, Err *e)
{
	if (!m->is_dir || plan_root_is_masked(m->fstype)) {
		*wire_add(&p->wire, masked, WireStr) = wire_add_str(&p->wire, m->mountpoint);
		return 0;
	}
	if (w->mounts_count >= LIMIT_MOUNTS)
		return err_make(e, ERR_SPEC, 0, "the host has more than %u mounts", LIMIT_MOUNTS);
	*wire_add(w, mounts, WireMount) = (WireMount){
		.kind = WIRE_MOUNT_OVERLAY,
		.flags = WIRE_MOUNT_MASK_ON_FAILURE | plan_root_flags(c),
		.target = wire_add_str(w, m->mountpoint),
		.source = wire_add_str(w, m->mountpoint),
		.attr_set = m->attrs | plan_root_attrs(c),
	};
	return 0;
}

/* The host's own tree: every mount below / gets a throw-away overlay of its own, since an overlay does not show what is mounted
 * below its lower layer. */
static int host_view(const PlanContext *c, Plan *p, WireBuild *w, Err *e)
{
	const HostFacts *f = c->facts;
	for (size_t i = 0; i < f->mounts_count; i++) {
		const HostMount *m = &f->mounts[i];
		if (strcmp(m->mountpoint, "/") != 0 && !plan_root_is_replaced(c, m->mountpoint))
			TRY(host_mount_add(c, p, w, m, e));
	}
	return 0;
}

/* Our own folders. */
static void own_dirs_mask(const PlanContext *c, Plan *p)
{
	for (size_t i = 0; i < c->in->masked_host_dirs.count; i++) {
		const char *dir = path_clean(c->arena, c->in->masked_host_dirs.items[i]);
		if (!is_fresh(dir))
			*wire_add(&p->wire, masked, WireStr) = wire_add_str(&p->wire, dir);
	}
}

static int overlay_add(const PlanContext *c, Plan *p, WireBuild *w, Err *e)
{
	const SpecRoot *r = &c->spec->root;
	w->head.overlay_lower = wire_add_str(w, overlay_escape(c->arena, r->path));
	if (r->kind == ROOT_OVERLAY && r->overlay_dir) {
		w->head.overlay_upper = wire_add_str(w, arena_printf(c->arena, "%s/upper",
								     r->overlay_dir));
		w->head.overlay_work = wire_add_str(w, arena_printf(c->arena, "%s/work", r->overlay_dir));
		return 0;
	}
	w->head.flags |= WIRE_SCRATCH;
	return r->kind == ROOT_HOST ? host_view(c, p, w, e) : 0;
}

/* The plan by which the tree is made apart. */
static WireBuild *root_wire_init(const PlanContext *c, Plan *p)
{
	WireBuild *w = &p->root_wire;
	p->has_root_wire = true;
	wire_build_init(w, c->arena);
	w->head.flags = WIRE_ROOT_ONLY | (c->facts->first_user_ns ? 0 : WIRE_INNER_USERNS);
	w->head.container_id = wire_add_str(w, c->in->container_id);
	w->head.scratch_dir = wire_add_str(w, c->in->scratch_dir);
	w->head.root = wire_add_str(w, c->spec->root.path);
	return w;
}

/* In a user namespace the mounts of the host are locked together: no copy of one shows what another covers. */
static int overlay_check(const PlanContext *c, Err *e)
{
	const char *path = c->spec->root.path;
	const HostFacts *f = c->facts;
	for (size_t i = 0; !host_facts_has_root(f) && i < f->mounts_count; i++) {
		const char *point = f->mounts[i].mountpoint;
		if (path_is_below(point, path) && strcmp(point, path) != 0)
			return err_make(e, ERR_SPEC, EPERM,
					"root directory '%s': without privilege no overlay can be laid over it, for %s is mounted below it",
					path, point);
	}
	return 0;
}

int plan_root(const PlanContext *c, Plan *p, Err *e)
{
	const SpecRoot *r = &c->spec->root;
	WirePlan *h = &p->wire.head;

	if (!r->path || r->path[0] != '/')
		return err_make(e, ERR_SPEC, 0, "the root directory's path is not absolute");
	h->root = wire_add_str(&p->wire, r->path);
	if (r->readonly)
		h->flags |= WIRE_ROOT_READONLY;
	if (!(c->spec->linux_.root_propagation & MS_PRIVATE)) /* which it is anyway */
		h->root_propagation = c->spec->linux_.root_propagation;
	if (r->idmap) {
		uint32_t idmap;
		TRY(plan_idmap(c, p, r->idmap, NULL, &idmap, e));
		p->root_idmap = (int)idmap;
	}
	if (r->kind == ROOT_DIRECTORY)
		return 0;
	if (r->kind == ROOT_HOST && !host_facts_has_root(c->facts)) {
		TRY(plan_root_entries(c, p, e));
	} else {
		if (r->kind == ROOT_OVERLAY)
			TRY(overlay_check(c, e));
		bool apart = ((h->flags & WIRE_USERNS) || r->idmap) && c->facts->privileged;
		TRY(overlay_add(c, p, apart ? root_wire_init(c, p) : &p->wire, e));
	}
	if (r->kind == ROOT_HOST)
		own_dirs_mask(c, p);
	return 0;
}
