#include "oci/remove.h"

#include "base/log.h"
#include "runtime/hooks.h"
#include "runtime/sweep.h"

/* Read before all goes. One that cannot be read is damaged, and goes all the same. */
static const SpecHooks *hooks_find(const OciContainer *c, Arena *a)
{
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	Spec *s = arena_new(a, Spec);
	if (!c->has_hooks)
		return NULL;
	if (oci_container_spec(c, a, s, &e) == 0)
		return s->hooks;
	log_warn("poststop hooks of container %s: %s", c->id, err_text(&e, text, sizeof text));
	return NULL;
}

static void poststop(const OciContainer *c, const SpecHooks *of_kind, Arena *a)
{
	Spec s = { .annotations = c->record.annotations,
		   .annotations_count = c->record.annotations_count };
	const RuntimeHooks hooks = runtime_hooks(of_kind,
						 runtime_hooks_state(c->id, c->bundle, &s, a), &s);
	runtime_hooks_run_all(&hooks, SPEC_HOOK_POSTSTOP, a);
}

int oci_container_remove(OciContainer *c, Arena *a, Err *e)
{
	const SpecHooks *hooks = hooks_find(c, a);
	int r = sweep_one(&c->state, c->id, a);
	if (r == -EBUSY)
		return err_make(e, ERR_STATE, EBUSY, "container %s is held by who makes or runs it",
				c->id);
	if (r < 0)
		return err_make(e, ERR_STATE, -r, "delete container %s", c->id);
	if (hooks)
		poststop(c, hooks, a);
	return 0;
}
