/* A command line, from `mydocker`'s own options to the plan of a `run`: whatever it says is refused with one line, or comes to a plan, and
 * to the same one when it is read again, with "--name=value" as two arguments.
 *
 * Input: the name of a made-up host, then the arguments after "mydocker", one a line, which can be read and compared; a NUL byte, which no
 * argument can hold, stands for a newline within one. cli_story.h says what is left out, so that nothing happens but thinking.
 */
#include "cli_mutate.h"
#include "cli_story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Told {
	Arena arena;
	const Cmd *cmd;
	const char *dump; /* NULL: there is no plan */
	int r;
	Err err;
} Told;

static StrList arguments_read(const uint8_t *data, size_t size, Arena *a)
{
	StrList args = { 0 };
	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end ? (size_t)(end - data) - at : size - at;
		char *arg = arena_alloc(a, len + 1);
		for (size_t i = 0; i < len; i++)
			arg[i] = data[at + i] ? (char)data[at + i] : '\n';
		strlist_add(a, &args, arg);
		at += len + 1;
	}
	return args;
}

/* The options of a `run`, which are args[from] and so on, written in the other way: "--name=value" as "--name", "value". */
static StrList written_otherwise(const StrList *args, size_t from, Arena *a)
{
	StrList other = { 0 };
	bool options = true;
	for (size_t i = 0; i < args->count; i++) {
		const char *arg = args->items[i], *equals = strchr(arg, '=');
		options &= i < from || (str_starts(arg, "--") && arg[2]);
		const Opt *o = NULL;
		if (options && i >= from)
			o = opt_find_name(cmd_run.opts, arg + 2, strcspn(arg + 2, "="));
		bool takes = o && o->arg && o->kind != OPT_KIND_WORD;
		strlist_add(a, &other,
			    takes && equals ? arena_strndup(a, arg, (size_t)(equals - arg)) : arg);
		if (takes && equals)
			strlist_add(a, &other, equals + 1);
		else if (takes && i + 1 < args->count)
			strlist_add(a, &other, args->items[++i]);
	}
	return other;
}

static int options_read(const Cmd *cmd, const StrList *args, size_t from, Arena *a, void *opts,
			OptRest *rest, Err *e)
{
	const OptSet own = { .tables = cmd->opts, .stop_at_first_arg = cmd->stop_at_first_arg };
	if (cmd->opts_init)
		cmd->opts_init(opts);
	return opt_parse(&own, (int)(args->count - from), (char **)args->items + from, a, opts, rest, e);
}

/* cli.c's way, without configuration files, which have a target of their own. */
static int line_read(const StrList *args, const HostFacts *facts, Told *t)
{
	const OptSet set = { .tables = cli_global_tables, .stop_at_first_arg = true };
	CliGlobal global = { 0 };
	OptRest rest;
	TRY(opt_parse(&set, (int)args->count, (char **)args->items, &t->arena, &global, &rest, &t->err));
	if (rest.help || rest.args.count == 0)
		return 0;
	int words = cmd_find((int)rest.args.count, (char **)rest.args.items, &t->cmd, &t->err);
	TRY(words);
	void *opts = arena_alloc(&t->arena, t->cmd->opts_size);
	TRY(options_read(t->cmd, &rest.args, (size_t)words, &t->arena, opts, &rest, &t->err));
	if (rest.help || t->cmd != &cmd_run)
		return 0;
	const CliContext c = { .global = &global, .arena = &t->arena, .args = rest.args };
	return story_tell(&c, opts, facts, &t->dump, &t->err);
}

static void tell(const StrList *args, const HostFacts *facts, Told *t)
{
	*t = (Told){ .arena = ARENA_EMPTY };
	t->r = line_read(args, facts, t);
	if (t->r < 0)
		check_error(t->cmd, &t->err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena a = ARENA_EMPTY;
	StrList args = arguments_read(data, size, &a);
	Told one, two;
	if (args.count == 0)
		return 0; /* nothing was allocated */
	const HostFacts facts = world_host(args.items[0]);
	args.items++;
	args.count--;
	World world = world_enter();
	tell(&args, &facts, &one);
	StrList other = written_otherwise(&args, 1, &a);
	tell(args.count > 0 && str_eq(args.items[0], "run") ? &other : &args, &facts, &two);
	assert(one.r == two.r && str_eq(one.dump, two.dump) && strcmp(one.err.msg, two.err.msg) == 0);
	arena_done(&one.arena);
	arena_done(&two.arena);
	world_leave(&world);
	arena_done(&a);
	return 0;
}
