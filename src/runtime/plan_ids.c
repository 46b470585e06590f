#include <inttypes.h>
#include <linux/sched.h>

#include "runtime/plan_parts.h"

static const struct {
	unsigned spec;
	uint64_t clone;
} namespace_flags[] = {
	{ SPEC_NS_PID, CLONE_NEWPID },
	{ SPEC_NS_NETWORK, CLONE_NEWNET },
	{ SPEC_NS_MOUNT, CLONE_NEWNS },
	{ SPEC_NS_IPC, CLONE_NEWIPC },
	{ SPEC_NS_UTS, CLONE_NEWUTS },
	{ SPEC_NS_TIME, CLONE_NEWTIME },
	{ SPEC_NS_CGROUP, CLONE_NEWCGROUP },
	{ SPEC_NS_USER, CLONE_NEWUSER }, /* last: it takes the privilege to join others */
};

static const char *joined_path(const PlanContext *c, unsigned bit)
{
	return c->spec->linux_.namespace_paths[__builtin_ctz(bit)];
}

static bool id_is_mapped(const SpecIdMap *maps, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	return false;
}

/* The maps that count: the container's own, or those of the namespace it shares with us. None in the first one, which has every id. */
static const SpecLinux *maps_inside(const PlanContext *c, SpecLinux *ours)
{
	const HostFacts *f = c->facts;
	if (c->spec->linux_.namespaces & SPEC_NS_USER)
		return &c->spec->linux_;
	*ours = (SpecLinux){
		.uid_mappings = f->uid_map,
		.uid_mappings_count = f->uid_map_count,
		.gid_mappings = f->gid_map,
		.gid_mappings_count = f->gid_map_count,
	};
	return f->first_user_ns ? NULL : ours;
}

bool plan_gid_is_mapped(const PlanContext *c, uint32_t gid)
{
	SpecLinux ours;
	const SpecLinux *l = maps_inside(c, &ours);
	return !l || id_is_mapped(l->gid_mappings, l->gid_mappings_count, gid);
}

static bool uid_is_mapped(const PlanContext *c, uint32_t uid)
{
	SpecLinux ours;
	const SpecLinux *l = maps_inside(c, &ours);
	return !l || id_is_mapped(l->uid_mappings, l->uid_mappings_count, uid);
}

static int check_command_ids(const PlanContext *c, Err *e)
{
	const SpecProcess *proc = &c->spec->process;
	if (!uid_is_mapped(c, proc->uid))
		return err_make(e, ERR_SPEC, 0, "user id %u is not mapped into the container",
				proc->uid);
	if (!plan_gid_is_mapped(c, proc->gid))
		return err_make(e, ERR_SPEC, 0, "group id %u is not mapped into the container",
				proc->gid);
	return 0;
}

/* Who init is while it sets things up: 0 where that is mapped, else the command's own id. */
static void plan_setup_ids(const PlanContext *c, Plan *p)
{
	const SpecProcess *proc = &c->spec->process;
	p->wire.head.setup_uid = uid_is_mapped(c, 0) ? 0 : proc->uid;
	p->wire.head.setup_gid = plan_gid_is_mapped(c, 0) ? 0 : proc->gid;
}

static int plan_user_namespace(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	if (!joined_path(c, SPEC_NS_USER))
		TRY(userns_maps_plan(l, c->facts, c->arena, &p->userns, e));
	TRY(check_command_ids(c, e));
	plan_setup_ids(c, p);
	p->wire.head.flags |= WIRE_USERNS | WIRE_INNER_USERNS;
	if (p->userns.deny_setgroups)
		p->wire.head.flags |= WIRE_NO_SETGROUPS;
	return 0;
}

/* time_namespaces(7): "<clock> <secs> <nanosecs>", a line each. */
static void plan_time_offsets(const PlanContext *c, Plan *p)
{
	const SpecTimeOffset *m = &c->spec->linux_.offset_monotonic,
			     *b = &c->spec->linux_.offset_boottime;
	const char *text = "";
	if (m->given)
		text = arena_printf(c->arena, "monotonic %" PRId64 " %" PRIu32 "\n", m->secs,
				    m->nanosecs);
	if (b->given)
		text = arena_printf(c->arena, "%sboottime %" PRId64 " %" PRIu32 "\n", text, b->secs,
				    b->nanosecs);
	p->wire.head.time_offsets = *text ? wire_add_str(&p->wire, text) : 0;
}

static int check_time(const PlanContext *c, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	bool offsets = l->offset_monotonic.given || l->offset_boottime.given;
	if (offsets && (!(l->namespaces & SPEC_NS_TIME) || joined_path(c, SPEC_NS_TIME)))
		return err_make(e, ERR_SPEC, 0,
				"linux.timeOffsets need a time namespace of the container's own");
	if ((l->namespaces & SPEC_NS_TIME) && !c->facts->time_ns)
		return err_make(e, ERR_SPEC, 0,
				"linux.namespaces: this kernel has no time namespaces (Linux 5.6, CONFIG_TIME_NS)");
	return 0;
}

/* Which are made and which joined. Where any is joined, and for what only a child can be in, init does both; else clone3 makes them. */
static void plan_namespace_calls(const PlanContext *c, Plan *p)
{
	uint64_t new = 0;
	for (size_t i = 0; i < ARRAY_LEN(namespace_flags); i++) {
		const char *path = joined_path(c, namespace_flags[i].spec);
		if (!(c->spec->linux_.namespaces & namespace_flags[i].spec))
			continue;
		if (path)
			*arena_push(c->arena, &p->joins, &p->joins_count, PlanJoin) = (PlanJoin){
				.path = path,
				.type = spec_namespace_name(namespace_flags[i].spec),
				.flags = (uint32_t)namespace_flags[i].clone,
			};
		else
			new |= namespace_flags[i].clone;
	}
	p->own_pids = new &CLONE_NEWPID;
	if (!c->facts->cgroup_ns)
		new &= ~(uint64_t)CLONE_NEWCGROUP;
	if (p->joins_count > 0 || (new &CLONE_NEWTIME)) {
		p->wire.head.unshare = (uint32_t) new;
		p->wire.head.flags |= WIRE_FORK;
		return;
	}
	p->clone_flags = new & ~(uint64_t)CLONE_NEWCGROUP;
	if (new &CLONE_NEWCGROUP) /* whose root are the groups, which are joined first */
		p->wire.head.flags |= WIRE_UNSHARE_CGROUPNS;
}

/* With runc's words. */
static int check_net_devices(const PlanContext *c, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	if (l->net_devices_count == 0)
		return 0;
	if (!(l->namespaces & SPEC_NS_NETWORK))
		return err_make(e, ERR_SPEC, 0,
				"linux.netDevices: unable to move network devices without a NET namespace");
	if (!c->facts->privileged)
		return err_make(e, ERR_SPEC, EPERM,
				"linux.netDevices: network devices are not supported for rootless containers");
	return 0;
}

/* In the runtime's mount namespace: its root is mounted there, and taken away at the end. The first words are runc's. */
static int check_host_mounts(const PlanContext *c, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	if (l->masked_paths.count + l->readonly_paths.count > 0)
		return err_make(e, ERR_SPEC, 0,
				"linux.maskedPaths, linux.readonlyPaths: unable to restrict sys entries without a private MNT namespace");
	if ((l->namespaces & SPEC_NS_USER) || !c->facts->privileged)
		return err_make(e, ERR_SPEC, EPERM,
				"linux.namespaces: a container without a mount namespace of its own is mounted in the runtime's, for which it needs that one's privileges");
	if (c->spec->root.kind != ROOT_DIRECTORY)
		return err_make(e, ERR_SPEC, 0,
				"linux.namespaces: such a root needs a mount namespace of the container's own");
	return 0;
}

static int check_kinds(const PlanContext *c, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	if (!(l->namespaces & SPEC_NS_MOUNT))
		TRY(check_host_mounts(c, e));
	if (c->spec->hostname && !(l->namespaces & SPEC_NS_UTS))
		return err_make(e, ERR_SPEC, 0,
				"hostname: unable to set hostname without a private UTS namespace");
	if (c->spec->domainname && !(l->namespaces & SPEC_NS_UTS))
		return err_make(e, ERR_SPEC, 0,
				"domainname: unable to set domainname without a private UTS namespace");
	TRY(check_net_devices(c, e));
	return check_time(c, e);
}

/* All that the container has of its own are those of its first process, by whose pidfd they are joined. */
int plan_exec_namespaces(const PlanContext *c, Plan *p, Err *e)
{
	uint32_t flags = 0;
	for (size_t i = 0; i < ARRAY_LEN(namespace_flags); i++)
		if (c->spec->linux_.namespaces & namespace_flags[i].spec)
			flags |= (uint32_t)namespace_flags[i].clone;
	if (!c->facts->cgroup_ns)
		flags &= ~(uint32_t)CLONE_NEWCGROUP;
	*arena_push(c->arena, &p->joins, &p->joins_count, PlanJoin) = (PlanJoin){ .flags = flags };
	p->wire.head.flags |= WIRE_FORK | WIRE_EXEC | WIRE_OUTLIVES;
	if (!(c->spec->linux_.namespaces & SPEC_NS_MOUNT))
		p->wire.head.flags |= WIRE_HOST_MOUNTS;
	if (c->facts->setgroups_denied)
		p->wire.head.flags |= WIRE_NO_SETGROUPS;
	TRY(check_command_ids(c, e));
	if (c->spec->linux_.namespaces & SPEC_NS_USER) {
		plan_setup_ids(c, p);
		p->wire.head.flags |= WIRE_USERNS | WIRE_INNER_USERNS;
	}
	return 0;
}

/* The same, the mount namespace apart and last; before it there is one with a copy of ours. */
int plan_mounts_namespaces(const PlanContext *c, Plan *p, Err *e)
{
	if (!(c->spec->linux_.namespaces & SPEC_NS_MOUNT))
		return err_make(e, ERR_SPEC, 0,
				"the container has no mount namespace of its own: what is mounted in it is mounted on the host");
	TRY(plan_exec_namespaces(c, p, e));
	PlanJoin all = p->joins[0];
	p->joins_count = 0;
	if (all.flags & ~(uint32_t)CLONE_NEWNS)
		*arena_push(c->arena, &p->joins, &p->joins_count,
			    PlanJoin) = (PlanJoin){ .flags = all.flags & ~(uint32_t)CLONE_NEWNS };
	*arena_push(c->arena, &p->joins, &p->joins_count, PlanJoin) = (PlanJoin){ .flags = CLONE_NEWNS };
	p->wire.head.unshare = CLONE_NEWNS;
	p->wire.head.flags &= ~(uint32_t)WIRE_EXEC;
	p->wire.head.flags |= WIRE_MOUNTS_ONLY;
	return 0;
}

int plan_namespaces(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	TRY(check_kinds(c, e));
	if (!(l->namespaces & SPEC_NS_MOUNT)) {
		p->wire.head.flags |= WIRE_HOST_MOUNTS;
		p->host_root = c->spec->root.path;
	}
	plan_namespace_calls(c, p);
	plan_time_offsets(c, p);
	if (c->facts->setgroups_denied)
		p->wire.head.flags |= WIRE_NO_SETGROUPS;
	if (l->namespaces & SPEC_NS_USER)
		TRY(plan_user_namespace(c, p, e));
	else if (!c->facts->privileged)
		return err_make(e, ERR_SPEC, EPERM,
				"without privilege a container needs a user namespace");
	else if (!c->facts->first_user_ns) {
		TRY(check_command_ids(c, e));
		p->wire.head.flags |= WIRE_INNER_USERNS;
	}
	p->net_devices = l->net_devices;
	p->net_devices_count = l->net_devices_count;
	if ((l->namespaces & SPEC_NS_NETWORK) && !joined_path(c, SPEC_NS_NETWORK))
		p->wire.head.flags |= WIRE_LOOPBACK_UP;
	p->wire.head.hostname = wire_add_str(&p->wire, c->spec->hostname);
	p->wire.head.domainname = wire_add_str(&p->wire, c->spec->domainname);
	return 0;
}
