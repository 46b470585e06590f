#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/cmd_version.h"
#include "cli/help.h"

static const Opt global_opts[] = {
	OPT_FLAG('D', "debug", CliGlobal, debug, "Say on standard error what is being done"),
	OPT_STR(0, "root", CliGlobal, root_dir, "DIR",
		"Where lasting data is kept (default /var/lib/mydocker, for ordinary users $XDG_DATA_HOME/mydocker)"),
	OPT_STR(0, "state", CliGlobal, state_dir, "DIR",
		"Where running containers are recorded (default /run/mydocker, for ordinary users $XDG_RUNTIME_DIR/mydocker)"),
	OPT_FLAG('v', "version", CliGlobal, version, "Print the version"),
	OPT_LATER('H', "host", "Daemon to connect to"),
	OPT_LATER('c', "context", "Context to use"),
	OPT_LATER(0, "config", "Where the client's configuration is kept"),
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

int cmd_execute(const CliGlobal *global, const Cmd *cmd, int argc, char **argv, Arena *a, Err *e)
{
	CliContext c = { .global = global, .arena = a };
	OptSet set = { .tables = cmd->opts, .stop_at_first_arg = cmd->stop_at_first_arg };
	OptRest rest;
	void *opts = arena_alloc(a, cmd->opts_size);

	if (cmd->opts_init)
		cmd->opts_init(opts);
	TRY(opt_parse(&set, argc, argv, a, opts, &rest, e));
	if (rest.help)
		return help_command(cmd, e);
	TRY(check_arg_count(cmd, rest.args.count,
			    rest.args.count > cmd->max_args ? rest.args.items[cmd->max_args] : "", e));
	c.args = rest.args;
	return cmd->run(&c, opts, e);
}

/* The options before the command. Returns the number of words they took; *ret_done: nothing is left to do. */
static int read_global(int argc, char **argv, Arena *a, CliGlobal *ret, bool *ret_done, Err *e)
{
	OptSet set = { .tables = cli_global_tables, .stop_at_first_arg = true };
	OptRest rest;
	TRY(opt_parse(&set, argc - 1, argv + 1, a, ret, &rest, e));
	log_set_debug(ret->debug);
	*ret_done = true;
	if (rest.help)
		return help_overview(e);
	if (ret->version)
		return version_print_line(e);
	if (rest.args.count == 0)
		return help_overview(e);
	*ret_done = false;
	return argc - (int)rest.args.count;
}

int cli_main(int argc, char **argv)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	CliGlobal global = { 0 };
	const Cmd *cmd = NULL;
	Err err = { 0 };
	bool done;

	int at = fd_open_missing_stdio(&err);
	if (at >= 0)
		at = read_global(argc > 0 ? argc : 1, argv, &arena, &global, &done, &err);
	if (at < 0)
		return fail(NULL, &err);
	if (done)
		return 0;

	int words = cmd_find(argc - at, argv + at, &cmd, &err);
	if (words < 0)
		return fail(NULL, &err);
	int code = cmd_execute(&global, cmd, argc - at - words, argv + at + words, &arena, &err);
	return code < 0 ? fail(cmd, &err) : code;
}
