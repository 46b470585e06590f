#include "cli/help.h"

#include <stdlib.h>
#include <string.h>

#include "cli/out.h"

enum { MAX_ROWS = 256, NARROWEST_TEXT = 24 };

/* The shown rows of some tables. */
typedef struct Rows {
	const Opt *rows[MAX_ROWS];
	size_t count, left_width; /* of "  -m, --memory SIZE" */
} Rows;

static const Opt help_row = { .kind = OPT_KIND_FLAG, .name = "help", .help = "Show this help" };

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const Opt *const *)a)->name, (*(const Opt *const *)b)->name);
}

/* Of "  -m, --memory SIZE" or "      --explain[=WHAT]". */
static size_t left_width_of(const Opt *o)
{
	size_t around = o->kind == OPT_KIND_WORD ? strlen("[=]") : strlen(" ");
	return 8 + strlen(o->name) + (o->arg ? around + strlen(o->arg) : 0);
}

static void rows_add(Rows *r, const Opt *o)
{
	size_t width = left_width_of(o);
	if (r->count == MAX_ROWS)
		abort(); /* the tables are ours */
	r->rows[r->count++] = o;
	if (width > r->left_width)
		r->left_width = width;
}

static bool is_refused(const Opt *o)
{
	return o->kind == OPT_KIND_LATER || o->kind == OPT_KIND_REFUSED;
}

static void rows_collect(Rows *r, const Opt *table)
{
	r->count = 0;
	for (const Opt *o = table; o && o->kind != OPT_KIND_END; o++)
		if (!is_refused(o) && o->kind != OPT_KIND_GROUP)
			rows_add(r, o);
	qsort(r->rows, r->count, sizeof r->rows[0], by_name);
}

static void print_row(Out *out, const Opt *o, size_t left_width)
{
	size_t indent = left_width + 3, width = out->width;
	if (o->letter)
		out_format(out, "  -%c, ", o->letter);
	else
		out_text(out, "      ");
	out_text(out, "--");
	out_text(out, o->name);
	if (o->arg)
		out_format(out, o->kind == OPT_KIND_WORD ? "[=%s]" : " %s", o->arg);
	out_spaces(out, indent - left_width_of(o));
	out_wrapped(out, o->help, indent, width > indent + NARROWEST_TEXT ? width : 0);
	out_text(out, "\n");
}

static void print_title(Out *out, const char *title, const char *end)
{
	out_text(out, "\n");
	out_bold(out, title);
	out_text(out, end);
}

/* Each table under its own heading, all with their texts in one column; --help itself comes last. */
static void print_options(Out *out, const char *title, const Opt *const *tables)
{
	Rows rows = { .left_width = left_width_of(&help_row) };
	bool grouped = tables[0] && tables[0]->kind == OPT_KIND_GROUP;
	for (size_t t = 0; t < OPT_TABLES; t++)
		rows_collect(&rows, tables[t]); /* for the width */
	if (!grouped)
		print_title(out, title, "\n");
	for (size_t t = 0; t < OPT_TABLES; t++) {
		rows_collect(&rows, tables[t]);
		if (rows.count > 0 && tables[t]->kind == OPT_KIND_GROUP)
			print_title(out, tables[t]->help, ":\n");
		for (size_t i = 0; i < rows.count; i++)
			print_row(out, rows.rows[i], rows.left_width);
	}
	if (grouped)
		out_text(out, "\n");
	print_row(out, &help_row, rows.left_width);
}

static bool has_refused(const Cmd *cmd)
{
	for (size_t t = 0; t < OPT_TABLES; t++)
		for (const Opt *o = cmd->opts[t]; o && o->kind != OPT_KIND_END; o++)
			if (is_refused(o))
				return true;
	return false;
}

int help_command(const Cmd *cmd, Err *e)
{
	Out out;
	out_init(&out);
	out_bold(&out, "Usage:");
	out_format(&out, "  mydocker %s [OPTIONS]%s%s\n\n", cmd->name, *cmd->args ? " " : "", cmd->args);
	out_wrapped(&out, cmd->summary, 0, out.width);
	out_text(&out, "\n");
	if (cmd->aliases) {
		out_text(&out, "\n");
		out_bold(&out, "Aliases:");
		out_format(&out, "\n  %s, %s\n", cmd->name, cmd->aliases);
	}
	print_options(&out, "Options:", cmd->opts);
	if (has_refused(cmd)) {
		out_text(&out, "\n");
		out_wrapped(&out,
			    "Other options of docker and podman are refused by name: most are not there yet.",
			    0, out.width);
		out_text(&out, "\n");
	}
	return out_flush(&out, e);
}

static void print_group(Out *out, const char *title, CmdGroup group)
{
	size_t longest = 0;
	for (size_t i = 0; i < cmds_count; i++)
		if (cmds[i]->group != CMD_HIDDEN && strlen(cmds[i]->name) > longest)
			longest = strlen(cmds[i]->name);
	out_text(out, "\n");
	out_bold(out, title);
	out_text(out, "\n");
	for (size_t i = 0; i < cmds_count; i++) {
		if (cmds[i]->group != group)
			continue;
		out_format(out, "  %-*s   ", (int)longest, cmds[i]->name);
		out_wrapped(out, cmds[i]->summary, longest + 5,
			    out->width > longest + 5 + NARROWEST_TEXT ? out->width : 0);
		out_text(out, "\n");
	}
}

int help_overview(Err *e)
{
	Out out;
	out_init(&out);
	out_bold(&out, "Usage:");
	out_text(&out, "  mydocker [OPTIONS] COMMAND\n\nA container engine without a daemon\n");
	print_group(&out, "Containers:", CMD_CONTAINER);
	print_group(&out, "Images:", CMD_IMAGE);
	print_group(&out, "System:", CMD_SYSTEM);
	print_options(&out, "Global options:", cli_global_tables);
	out_text(&out, "\nRun 'mydocker COMMAND --help' for more about a command.\n");
	return out_flush(&out, e);
}
