#include <string.h>

#include "runtime/plan_parts.h"

/* The order is the specification's: the cache, the bandwidth, then all others. */
static const char *schemata_of(const SpecIntelRdt *r, Arena *a)
{
	const char *text = "";
	if (r->l3_schema)
		text = arena_printf(a, "%s\n", r->l3_schema);
	if (r->mem_bw_schema)
		text = arena_printf(a, "%s%s\n", text, r->mem_bw_schema);
	for (size_t i = 0; i < r->schemata.count; i++)
		text = arena_printf(a, "%s%s\n", text, r->schemata.items[i]);
	return *text ? text : NULL;
}

/* With runc's words. */
static int check_host(const SpecIntelRdt *r, const HostFacts *f, Err *e)
{
	if (!f->resctrl)
		return err_make(e, ERR_SPEC, 0,
				"linux.intelRdt: Intel RDT resctrl mount point not found: that file system is not mounted here");
	if (r->l3_schema && !f->resctrl_l3)
		return err_make(e, ERR_SPEC, 0,
				"intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled");
	if (r->mem_bw_schema && !f->resctrl_mb)
		return err_make(e, ERR_SPEC, 0,
				"intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled");
	if (r->monitoring && !f->resctrl_mon)
		return err_make(e, ERR_SPEC, 0,
				"intelRdt.enableMonitoring is specified in config, but Intel RDT monitoring is not enabled");
	return 0;
}

int plan_rdt(const PlanContext *c, Plan *p, Err *e)
{
	static const char *const taken[] = { "info", "mon_groups", "mon_data" };
	const SpecIntelRdt *r = &c->spec->linux_.intel_rdt;
	const char *id = c->in->container_id, *name = r->clos_id ? r->clos_id : id;
	if (!r->given)
		return 0;
	TRY(check_host(r, c->facts, e));
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return err_make(e, ERR_SPEC, 0,
					"linux.intelRdt: no group can be called '%s'", name);
	p->rdt = (PlanRdt){
		.dir = strcmp(name, "/") == 0
			       ? c->facts->resctrl
			       : arena_printf(c->arena, "%s/%s", c->facts->resctrl, name),
		.schemata = schemata_of(r, c->arena),
		.is_named = r->clos_id,
	};
	if (r->monitoring)
		p->rdt.mon_dir = arena_printf(c->arena, "%s/mon_groups/%s", p->rdt.dir, id);
	return 0;
}
