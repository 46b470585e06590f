/* Configuration files, from their text to the plan of a `run` that says little itself: whatever they say is refused with one line, which
 * names the file where the command line says nothing of it, or comes to a plan, and the same each time.
 *
 * Input: three texts, each ended by a NUL: the host's file, the user's, and keys for --no-default, one a line. An empty file is none.
 */
#include "cli/defaults.h"
#include "cli_story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS = 3 };

typedef struct Told {
	Arena arena;
	const char *dump; /* NULL: there is no plan */
	int r;
	Err err;
} Told;

static int files_parse(const StrList *texts, Defaults *d, Arena *a, Err *e)
{
	static const char *const paths[] = { "/etc/mydocker/config.json", "/home/me/config.json" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		DefaultsFile file = { .path = paths[i] };
		if (!*texts->items[i])
			continue;
		TRY(json_parse(texts->items[i], strlen(texts->items[i]), a, &file.root, e));
		TRY(json_expect_object(file.root, e));
		d->files[d->count++] = file;
	}
	return 0;
}

/* The order of cli.c. */
static int files_read(const StrList *texts, Told *t)
{
	static const char *argv[] = { "--rootfs", "root", "--name=box", "sh" };
	Defaults d = { 0 };
	DefaultsGiven given = { 0 };
	CliGlobal global = { 0 };
	RunOpts opts = { 0 };
	OptRest rest;
	StrList without = *texts->items[2] ? str_split(&t->arena, texts->items[2], '\n')
					   : (StrList){ 0 };
	const OptSet own = { .tables = cmd_run.opts, .given = &given.own, .stop_at_first_arg = true };
	TRY(defaults_check_keys(&without, &t->err));
	TRY(files_parse(texts, &d, &t->arena, &t->err));
	cmd_run.opts_init(&opts);
	TRY(defaults_apply(&d, &without, &cmd_run, &global, &opts, &t->arena, &t->err));
	TRY(opt_parse(&own, ARRAY_LEN(argv), (char **)argv, &t->arena, &opts, &rest, &t->err));
	const HostFacts facts = world_host("v2_root");
	const CliContext c = { .global = &global, .defaults = &d, .arena = &t->arena, .args = rest.args };
	int r = story_tell(&c, &opts, &facts, &t->dump, &t->err);
	return r < 0 ? defaults_explain(&d, &given, r, &t->err) : 0;
}

static void tell(const StrList *texts, Told *t)
{
	*t = (Told){ .arena = ARENA_EMPTY };
	t->r = files_read(texts, t);
	if (t->r < 0)
		check_error(&cmd_run, &t->err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena a = ARENA_EMPTY;
	StrList texts = { 0 };
	Told one, two;
	for (size_t at = 0; texts.count < TEXTS;) {
		const uint8_t *end = at < size ? memchr(data + at, '\0', size - at) : NULL;
		size_t len = end ? (size_t)(end - data) - at : size - at;
		strlist_add(&a, &texts, arena_strndup(&a, (const char *)data + at, len));
		at = end ? at + len + 1 : size;
	}
	World world = world_enter();
	tell(&texts, &one);
	tell(&texts, &two);
	assert(one.r == two.r && str_eq(one.dump, two.dump) && strcmp(one.err.msg, two.err.msg) == 0);
	world_leave(&world);
	arena_done(&one.arena);
	arena_done(&two.arena);
	arena_done(&a);
	return 0;
}
