#include <string.h>

#include "base/personality.h"
#include "engine/spec_fill.h"

static void fill_namespaces(const RunContext *c, Spec *s)
{
	const RunRequest *r = c->request;
	unsigned ns = SPEC_NS_MOUNT;
	ns |= run_shares(r->pid) ? 0 : SPEC_NS_PID;
	ns |= run_shares(r->ipc) ? 0 : SPEC_NS_IPC;
	ns |= run_shares(r->uts) ? 0 : SPEC_NS_UTS;
	ns |= run_shares(r->network) ? 0 : SPEC_NS_NETWORK;
	ns |= run_shares(r->cgroupns) ? 0 : SPEC_NS_CGROUP;
	ns |= run_has_userns(c) ? SPEC_NS_USER : 0;
	s->linux_.namespaces = ns;
}

static void fill_id_maps(const RunContext *c, Spec *s)
{
	SpecLinux *l = &s->linux_;
	l->uid_mappings = c->ids.uids.items;
	l->uid_mappings_count = c->ids.uids.count;
	l->gid_mappings = c->ids.gids.items;
	l->gid_mappings_count = c->ids.gids.count;
}

#define SYSCTL_GID_MOST ((uint32_t)INT32_MAX) /* the kernel's limit for group ids of this one */

static uint32_t map_end(const SpecIdMap *m)
{
	uint32_t last = m->container_id + m->size - 1;
	return last < SYSCTL_GID_MOST ? last : SYSCTL_GID_MOST;
}

/* All groups may ping. The kernel compares ids of the host: from the group that is the lowest there to the one that is the highest lie
 * all of the container. Where these two are the other way round inside, it takes no such range: then the groups beside the command's. */
static const char *ping_range(const RunContext *c)
{
	const IdMaps ours = { c->facts->gid_map, c->facts->gid_map_count };
	const IdMaps *m = run_has_userns(c) ? &c->ids.gids : &ours;
	const SpecIdMap *low = m->items, *high = m->items, *own = m->items;
	if (!run_is_inner(c))
		return arena_printf(c->arena, "0 %u", SYSCTL_GID_MOST);
	if (m->count == 0)
		return "1 0"; /* nobody: without an id nothing starts */
	for (const SpecIdMap *i = m->items; i < m->items + m->count; i++) {
		low = i->host_id < low->host_id ? i : low;
		high = i->host_id > high->host_id ? i : high;
		own = c->user.gid >= i->container_id && c->user.gid - i->container_id < i->size ? i : own;
	}
	if (low->container_id > map_end(high) || high->container_id > SYSCTL_GID_MOST)
		low = high = own;
	return arena_printf(c->arena, "%u %u", low->container_id, map_end(high));
}

static void sysctl_set(const RunContext *c, SpecLinux *l, const char *key, const char *value)
{
	for (size_t i = 0; i < l->sysctl_count; i++)
		if (strcmp(l->sysctl[i].key, key) == 0) {
			l->sysctl[i].value = value;
			return;
		}
	*arena_push(c->arena, &l->sysctl, &l->sysctl_count, SpecSysctl) = (SpecSysctl){ key, value };
}

/* In a network of its own a container may ping without CAP_NET_RAW and use every port. What is asked for comes after; the plan knows
 * which keys belong to a namespace. */
static int fill_sysctls(const RunContext *c, Spec *s, Err *e)
{
	SpecLinux *l = &s->linux_;
	if (!run_shares(c->request->network)) {
		sysctl_set(c, l, "net.ipv4.ping_group_range", ping_range(c));
		sysctl_set(c, l, "net.ipv4.ip_unprivileged_port_start", "0");
	}
	for (size_t i = 0; i < c->request->sysctls.count; i++) {
		const char *text = c->request->sysctls.items[i], *equals = strchr(text, '=');
		if (!equals || equals == text)
			return err_make(e, ERR_USAGE, 0, "sysctl '%s': not of the form KEY=VALUE", text);
		sysctl_set(c, l, arena_strndup(c->arena, text, (size_t)(equals - text)), equals + 1);
	}
	return 0;
}

static void rule_add(const RunContext *c, SpecResources *r, DeviceRule rule)
{
	*arena_push(c->arena, &r->devices, &r->devices_count, DeviceRule) = rule;
}

static void fill_device_rules(const RunContext *c, SpecResources *r)
{
	static const struct {
		int64_t major, minor;
	} allowed[] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 },   { 1, 9 },
			{ 5, 0 }, { 5, 1 }, { 5, 2 }, { 136, -1 } };

	rule_add(c, r,
		 (DeviceRule){ .allow = c->request->privileged,
			       .type = 'a',
			       .major = -1,
			       .minor = -1,
			       .read = true,
			       .write = true,
			       .mknod = true });
	if (c->request->privileged)
		return;
	/* A node may be made by who has CAP_MKNOD, and still not be opened. */
	rule_add(c, r,
		 (DeviceRule){ .allow = true, .type = 'c', .major = -1, .minor = -1, .mknod = true });
	rule_add(c, r,
		 (DeviceRule){ .allow = true, .type = 'b', .major = -1, .minor = -1, .mknod = true });
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		rule_add(c, r,
			 (DeviceRule){ .allow = true,
				       .type = 'c',
				       .major = allowed[i].major,
				       .minor = allowed[i].minor,
				       .read = true,
				       .write = true,
				       .mknod = true });
}

static int fill_personality(const RunContext *c, SpecLinux *l, Err *e)
{
	const char *name = c->request->personality;
	int domain = name ? personality_from_name(name) : 0;
	if (domain < 0)
		return err_make(e, ERR_USAGE, 0, "--personality '%s': neither LINUX nor LINUX32", name);
	l->has_personality = name;
	l->personality = (uint32_t)domain;
	return 0;
}

int spec_fill_linux(const RunContext *c, Spec *s, Err *e)
{
	SpecLinux *l = &s->linux_;
	fill_namespaces(c, s);
	fill_id_maps(c, s);
	TRY(fill_sysctls(c, s, e));
	TRY(fill_personality(c, l, e));
	fill_device_rules(c, &l->resources);
	return 0;
}
