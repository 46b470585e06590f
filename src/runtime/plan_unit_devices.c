/* Rules for devices as systemd has them: a list of what is allowed, by types, by names of drivers in /proc/devices, or by numbers. */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "fmt/variant.h"
#include "runtime/plan_unit.h"

static bool is_all(const DeviceRule *d)
{
	return d->type == 'a' && d->major < 0 && d->minor < 0 && d->read && d->write && d->mknod;
}

static bool overlaps(const DeviceRule *a, const DeviceRule *b)
{
	return (a->type == b->type || a->type == 'a' || b->type == 'a') &&
	       (a->major < 0 || b->major < 0 || a->major == b->major) &&
	       (a->minor < 0 || b->minor < 0 || a->minor == b->minor) &&
	       ((a->read && b->read) || (a->write && b->write) || (a->mknod && b->mknod));
}

/* What rules after the last one about all devices allow, as a list of its own; false: a rule takes a part of another one back, or all is
 * allowed, which is no list. */
static bool allowed(const DeviceRule *rules, size_t count, Arena *a, DeviceRule **ret, size_t *ret_count)
{
	size_t first = 0;
	for (size_t i = 0; i < count; i++)
		if (is_all(&rules[i]))
			first = i + 1;
	if (count == 0 || (first > 0 && rules[first - 1].allow))
		return false;
	for (size_t i = first; i < count; i++) {
		if (rules[i].allow) {
			*arena_push(a, ret, ret_count, DeviceRule) = rules[i];
			continue;
		}
		for (size_t k = 0; k < *ret_count; k++)
			if (overlaps(&(*ret)[k], &rules[i]))
				return false;
	}
	return true;
}

/* The driver's name for a major number: "Character devices:\n  1 mem\n..."; NULL: it has none. */
static const char *driver(const HostFacts *f, char type, int64_t major, Arena *a)
{
	const char *text = f->device_drivers ? f->device_drivers : "";
	const char *at = strstr(text, type == 'b' ? "Block devices:" : "Character devices:");
	const char *number = arena_printf(a, "%" PRId64 " ", major);
	for (at = at ? strchr(at, '\n') : NULL; at && at[1] && at[1] != '\n';
	     at = strchr(at + 1, '\n')) {
		const char *name = str_after(at + 1 + strspn(at + 1, " "), number);
		if (name)
			return arena_strndup(a, name, strcspn(name, "\n"));
	}
	return NULL;
}

/* NULL: systemd has no words for it. */
static const char *node(const DeviceRule *d, char type, const HostFacts *f, Arena *a)
{
	const char *kind = type == 'b' ? "block" : "char";
	if (d->major < 0)
		return d->minor < 0 ? arena_printf(a, "%s-*", kind) : NULL;
	if (d->minor >= 0)
		return arena_printf(a, "/dev/%s/%" PRId64 ":%" PRId64, kind, d->major, d->minor);
	const char *name = driver(f, type, d->major, a);
	return name ? arena_printf(a, "%s-%s", kind, name) : NULL;
}

static bool entries(const DeviceRule *d, const HostFacts *f, Arena *a, const char **list)
{
	static const char types[] = "bc";
	for (const char *type = types; *type; type++) {
		if (d->type != 'a' && d->type != *type)
			continue;
		const char *name = node(d, *type, f, a);
		if (!name)
			return false;
		*list = arena_printf(a, "%s%s(%s, '%s%s%s')", *list, **list ? ", " : "",
				     variant_quote(name, a), d->read ? "r" : "",
				     d->write ? "w" : "", d->mknod ? "m" : "");
	}
	return true;
}

/* On v2 a program of ours limits devices, and one of systemd's must not forbid what that allows: all can be said, or nothing is. On v1 it is
 * the same list in the kernel: without this, systemd would allow all devices at its next reload; what it cannot say is written after. */
void plan_unit_devices(const DeviceRule *rules, size_t count, const HostFacts *f, Arena *a,
		       PlanUnitProperties *ret)
{
	DeviceRule *list = NULL;
	size_t n = 0;
	const char *text = "";
	if (!allowed(rules, count, a, &list, &n))
		return;
	for (size_t i = 0; i < n; i++)
		if (!entries(&list[i], f, a, &text) && f->cgroup_mode == CGROUP_V2)
			return;
	plan_unit_add(ret, a, "DevicePolicy", "'strict'");
	plan_unit_add(ret, a, "DeviceAllow", arena_printf(a, "@a(ss) [%s]", text));
}
