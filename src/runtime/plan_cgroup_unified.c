#include <inttypes.h>
#include <string.h>

#include "base/own.h"
#include "runtime/plan_cgroup_parts.h"

/* ---- huge pages ---- */

/* "64KB", "2MB", "1GB": as the files' names have it. */
static bool is_page_size(const char *size)
{
	size_t digits = strspn(size, "0123456789");
	const char *unit = size + digits;
	return digits > 0 && digits <= 10 && *size != '0' &&
	       (str_eq(unit, "KB") || str_eq(unit, "MB") || str_eq(unit, "GB"));
}

/* Reservations where the kernel counts them (Linux 5.7), else what is in use, as the specification says. */
int plan_cgroup_hugepages(Writes *w)
{
	const HostCgroup *h;
	for (size_t i = 0; i < w->r->hugepage_limits_count; i++) {
		const SpecHugepageLimit *l = &w->r->hugepage_limits[i];
		const char *size = l->page_size;
		if (!is_page_size(size))
			return err_make(w->e, ERR_SPEC, 0,
					"huge page size '%s': not a size such as 64KB, 2MB or 1GB",
					size);
		const char *what = arena_printf(w->a, "limit of huge pages of %s", size);
		TRY(writes_need(w, "hugetlb", what, &h));
		const char *end = h->is_v2 ? "max" : "limit_in_bytes";
		const char *value = arena_printf(w->a, "%" PRIu64, l->limit);
		CgroupWrite *added = writes_add(w, h, "hugetlb",
						arena_printf(w->a, "hugetlb.%s.rsvd.%s", size, end),
						value, what);
		added->or_file = arena_printf(w->a, "hugetlb.%s.%s", size, end);
		added->or_value = value;
		added->missing = "this kernel has no huge pages of that size";
	}
	return 0;
}

/* ---- files by their names ---- */

/* "CONTROLLER.PARAMETER": the name of one file. */
static bool is_key(const char *key)
{
	const char *dot = strchr(key, '.');
	return dot && dot > key && dot[1] && strlen(key) < 128 &&
	       key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] ==
		       '\0';
}

/* Of the files that belong to no controller, those that limit. The others move, stop or kill processes, or change what the group is. */
static bool is_core_limit(const char *key)
{
	return str_eq(key, "cgroup.max.depth") || str_eq(key, "cgroup.max.descendants") ||
	       str_eq(key, "cgroup.pressure");
}

static const HostCgroup *find_v2(const HostFacts *f)
{
	for (size_t i = 0; i < f->cgroups_count; i++)
		if (f->cgroups[i].is_v2)
			return &f->cgroups[i];
	return NULL;
}

static int need_tree(Writes *w, const char *key, const char *controller, const HostCgroup **ret)
{
	const HostCgroup *v2 = find_v2(w->f), *h = writes_find(w->f, controller);
	if (w->no_cgroups)
		return writes_need(w, controller, arena_printf(w->a, "cgroup setting '%s'", key), ret);
	if (!v2)
		return err_make(w->e, ERR_SPEC, 0,
				"invalid configuration: cgroup setting '%s': this host has no cgroup v2 tree, whose file that is",
				key);
	if (str_eq(controller, "cgroup")) {
		if (!is_core_limit(key))
			return err_make(w->e, ERR_SPEC, 0,
					"cgroup setting '%s': it limits nothing, and is not the container's to set",
					key);
		if (!v2->writable)
			return err_make(w->e, ERR_SPEC, 0, "cgroup setting '%s': %s is not writable",
					key, v2->mountpoint);
		*ret = v2;
		return 0;
	}
	if (h && !h->is_v2)
		return err_make(w->e, ERR_SPEC, 0,
				"invalid configuration: cgroup setting '%s': the controller '%s' belongs to cgroup v1 on this host (%s), which has other files: use the option for it",
				key, controller, h->mountpoint);
	return writes_need(w, controller, arena_printf(w->a, "cgroup setting '%s'", key), ret);
}

int plan_cgroup_unified(Writes *w)
{
	const HostCgroup *h;
	for (size_t i = 0; i < w->r->unified_count; i++) {
		const SpecUnified *u = &w->r->unified[i];
		if (!is_key(u->key))
			return err_make(w->e, ERR_SPEC, 0,
					"cgroup setting '%s': not the name of a file such as memory.high",
					u->key);
		const char *controller = arena_strndup(w->a, u->key, strcspn(u->key, "."));
		TRY(need_tree(w, u->key, controller, &h));
		StrList lines = str_split(w->a, u->value, '\n');
		for (size_t k = 0; k < lines.count; k++)
			if (*lines.items[k])
				writes_add(w, h, controller, u->key, lines.items[k],
					   arena_printf(w->a, "cgroup setting %s", u->key));
	}
	return 0;
}
