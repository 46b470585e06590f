#include "runtime/plan_cgroup_parts.h"

#include <inttypes.h>
#include <string.h>

bool writes_is_given(int64_t n)
{
	return n != SPEC_UNSET;
}

bool writes_is_limit(int64_t n)
{
	return writes_is_given(n) && n >= 0;
}

bool writes_is_wanted(const Writes *w, int64_t n)
{
	return w->now ? writes_is_given(n) : writes_is_limit(n);
}

/* ---- which hierarchy has a controller ---- */

static bool has_word(const char *list, const char *word, char sep)
{
	size_t len = strlen(word);
	for (const char *p = list; *p;) {
		const char *end = strchrnul(p, sep);
		if ((size_t)(end - p) == len && memcmp(p, word, len) == 0)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

const HostCgroup *writes_find(const HostFacts *f, const char *controller)
{
	for (size_t i = 0; i < f->cgroups_count; i++)
		if (has_word(f->cgroups[i].controllers, controller, f->cgroups[i].is_v2 ? ' ' : ','))
			return &f->cgroups[i];
	return NULL;
}

static const HostCgroup *find_usable(const HostFacts *f, const char *controller)
{
	const HostCgroup *h = writes_find(f, controller);
	return h && h->writable ? h : NULL;
}

bool writes_only_v2(const HostFacts *f)
{
	for (size_t i = 0; i < f->cgroups_count; i++)
		if (!f->cgroups[i].is_v2)
			return false;
	return f->cgroups_count > 0;
}

/* Why no hierarchy has a controller, and what helps: "" when nothing more is known. */
static const char *why_absent(Writes *w, const char *controller)
{
	const HostFacts *f = w->f;
	for (size_t i = 0; i < f->cgroups_count; i++)
		if (f->cgroups[i].is_v2 && f->cgroups[i].delegated)
			return arena_printf(w->a,
					    ": the group %s, which is yours, was not given it; systemd gives it with Delegate=%s in user@.service",
					    f->cgroups[i].delegated, controller);
	if (strlist_has(&f->controllers_off, controller))
		return arena_printf(w->a,
				    ": the kernel has it switched off; boot with cgroup_enable=%s, or without cgroup_disable=%s",
				    controller, controller);
	if (strlist_has(&f->controllers_on, controller))
		return ": the kernel has it, but no mounted hierarchy does";
	return "";
}

static int check_writable(Writes *w, const HostCgroup *h, const char *controller, const char *what)
{
	if (h->writable)
		return 0;
	if (w->now)
		return err_make(w->e, ERR_SPEC, 0,
				"the container has no group of the cgroup controller '%s', which the %s needs",
				controller, what);
	if (h->read_only)
		return err_make(w->e, ERR_SPEC, 0,
				"the cgroup controller '%s' cannot be used for the %s: %s is mounted read-only "
				"(in a container of docker or mydocker: start that one with --security-opt writable-cgroups)",
				controller, what, h->mountpoint);
	return err_make(w->e, ERR_SPEC, 0,
			"the cgroup controller '%s' is not delegated to this user for the %s: %s is not writable%s",
			controller, what, h->mountpoint,
			h->is_v2 ? "; in a session of systemd this gives you a group of your own: systemd-run --user --scope mydocker run ..."
				 : "");
}

int writes_need(Writes *w, const char *controller, const char *what, const HostCgroup **ret)
{
	const HostCgroup *h = writes_find(w->f, controller);
	if (w->no_cgroups)
		return err_make(w->e, ERR_SPEC, 0,
				"the %s needs a control group, and the container gets none (--cgroups disabled)",
				what);
	if (!h)
		return err_make(w->e, ERR_SPEC, 0,
				"this host has no cgroup controller '%s' for the %s%s", controller,
				what, why_absent(w, controller));
	TRY(check_writable(w, h, controller, what));
	*ret = h;
	return 0;
}

int writes_need_v1(Writes *w, const char *controller, const char *what, const char *v2,
		   const HostCgroup **ret)
{
	const HostCgroup *h = writes_find(w->f, controller);
	if (h ? h->is_v2 : writes_only_v2(w->f))
		return err_make(w->e, ERR_SPEC, 0, "the %s: cgroup v2, which this host has, %s",
				what, v2);
	return writes_need(w, controller, what, ret);
}

CgroupWrite *writes_add(Writes *w, const HostCgroup *h, const char *controller, const char *file,
			const char *value, const char *what)
{
	PlanCgroupWrite *added = arena_push(w->a, &w->items, &w->count, PlanCgroupWrite);
	*added = (PlanCgroupWrite){
		.hierarchy = (size_t)(h - w->f->cgroups),
		.controller = controller,
		.write = { .file = file, .value = value, .what = what, .asked = true },
	};
	return &added->write;
}

const char *writes_number(Writes *w, int64_t n)
{
	return arena_printf(w->a, "%" PRId64, n);
}

const char *writes_limit(Writes *w, const HostCgroup *h, int64_t n)
{
	if (n >= 0)
		return writes_number(w, n);
	return h->is_v2 ? "max" : "-1";
}

/* ---- processes ---- */

static int pids(Writes *w)
{
	const HostCgroup *h;
	int64_t limit = w->r->pids_limit;
	bool asked = !w->r->pids_limit_is_default;
	bool is_fresh = !w->now && !w->f->manager_group; /* systemd has a default of its own */
	if (!writes_is_given(limit) || (limit == -1 && is_fresh))
		return 0;
	if (limit < -1)
		return err_make(w->e, ERR_SPEC, 0, "limit of processes %" PRId64 " is negative", limit);
	if (!asked && w->is_bare)
		return 0;
	if (!asked && !find_usable(w->f, "pids")) {
		strlist_add(w->a, w->warnings,
			    arena_printf(w->a,
					 "the number of processes is not limited to %" PRId64
					 ": the cgroup controller 'pids' is %s",
					 limit,
					 writes_find(w->f, "pids") ? "not writable here" : "not there"));
		return 0;
	}
	TRY(writes_need(w, "pids", "limit of processes", &h));
	const char *value = limit < 0 ? "max" : writes_number(w, limit); /* v1, too, says max */
	if (w->now && limit == 0) /* as runc; with a process in it, 0 and 1 are the same to the kernel */
		value = "1";
	writes_add(w, h, "pids", "pids.max", value, "limit of processes")->asked = asked;
	return 0;
}

/* ---- devices on v1 ---- */

static bool is_all(const DeviceRule *d)
{
	return d->type == 'a' && d->major < 0 && d->minor < 0 && d->read && d->write && d->mknod;
}

static bool overlaps(const DeviceRule *a, const DeviceRule *b)
{
	return a->type == b->type && (a->major < 0 || b->major < 0 || a->major == b->major) &&
	       (a->minor < 0 || b->minor < 0 || a->minor == b->minor) &&
	       ((a->read && b->read) || (a->write && b->write) || (a->mknod && b->mknod));
}

static bool same_devices(const DeviceRule *a, const DeviceRule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static const char *device_number(Writes *w, int64_t n)
{
	return n < 0 ? "*" : writes_number(w, n);
}

static void device_write(Writes *w, const HostCgroup *h, const DeviceRule *d)
{
	const char *value = arena_printf(w->a, "%c %s:%s %s%s%s", d->type, device_number(w, d->major),
					 device_number(w, d->minor), d->read ? "r" : "",
					 d->write ? "w" : "", d->mknod ? "m" : "");
	writes_add(w, h, "devices", d->allow ? "devices.allow" : "devices.deny", value, "device rule");
}

/* Rule `i`, which comes after rule `first` that set the default. A v1 group has one default and a set of exceptions to it, in which
 * order does not matter as it does here: a rule that takes something back from an exception works only when it names the very same
 * devices; one that takes nothing back is not needed (devices.rst). */
static int device_rule(Writes *w, const HostCgroup *h, size_t first, size_t i, bool default_allow)
{
	const DeviceRule *rules = w->r->devices, *d = &rules[i];
	if (!d->read && !d->write && !d->mknod)
		return 0;
	if (d->type == 'a')
		return err_make(w->e, ERR_SPEC, 0,
				"device rule %zu: on cgroup v1 a rule about all types is about all devices and rwm",
				i + 1);
	if (d->allow != default_allow) {
		device_write(w, h, d);
		return 0;
	}
	bool takes_back = false;
	for (size_t k = first; k < i; k++) {
		if (rules[k].allow == default_allow || !overlaps(&rules[k], d))
			continue;
		if (!same_devices(&rules[k], d))
			return err_make(w->e, ERR_SPEC, 0,
					"device rule %zu takes back a part of rule %zu, which cgroup v1 cannot do: "
					"give the two the same device numbers",
					i + 1, k + 1);
		takes_back = true;
	}
	if (takes_back)
		device_write(w, h, d);
	return 0;
}

static int devices(Writes *w)
{
	const DeviceRule *rules = w->r->devices;
	const HostCgroup *h = find_usable(w->f, "devices");
	if (w->r->devices_count == 0 || plan_cgroup_devices_by_program(w->f))
		return 0;
	if (!h) {
		/* In a user namespace no device node can be made and none of the host's be opened without permission: nothing is lost. */
		if (host_facts_has_root(w->f) && !w->is_bare)
			strlist_add(w->a, w->warnings,
				    "access to devices is limited by file permissions alone: no cgroup hierarchy that could limit it is writable");
		return 0;
	}
	/* What stands before the last rule about all devices has no effect. */
	size_t first = 0;
	for (size_t i = 0; i < w->r->devices_count; i++)
		if (is_all(&rules[i]))
			first = i + 1;
	bool allow = first > 0 && rules[first - 1].allow;
	writes_add(w, h, "devices", allow ? "devices.allow" : "devices.deny", "a", "device rule");
	for (size_t i = first; i < w->r->devices_count; i++)
		TRY(device_rule(w, h, first, i, allow));
	return 0;
}

bool plan_cgroup_devices_by_program(const HostFacts *f)
{
	bool has_v2 = false;
	for (size_t i = 0; i < f->cgroups_count; i++)
		has_v2 |= f->cgroups[i].is_v2 && f->cgroups[i].writable;
	return host_facts_has_root(f) && has_v2 && !find_usable(f, "devices");
}

bool plan_cgroup_limits_devices(const HostFacts *f)
{
	return find_usable(f, "devices") || plan_cgroup_devices_by_program(f);
}

static const char *why_bare(const HostFacts *f)
{
	for (size_t i = 0; i < f->cgroups_count; i++)
		if (f->cgroups[i].read_only)
			return "the cgroup hierarchies are mounted read-only here";
	return f->cgroups_count > 0 ? "no cgroup hierarchy is writable here"
				    : "no cgroup hierarchy is mounted";
}

/* Where nothing can be limited there is one warning for all the defaults. */
static bool warn_if_bare(Writes *w)
{
	for (size_t i = 0; i < w->f->cgroups_count; i++)
		if (w->f->cgroups[i].writable)
			return false;
	bool devices = host_facts_has_root(w->f) && w->r->devices_count > 0;
	bool pids = w->r->pids_limit_is_default && writes_is_limit(w->r->pids_limit);
	const char *number = pids ? arena_printf(w->a, "'pids' (%" PRId64 ")", w->r->pids_limit) : "";
	if (pids || devices)
		strlist_add(w->a, w->warnings,
			    arena_printf(w->a, "the container runs without its default limits of %s%s%s: %s",
					 number, pids && devices ? " and " : "",
					 devices ? "'devices'" : "", why_bare(w->f)));
	return true;
}

/* Without groups there are no defaults, and what was asked for is refused. */
static int all(Writes *w)
{
	if (!w->no_cgroups && !w->now) {
		w->is_bare = warn_if_bare(w);
		TRY(devices(w));
	}
	TRY(plan_cgroup_cpu(w));
	TRY(plan_cgroup_memory(w));
	TRY(plan_cgroup_io(w));
	if (!w->no_cgroups || !w->r->pids_limit_is_default)
		TRY(pids(w));
	TRY(plan_cgroup_hugepages(w));
	TRY(plan_cgroup_net(w));
	return plan_cgroup_unified(w);
}

int plan_cgroup_writes(const SpecLinux *l, const HostFacts *f, Arena *a, PlanCgroupWrites *ret, Err *e)
{
	PlanCgroupWrites found = { 0 };
	Writes w = {
		.r = &l->resources,
		.f = f,
		.no_cgroups = l->no_cgroups,
		.a = a,
		.warnings = &found.warnings,
		.e = e,
	};
	TRY(all(&w));
	found.items = w.items;
	found.count = w.count;
	*ret = found;
	return 0;
}

int plan_cgroup_update(const SpecResources *r, const HostFacts *f, const CgroupLimits *now,
		       Arena *a, PlanCgroupWrites *ret, Err *e)
{
	PlanCgroupWrites found = { 0 };
	Writes w = { .r = r, .f = f, .now = now, .a = a, .warnings = &found.warnings, .e = e };
	TRY(all(&w));
	found.items = w.items;
	found.count = w.count;
	*ret = found;
	return 0;
}
