#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mount_words.h"
#include "runtime/plan_parts.h"

/* config-linux.md "Default Devices"; /dev/console is the terminal's and made with it, /dev/ptmx is a link into devpts. */
static const struct {
	const char *path;
	uint32_t major, minor;
} default_devices[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

/* runtime-linux.md "Dev symbolic links" */
static const struct {
	const char *path, *target;
} default_links[] = {
	{ "/dev/ptmx", "pts/ptmx" },          { "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },  { "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" }, { "/dev/core", "/proc/kcore" },
};

/* Who mounts the host's /dev gets it as it is: nothing is made in there. */
static bool dev_is_bound(const Spec *s)
{
	for (size_t i = 0; i < s->mounts_count; i++) {
		const SpecMount *m = &s->mounts[i];
		if (strcmp(m->destination, "/dev") != 0)
			continue;
		if (!m->type || strcmp(m->type, "bind") == 0)
			return true;
		for (size_t k = 0; k < m->options.count; k++) {
			const MountWord *w = mount_word_find(m->options.items[k]);
			if (w && w->kind == MOUNT_WORD_BIND)
				return true;
		}
	}
	return false;
}

static uint32_t device_file_type(char type)
{
	return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
}

static bool spec_has_device(const Spec *s, const char *path)
{
	for (size_t i = 0; i < s->linux_.devices_count; i++)
		if (strcmp(s->linux_.devices[i].path, path) == 0)
			return true;
	return false;
}

/* As a device is given to an ordinary user's container. */
static bool spec_has_mount(const Spec *s, const char *path)
{
	for (size_t i = 0; i < s->mounts_count; i++)
		if (strcmp(s->mounts[i].destination, path) == 0)
			return true;
	return false;
}

static void device_add(Plan *p, const SpecDevice *d)
{
	*wire_add(&p->wire, devices, WireDevice) = (WireDevice){
		.path = wire_add_str(&p->wire, d->path),
		.mode = device_file_type(d->type) | (d->mode & 07777),
		.major = d->major,
		.minor = d->minor,
		.uid = d->uid,
		.gid = d->gid,
	};
}

int plan_dev(const PlanContext *c, Plan *p, Err *e)
{
	const Spec *s = c->spec;
	bool bound = dev_is_bound(s);
	for (size_t i = 0; !bound && i < ARRAY_LEN(default_devices); i++)
		if (!spec_has_device(s, default_devices[i].path) &&
		    !spec_has_mount(s, default_devices[i].path))
			device_add(p, &(SpecDevice){ .path = default_devices[i].path,
						     .type = 'c',
						     .major = default_devices[i].major,
						     .minor = default_devices[i].minor,
						     .mode = 0666 });
	for (size_t i = 0; i < s->linux_.devices_count; i++) {
		if (bound)
			return err_make(e, ERR_SPEC, 0,
					"device %s: /dev is a bind, no device can be made in it",
					s->linux_.devices[i].path);
		device_add(p, &s->linux_.devices[i]);
	}
	for (size_t i = 0; !bound && i < ARRAY_LEN(default_links); i++)
		*wire_add(&p->wire, links, WirePair) = (WirePair){
			.name = wire_add_str(&p->wire, default_links[i].path),
			.value = wire_add_str(&p->wire, default_links[i].target),
		};
	return 0;
}

/* Who can make device nodes and is not held back from opening them owns the host's disks. */
int plan_check_devices(const PlanContext *c, const Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	bool limited = plan_cgroup_devices_by_program(c->facts) && p->groups_count > 0;
	for (size_t i = 0; i < p->writes_count; i++)
		limited |= str_eq(p->writes[i].controller, "devices");
	if (limited || (p->wire.head.flags & WIRE_INNER_USERNS) ||
	    !(p->wire.head.caps_bounding >> CAP_MKNOD & 1))
		return 0;
	if (l->resources.devices_count == 0 || l->resources.devices[0].allow)
		return 0; /* no limit was wanted */
	return err_make(e, ERR_SPEC, 0,
			"capability CAP_MKNOD: refused where access to devices cannot be limited (no writable cgroup hierarchy); "
			"it would reach every device of the host");
}
