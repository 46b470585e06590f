#include "runtime/plan_parts.h"

static void words_add(Plan *p, const StrList *l)
{
	for (size_t i = 0; i < l->count; i++)
		*wire_add(&p->wire, hook_words, WireStr) = wire_add_str(&p->wire, l->items[i]);
}

/* env: of hooks that have none themselves. */
static void hooks_add(Plan *p, const SpecHooks *hooks, WireHookStage stage, WireStr state,
		      const StrList *env)
{
	for (size_t i = 0; i < hooks->count; i++) {
		const SpecHook *h = &hooks->items[i];
		const StrList *own = h->env.count ? &h->env : env;
		*wire_add(&p->wire, hooks, WireHook) = (WireHook){
			.path = wire_add_str(&p->wire, h->path),
			.state = state,
			.stage = (uint32_t)stage,
			.number = (uint32_t)i,
			.timeout = h->timeout,
			.words_first = (uint32_t)p->wire.hook_words_count,
			.args = (uint32_t)h->args.count,
			.env = (uint32_t)own->count,
		};
		words_add(p, &h->args);
		words_add(p, own);
	}
}

static WireStr state_add(const PlanContext *c, Plan *p, const char *status)
{
	return wire_add_str(&p->wire, arena_printf(c->arena, "%s,\"status\":\"%s\",\"pid\":",
						   c->in->hook_state, status));
}

int plan_hooks(const PlanContext *c, Plan *p, Err *e)
{
	const SpecHooks *h = c->spec->hooks, *create = &h[SPEC_HOOK_CREATE_CONTAINER],
			*start = &h[SPEC_HOOK_START_CONTAINER];
	if (h[SPEC_HOOK_PRESTART].count + h[SPEC_HOOK_CREATE_RUNTIME].count > 0)
		p->wire.head.flags |= WIRE_HOOKS;
	if (create->count + start->count == 0)
		return 0;
	if (!c->in->hook_state)
		return err_make(e, ERR_BUG, 0, "hooks without a state for them");
	const StrList none = { 0 };
	hooks_add(p, create, WIRE_HOOK_CREATE_CONTAINER, state_add(c, p, "creating"), &none);
	hooks_add(p, start, WIRE_HOOK_START_CONTAINER, state_add(c, p, "created"),
		  &c->spec->process.env); /* the command's, as with runc */
	return 0;
}
