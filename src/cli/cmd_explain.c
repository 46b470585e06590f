/* `mydocker explain run ...` is `mydocker run --explain ...`, for who thinks of the word first. */
#include "cli/cmd.h"
#include "cli/format.h"

static int explain_main(const CliContext *c, void *opts, Err *e)
{
	const FormatOpts *o = opts;
	const StrList *args = &c->args;
	const Cmd *cmd;
	StrList argv = { 0 };

	int words = cmd_find((int)args->count, (char **)args->items, &cmd, e);
	TRY(words);
	if (cmd != &cmd_run)
		return err_make(e, ERR_USAGE, 0, "'%s' cannot be explained, 'run' can", cmd->name);
	strlist_add(c->arena, &argv, "--explain");
	if (o->format)
		strlist_add(c->arena, &argv, arena_printf(c->arena, "--format=%s", o->format));
	for (size_t i = (size_t)words; i < args->count; i++)
		strlist_add(c->arena, &argv, args->items[i]);
	return cmd_execute(c, cmd, (int)argv.count, (char **)argv.items, e);
}

const Cmd cmd_explain = {
	.name = "explain",
	.args = "run [OPTIONS] --rootfs DIR[:O] COMMAND [ARG...]",
	.summary = "Tell every kernel step of a start, in order, with its reason, and do none",
	.group = CMD_CONTAINER,
	.opts = { format_opts },
	.opts_size = sizeof(FormatOpts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.complete = COMPLETE_VERB,
	.stop_at_first_arg = true,
	.failure_code = 125,
	.run = explain_main,
};
