#include "cli/explain_print.h"

#include <string.h>

#include "cli/format.h"
#include "cli/out.h"
#include "engine/explain.h"

enum { CALL_INDENT = 6, WHY_COLUMN = 70, WHY_INDENT = 12, WIDE = 120 };

static const char *const side_names[] = {
	[STAGE_SIDE_PARENT] = "parent",
	[STAGE_SIDE_INIT] = "init",
	[STAGE_SIDE_END] = "end",
};

static const char *const side_titles[] = {
	[STAGE_SIDE_PARENT] = "mydocker, on the host",
	[STAGE_SIDE_INIT] = "init, inside",
	[STAGE_SIDE_END] = "mydocker, while the command runs and after it",
};

/* The container's id is long and made up: "ID" stands for it. */
static const char *without_id(Arena *a, const char *text, const char *id)
{
	const char *out = "";
	for (const char *at; (at = strstr(text, id)); text = at + strlen(id))
		out = arena_printf(a, "%s%.*sID", out, (int)(at - text), text);
	return arena_printf(a, "%s%s", out, text);
}

/* The call, and beside it, or below it on a narrow terminal or where the call is long, the reason. */
static void print_step(Out *out, const char *call, const char *why)
{
	size_t width = CALL_INDENT + strlen(call);
	size_t column = out->width > 0 && out->width < WIDE ? WHY_INDENT : WHY_COLUMN;
	bool below = width + 2 > column;
	out_spaces(out, CALL_INDENT);
	out_text(out, call);
	if (why) {
		out_text(out, below ? "\n" : "");
		out_spaces(out, below ? column : column - width);
		out_wrapped(out, why, column, out->width);
	}
	out_text(out, "\n");
}

/* A reason that is the same as that of the step before is not repeated. */
static const char *new_reason(const ExplainStage *s, size_t i)
{
	const char *why = s->steps[i].why;
	return i > 0 && why && s->steps[i - 1].why && strcmp(why, s->steps[i - 1].why) == 0 ? NULL : why;
}

static void print_stage(Out *out, const RunExplain *r, Stage s, Arena *a)
{
	const ExplainStage *stage = &r->story.stages[s];
	if (stage->steps_count == 0)
		return;
	out_text(out, "\n   ");
	out_wrapped(out, stage_title(s), 3, out->width);
	out_text(out, "\n");
	for (size_t i = 0; i < stage->steps_count; i++)
		print_step(out,
			   r->id_is_given ? stage->steps[i].call
					  : without_id(a, stage->steps[i].call, r->container_id),
			   new_reason(stage, i));
}

static int print_text(const RunExplain *r, Arena *a, Err *e)
{
	Out out;
	out_init(&out);
	out_wrapped(&out,
		    r->id_is_given
			    ? "This is what would be done; nothing of it is."
			    : "This is what would be done; nothing of it is. ID stands for the container's 64 digits.",
		    0, out.width);
	out_text(&out, "\n\n");
	for (int s = 0; s < STAGE_COUNT; s++) {
		if (s == 0 || stage_side((Stage)s) != stage_side((Stage)(s - 1))) {
			out_text(&out, s ? "\n" : "");
			out_bold(&out, side_titles[stage_side((Stage)s)]);
			out_text(&out, "\n");
		}
		print_stage(&out, r, (Stage)s, a);
	}
	return out_flush(&out, e);
}

/* ---- times ---- */

/* The moment before a stage began: the end of the one before on the same side. Init begins with the clone that makes it, and its last stage,
 * after which it is another program, ends when the parent sees that. */
static uint64_t stage_began(const RunExplain *r, Stage s)
{
	uint64_t began = r->began;
	for (int before = 0; before < (int)s; before++)
		if (r->times.done[before] &&
		    (stage_side((Stage)before) == stage_side(s) || before < STAGE_SPAWN))
			began = r->times.done[before];
	return began;
}

static uint64_t stage_took(const RunExplain *r, Stage s)
{
	uint64_t done = s == STAGE_EXEC ? r->times.done[STAGE_FOLLOW] : r->times.done[s];
	uint64_t began = stage_began(r, s);
	return done > began ? done - began : 0;
}

static uint64_t total(const RunExplain *r)
{
	uint64_t done = r->times.done[STAGE_FOLLOW];
	return done > r->began ? done - r->began : 0;
}

static void print_took(Out *out, const char *title, uint64_t ns, uint64_t whole)
{
	uint64_t us = (ns + 500) / 1000, permille = whole ? (ns * 1000 + whole / 2) / whole : 0;
	out_format(out, "  %3llu.%03llu ms %4llu.%llu %%  ", (unsigned long long)(us / 1000),
		   (unsigned long long)(us % 1000), (unsigned long long)(permille / 10),
		   (unsigned long long)(permille % 10));
	out_wrapped(out, title, 24, out->width);
	out_text(out, "\n");
}

static void print_side(Out *out, const RunExplain *r, StageSide side)
{
	out_bold(out, side_titles[side]);
	out_text(out, side == STAGE_SIDE_INIT ? ", while mydocker follows\n" : "\n");
	for (int s = 0; s < STAGE_COUNT; s++)
		if (stage_side((Stage)s) == side && r->story.stages[s].steps_count > 0)
			print_took(out, stage_title((Stage)s), stage_took(r, (Stage)s), total(r));
}

static int print_times(const RunExplain *r, Err *e)
{
	Out out;
	out_init_error(&out);
	print_side(&out, r, STAGE_SIDE_PARENT);
	print_side(&out, r, STAGE_SIDE_INIT);
	out_bold(&out, "in all");
	out_text(&out, "\n");
	print_took(&out, "from mydocker's first step to the running command", total(r), total(r));
	if (r->floor > 0)
		print_took(&out,
			   "the kernel's own floor: a process that does nothing, in the same namespaces (median of 15)",
			   r->floor, total(r));
	return out_flush(&out, e);
}

/* ---- for programs ---- */

static void write_stage(JsonWriter *w, const RunExplain *r, Stage s)
{
	const ExplainStage *stage = &r->story.stages[s];
	json_write_object(w, NULL);
	json_write_string(w, "name", stage_name(s));
	json_write_string(w, "side", side_names[stage_side(s)]);
	json_write_string(w, "title", stage_title(s));
	if (total(r) > 0 && stage_side(s) != STAGE_SIDE_END)
		json_write_u64(w, "nanoseconds", stage_took(r, s));
	json_write_array(w, "steps");
	for (size_t i = 0; i < stage->steps_count; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "call", stage->steps[i].call);
		json_write_string(w, "why", stage->steps[i].why);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
}

static JsonWriter as_json(const RunExplain *r, Arena *a)
{
	JsonWriter w = json_writer(a, true);
	json_write_object(&w, NULL);
	json_write_string(&w, "container", r->container_id);
	if (total(r) > 0) {
		json_write_u64(&w, "nanoseconds", total(r));
		if (r->floor > 0)
			json_write_u64(&w, "floor", r->floor);
	}
	json_write_array(&w, "stages");
	for (int s = 0; s < STAGE_COUNT; s++)
		write_stage(&w, r, (Stage)s);
	json_write_end(&w);
	json_write_end(&w);
	return w;
}

int explain_print_story(const RunExplain *r, bool json, Arena *a, Err *e)
{
	if (!json)
		return print_text(r, a, e);
	JsonWriter w = as_json(r, a);
	return format_print_json(&w, e);
}

int explain_print(const RunRequest *request, bool json, Arena *a, Err *e)
{
	RunExplain r;
	TRY(engine_explain(request, a, &r, e));
	return explain_print_story(&r, json, a, e);
}

int explain_run_timed(const RunRequest *request, bool json, Arena *a, Err *e)
{
	RunExplain r;
	int code;
	TRY(engine_run_timed(request, a, &r, &code, e));
	if (total(&r) == 0)
		return code; /* a signal ended the start: there is nothing to tell */
	JsonWriter w = as_json(&r, a);
	(void)(json ? format_print_json_error(&w, e)
		    : print_times(&r, e)); /* standard error is gone: nowhere to say so */
	return code;
}
