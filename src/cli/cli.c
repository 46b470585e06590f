#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cmd_version.h"
#include "cli/defaults.h"
#include "cli/help.h"

static const Opt global_opts[] = {
	OPT_STR(0, "config", CliGlobal, config, "FILE",
		"Read defaults of options from this file only (empty: from none)"),
	OPT_FLAG('D', "debug", CliGlobal, debug, "Say on standard error what is being done"),
	OPT_LIST(0, "no-default", CliGlobal, no_default, "KEY",
		 "Do without a default of the configuration files, such as run.cap-drop"),
	OPT_STR(0, "root", CliGlobal, root_dir, "DIR",
		"Where lasting data is kept (default /var/lib/mydocker, for ordinary users $XDG_DATA_HOME/mydocker)"),
	OPT_STR(0, "state", CliGlobal, state_dir, "DIR",
		"Where running containers are recorded (default /run/mydocker, for ordinary users $XDG_RUNTIME_DIR/mydocker)"),
	OPT_FLAG('v', "version", CliGlobal, version, "Print the version"),
	OPT_LATER('H', "host", "Daemon to connect to"),
	OPT_LATER('c', "context", "Context to use"),
	OPT_LATER('l', "log-level", "Level of messages"),
	OPT_LATER(0, "tls", "Use TLS"),
	OPT_LATER(0, "tlscacert", "Trust certificates signed by this authority only"),
	OPT_LATER(0, "tlscert", "TLS certificate"),
	OPT_LATER(0, "tlskey", "TLS key"),
	OPT_LATER(0, "tlsverify", "Use TLS and verify the other side"),
	OPT_END,
};
const Opt *const cli_global_tables[OPT_TABLES] = { global_opts };

int cli_exit_code(const Cmd *cmd, const Err *e)
{
	/* 0: the command's failure_code */
	static const unsigned char codes[ERR_KIND_COUNT] = {
		[ERR_USAGE] = 125,
		[ERR_CMD_INVOKE] = 126,
		[ERR_CMD_MISSING] = 127,
	};
	int code = e->kind < ERR_KIND_COUNT ? codes[e->kind] : 0;
	return code ? code : cmd ? cmd->failure_code : 1;
}

const char *cli_error_line(const Cmd *cmd, const Err *e, char *buf, size_t size)
{
	char text[sizeof e->msg + 128], hint[64] = "", where[sizeof e->where + 4] = "";
	bool wants_hint = e->kind == ERR_USAGE || (!cmd && e->kind == ERR_NOT_FOUND);
	if (wants_hint)
		(void)snprintf(hint, sizeof hint, " (see 'mydocker %s%s--help')",
			       cmd ? cmd->name : "", cmd ? " " : "");
	if (log_is_debug() || e->kind == ERR_BUG)
		(void)snprintf(where, sizeof where, " [%s]", e->where);
	(void)snprintf(buf, size, "mydocker: %s%s%s", err_text(e, text, sizeof text), hint,
		       where); /* cut only in a small buffer */
	return buf;
}

static int fail(const Cmd *cmd, const Err *e)
{
	char line[1024];
	size_t len = strlen(cli_error_line(cmd, e, line, sizeof line - 1));
	line[len] = '\n';
	(void)fd_write_all(STDERR_FILENO, line, len + 1, "standard error", NULL); /* nowhere left to say it */
	return cli_exit_code(cmd, e);
}

static int check_arg_count(const Cmd *cmd, size_t count, const char *extra, Err *e)
{
	if (count < cmd->min_args)
		return err_make(e, ERR_USAGE, 0, "'%s' needs at least %zu argument%s", cmd->name,
				cmd->min_args, cmd->min_args == 1 ? "" : "s");
	if (count > cmd->max_args)
		return err_make(e, ERR_USAGE, 0, "'%s' does not take the argument '%s'", cmd->name,
				extra);
	return 0;
}

/* A command line in its two halves, and what has become of it. */
typedef struct Line {
	int global_argc, argc;
	char **global_argv, **argv; /* before and after the command's name */
	CliGlobal global;
	const Cmd *cmd;
	void *opts;
	OptRest rest;
	Defaults defaults;
	DefaultsGiven given;
	Arena *arena;
} Line;

static int parse_global(Line *l, Err *e)
{
	OptSet set = { .tables = cli_global_tables, .given = &l->given.global, .stop_at_first_arg = true };
	return opt_parse(&set, l->global_argc, l->global_argv, l->arena, &l->global, &l->rest, e);
}

static void init_opts(Line *l)
{
	l->opts = arena_alloc(l->arena, l->cmd->opts_size);
	if (l->cmd->opts_init)
		l->cmd->opts_init(l->opts);
}

static int parse_own(Line *l, Err *e)
{
	OptSet set = { .tables = l->cmd->opts,
		       .given = &l->given.own,
		       .stop_at_first_arg = l->cmd->stop_at_first_arg };
	return opt_parse(&set, l->argc, l->argv, l->arena, l->opts, &l->rest, e);
}

/* Reads the configuration files and, when there are any, the command line once more on top of them. */
static int apply_defaults(Line *l, Err *e)
{
	CliGlobal given = l->global;
	TRY(defaults_check_keys(&given.no_default, e));
	TRY(defaults_read(given.config, l->arena, &l->defaults, e));
	if (l->defaults.count == 0)
		return 0;
	l->global = (CliGlobal){ 0 };
	l->given = (DefaultsGiven){ 0 };
	init_opts(l);
	TRY(defaults_apply(&l->defaults, &given.no_default, l->cmd, &l->global, l->opts, l->arena, e));
	TRY(parse_global(l, e));
	TRY(parse_own(l, e));
	log_set_debug(l->global.debug);
	return 0;
}

static int run_parsed(Line *l, Err *e)
{
	const Cmd *cmd = l->cmd;
	if (l->rest.help)
		return help_command(cmd, e);
	const StrList *args = &l->rest.args;
	TRY(check_arg_count(cmd, args->count,
			    args->count > cmd->max_args ? args->items[cmd->max_args] : "", e));
	CliContext c = { .global = &l->global, .defaults = &l->defaults, .arena = l->arena, .args = *args };
	int r = cmd->run(&c, l->opts, e);
	return r < 0 ? defaults_explain(&l->defaults, &l->given, r, e) : r;
}

static int run_command(Line *l, Err *e)
{
	init_opts(l);
	TRY(parse_own(l, e));
	if (!l->rest.help && l->cmd->opts[0])
		TRY(apply_defaults(l, e));
	return run_parsed(l, e);
}

int cmd_execute(const CliContext *from, const Cmd *cmd, int argc, char **argv, Err *e)
{
	CliGlobal unused = { 0 }; /* the first command has them already */
	Line l = { .argc = argc,
		   .argv = argv,
		   .global = *from->global,
		   .cmd = cmd,
		   .defaults = { .count = from->defaults->count },
		   .arena = from->arena };
	memcpy(l.defaults.files, from->defaults->files, sizeof l.defaults.files);
	init_opts(&l);
	TRY(defaults_apply(&l.defaults, &l.global.no_default, cmd, &unused, l.opts, l.arena, e));
	TRY(parse_own(&l, e));
	return run_parsed(&l, e);
}

/* The options before the command. Returns the number of words they took; *ret_done: nothing is left to do. */
static int read_global(Line *l, bool *ret_done, Err *e)
{
	TRY(parse_global(l, e));
	log_set_debug(l->global.debug);
	*ret_done = true;
	if (l->rest.help)
		return help_overview(e);
	if (l->global.version)
		return version_print_line(e);
	if (l->rest.args.count == 0)
		return help_overview(e);
	*ret_done = false;
	return l->global_argc - (int)l->rest.args.count;
}

int cli_main(int argc, char **argv)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	Line l = { .global_argc = argc > 0 ? argc - 1 : 0, .global_argv = argv + 1, .arena = &arena };
	Err err = { 0 };
	bool done;

	int at = fd_open_missing_stdio(&err);
	if (at >= 0)
		at = read_global(&l, &done, &err);
	if (at < 0)
		return fail(NULL, &err);
	if (done)
		return 0;

	int words = cmd_find(l.global_argc - at, l.global_argv + at, &l.cmd, &err);
	if (words < 0)
		return fail(NULL, &err);
	l.argc = l.global_argc - at - words;
	l.argv = l.global_argv + at + words;
	int code = run_command(&l, &err);
	return code < 0 ? fail(l.cmd, &err) : code;
}
