#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/plan.h"

/* The text being written; one line for each fact. */
typedef struct Dump {
	Arena *arena;
	StrList lines;
} Dump;

/* Control characters, with which a string could forge a line, are shown as escapes. */
__attribute__((format(printf, 2, 3))) static void line(Dump *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *raw = arena_vprintf(d->arena, fmt, ap);
	va_end(ap);
	strlist_add(d->arena, &d->lines, str_escape_controls(d->arena, raw));
}

static const char *str_or(const WireBuild *w, WireStr s, const char *none)
{
	return s ? w->strings + s : none;
}

static void dump_map(Dump *d, const char *what, const char *map)
{
	StrList lines = map ? str_split(d->arena, map, '\n') : (StrList){ 0 };
	for (size_t i = 0; i < lines.count; i++)
		if (*lines.items[i])
			line(d, "%s %s", what, lines.items[i]);
}

static void dump_device_rules(Dump *d, const Plan *p)
{
	for (size_t i = 0; i < p->device_rules_count; i++) {
		const DeviceRule *r = &p->device_rules[i];
		line(d, "device rule %s %c %lld:%lld %s%s%s", r->allow ? "allow" : "deny", r->type,
		     (long long)r->major, (long long)r->minor, r->read ? "r" : "",
		     r->write ? "w" : "", r->mknod ? "m" : "");
	}
}

static void dump_write(Dump *d, const char *mountpoint, const CgroupWrite *w)
{
	const char *other = w->or_file ? arena_printf(d->arena, " or %s = %s", w->or_file, w->or_value)
				       : "";
	line(d, "write %s %s = %s%s%s%s", mountpoint, w->file, w->value, other,
	     w->above ? " if above " : "", w->above ? w->above : "");
}

static void dump_idmap(Dump *d, const Plan *p, uint32_t index, const char *what, const char *where,
		       const char *how)
{
	dump_map(d, arena_printf(d->arena, "%s%s%s uid", what, where, how), p->idmaps[index].uid_map);
	dump_map(d, arena_printf(d->arena, "%s%s%s gid", what, where, how), p->idmaps[index].gid_map);
}

static void dump_idmaps(Dump *d, const Plan *p)
{
	if (p->root_idmap >= 0)
		dump_idmap(d, p, (uint32_t)p->root_idmap, "idmap root", "", "");
	for (size_t i = 0; i < p->idmap_mounts_count; i++) {
		const PlanIdmapMount *m = &p->idmap_mounts[i];
		dump_idmap(d, p, m->idmap, "idmap mount ",
			   p->wire.strings + p->wire.mounts[m->mount].target,
			   m->recursive ? " recursive" : "");
	}
}

static void dump_bits(Dump *d, const char *what, const uint64_t *words, size_t count)
{
	const char *text = "";
	for (size_t i = 0; i < count; i++)
		text = arena_printf(d->arena, "%s 0x%llx", text, (unsigned long long)words[i]);
	line(d, "%s%s", what, text);
}

static void dump_parent(Dump *d, const Plan *p, const HostFacts *f)
{
	line(d, "container %s", p->container_id);
	for (size_t i = 0; i < p->warnings.count; i++)
		line(d, "warning %s", p->warnings.items[i]);
	if (p->init_nofile)
		line(d, "init nofile soft %llu", (unsigned long long)p->init_nofile);
	line(d, "clone 0x%llx", (unsigned long long)p->clone_flags);
	dump_map(d, "uid_map", p->userns.uid_map);
	if (p->userns.newuidmap)
		line(d, "uid_map by %s", p->userns.newuidmap);
	if (p->userns.deny_setgroups)
		line(d, "setgroups deny");
	dump_map(d, "gid_map", p->userns.gid_map);
	if (p->userns.newgidmap)
		line(d, "gid_map by %s", p->userns.newgidmap);
	if (p->wire.head.setup_uid || p->wire.head.setup_gid)
		line(d, "set up by %u:%u", p->wire.head.setup_uid, p->wire.head.setup_gid);
	dump_idmaps(d, p);
	if (p->oom_score_adj)
		line(d, "oom_score_adj %s", p->oom_score_adj);
	if (p->initial_cpus_count > 0)
		dump_bits(d, "initial cpus", p->initial_cpus, p->initial_cpus_count);
	if (p->unit.name)
		line(d, "unit %s of the %s systemd", p->unit.name,
		     p->unit.is_user ? "user's" : "system's");
	for (size_t i = 0; i < p->unit.properties.count; i++)
		line(d, "property %s %s", p->unit.properties.items[i].name,
		     p->unit.properties.items[i].value);
	for (size_t i = 0; i < p->groups_count; i++)
		line(d, "group %s %s%s", f->cgroups[p->groups[i].hierarchy].is_v2 ? "v2" : "v1",
		     p->groups[i].dir,
		     p->groups[i].has_owner ? arena_printf(d->arena, " owner %u", p->groups[i].owner)
					    : "");
	for (size_t i = 0; i < p->writes_count; i++)
		dump_write(d, f->cgroups[p->writes[i].hierarchy].mountpoint, &p->writes[i].write);
}

static void dump_host(Dump *d, const Plan *p)
{
	for (size_t i = 0; i < p->net_devices_count; i++) {
		const SpecNetDevice *n = &p->net_devices[i];
		line(d, "net device %s as %s", n->name, n->name_inside ? n->name_inside : n->name);
	}
	if (p->host_root)
		line(d, "root is mounted for all to see on %s", p->host_root);
	if (!p->rdt.dir)
		return;
	line(d, "rdt group %s%s", p->rdt.dir, p->rdt.is_named ? " named" : "");
	StrList lines = p->rdt.schemata ? str_split(d->arena, p->rdt.schemata, '\n') : (StrList){ 0 };
	for (size_t i = 0; i < lines.count; i++)
		if (*lines.items[i])
			line(d, "rdt schema %s", lines.items[i]);
	if (p->rdt.mon_dir)
		line(d, "rdt monitor %s", p->rdt.mon_dir);
}

static void dump_mount(Dump *d, const WireBuild *w, const WireMount *m)
{
	static const char *const kinds[] = { "fs", "bind", "overlay", "detach" };
	char *options = arena_strdup(d->arena, "");
	for (uint32_t i = 0; i < m->options_count; i++)
		options = arena_printf(d->arena, "%s %s", options,
				       w->strings + w->mount_options[m->options_first + i]);
	if (m->tree_set | m->tree_clear)
		options = arena_printf(d->arena, "%s tree set 0x%llx clear 0x%llx", options,
				       (unsigned long long)m->tree_set,
				       (unsigned long long)m->tree_clear);
	line(d, "mount %s %s on %s%s%s set 0x%llx clear 0x%llx propagation 0x%llx flags 0x%x options%s",
	     kinds[m->kind], str_or(w, m->source, "-"), str_or(w, m->target, "-"),
	     m->type ? " type " : "", str_or(w, m->type, ""), (unsigned long long)m->attr_set,
	     (unsigned long long)m->attr_clear, (unsigned long long)m->propagation, m->flags, options);
}

static void dump_root(Dump *d, const WireBuild *w)
{
	const WirePlan *h = &w->head;
	line(d, "root %s", str_or(w, h->root, "-"));
	if (h->overlay_lower)
		line(d, "overlay lower %s upper %s work %s", str_or(w, h->overlay_lower, "-"),
		     str_or(w, h->overlay_upper, "(memory)"), str_or(w, h->overlay_work, "(memory)"));
	if (h->root_propagation)
		line(d, "root propagation 0x%llx", (unsigned long long)h->root_propagation);
	if (h->mount_context)
		line(d, "mount context %s", w->strings + h->mount_context);
	if (h->overlay_context)
		line(d, "overlay context %s", w->strings + h->overlay_context + 1);
	if (h->flags & WIRE_ROOT_EMPTY)
		line(d, "root is empty, in memory");
	for (size_t i = 0; i < w->root_links_count; i++)
		line(d, "root link %s -> %s", w->strings + w->root_links[i].name,
		     w->strings + w->root_links[i].value);
	for (size_t i = 0; i < w->mounts_count; i++)
		dump_mount(d, w, &w->mounts[i]);
	for (size_t i = 0; i < w->devices_count; i++)
		line(d, "device %s mode 0%o %u:%u owner %u:%u", w->strings + w->devices[i].path,
		     w->devices[i].mode, w->devices[i].major, w->devices[i].minor,
		     w->devices[i].uid, w->devices[i].gid);
	for (size_t i = 0; i < w->links_count; i++)
		line(d, "link %s -> %s", w->strings + w->links[i].name, w->strings + w->links[i].value);
	for (size_t i = 0; i < w->masked_count; i++)
		line(d, "masked %s", w->strings + w->masked[i]);
	for (size_t i = 0; i < w->readonly_count; i++)
		line(d, "readonly %s", w->strings + w->readonly[i]);
	for (size_t i = 0; i < w->sysctls_count; i++)
		line(d, "sysctl %s = %s", w->strings + w->sysctls[i].name,
		     w->strings + w->sysctls[i].value);
}

static void dump_scheduling(Dump *d, const WireBuild *w)
{
	const WirePlan *h = &w->head;
	const WireScheduler *s = &h->scheduler;
	if (h->flags & WIRE_HAS_SCHEDULER)
		line(d, "scheduler policy %u nice %d priority %u flags 0x%x runtime %llu deadline %llu period %llu%s",
		     s->policy, s->nice, s->priority, s->flags, (unsigned long long)s->runtime,
		     (unsigned long long)s->deadline, (unsigned long long)s->period,
		     s->has_cpuset ? " with a cpuset" : "");
	if (h->io_priority)
		line(d, "io priority 0x%x", h->io_priority);
	if (h->flags & WIRE_HAS_MEMORY_POLICY)
		dump_bits(d, arena_printf(d->arena, "memory policy 0x%x nodes", h->memory_mode),
			  w->memory_nodes, w->memory_nodes_count);
	if (w->cpus_count > 0)
		dump_bits(d, "cpus", w->cpus, w->cpus_count);
}

static void dump_process(Dump *d, const WireBuild *w)
{
	const WirePlan *h = &w->head;
	line(d, "flags 0x%x", h->flags);
	line(d, "hostname %s", str_or(w, h->hostname, "(the host's)"));
	if (h->domainname)
		line(d, "domainname %s", str_or(w, h->domainname, ""));
	line(d, "user %u:%u umask 0%o cwd %s", h->uid, h->gid, h->umask, str_or(w, h->cwd, "-"));
	for (size_t i = 0; i < w->groups_count; i++)
		line(d, "group id %u", w->groups[i]);
	line(d, "caps bounding 0x%llx permitted 0x%llx effective 0x%llx inheritable 0x%llx ambient 0x%llx",
	     (unsigned long long)h->caps_bounding, (unsigned long long)h->caps_permitted,
	     (unsigned long long)h->caps_effective, (unsigned long long)h->caps_inheritable,
	     (unsigned long long)h->caps_ambient);
	for (size_t i = 0; i < w->rlimits_count; i++)
		line(d, "rlimit %d soft %llu hard %llu%s", w->rlimits[i].resource,
		     (unsigned long long)w->rlimits[i].soft, (unsigned long long)w->rlimits[i].hard,
		     w->rlimits[i].is_default ? " default" : "");
	if (h->flags & WIRE_HAS_PERSONALITY)
		line(d, "personality 0x%x", h->personality);
	dump_scheduling(d, w);
	if (h->flags & WIRE_REAPER)
		line(d, "reaper");
	for (size_t i = 0; i < w->keep_fds_count; i++)
		line(d, "descriptor %d", w->keep_fds[i]);
	if (h->flags & WIRE_TERMINAL)
		line(d, "terminal of %u rows, %u columns", h->console_rows, h->console_cols);
	for (size_t i = 0; i < w->labels_count; i++)
		line(d, "label %s = %s", w->strings + w->labels[i].name,
		     w->strings + w->labels[i].value);
	line(d, "seccomp %s flags 0x%x", w->filter_count ? "filter" : "none", h->seccomp_flags);
	for (size_t i = 0; i < w->envp_count; i++)
		line(d, "env %s", w->strings + w->envp[i]);
	for (size_t i = 0; i < w->argv_count; i++)
		line(d, "arg %s", w->strings + w->argv[i]);
}

char *plan_dump(const Plan *p, const HostFacts *facts, Arena *a)
{
	Dump d = { .arena = a };
	dump_parent(&d, p, facts);
	if (plan_cgroup_devices_by_program(facts) && p->groups_count > 0)
		dump_device_rules(&d, p);
	dump_host(&d, p);
	if (p->has_root_wire) {
		line(&d, "root's tree, made apart:");
		dump_root(&d, &p->root_wire);
		line(&d, "container:");
	}
	dump_root(&d, &p->wire);
	dump_process(&d, &p->wire);

	size_t len = 1;
	for (size_t i = 0; i < d.lines.count; i++)
		len += strlen(d.lines.items[i]) + 1;
	char *text = arena_alloc(a, len), *at = text;
	for (size_t i = 0; i < d.lines.count; i++) {
		size_t n = strlen(d.lines.items[i]);
		memcpy(at, d.lines.items[i], n);
		at[n] = '\n';
		at += n + 1;
	}
	return text;
}
