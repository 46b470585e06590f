/* mydocker-runtime: runs OCI bundles. */
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cmd_version.h"
#include "cli/out.h"
#include "oci/oci.h"
#include "version.h"

static const OciCmd *const cmds[] = { &oci_explain, &oci_run };

static const Opt global_opts[] = {
	OPT_FLAG(0, "debug", OciGlobal, debug, "Say on standard error what is being done"),
	OPT_STR(0, "root", OciGlobal, root, "DIR",
		"Where containers are recorded (default /run/mydocker-runtime, for ordinary users $XDG_RUNTIME_DIR/mydocker-runtime)"),
	OPT_FLAG('v', "version", OciGlobal, version, "Print the version"),
	OPT_END,
};
static const Opt *const global_tables[OPT_TABLES] = { global_opts };

static int version_print(Err *e)
{
	Out out;
	out_init(&out);
	out_format(&out, OCI_PROGRAM " version %s\nspec: %s\n", MYDOCKER_VERSION, VERSION_OCI_SPEC);
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
	out_text(&out, "Usage:\n  " OCI_PROGRAM " [OPTIONS] COMMAND\n\nRuns OCI bundles\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		out_format(&out, "  %-10s%s\n", cmds[i]->name, cmds[i]->summary);
	options_print(&out, global_tables);
	return out_flush(&out, e);
}

static int cmd_help_print(const OciCmd *cmd, Err *e)
{
	Out out;
	out_init(&out);
	out_format(&out, "Usage:\n  " OCI_PROGRAM " %s [OPTIONS] %s\n\n%s\n", cmd->name, cmd->args,
		   cmd->summary);
	options_print(&out, cmd->opts);
	return out_flush(&out, e);
}

static int cmd_execute(const OciCmd *cmd, const OciGlobal *g, int argc, char **argv, Arena *a, Err *e)
{
	const OptSet set = { .tables = cmd->opts };
	void *opts = arena_alloc(a, cmd->opts_size);
	OptRest rest;
	TRY(opt_parse(&set, argc, argv, a, opts, &rest, e));
	if (rest.help)
		return cmd_help_print(cmd, e);
	if (rest.args.count < cmd->min_args)
		return err_make(e, ERR_USAGE, 0, "'%s' needs at least %zu argument", cmd->name,
				cmd->min_args);
	if (rest.args.count > cmd->max_args)
		return err_make(e, ERR_USAGE, 0, "'%s' does not take the argument '%s'", cmd->name,
				rest.args.items[cmd->max_args]);
	return cmd->run(g, opts, &rest.args, a, e);
}

static int oci_main(int argc, char **argv, Arena *a, Err *e)
{
	const OptSet set = { .tables = global_tables, .stop_at_first_arg = true };
	OciGlobal g = { 0 };
	OptRest rest;
	TRY(fd_open_missing_stdio(e));
	TRY(opt_parse(&set, argc, argv, a, &g, &rest, e));
	log_set_debug(g.debug);
	if (g.version)
		return version_print(e);
	if (rest.help || rest.args.count == 0)
		return help_print(e);
	int words = argc - (int)rest.args.count + 1;
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (strcmp(cmds[i]->name, rest.args.items[0]) == 0)
			return cmd_execute(cmds[i], &g, argc - words, argv + words, a, e);
	return err_make(e, ERR_NOT_FOUND, 0, "No help topic for '%s'", rest.args.items[0]); /* runc's words */
}

int main(int argc, char **argv)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	char text[sizeof(((Err *)NULL)->msg) + 128];
	Err err = { 0 };
	log_set_program(OCI_PROGRAM);
	int code = oci_main(argc > 0 ? argc - 1 : 0, argv + 1, &arena, &err);
	if (code >= 0)
		return code;
	log_note("%s", err_text(&err, text, sizeof text));
	return 1;
}
