/* The option parser: every way to write an option, and every error's text. */
#include "unit.h"

#include <string.h>

#include "base/suggest.h"
#include "cli/opt.h"
#include "cli/opt_value.h"

typedef struct Opts {
	bool flag, other;
	const char *name;
	StrList env;
	int64_t size;
} Opts;

static const Opt own_opts[] = {
	OPT_FLAG('f', "flag", Opts, flag, "A flag"),
	OPT_FLAG('o', "other", Opts, other, "Another"),
	OPT_STR('n', "name", Opts, name, "NAME", "A name"),
	OPT_LIST('e', "env", Opts, env, "NAME", "A list"),
	OPT_END,
};
static const Opt shared_opts[] = {
	OPT_PARSE('s', "size", Opts, size, int64_t, "N", opt_parse_number, "A number"),
	OPT_LATER('d', "detach", "Later"),
	OPT_REFUSED(0, "isolation", "is for another system"),
	OPT_END,
};
static const Opt *const tables[OPT_TABLES] = { own_opts, shared_opts };

typedef struct Run {
	Arena arena;
	Opts opts;
	OptRest rest;
	Err err;
	int r;
} Run;

/* Parses the words, which are separated by '|'. */
static Run parse(const char *words, bool stop)
{
	Run run = { .arena = ARENA_EMPTY };
	OptSet set = { .tables = tables, .stop_at_first_arg = stop };
	StrList argv = { 0 };
	if (*words)
		argv = str_split(&run.arena, words, '|');
	run.r = opt_parse(&set, (int)argv.count, (char **)argv.items, &run.arena, &run.opts,
			  &run.rest, &run.err);
	return run;
}

static void expect_error(const char *words, const char *text)
{
	Run run = parse(words, true);
	assert_true(run.r < 0);
	assert_int_equal(run.err.kind, ERR_USAGE);
	assert_string_equal(run.err.msg, text);
	arena_done(&run.arena);
}

static void expect_name(const char *words, const char *name)
{
	Run run = parse(words, true);
	assert_int_equal(run.r, 0);
	assert_non_null(run.opts.name);
	assert_string_equal(run.opts.name, name);
	assert_int_equal(run.rest.args.count, 1);
	assert_string_equal(run.rest.args.items[0], "rest");
	arena_done(&run.arena);
}

static void values_are_read_in_every_form(void **state)
{
	(void)state;
	expect_name("--name=x|rest", "x");
	expect_name("--name|x|rest", "x");
	expect_name("-n|x|rest", "x");
	expect_name("-nx|rest", "x");
	expect_name("-n=x|rest", "x");
	expect_name("-fn|x|rest", "x");
	expect_name("-fonx=y|rest", "x=y");
	expect_name("--name=a=b|rest", "a=b");
	expect_name("--name=|rest", "");
	expect_name("--name||rest", "");
	expect_name("--name|--flag|rest", "--flag"); /* whatever follows is the value, as in pflag */
	expect_name("--name|--|rest", "--");
	expect_name("--name=a|--name=b|rest", "b");
	expect_name("--name=x|--|rest", "x");
}

static void expect_flags(const char *words, bool flag, bool other)
{
	Run run = parse(words, true);
	assert_int_equal(run.r, 0);
	assert_int_equal(run.opts.flag, flag);
	assert_int_equal(run.opts.other, other);
	arena_done(&run.arena);
}

static void flags_take_go_words(void **state)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" }, *const no[] = {
		"0", "f", "F", "false", "FALSE", "False"
	};
	(void)state;
	expect_flags("", false, false);
	expect_flags("--flag", true, false);
	expect_flags("-fo", true, true);
	expect_flags("-of=false", false, true);
	expect_flags("-f=true", true, false);
	expect_flags("--flag|--flag=0", false, false);
	expect_flags("--flag|false|--other", true, false); /* "false" is the first argument */
	for (size_t i = 0; i < 6; i++) {
		char words[32];
		assert_true(str_format(words, sizeof words, "--flag=%s", yes[i]) > 0);
		expect_flags(words, true, false);
		assert_true(str_format(words, sizeof words, "--flag|--flag=%s", no[i]) > 0);
		expect_flags(words, false, false);
	}
}

static void lists_collect_and_numbers_are_read(void **state)
{
	(void)state;
	Run run = parse("-e|a|--env=b,c|-ed|--size=-7|x", true);
	assert_int_equal(run.r, 0);
	assert_int_equal(run.opts.env.count, 3);
	assert_string_equal(run.opts.env.items[0], "a");
	assert_string_equal(run.opts.env.items[1], "b,c");
	assert_string_equal(run.opts.env.items[2], "d");
	assert_true(run.opts.size == -7);
	arena_done(&run.arena);
}

static void what_follows_the_first_argument_is_untouched(void **state)
{
	const char *argv[] = { "-f", "cmd", "--flag=nonsense", "", "--", "-o", "a\nb" };
	OptSet set = { .tables = tables, .stop_at_first_arg = true };
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	Opts opts = { 0 };
	OptRest rest;
	Err err = { 0 };
	(void)state;
	assert_int_equal(opt_parse(&set, 7, (char **)argv, &arena, &opts, &rest, &err), 0);
	assert_int_equal(rest.args.count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_ptr_equal(rest.args.items[i], argv[i + 1]);
	assert_false(opts.other);
}

static void arguments_may_stand_between_options(void **state)
{
	(void)state;
	Run run = parse("a|-f|-|b|--|-o|--", false);
	assert_int_equal(run.r, 0);
	assert_true(run.opts.flag);
	assert_false(run.opts.other);
	assert_int_equal(run.rest.args.count, 5);
	assert_string_equal(run.rest.args.items[1], "-");
	assert_string_equal(run.rest.args.items[3], "-o");
	assert_string_equal(run.rest.args.items[4], "--");
	arena_done(&run.arena);
}

static void expect_help(const char *words, bool help)
{
	Run run = parse(words, true);
	assert_int_equal(run.r, 0);
	assert_int_equal(run.rest.help, help);
	arena_done(&run.arena);
}

static void help_ends_the_reading(void **state)
{
	(void)state;
	expect_help("--help|--nonsense", true);
	expect_help("-h", true);
	expect_help("-fh", true);
	expect_help("--help=true", true);
	expect_help("--help=false|x", false);
	expect_help("x|--help", false);
	expect_help("--name|--help|x", false);
}

static void errors_name_the_option(void **state)
{
	(void)state;
	expect_error("--nam=x", "unknown option --nam, did you mean --name?");
	expect_error("--falg", "unknown option --falg, did you mean --flag?");
	expect_error("--hepl", "unknown option --hepl, did you mean --help?");
	expect_error("--detahc", "unknown option --detahc, did you mean --detach?");
	expect_error("--xyzzy", "unknown option --xyzzy");
	expect_error("-x", "unknown option -x");
	expect_error("-fxo", "unknown option -x in -fxo");
	expect_error("--=x", "'--=x' is not an option");
	expect_error("---flag", "'---flag' is not an option");
	expect_error("--name", "option --name needs a value (NAME)");
	expect_error("-fn", "option -n needs a value (NAME)");
	expect_error("--flag=maybe", "option --flag takes true or false, not 'maybe'");
	expect_error("--flag=", "option --flag takes true or false, not ''");
	expect_error("-f=2", "option -f takes true or false, not '2'");
	expect_error("--help=2", "option --help takes true or false, not '2'");
	expect_error("--size=1x", "invalid value '1x' for --size: not a whole number");
	expect_error("-s|", "invalid value '' for -s: not a whole number");
	expect_error("--size=99999999999999999999",
		     "invalid value '99999999999999999999' for --size: too large");
	expect_error("--detach", "option --detach is not there yet");
	expect_error("--detach=false", "option --detach is not there yet");
	expect_error("-fd", "option -d (--detach) is not there yet");
	expect_error("--isolation=x", "option --isolation is for another system");
}

static void no_abbreviations(void **state)
{
	(void)state;
	expect_error("--na=x", "unknown option --na");
	expect_error("--flagx", "unknown option --flagx, did you mean --flag?");
}

static void distances_count_swaps_as_one(void **state)
{
	(void)state;
	assert_int_equal(suggest_distance("", 0, "abc", 3), 3);
	assert_int_equal(suggest_distance("kitten", 6, "sitting", 7), 3);
	assert_int_equal(suggest_distance("run", 3, "rnu", 3), 1);
	assert_int_equal(suggest_distance("same", 4, "same", 4), 0);
	Suggest s = SUGGEST_FOR("ab", 2);
	suggest_try(&s, "cd");
	assert_null(s.best);
	suggest_try(&s, "abcd");
	assert_null(s.best);
	suggest_try(&s, "abc");
	assert_string_equal(s.best, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_in_every_form),
		cmocka_unit_test(flags_take_go_words),
		cmocka_unit_test(lists_collect_and_numbers_are_read),
		cmocka_unit_test(what_follows_the_first_argument_is_untouched),
		cmocka_unit_test(arguments_may_stand_between_options),
		cmocka_unit_test(help_ends_the_reading),
		cmocka_unit_test(errors_name_the_option),
		cmocka_unit_test(no_abbreviations),
		cmocka_unit_test(distances_count_swaps_as_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
