/* `mydocker why`: what ended or refused a container. */
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/format.h"
#include "cli/out.h"
#include "engine/why.h"

typedef struct WhyOpts {
	FormatOpts format;
	bool last;
} WhyOpts;

static const Opt why_opts[] = {
	OPT_FLAG('l', "last", WhyOpts, last, "The run that failed last (also without a CONTAINER)"),
	OPT_END,
};

static const char *time_words(uint64_t when, char *buf, size_t size)
{
	time_t t = (time_t)when;
	struct tm tm;
	if (!localtime_r(&t, &tm) || strftime(buf, size, "%F %T", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

static void print_list(Out *out, const char *head, const StrList *l)
{
	for (size_t i = 0; i < l->count; i++) {
		out_text(out, head);
		out_wrapped(out, l->items[i], strlen(head), out->width);
		out_text(out, "\n");
	}
}

static int print_text(const Ended *x, const Why *w, Err *e)
{
	char when[32];
	Out out;
	out_init(&out);
	out_format(&out, "%.12s%s%s%s", x->id, x->name ? " (" : "", x->name ? x->name : "",
		   x->name ? ")" : "");
	if (x->command)
		out_format(&out, " %.200s", x->command);
	out_format(&out, ", %s: exit code %d\n", time_words(x->when, when, sizeof when), x->exit_code);
	out_bold(&out, "Why:");
	out_text(&out, " ");
	out_wrapped(&out, w->cause, 5, out.width);
	out_text(&out, "\n");
	print_list(&out, "  ", &w->details);
	print_list(&out, "  -> ", &w->advice);
	return out_flush(&out, e);
}

static void write_list(JsonWriter *j, const char *key, const StrList *l)
{
	json_write_array(j, key);
	for (size_t i = 0; i < l->count; i++)
		json_write_string(j, NULL, l->items[i]);
	json_write_end(j);
}

static int print_json(const Ended *x, const Why *w, Arena *a, Err *e)
{
	JsonWriter j = json_writer(a, false);
	json_write_object(&j, NULL);
	json_write_string(&j, "Id", x->id);
	json_write_string(&j, "Name", x->name);
	json_write_string(&j, "Command", x->command);
	json_write_u64(&j, "When", x->when);
	json_write_i64(&j, "ExitCode", x->exit_code);
	json_write_i64(&j, "Signal", x->signal);
	json_write_u64(&j, "OOMKills", x->memory.oom_kills);
	json_write_string(&j, "Cause", w->cause);
	write_list(&j, "Details", &w->details);
	write_list(&j, "Advice", &w->advice);
	json_write_end(&j);
	return format_print_json(&j, e);
}

static int why_main(const CliContext *c, void *opts, Err *e)
{
	const WhyOpts *o = opts;
	Ended x;
	Why w;
	bool json;
	TRY(format_is_json(&o->format, &json, e));
	if (o->last && c->args.count > 0)
		return err_make(e, ERR_USAGE, 0, "--last and the container '%s' exclude each other",
				c->args.items[0]);
	TRY(engine_why(c->global->state_dir, c->args.count ? c->args.items[0] : NULL, c->arena, &x, e));
	why_tell(&x, c->arena, &w);
	return json ? print_json(&x, &w, c->arena, e) : print_text(&x, &w, e);
}

const Cmd cmd_why = {
	.name = "why",
	.args = "[CONTAINER]",
	.summary = "Tell what ended or refused a container",
	.group = CMD_CONTAINER,
	.opts = { format_opts, why_opts },
	.opts_size = sizeof(WhyOpts),
	.max_args = 1,
	.failure_code = 1,
	.run = why_main,
};
