/* The hidden command __cli: all tables as JSON. From this completion and manual pages are made, and tests see what there is. */
#include "base/caps.h"
#include "base/rlimits.h"
#include "base/signals.h"
#include "cli/cmd.h"
#include "cli/format.h"
#include "version.h"

static const char *kind_word(const Opt *o)
{
	switch ((OptKind)o->kind) {
	case OPT_KIND_FLAG: return "flag";
	case OPT_KIND_STR: return "string";
	case OPT_KIND_WORD: return "word";
	case OPT_KIND_LIST: return "list";
	case OPT_KIND_int64_t: return "number";
	case OPT_KIND_LATER: return "later";
	case OPT_KIND_REFUSED: return "refused";
	case OPT_KIND_GROUP:
	case OPT_KIND_END: break;
	}
	return NULL;
}

static void write_option(JsonWriter *w, const Opt *o, const char *group)
{
	char letter[2] = { o->letter, '\0' };
	json_write_object(w, NULL);
	json_write_string(w, "name", o->name);
	json_write_string(w, "letter", o->letter ? letter : NULL);
	json_write_string(w, "kind", kind_word(o));
	json_write_string(w, "arg", o->arg);
	json_write_string(w, "help", o->help);
	json_write_string(w, "group", group);
	json_write_end(w);
}

static void write_options(JsonWriter *w, const Opt *const *tables)
{
	json_write_array(w, "options");
	for (size_t t = 0; t < OPT_TABLES; t++) {
		const char *group = NULL; /* the table's heading */
		for (const Opt *o = tables[t]; o && o->kind != OPT_KIND_END; o++)
			if (o->kind == OPT_KIND_GROUP)
				group = o->help;
			else
				write_option(w, o, group);
	}
	json_write_end(w);
}

static void write_command(JsonWriter *w, const Cmd *cmd)
{
	static const char *const groups[] = {
		[CMD_CONTAINER] = "container", [CMD_IMAGE] = "image", [CMD_SYSTEM] = "system", [CMD_HIDDEN] = "hidden"
	};
	static const char *const completes[] = {
		[COMPLETE_NONE] = "none", [COMPLETE_COMMAND] = "command", [COMPLETE_VERB] = "verb"
	};
	json_write_object(w, NULL);
	json_write_string(w, "name", cmd->name);
	json_write_string(w, "aliases", cmd->aliases);
	json_write_string(w, "args", cmd->args);
	json_write_string(w, "summary", cmd->summary);
	json_write_string(w, "group", groups[cmd->group]);
	json_write_string(w, "complete", completes[cmd->complete]);
	json_write_bool(w, "stop_at_first_arg", cmd->stop_at_first_arg);
	write_options(w, cmd->opts);
	json_write_end(w);
}

/* The words that values of options are made of. */
static void write_words(JsonWriter *w)
{
	json_write_object(w, "words");
	json_write_array(w, "capabilities");
	for (int i = 0; i < CAP_COUNT; i++)
		json_write_string(w, NULL, cap_name(i));
	json_write_end(w);
	json_write_array(w, "signals");
	for (int i = 1; i < 32; i++) /* those that have names of their own */
		json_write_string(w, NULL, signal_name(i));
	json_write_end(w);
	json_write_array(w, "limits");
	for (int i = 0; i < RLIMIT_NAME_COUNT; i++)
		json_write_string(w, NULL, rlimit_name(i));
	json_write_end(w);
	json_write_end(w);
}

static int dump_main(const CliContext *c, void *opts, Err *e)
{
	(void)opts; /* has none */
	JsonWriter w = json_writer(c->arena, true);
	json_write_object(&w, NULL);
	json_write_string(&w, "name", "mydocker");
	json_write_string(&w, "version", MYDOCKER_VERSION);
	write_words(&w);
	write_options(&w, cli_global_tables);
	json_write_array(&w, "commands");
	for (size_t i = 0; i < cmds_count; i++)
		write_command(&w, cmds[i]);
	json_write_end(&w);
	json_write_end(&w);
	return format_print_json(&w, e);
}

const Cmd cmd_dump = {
	.name = "__cli",
	.args = "",
	.summary = "Print all commands and options as JSON",
	.group = CMD_HIDDEN,
	.failure_code = 1,
	.run = dump_main,
};
