#include "cli/help.h"

static int help_main(const CliContext *c, void *opts, Err *e)
{
	const Cmd *cmd;
	(void)opts; /* has none */
	if (c->args.count == 0)
		return help_overview(e);
	int words = TRY(cmd_find((int)c->args.count, (char **)c->args.items, &cmd, e));
	if ((size_t)words < c->args.count)
		return err_make(e, ERR_USAGE, 0, "'help' takes one command, not '%s', too",
				c->args.items[words]);
	return help_command(cmd, e);
}

const Cmd cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "Show help, also for one command",
	.group = CMD_SYSTEM,
	.max_args = 2,
	.failure_code = 1,
	.complete = COMPLETE_VERB,
	.run = help_main,
};
