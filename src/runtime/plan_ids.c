#include <linux/sched.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/plan_parts.h"

static const struct {
	unsigned spec;
	uint64_t clone;
} namespace_flags[] = {
	{ SPEC_NS_PID, CLONE_NEWPID },  { SPEC_NS_NETWORK, CLONE_NEWNET },
	{ SPEC_NS_MOUNT, CLONE_NEWNS }, { SPEC_NS_IPC, CLONE_NEWIPC },
	{ SPEC_NS_UTS, CLONE_NEWUTS },  { SPEC_NS_USER, CLONE_NEWUSER },
};

/* The highest id that a map can give away: 2^32-1 means "no id" everywhere. */
#define ID_MAX UINT32_MAX

static int map_check_line(const SpecIdMap *m, const char *what, Err *e)
{
	if (m->size == 0)
		return err_make(e, ERR_SPEC, 0, "%s map %u:%u:%u: the size is zero", what,
				m->container_id, m->host_id, m->size);
	if ((uint64_t)m->container_id + m->size > ID_MAX || (uint64_t)m->host_id + m->size > ID_MAX)
		return err_make(e, ERR_SPEC, 0, "%s map %u:%u:%u: goes beyond the last id", what,
				m->container_id, m->host_id, m->size);
	return 0;
}

static bool ranges_meet(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return (uint64_t)a < (uint64_t)b + b_size && (uint64_t)b < (uint64_t)a + a_size;
}

static int map_check_overlap(const SpecIdMap *maps, size_t i, const char *what, Err *e)
{
	for (size_t k = 0; k < i; k++)
		if (ranges_meet(maps[i].container_id, maps[i].size, maps[k].container_id, maps[k].size) ||
		    ranges_meet(maps[i].host_id, maps[i].size, maps[k].host_id, maps[k].size))
			return err_make(e, ERR_SPEC, 0, "%s maps %u:%u:%u and %u:%u:%u overlap",
					what, maps[k].container_id, maps[k].host_id, maps[k].size,
					maps[i].container_id, maps[i].host_id, maps[i].size);
	return 0;
}

/* user_namespaces(7) wants it in one write of less than a page. */
int plan_map_text(const SpecIdMap *maps, size_t count, const char *what, Arena *a, const char **ret,
		  Err *e)
{
	char *text = arena_strdup(a, "");
	if (count > LIMIT_ID_MAPS)
		return err_make(e, ERR_SPEC, 0, "%zu %s maps, the kernel takes at most %u", count,
				what, LIMIT_ID_MAPS);
	for (size_t i = 0; i < count; i++) {
		TRY(map_check_line(&maps[i], what, e));
		TRY(map_check_overlap(maps, i, what, e));
		text = arena_printf(a, "%s%u %u %u\n", text, maps[i].container_id, maps[i].host_id,
				    maps[i].size);
	}
	if (strlen(text) >= 4096)
		return err_make(e, ERR_SPEC, 0,
				"the %s maps are longer than the page the kernel takes", what);
	*ret = text;
	return 0;
}

static bool id_is_mapped(const SpecIdMap *maps, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	return false;
}

bool plan_gid_is_mapped(const Spec *s, uint32_t gid)
{
	const SpecLinux *l = &s->linux_;
	return !(l->namespaces & SPEC_NS_USER) ||
	       id_is_mapped(l->gid_mappings, l->gid_mappings_count, gid);
}

/* Without privilege the kernel lets a process map just its own id (user_namespaces(7)); the set-user-ID programs newuidmap and
 * newgidmap map more, where /etc/subuid and /etc/subgid allow it. */
static int map_writer(const PlanContext *c, const SpecIdMap *maps, size_t count, uint32_t own,
		      const char *program, const char *what, const char **ret, Err *e)
{
	*ret = NULL;
	if (count == 1 && maps[0].size == 1 && maps[0].host_id == own)
		return 0;
	if (!program)
		return err_make(e, ERR_SPEC, EPERM,
				"%s map: without privilege only one id, your own %u, can be mapped%s%s",
				what, own, c->facts->no_id_helpers ? ": " : "",
				c->facts->no_id_helpers ? c->facts->no_id_helpers : "");
	*ret = program;
	return 0;
}

static int plan_map_writers(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	const HostFacts *f = c->facts;
	if (f->privileged)
		return 0;
	TRY(map_writer(c, l->uid_mappings, l->uid_mappings_count, f->euid, f->newuidmap, "uid",
		       &p->newuidmap, e));
	TRY(map_writer(c, l->gid_mappings, l->gid_mappings_count, f->egid, f->newgidmap, "gid",
		       &p->newgidmap, e));
	if (!p->newgidmap) {
		p->deny_setgroups = true;
		p->wire.head.flags |= WIRE_NO_SETGROUPS;
	}
	return 0;
}

/* Who init is while it sets things up: 0 where that is mapped, else the command's own id. */
static int plan_setup_ids(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	const SpecProcess *proc = &c->spec->process;
	if (!id_is_mapped(l->uid_mappings, l->uid_mappings_count, proc->uid))
		return err_make(e, ERR_SPEC, 0, "user id %u is not mapped into the container",
				proc->uid);
	if (!plan_gid_is_mapped(c->spec, proc->gid))
		return err_make(e, ERR_SPEC, 0, "group id %u is not mapped into the container",
				proc->gid);
	bool has_uid_0 = id_is_mapped(l->uid_mappings, l->uid_mappings_count, 0);
	p->wire.head.setup_uid = has_uid_0 ? 0 : proc->uid;
	p->wire.head.setup_gid = plan_gid_is_mapped(c->spec, 0) ? 0 : proc->gid;
	return 0;
}

static int plan_user_namespace(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	if (!c->facts->user_ns)
		return err_make(e, ERR_SPEC, 0, "this kernel has no user namespaces (CONFIG_USER_NS)");
	if (l->uid_mappings_count == 0 || l->gid_mappings_count == 0)
		return err_make(e, ERR_SPEC, 0, "a user namespace needs maps of user and of group ids");
	TRY(plan_map_text(l->uid_mappings, l->uid_mappings_count, "uid", c->arena, &p->uid_map, e));
	TRY(plan_map_text(l->gid_mappings, l->gid_mappings_count, "gid", c->arena, &p->gid_map, e));
	TRY(plan_setup_ids(c, p, e));
	p->wire.head.flags |= WIRE_USERNS | WIRE_DEVICES_BIND;
	return plan_map_writers(c, p, e);
}

int plan_namespaces(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	for (size_t i = 0; i < ARRAY_LEN(namespace_flags); i++)
		if (l->namespaces & namespace_flags[i].spec)
			p->clone_flags |= namespace_flags[i].clone;
	if (!(l->namespaces & SPEC_NS_MOUNT))
		return err_make(e, ERR_SPEC, 0,
				"a container without a mount namespace of its own is not supported");
	if (c->spec->hostname && !(l->namespaces & SPEC_NS_UTS))
		return err_make(e, ERR_SPEC, 0,
				"a host name needs a uts namespace of the container's own");
	if (c->spec->domainname && !(l->namespaces & SPEC_NS_UTS))
		return err_make(e, ERR_SPEC, 0,
				"a domain name needs a uts namespace of the container's own");
	if (c->facts->setgroups_denied)
		p->wire.head.flags |= WIRE_NO_SETGROUPS;
	if (l->namespaces & SPEC_NS_USER)
		TRY(plan_user_namespace(c, p, e));
	else if (!c->facts->privileged)
		return err_make(e, ERR_SPEC, EPERM,
				"without privilege a container needs a user namespace");
	if ((l->namespaces & SPEC_NS_CGROUP) && c->facts->cgroup_ns)
		p->wire.head.flags |= WIRE_UNSHARE_CGROUPNS;
	if (l->namespaces & SPEC_NS_NETWORK)
		p->wire.head.flags |= WIRE_LOOPBACK_UP;
	p->wire.head.hostname = wire_add_str(&p->wire, c->spec->hostname);
	p->wire.head.domainname = wire_add_str(&p->wire, c->spec->domainname);
	return 0;
}
