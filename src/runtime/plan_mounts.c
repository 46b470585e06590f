#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/limits.h"
#include "base/mount_words.h"
#include "runtime/plan_parts.h"

/* What the option words of one mount come to. */
typedef struct MountOptions {
	uint64_t attr_set, attr_clear; /* of the mount itself */
	uint64_t tree_set, tree_clear; /* of all that comes with it ("rro"), too */
	uint64_t propagation;
	bool bind, recursive, copy_up, again;
	const char *idmap; /* the word that asks for an id-mapped mount, or NULL */
	StrList data;      /* for the file system */
} MountOptions;

/* The last word of several wins, for the mount itself and for what comes with it. */
static void attr_add(MountOptions *o, const MountWord *w)
{
	mount_word_fold_attr(w, &o->attr_set, &o->attr_clear);
	if (w->recursive)
		mount_word_fold_attr(w, &o->tree_set, &o->tree_clear);
}

static int option_add(MountOptions *o, const char *word, const SpecMount *m, Arena *a, Err *e)
{
	const MountWord *w = mount_word_find(word);
	if (plan_option_is_idmap(word)) {
		o->idmap = word;
		return 0;
	}
	if (!w) {
		strlist_add(a, &o->data, word);
		return 0;
	}
	switch (w->kind) {
	case MOUNT_WORD_ATTR: attr_add(o, w); return 0;
	case MOUNT_WORD_BIND:
		o->bind = true;
		o->recursive = w->recursive;
		return 0;
	case MOUNT_WORD_PROPAGATION: o->propagation = w->propagation; return 0;
	case MOUNT_WORD_SUPER: strlist_add(a, &o->data, word); return 0;
	case MOUNT_WORD_NOTHING: return 0;
	case MOUNT_WORD_TMPCOPYUP: o->copy_up = true; return 0;
	case MOUNT_WORD_REMOUNT: o->again = true; return 0;
	case MOUNT_WORD_IDMAP: break;
	}
	return err_make(e, ERR_SPEC, 0, "mount on %s: option '%s' is not supported", m->destination,
			word);
}

/* An id that the container's user namespace does not map is refused by the file system: devpts' gid=5 in a single-id map. */
static bool option_is_unmapped_gid(const PlanContext *c, const char *type, const char *word)
{
	return strcmp(type, "devpts") == 0 && strcmp(word, "gid=5") == 0 && !plan_gid_is_mapped(c, 5);
}

/* These cannot be given a context: all their mounts are of one instance, or have labels by themselves. */
static bool fs_takes_context(const char *type)
{
	static const char *const none[] = { "proc", "sysfs", "mqueue", "cgroup", "cgroup2" };
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (strcmp(type, none[i]) == 0)
			return false;
	return true;
}

static void fs_data_add(const PlanContext *c, Plan *p, WireMount *m, const char *type,
			const StrList *data)
{
	m->options_first = (uint32_t)p->wire.mount_options_count;
	for (size_t i = 0; i < data->count; i++)
		if (!option_is_unmapped_gid(c, type, data->items[i]))
			*wire_add(&p->wire, mount_options, WireStr) = wire_add_str(&p->wire,
										   data->items[i]);
	if (p->wire.head.mount_context && fs_takes_context(type))
		*wire_add(&p->wire, mount_options, WireStr) = p->wire.head.mount_context;
	m->options_count = (uint32_t)(p->wire.mount_options_count - m->options_first);
}

static bool has_data(const MountOptions *o, const char *key)
{
	for (size_t i = 0; i < o->data.count; i++) {
		const char *rest = str_after(o->data.items[i], key);
		if (rest && *rest == '=')
			return true;
	}
	return false;
}

/* A tmpfs looks like the folder that it covers: that is what runc does about the mode, and copying up is about all of it. */
static unsigned tmpfs_flags(const MountOptions *o)
{
	unsigned flags = o->copy_up ? WIRE_MOUNT_COPY_UP : 0;
	if (!has_data(o, "mode"))
		flags |= WIRE_MOUNT_TARGET_MODE;
	if (o->copy_up && !has_data(o, "uid") && !has_data(o, "gid"))
		flags |= WIRE_MOUNT_TARGET_OWNER;
	if (o->attr_set & MOUNT_ATTR_RDONLY)
		flags |= WIRE_MOUNT_READONLY_LAST; /* mount points, device nodes and links may have to be made in it */
	return flags;
}

/* In a user namespace an overlay may only use its users' extended attributes. */
static void overlay_userns_add(Plan *p, WireMount *m)
{
	*wire_add(&p->wire, mount_options, WireStr) = wire_add_str(&p->wire, "userxattr");
	m->options_count++;
}

static int fs_mount_add(const PlanContext *c, Plan *p, size_t index, const MountOptions *o, Err *e)
{
	const SpecMount *m = &c->spec->mounts[index];
	bool is_tmpfs = strcmp(m->type, "tmpfs") == 0;
	if (o->copy_up && !is_tmpfs)
		return err_make(e, ERR_SPEC, 0, "mount on %s: option 'tmpcopyup' is for tmpfs alone",
				m->destination);
	WireMount w = {
		.kind = WIRE_MOUNT_FS,
		.target = wire_add_str(&p->wire, m->destination),
		.type = wire_add_str(&p->wire, m->type),
		.source = wire_add_str(&p->wire, m->source ? m->source : m->type),
		.attr_set = o->attr_set,
		.propagation = o->propagation,
	};
	fs_data_add(c, p, &w, m->type, &o->data);
	if (strcmp(m->type, "overlay") == 0 && (p->wire.head.flags & WIRE_INNER_USERNS))
		overlay_userns_add(p, &w);
	if (is_tmpfs)
		w.flags |= (uint16_t)tmpfs_flags(o);
	if (strcmp(m->type, "mqueue") == 0)
		w.flags |= WIRE_MOUNT_OPTIONAL; /* a kernel without CONFIG_POSIX_MQUEUE */
	*wire_add(&p->wire, mounts, WireMount) = w;
	return 0;
}

/* With the mounts below it a bind shares theirs, too, or takes part in them: what runc makes of "shared" and "slave" without "r". */
static uint64_t bind_propagation(const MountOptions *o)
{
	bool shares = o->propagation & (MS_SHARED | MS_SLAVE);
	return o->propagation | (shares && o->recursive ? MS_REC : 0);
}

/* Without the option, maps of the mount mean the same as "idmap" (config.md: they should not come alone). */
static int bind_idmap_add(const PlanContext *c, const SpecMount *m, Plan *p, const MountOptions *o,
			  Err *e)
{
	const char *option = o->idmap ? o->idmap : m->uid_mappings_count > 0 ? "idmap" : NULL;
	uint32_t idmap;
	if (!option)
		return 0;
	TRY(plan_idmap(c, p, option, m, &idmap, e));
	*arena_push(c->arena, &p->idmap_mounts, &p->idmap_mounts_count,
		    PlanIdmapMount) = (PlanIdmapMount){ .mount = (uint32_t)p->wire.mounts_count,
							.idmap = idmap,
							.recursive = str_starts(option, "ridmap") };
	return 0;
}

static int bind_mount_add(const PlanContext *c, const SpecMount *m, Plan *p, const MountOptions *o,
			  Err *e)
{
	bool same = o->attr_set == o->tree_set && o->attr_clear == o->tree_clear;
	if (!m->source)
		return err_make(e, ERR_SPEC, 0, "mount on %s: a bind needs a source", m->destination);
	if (o->data.count > 0)
		return err_make(e, ERR_SPEC, 0, "mount on %s: unknown bind option '%s'",
				m->destination, o->data.items[0]);
	if (o->copy_up)
		return err_make(e, ERR_SPEC, 0, "mount on %s: option 'tmpcopyup' is for tmpfs alone",
				m->destination);
	TRY(bind_idmap_add(c, m, p, o, e));
	*wire_add(&p->wire, mounts, WireMount) = (WireMount){
		.kind = WIRE_MOUNT_BIND,
		.flags = o->recursive ? WIRE_MOUNT_RECURSIVE : 0,
		.target = wire_add_str(&p->wire, m->destination),
		.source = wire_add_str(&p->wire, m->source),
		.attr_set = same ? 0 : o->attr_set,
		.attr_clear = same ? 0 : o->attr_clear,
		.tree_set = o->tree_set,
		.tree_clear = o->tree_clear,
		.propagation = bind_propagation(o),
	};
	return 0;
}

/* What is mounted there is changed in what is named; the rest stays as it is. */
static int again_add(const SpecMount *m, Plan *p, const MountOptions *o, Err *e)
{
	WireMount w = {
		.kind = WIRE_MOUNT_FS,
		.flags = WIRE_MOUNT_AGAIN,
		.target = wire_add_str(&p->wire, m->destination),
		.type = wire_add_str(&p->wire, m->type ? m->type : "none"),
		.attr_set = o->attr_set,
		.attr_clear = o->attr_clear,
		.tree_set = o->tree_set,
		.tree_clear = o->tree_clear,
		.propagation = o->propagation,
		.options_first = (uint32_t)p->wire.mount_options_count,
		.options_count = (uint32_t)o->data.count,
	};
	if (o->copy_up || o->idmap)
		return err_make(e, ERR_SPEC, 0, "mount on %s: option '%s' does not go with 'remount'",
				m->destination, o->copy_up ? "tmpcopyup" : o->idmap);
	for (size_t i = 0; i < o->data.count; i++)
		*wire_add(&p->wire, mount_options, WireStr) = wire_add_str(&p->wire, o->data.items[i]);
	*wire_add(&p->wire, mounts, WireMount) = w;
	return 0;
}

/* The layer lies in init's scratch file system, as those of the root do. */
static void throw_away_add(const SpecMount *m, Plan *p)
{
	p->wire.head.flags |= WIRE_SCRATCH;
	*wire_add(&p->wire, mounts, WireMount) = (WireMount){
		.kind = WIRE_MOUNT_OVERLAY,
		.target = wire_add_str(&p->wire, m->destination),
		.source = wire_add_str(&p->wire, m->source),
	};
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void cgroup_bind_add(Plan *p, const char *source, const char *target, const MountOptions *o)
{
	*wire_add(&p->wire, mounts, WireMount) = (WireMount){
		.kind = WIRE_MOUNT_BIND,
		.target = wire_add_str(&p->wire, target),
		.source = wire_add_str(&p->wire, source),
		.attr_set = o->attr_set,
	};
}

/* /sys/fs/cgroup/cpu -> cpu,cpuacct where hierarchies are mounted together. */
static void cgroup_links_add(const PlanContext *c, Plan *p, const char *dir, const HostCgroup *h)
{
	const char *name = last_component(h->mountpoint);
	if (!strchr(h->controllers, ',') || h->is_v2)
		return;
	StrList each = str_split(c->arena, h->controllers, ',');
	for (size_t i = 0; i < each.count; i++)
		*wire_add(&p->wire, links, WirePair) = (WirePair){
			.name = wire_add_str(&p->wire,
					     arena_printf(c->arena, "%s/%s", dir, each.items[i])),
			.value = wire_add_str(&p->wire, name),
		};
}

/* v1 and hybrid: a small tmpfs that holds the container's group of each hierarchy, as hosts have it. */
static void cgroup_v1_mounts_add(const PlanContext *c, Plan *p, const SpecMount *m,
				 const MountOptions *o)
{
	WireMount top = {
		.kind = WIRE_MOUNT_FS,
		.target = wire_add_str(&p->wire, m->destination),
		.type = wire_add_str(&p->wire, "tmpfs"),
		.source = wire_add_str(&p->wire, "cgroup"),
		.attr_set = o->attr_set,
		.flags = WIRE_MOUNT_READONLY_LAST,
	};
	StrList mode = { 0 };
	strlist_add(c->arena, &mode, "mode=755");
	fs_data_add(c, p, &top, "tmpfs", &mode);
	*wire_add(&p->wire, mounts, WireMount) = top;
	for (size_t i = 0; i < p->groups_count; i++) {
		const HostCgroup *h = &c->facts->cgroups[p->groups[i].hierarchy];
		cgroup_bind_add(p, p->groups[i].dir,
				arena_printf(c->arena, "%s/%s", m->destination,
					     last_component(h->mountpoint)),
				o);
		cgroup_links_add(c, p, m->destination, h);
	}
}

static uint32_t host_uid(const Spec *s, uint32_t uid)
{
	const SpecLinux *l = &s->linux_;
	for (size_t i = 0; (l->namespaces & SPEC_NS_USER) && i < l->uid_mappings_count; i++)
		if (uid - l->uid_mappings[i].container_id < l->uid_mappings[i].size)
			return l->uid_mappings[i].host_id + (uid - l->uid_mappings[i].container_id);
	return uid;
}

/* Who runs in a group of v2 that it can write to owns it, when it sees no other: config-linux.md, "Cgroup ownership". */
static void group_owner_set(const PlanContext *c, Plan *p, const MountOptions *o)
{
	uint32_t uid = host_uid(c->spec, c->spec->process.uid);
	const SpecLinux *l = &c->spec->linux_;
	bool own = (l->namespaces & SPEC_NS_CGROUP) && c->facts->privileged &&
		   !l->namespace_paths[__builtin_ctz(SPEC_NS_CGROUP)]; /* whose root another group is */
	for (size_t i = 0; own && i < p->groups_count && !(o->attr_set & MOUNT_ATTR_RDONLY); i++) {
		p->groups[i].has_owner = c->facts->cgroups[p->groups[i].hierarchy].is_v2 &&
					 uid != c->facts->euid;
		p->groups[i].owner = uid;
	}
}

/* The container sees its own group as the root: bound from the host's mount, whose root the new cgroup namespace moves. Without a
 * group of its own there is nothing to show. With the host's cgroup namespace, v2 shows the whole tree, as docker does. */
static int cgroup_mount_add(const PlanContext *c, Plan *p, const SpecMount *m, const MountOptions *o)
{
	bool whole = !(c->spec->linux_.namespaces & SPEC_NS_CGROUP);
	if (p->groups_count == 0)
		return 0;
	if (c->facts->cgroup_mode == CGROUP_V2)
		cgroup_bind_add(p,
				whole ? c->facts->cgroups[p->groups[0].hierarchy].mountpoint
				      : p->groups[0].dir,
				m->destination, o);
	else
		cgroup_v1_mounts_add(c, p, m, o);
	group_owner_set(c, p, o);
	return 0;
}

static bool is_bind(const SpecMount *m, const MountOptions *o)
{
	return o->bind || !m->type || strcmp(m->type, "bind") == 0;
}

/* runc's rule. What a container is told about itself in /proc must be true: other programs than its own rely on it (labels are
 * written there), and single files that only inform may be replaced, as lxcfs does. */
static int proc_check(const SpecMount *m, const MountOptions *o, Err *e)
{
	static const char *const files[] = { "/cpuinfo",
					     "/diskstats",
					     "/loadavg",
					     "/meminfo",
					     "/net/dev",
					     "/slabinfo",
					     "/stat",
					     "/swaps",
					     "/sys/crypto/fips_enabled",
					     "/uptime",
					     "/sys/kernel/ns_last_pid" };
	const char *below = str_after(m->destination, "/proc");
	if (!below || (*below && *below != '/'))
		return 0;
	if (!*below && (is_bind(m, o) ? str_eq(m->source, "/proc") : strcmp(m->type, "proc") == 0))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strcmp(below, files[i]) == 0)
			return 0;
	return err_make(e, ERR_SPEC, 0,
			*below ? "mount on %s: inside /proc only some files can be replaced, such as /proc/cpuinfo"
			       : "mount on %s: only a proc file system can be there",
			m->destination);
}

static int mount_add(const PlanContext *c, Plan *p, size_t index, Err *e)
{
	const SpecMount *m = &c->spec->mounts[index];
	MountOptions o = { 0 };

	for (size_t i = 0; i < m->options.count; i++)
		TRY(option_add(&o, m->options.items[i], m, c->arena, e));
	if (o.again)
		return again_add(m, p, &o, e);
	TRY(proc_check(m, &o, e));
	if (m->throw_away) {
		throw_away_add(m, p);
		return 0;
	}
	if (is_bind(m, &o))
		return bind_mount_add(c, m, p, &o, e);
	if (o.idmap || m->uid_mappings_count > 0)
		return err_make(e, ERR_SPEC, 0,
				"mount on %s: option '%s' is for binds, whose files have owners",
				m->destination, o.idmap ? o.idmap : "uidMappings");
	if (strcmp(m->type, "cgroup") == 0 || strcmp(m->type, "cgroup2") == 0)
		return cgroup_mount_add(c, p, m, &o);
	return fs_mount_add(c, p, index, &o, e);
}

static bool has_mount_on(const Spec *s, const char *path)
{
	for (size_t i = 0; i < s->mounts_count; i++)
		if (strcmp(s->mounts[i].destination, path) == 0)
			return true;
	return false;
}

/* Device nodes never go into the root itself, which an image could have prepared: without a mount on /dev it gets one of ours. */
static int dev_mount_add_default(const PlanContext *c, Plan *p)
{
	if (has_mount_on(c->spec, "/dev"))
		return 0;
	WireMount dev = {
		.kind = WIRE_MOUNT_FS,
		.target = wire_add_str(&p->wire, "/dev"),
		.type = wire_add_str(&p->wire, "tmpfs"),
		.source = wire_add_str(&p->wire, "tmpfs"),
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
	};
	StrList mode = { 0 };
	strlist_add(c->arena, &mode, "mode=755");
	fs_data_add(c, p, &dev, "tmpfs", &mode);
	*wire_add(&p->wire, mounts, WireMount) = dev;
	return 0;
}

static const char *target_of(const Plan *p, size_t i)
{
	return p->wire.strings + p->wire.mounts[i].target;
}

static int shared_check_path(const Plan *p, size_t shared, const char *path, Err *e)
{
	if (!path_is_below(path, target_of(p, shared)))
		return 0;
	return err_make(e, ERR_SPEC, 0,
			"mount on %s: it would appear on the host, too, and stay there, since %s is a shared mount",
			path, target_of(p, shared));
}

/* The host sees what is mounted in a shared mount, and keeps it when the container ends: nothing of ours may be mounted there. What leads
 * there by a symbolic link of the root is found by init. */
int plan_check_shared(const Plan *p, Err *e)
{
	const WireBuild *w = &p->wire;
	for (size_t i = 0; i < w->mounts_count; i++) {
		if (w->mounts[i].kind != WIRE_MOUNT_BIND || !(w->mounts[i].propagation & MS_SHARED))
			continue;
		for (size_t k = i + 1; k < w->mounts_count; k++)
			TRY(shared_check_path(p, i, target_of(p, k), e));
		for (size_t k = 0; k < w->masked_count; k++)
			TRY(shared_check_path(p, i, w->strings + w->masked[k], e));
		for (size_t k = 0; k < w->readonly_count; k++)
			TRY(shared_check_path(p, i, w->strings + w->readonly[k], e));
		if (w->head.flags & WIRE_TERMINAL)
			TRY(shared_check_path(p, i, "/dev/console", e));
	}
	return 0;
}

/* podman's for containers with systemd, which labels what it makes by itself. */
static int mount_context_key(const PlanContext *c, const char **ret, Err *e)
{
	const char *type = spec_annotation(c->spec, "run.oci.mount_context_type");
	*ret = type ? type : c->spec->linux_.mount_label_of_root ? "rootcontext" : "context";
	if (type && strcmp(type, "context") != 0 && strcmp(type, "rootcontext") != 0)
		return err_make(e, ERR_SPEC, 0,
				"annotation run.oci.mount_context_type: '%s' is neither context nor rootcontext",
				type);
	return 0;
}

static int plan_mount_context(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	if (!l->mount_label)
		return 0;
	if (!c->facts->selinux)
		return err_make(e, ERR_SPEC, 0, "mount label '%s': SELinux is not enabled on this host",
				l->mount_label);
	if (strpbrk(l->mount_label, "\"\n"))
		return err_make(e, ERR_SPEC, 0, "mount label '%s': no SELinux label has such characters",
				l->mount_label);
	const char *key;
	TRY(mount_context_key(c, &key, e));
	const char *context = arena_printf(c->arena, "%s=%s", key, l->mount_label);
	WireBuild *overlays = p->has_root_wire ? &p->root_wire : &p->wire;
	p->wire.head.mount_context = wire_add_str(&p->wire, context);
	/* mount(2), which makes these, would take the commas of a label for its own: quotes */
	overlays->head.overlay_context = wire_add_str(overlays, arena_printf(c->arena, ",%s=\"%s\"",
									     key, l->mount_label));
	return 0;
}

static int mounts_add(const PlanContext *c, Plan *p, Err *e)
{
	for (size_t i = 0; i < c->spec->mounts_count; i++)
		TRY(mount_add(c, p, i, e));
	if (p->wire.mounts_count > LIMIT_MOUNTS)
		return err_make(e, ERR_SPEC, 0, "more than %u mounts", LIMIT_MOUNTS);
	return 0;
}

int plan_mounts_later(const PlanContext *c, Plan *p, Err *e)
{
	TRY(plan_mount_context(c, p, e));
	TRY(mounts_add(c, p, e));
	for (size_t i = 0; i < p->wire.mounts_count;
	     i++) /* what is there by now the container may have chosen */
		if (p->wire.mounts[i].flags & WIRE_MOUNT_AGAIN)
			return err_make(e, ERR_SPEC, 0,
					"mount on %s: option 'remount' is for config.json alone",
					target_of(p, i));
	for (size_t i = 0; i < p->wire.links_count; i++) /* of cgroup v1 */
		strlist_add(c->arena, &p->warnings,
			    arena_printf(c->arena, "the link %s is not made in a container that is there",
					 p->wire.strings + p->wire.links[i].name));
	p->wire.links_count = 0;
	return plan_check_shared(p, e);
}

void plan_mounts_detach(const PlanContext *c, Plan *p)
{
	for (size_t i = 0; i < c->spec->mounts_count; i++)
		*wire_add(&p->wire, mounts, WireMount) = (WireMount){
			.kind = WIRE_MOUNT_DETACH,
			.target = wire_add_str(&p->wire, c->spec->mounts[i].destination),
		};
}

/* Each once: profiles are put together of lists that overlap. */
static void masks_add(const PlanContext *c, Plan *p)
{
	const StrList *paths = &c->spec->linux_.masked_paths;
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = path_clean(c->arena, paths->items[i]);
		bool is_new = true;
		for (size_t k = 0; k < p->wire.masked_count && is_new; k++)
			is_new = strcmp(p->wire.strings + p->wire.masked[k], path) != 0;
		if (is_new)
			*wire_add(&p->wire, masked, WireStr) = wire_add_str(&p->wire, path);
	}
}

int plan_mounts(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	TRY(plan_mount_context(c, p, e));
	TRY(dev_mount_add_default(c, p));
	TRY(mounts_add(c, p, e));
	masks_add(c, p);
	for (size_t i = 0; i < l->readonly_paths.count; i++)
		*wire_add(&p->wire, readonly, WireStr) = wire_add_str(&p->wire,
								      l->readonly_paths.items[i]);
	return 0;
}
