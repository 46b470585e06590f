#include <linux/sched.h>

#include "runtime/plan_parts.h"

static const struct {
	unsigned spec;
	uint64_t clone;
} namespace_flags[] = {
	{ SPEC_NS_PID, CLONE_NEWPID },  { SPEC_NS_NETWORK, CLONE_NEWNET },
	{ SPEC_NS_MOUNT, CLONE_NEWNS }, { SPEC_NS_IPC, CLONE_NEWIPC },
	{ SPEC_NS_UTS, CLONE_NEWUTS },  { SPEC_NS_USER, CLONE_NEWUSER },
};

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
	TRY(userns_maps_plan(l, c->facts, c->arena, &p->userns, e));
	TRY(plan_setup_ids(c, p, e));
	p->wire.head.flags |= WIRE_USERNS | WIRE_DEVICES_BIND;
	if (p->userns.deny_setgroups)
		p->wire.head.flags |= WIRE_NO_SETGROUPS;
	return 0;
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
