#include "unit.h"

#include "cli/cmd_run.h"

#include "../fuzz/fuzz_cli.c"
#include "../fuzz/replay.h"

static void the_corpus_of_the_fuzzer_passes(void **state)
{
	(void)state;
	assert_true(replay_folder("../fuzz/corpus/cli", LLVMFuzzerTestOneInput) >= 5);
}

static struct {
	const Opt *rows[512];
	size_t count;
} named; /* options of `run` that the corpus has */

static int note_options(const uint8_t *data, size_t size)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList args = arguments_read(data, size, &a);
	for (size_t i = 0; i < args.count; i++) {
		const char *name = str_after(args.items[i], "--");
		const Opt *o = name ? opt_find_name(cmd_run.opts, name, strcspn(name, "=")) : NULL;
		for (size_t k = 0; o && k < named.count; k++)
			o = named.rows[k] == o ? NULL : o;
		if (o && named.count < ARRAY_LEN(named.rows))
			named.rows[named.count++] = o;
	}
	return 0;
}

/* From there the fuzzer finds the rest: a value that is like none in the corpus is seldom guessed. */
static void every_option_has_a_seed(void **state)
{
	(void)state;
	assert_true(replay_folder("../fuzz/corpus/cli", note_options) > 0);
	for (size_t t = 0; t < OPT_TABLES; t++)
		for (const Opt *o = cmd_run.opts[t]; o && o->kind != OPT_KIND_END; o++) {
			bool found = o->kind >= OPT_KIND_GROUP; /* a heading, or refused by name */
			for (size_t k = 0; k < named.count; k++)
				found |= named.rows[k] == o;
			if (!found)
				fail_msg("no file of tests/fuzz/corpus/cli has --%s", o->name);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_of_the_fuzzer_passes),
		cmocka_unit_test(every_option_has_a_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
