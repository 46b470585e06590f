#include "oci/help.h"

#include <string.h>

#include "base/str.h"
#include "build_id.h"
#include "cli/out.h"
#include "version.h"

static void option_name(const Opt *o, char *buf, size_t size)
{
	const char *gap = o->arg ? " " : "", *arg = o->arg ? o->arg : "";
	char letter[8] = "";
	if (o->letter)
		(void)str_format(letter, sizeof letter, ", -%c%s", o->letter, gap);
	(void)str_format(buf, size, "--%s%s%s%s%s", o->name, gap, arg, letter,
			 o->letter ? arg : ""); /* cut at worst */
}

/* Calls with each option's two columns, the widest left one being `width`. */
static size_t options_width(const Opt *const *tables)
{
	char name[128];
	size_t width = 0;
	for (; *tables; tables++)
		for (const Opt *o = *tables; o->kind != OPT_KIND_END; o++) {
			option_name(o, name, sizeof name);
			if (strlen(name) > width)
				width = strlen(name);
		}
	return width;
}

static void row_print(Out *out, const char *left, const char *right, size_t width)
{
	out_text(out, "   ");
	out_text(out, left);
	out_spaces(out, width - strlen(left) + 2);
	out_wrapped(out, right, width + 5, out->width);
	out_text(out, "\n");
}

static void options_print(Out *out, const Opt *const *tables, size_t width)
{
	char name[128];
	for (; *tables; tables++)
		for (const Opt *o = *tables; o->kind != OPT_KIND_END; o++) {
			option_name(o, name, sizeof name);
			row_print(out, name, o->help, width);
		}
}

int oci_help(const OciGlobal *g, const OciCmd *const *cmds, size_t count, const Opt *const *options,
	     Err *e)
{
	Out out;
	size_t width = options_width(options);
	out_init(&out);
	out_format(&out,
		   "NAME:\n   %s - Open Container Initiative runtime\n\n"
		   "USAGE:\n   %s [global options] command [command options] [arguments...]\n\n"
		   "VERSION:\n   %s\n\nCOMMANDS:\n",
		   g->program, g->program, MYDOCKER_VERSION);
	for (size_t i = 0; i < count; i++)
		row_print(&out, cmds[i]->name, cmds[i]->summary, 10);
	row_print(&out, "help, h", "List the commands, or tell about one", 10);
	out_text(&out, "\nGLOBAL OPTIONS:\n");
	options_print(&out, options, width);
	row_print(&out, "--help, -h", "Print this", width);
	return out_flush(&out, e);
}

int oci_help_command(const OciGlobal *g, const OciCmd *cmd, Err *e)
{
	Out out;
	out_init(&out);
	out_format(&out, "NAME:\n   %s %s - %s\n\nUSAGE:\n   %s %s%s %s\n", g->program, cmd->name,
		   cmd->summary, g->program, cmd->name, cmd->opts[0] ? " [command options]" : "",
		   cmd->args);
	if (cmd->opts[0])
		out_text(&out, "\nOPTIONS:\n");
	options_print(&out, cmd->opts, options_width(cmd->opts));
	return out_flush(&out, e);
}

/* In the place of a commit stands what names these sources as exactly. */
int oci_version_print(const OciGlobal *g, Err *e)
{
	Out out;
	out_init(&out);
	out_format(&out, "%s version %s\ncommit: %s\nspec: %s\n", g->program, MYDOCKER_VERSION,
		   BUILD_ID, SPEC_OCI_VERSION);
	return out_flush(&out, e);
}
