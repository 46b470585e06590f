#include "runtime/explain.h"

#include <linux/mount.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *title;
	StageSide side;
} stages[] = {
#define STAGE_ROW(name, side, title) { #name, title, STAGE_SIDE_##side },
	STAGES(STAGE_ROW)
#undef STAGE_ROW
};

const char *stage_name(Stage s)
{
	return stages[s].name;
}

const char *stage_title(Stage s)
{
	return stages[s].title;
}

StageSide stage_side(Stage s)
{
	return stages[s].side;
}

void explain_add(Explain *x, Stage stage, const char *why, const char *call, ...)
{
	va_list ap;
	va_start(ap, call);
	const char *raw = arena_vprintf(x->arena, call, ap);
	va_end(ap);
	ExplainStage *s = &x->stages[stage];
	*arena_push(x->arena, &s->steps, &s->steps_count,
		    ExplainStep) = (ExplainStep){ .call = str_escape_controls(x->arena, raw),
						  .why = why };
}

const char *explain_bits(Arena *a, uint64_t value, const ExplainBit *bits, size_t count)
{
	char *text = arena_strdup(a, "");
	for (size_t i = 0; i < count; i++)
		if (value & bits[i].bit) {
			text = arena_printf(a, "%s%s%s", text, *text ? "|" : "", bits[i].name);
			value &= ~bits[i].bit;
		}
	if (value)
		text = arena_printf(a, "%s%s%#llx", text, *text ? "|" : "", (unsigned long long)value);
	return *text ? text : "0";
}

const char *explain_mount_attrs(Arena *a, uint64_t attrs)
{
	static const ExplainBit bits[] = {
		{ MOUNT_ATTR_RDONLY, "RDONLY" },         { MOUNT_ATTR_NOSUID, "NOSUID" },
		{ MOUNT_ATTR_NODEV, "NODEV" },           { MOUNT_ATTR_NOEXEC, "NOEXEC" },
		{ MOUNT_ATTR_NOATIME, "NOATIME" },       { MOUNT_ATTR_STRICTATIME, "STRICTATIME" },
		{ MOUNT_ATTR_NODIRATIME, "NODIRATIME" },
	};
	return explain_bits(a, attrs, bits, ARRAY_LEN(bits));
}

void runtime_explain(const Plan *p, const HostFacts *f, Explain *x)
{
	explain_parent(p, f, x);
	if (p->has_root_wire)
		explain_init(p, &p->root_wire, x);
	explain_init(p, &p->wire, x);
}
