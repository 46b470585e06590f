/* `mydocker unshare`: a command in the user's own namespace. */
#include "cli/cmd.h"
#include "engine/unshare.h"

static const Opt unshare_opts[] = {
	OPT_LATER(0, "rootless-netns", "Join the network namespace of the user's containers"),
	OPT_END,
};

static int unshare_main(const CliContext *c, void *opts, Err *e)
{
	(void)opts;
	const UnshareRequest request = {
		.state_dir = c->global->state_dir,
		.root_dir = c->global->root_dir,
		.argv = c->args,
	};
	return engine_unshare(&request, e);
}

const Cmd cmd_unshare = {
	.name = "unshare",
	.args = "[COMMAND [ARG...]]",
	.summary = "Run a command in the user's own namespace, as root over the files of his containers",
	.group = CMD_SYSTEM,
	.opts = { unshare_opts },
	.opts_size = sizeof(char), /* none works yet */
	.max_args = CMD_ANY,
	.complete = COMPLETE_COMMAND,
	.stop_at_first_arg = true,
	.failure_code = 125,
	.run = unshare_main,
};
