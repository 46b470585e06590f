#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "engine/spec_fill.h"

/* Paths of /proc and /sys that tell about or change the host: the union of what docker and podman hide. */
static const char *const masked[] = {
	"/proc/acpi",        "/proc/asound",    "/proc/interrupts",
	"/proc/kcore",       "/proc/keys",      "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi",      "/proc/timer_list",
	"/proc/timer_stats", "/sys/dev/block",  "/sys/devices/virtual/powercap",
	"/sys/firmware",     "/sys/fs/selinux",
};
static const char *const readonly[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					"/proc/sysrq-trigger" };

/* As filepath.Match() of Go, which podman uses: '*' and '?' stop at a slash. */
static bool pattern_covers(const char *pattern, const char *path)
{
	return strcasecmp(pattern, "ALL") == 0 || fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

bool run_is_unmasked(const RunContext *c, const char *path)
{
	const RunRequest *r = c->request;
	if (r->label_nested && !r->label_disable && strcmp(path, "/sys/fs/selinux") == 0)
		return true;
	for (size_t i = 0; i < r->unmask.count; i++)
		if (pattern_covers(r->unmask.items[i], path))
			return true;
	return false;
}

static void path_add(const RunContext *c, StrList *list, const char *path)
{
	if (!run_is_unmasked(c, path))
		strlist_add(c->arena, list, path);
}

static void fill_defaults(const RunContext *c, SpecLinux *l)
{
	for (size_t i = 0; i < ARRAY_LEN(masked); i++)
		path_add(c, &l->masked_paths, masked[i]);
	for (unsigned cpu = 0; cpu < c->facts->cpus; cpu++)
		path_add(c, &l->masked_paths,
			 arena_printf(c->arena, "/sys/devices/system/cpu/cpu%u/thermal_throttle", cpu));
	for (size_t i = 0; i < ARRAY_LEN(readonly); i++)
		path_add(c, &l->readonly_paths, readonly[i]);
}

/* What is asked for comes last and whatever else is said, as with podman: a mask of one's own wins over unmask and --privileged. */
void spec_fill_masks(const RunContext *c, Spec *s)
{
	const RunRequest *r = c->request;
	SpecLinux *l = &s->linux_;
	if (!r->privileged && !r->systempaths_unconfined)
		fill_defaults(c, l);
	for (size_t i = 0; i < r->mask.count; i++) {
		const char *path = path_clean(c->arena, r->mask.items[i]);
		if (!strlist_has(&l->masked_paths, path))
			strlist_add(c->arena, &l->masked_paths, path);
	}
}
