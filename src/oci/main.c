/* mydocker-runtime: what runs OCI bundles. So far it tells what a start would do: `mydocker-runtime explain`. */
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cmd_version.h"
#include "cli/explain_print.h"
#include "cli/format.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "version.h"

#define PROGRAM "mydocker-runtime"

typedef struct GlobalOpts {
	bool version;
} GlobalOpts;
static const Opt global_opts[] = {
	OPT_FLAG('v', "version", GlobalOpts, version, "Print the version"),
	OPT_END,
};

typedef struct ExplainOpts {
	FormatOpts format;
	const char *bundle;
} ExplainOpts;
static const Opt explain_opts[] = {
	OPT_STR('b', "bundle", ExplainOpts, bundle, "DIR",
		"The bundle, the directory that holds config.json (default: the working directory)"),
	OPT_END,
};

static const Opt *const global_tables[OPT_TABLES] = { global_opts };
static const Opt *const explain_tables[OPT_TABLES] = { explain_opts, format_opts };

static int version_print(Err *e)
{
	Out out;
	out_init(&out);
	out_text(&out, PROGRAM " version " MYDOCKER_VERSION "\nspec: " VERSION_OCI_SPEC "\n");
	return out_flush(&out, e);
}

static void options_print(Out *out, const Opt *const *tables)
{
	out_text(out, "\nOptions:\n");
	for (; *tables; tables++)
		for (const Opt *o = *tables; o->kind != OPT_KIND_END; o++) {
			out_text(out, "  ");
			if (o->letter)
				out_format(out, "-%c, ", o->letter);
			out_format(out, "--%s%s%s\n        ", o->name, o->arg ? " " : "",
				   o->arg ? o->arg : "");
			out_wrapped(out, o->help, 8, out->width);
			out_text(out, "\n");
		}
}

static int help_print(Err *e)
{
	Out out;
	out_init(&out);
	out_text(&out,
		 "Usage:\n  " PROGRAM " [OPTIONS] COMMAND\n\nRuns OCI bundles\n\nCommands:\n"
		 "  explain  Tell every kernel step of a bundle's start, in order, with its reason, and do none\n");
	options_print(&out, global_tables);
	return out_flush(&out, e);
}

static int explain_help_print(Err *e)
{
	Out out;
	out_init(&out);
	out_text(&out,
		 "Usage:\n  " PROGRAM
		 " explain [OPTIONS] [ID]\n\nTell every kernel step of a bundle's start, in order, with its reason, and do none\n");
	options_print(&out, explain_tables);
	return out_flush(&out, e);
}

static int explain(int argc, char **argv, Arena *a, Err *e)
{
	const OptSet set = { .tables = explain_tables };
	ExplainOpts o = { 0 };
	OptRest rest;
	bool json;
	TRY(opt_parse(&set, argc, argv, a, &o, &rest, e));
	if (rest.help)
		return explain_help_print(e);
	TRY(format_is_json(&o.format, &json, e));
	if (rest.args.count > 1)
		return err_make(e, ERR_USAGE, 0, "'explain' does not take the argument '%s'",
				rest.args.items[1]);
	return explain_print_bundle(o.bundle ? o.bundle : ".",
				    rest.args.count > 0 ? rest.args.items[0] : NULL, json, a, e);
}

static int run(int argc, char **argv, Arena *a, Err *e)
{
	const OptSet set = { .tables = global_tables, .stop_at_first_arg = true };
	GlobalOpts o = { 0 };
	OptRest rest;
	TRY(fd_open_missing_stdio(e));
	TRY(opt_parse(&set, argc, argv, a, &o, &rest, e));
	if (o.version)
		return version_print(e);
	if (rest.help || rest.args.count == 0)
		return help_print(e);
	if (strcmp(rest.args.items[0], "explain") != 0)
		return err_make(e, ERR_NOT_FOUND, 0, "No help topic for '%s'",
				rest.args.items[0]); /* runc's words */
	int words = argc - (int)rest.args.count + 1;
	return explain(argc - words, argv + words, a, e);
}

int main(int argc, char **argv)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	char text[sizeof(((Err *)NULL)->msg) + 128];
	Err err = { 0 };
	log_set_program(PROGRAM);
	if (run(argc > 0 ? argc - 1 : 0, argv + 1, &arena, &err) >= 0)
		return 0;
	log_note("%s", err_text(&err, text, sizeof text));
	return 1;
}
