#include <string.h>

#include "engine/device_option.h"
#include "engine/host_devices.h"
#include "engine/spec_volumes.h"
#include "runtime/plan_cgroup.h"

static SpecDevice *device_find(const Spec *s, const char *path)
{
	for (size_t i = 0; i < s->linux_.devices_count; i++)
		if (strcmp(s->linux_.devices[i].path, path) == 0)
			return &s->linux_.devices[i];
	return NULL;
}

static void rule_add(UserMounts *u, DeviceRule rule)
{
	SpecResources *r = &u->spec->linux_.resources;
	*arena_push(u->context->arena, &r->devices, &r->devices_count, DeviceRule) = rule;
}

/* A node in the container's /dev, of the same owner and mode. The same one twice is once. */
static int node_add(UserMounts *u, const SpecDevice *d, Err *e)
{
	SpecLinux *l = &u->spec->linux_;
	const SpecDevice *there = device_find(u->spec, d->path);
	if (!there)
		*arena_push(u->context->arena, &l->devices, &l->devices_count, SpecDevice) = *d;
	else if (there->type != d->type || there->major != d->major || there->minor != d->minor)
		return err_make(e, ERR_USAGE, 0, "two devices on %s", d->path);
	return 0;
}

static bool is_bound(const UserMounts *u, const char *host, const char *inside)
{
	for (size_t i = 0; i < u->bound.count; i += 2)
		if (strcmp(u->bound.items[i], inside) == 0)
			return strcmp(u->bound.items[i + 1], host) == 0;
	return false;
}

/* The host's own node. Read-only, so that nobody inside changes its mode; a device is read and written all the same. The same one twice
 * is once here, too. */
static int node_bind(UserMounts *u, const char *host, const char *inside, Err *e)
{
	if (is_bound(u, host, inside))
		return 0;
	strlist_add(u->context->arena, &u->bound, inside);
	strlist_add(u->context->arena, &u->bound, host);
	SpecMount m = { .type = "bind", .source = host, .destination = inside };
	m.options = str_split(u->context->arena, "bind,rprivate,ro,nosuid,noexec", ',');
	return user_mount_add(u, m, e);
}

/* Where a node cannot be made, or would stay in the root: in a user namespace, and outside of /dev. */
static int device_add(UserMounts *u, const DeviceOption *o, const SpecDevice *host,
		      const char *inside, Err *e)
{
	SpecDevice d = *host;
	d.path = inside;
	rule_add(u, (DeviceRule){ .allow = true,
				  .type = d.type,
				  .major = d.major,
				  .minor = d.minor,
				  .read = o->read,
				  .write = o->write,
				  .mknod = o->mknod });
	if (u->binds_dev && path_is_below(inside, "/dev")) {
		if (strcmp(inside, host->path) == 0)
			return 0; /* it is there */
		return err_make(e, ERR_USAGE, 0,
				"/dev is a volume, no device can be made in it as %s", inside);
	}
	if (run_is_inner(u->context) || !path_is_below(inside, "/dev"))
		return node_bind(u, host->path, inside, e);
	return node_add(u, &d, e);
}

static int option_add(UserMounts *u, const DeviceOption *o, Err *e)
{
	Arena *a = u->context->arena;
	HostDevices found;
	const char *dir;
	bool all = o->read && o->write && o->mknod;
	if (!all && !u->context->request->privileged && !plan_cgroup_limits_devices(u->context->facts))
		return err_make(e, ERR_USAGE, 0,
				"no cgroup hierarchy that could limit access to devices is writable here; leave out the permissions");
	TRY(host_devices_at(o->host, a, &found, &dir, e));
	for (size_t i = 0; i < found.count; i++) {
		const SpecDevice *d = &found.items[i];
		const char *inside = o->inside;
		if (dir)
			inside = path_clean(a, arena_printf(a, "%s/%s", o->inside,
							    d->path + strlen(dir)));
		TRY(device_add(u, o, d, inside, e));
	}
	return 0;
}

static int fill_rules(UserMounts *u, Err *e)
{
	const StrList *texts = &u->context->request->device_rules;
	for (size_t i = 0; i < texts->count; i++) {
		DeviceRule rules[2];
		int n = TRY(device_rule_parse(texts->items[i], u->context->arena, rules, e));
		if (!u->context->request->privileged && !plan_cgroup_limits_devices(u->context->facts))
			return err_make(e, ERR_USAGE, 0,
					"--device-cgroup-rule '%s': no cgroup hierarchy that could limit access to devices is writable here",
					texts->items[i]);
		for (int k = 0; k < n; k++)
			rule_add(u, rules[k]);
	}
	return 0;
}

/* Everything in the host's /dev, unless the container has that one itself. */
static int fill_privileged(UserMounts *u, Err *e)
{
	SpecLinux *l = &u->spec->linux_;
	HostDevices all;
	const char *dir;
	if (!u->context->request->privileged || run_is_inner(u->context) || u->binds_dev)
		return 0;
	TRY(host_devices_at("/dev", u->context->arena, &all, &dir, e));
	l->devices = all.items;
	l->devices_count = all.count;
	return 0;
}

int spec_fill_devices(UserMounts *u, Err *e)
{
	const StrList *texts = &u->context->request->devices;
	TRY(fill_privileged(u, e));
	for (size_t i = 0; i < texts->count; i++) {
		DeviceOption o;
		TRY(device_option_parse(texts->items[i], u->context->arena, &o, e));
		int r = option_add(u, &o, e);
		if (r < 0)
			return err_wrap(e, r, "--device '%s'", texts->items[i]);
	}
	return fill_rules(u, e);
}
