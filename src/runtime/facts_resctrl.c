#include <string.h>
#include <unistd.h>

#include "kern/mountinfo.h"
#include "runtime/facts_parts.h"

static bool has(const HostFacts *f, const char *name, Arena *a)
{
	return access(arena_printf(a, "%s/info/%s", f->resctrl, name), F_OK) == 0;
}

/* With code and data apart there is no L3, but these two. */
int probe_resctrl(const Probe *p, Err *e)
{
	HostFacts *f = p->facts;
	char *text;
	MountInfo m;
	TRY(mountinfo_read(probe_path(p, "/proc/self/mountinfo"), p->arena, &text, e));
	while (!f->resctrl && mountinfo_next(&text, &m))
		if (strcmp(m.fstype, "resctrl") == 0)
			f->resctrl = probe_path(p, m.mountpoint);
	if (!f->resctrl)
		return 0;
	f->resctrl_l3 = has(f, "L3", p->arena) || has(f, "L3CODE", p->arena);
	f->resctrl_mb = has(f, "MB", p->arena);
	f->resctrl_mon = has(f, "L3_MON", p->arena);
	return 0;
}
