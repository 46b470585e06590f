/* All tables of the command line: complete rows, no doubles; commands found by name; exit codes and error lines. */
#include "unit.h"

#include <ctype.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"

static void check_row(const Opt *const *tables, const Opt *o)
{
	size_t len = strlen(o->help);
	assert_true(len >= 4);
	assert_true(isupper((unsigned char)o->help[0]) || islower((unsigned char)o->help[0]));
	assert_true(o->help[len - 1] != '.');
	assert_true(strlen(o->name) >= 2 && o->name[0] != '-');
	assert_string_not_equal(o->name, "help");
	assert_ptr_equal(opt_find_name(tables, o->name, strlen(o->name)),
			 o); /* the first of this name: there is no second */
	if (o->letter)
		assert_ptr_equal(opt_find_letter(tables, o->letter), o);
	bool takes_value = o->kind == OPT_KIND_STR || o->kind == OPT_KIND_LIST ||
			   o->kind == OPT_KIND_int64_t || o->kind == OPT_KIND_WORD;
	assert_int_equal(o->arg != NULL, takes_value);
	assert_int_equal(o->parse.of_int64_t != NULL || o->parse.word != NULL,
			 o->kind == OPT_KIND_int64_t || o->kind == OPT_KIND_WORD);
}

static size_t check_tables(const Opt *const *tables)
{
	size_t count = 0;
	for (size_t t = 0; t < OPT_TABLES; t++)
		for (const Opt *o = tables[t]; o && o->kind != OPT_KIND_END; o++, count++)
			if (o->kind == OPT_KIND_GROUP)
				assert_ptr_equal(o, tables[t]); /* a heading stands first */
			else
				check_row(tables, o);
	return count;
}

static void every_option_has_a_name_and_help(void **state)
{
	(void)state;
	assert_true(check_tables(cli_global_tables) >= 4);
	for (size_t i = 0; i < cmds_count; i++)
		(void)check_tables(cmds[i]->opts);
	assert_true(check_tables(cmd_run.opts) >= 100);
}

static void every_command_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < cmds_count; i++) {
		const Cmd *c = cmds[i], *found = NULL;
		char *argv[] = { (char *)c->name };
		assert_true(c->name && c->args && c->run && strlen(c->summary) > 4);
		assert_true(c->failure_code > 0);
		assert_true(c->min_args <= c->max_args);
		assert_true(!c->opts[0] || c->opts_size > 0);
		assert_int_equal(cmd_find(1, argv, &found, NULL), 1);
		assert_ptr_equal(found, c);
	}
}

static void aliases_of_two_words_are_found(void **state)
{
	const char *run[] = { "container", "run", "--rm" }, *info[] = { "system", "info" };
	const Cmd *found;
	(void)state;
	assert_int_equal(cmd_find(3, (char **)run, &found, NULL), 2);
	assert_ptr_equal(found, &cmd_run);
	assert_int_equal(cmd_find(2, (char **)info, &found, NULL), 2);
	assert_ptr_equal(found, &cmd_info);
}

static void expect_no_command(const char *words, const char *text)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList argv = str_split(&a, words, ' ');
	Err err = { 0 };
	const Cmd *found = NULL;
	assert_true(cmd_find((int)argv.count, (char **)argv.items, &found, &err) < 0);
	assert_null(found);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_string_equal(err.msg, text);
	assert_int_equal(cli_exit_code(NULL, &err), 1);
}

static void missing_commands_are_named(void **state)
{
	(void)state;
	expect_no_command("ps", "command 'ps' is not there yet");
	expect_no_command("exec c ls", "command 'exec' is not there yet");
	expect_no_command("container ps", "command 'container ps' is not there yet");
	expect_no_command("volume --help", "command 'volume' is not there yet");
	expect_no_command("ifno", "unknown command 'ifno', did you mean 'info'?");
	expect_no_command("frobnicate", "unknown command 'frobnicate'");
	expect_no_command("__cl", "unknown command '__cl'"); /* hidden ones are not suggested */
}

static Err make(ErrKind kind, int sys, const char *msg)
{
	Err e = { 0 };
	(void)err_make(&e, kind, sys, "%s", msg);
	return e;
}

static void exit_codes_are_dockers(void **state)
{
	Err usage = make(ERR_USAGE, 0, "x"), invoke = make(ERR_CMD_INVOKE, EACCES, "x"),
	    missing = make(ERR_CMD_MISSING, ENOENT, "x"), sys = make(ERR_SYS, EPERM, "x"),
	    exists = make(ERR_EXISTS, 0, "x"), bug = make(ERR_BUG, 0, "x");
	(void)state;
	assert_int_equal(cli_exit_code(&cmd_run, &usage), 125);
	assert_int_equal(cli_exit_code(&cmd_run, &invoke), 126);
	assert_int_equal(cli_exit_code(&cmd_run, &missing), 127);
	assert_int_equal(cli_exit_code(&cmd_run, &sys), 125);
	assert_int_equal(cli_exit_code(&cmd_run, &exists), 125);
	assert_int_equal(cli_exit_code(&cmd_run, &bug), 125);
	assert_int_equal(cli_exit_code(&cmd_info, &sys), 1);
	assert_int_equal(cli_exit_code(&cmd_info, &usage), 125);
	assert_int_equal(cli_exit_code(NULL, &usage), 125);
}

static void an_error_is_one_line(void **state)
{
	char line[1024];
	Err usage = make(ERR_USAGE, 0, "bad\nthing"), sys = make(ERR_SYS, ENOENT, "open 'x'");
	(void)state;
	assert_string_equal(cli_error_line(&cmd_run, &usage, line, sizeof line),
			    "mydocker: bad?thing (see 'mydocker run --help')");
	assert_string_equal(cli_error_line(NULL, &usage, line, sizeof line),
			    "mydocker: bad?thing (see 'mydocker --help')");
	assert_string_equal(cli_error_line(&cmd_run, &sys, line, sizeof line),
			    "mydocker: open 'x': No such file or directory");
	log_set_debug(true);
	assert_non_null(
		strstr(cli_error_line(&cmd_run, &sys, line, sizeof line), " [test_opt_tables.c:"));
	log_set_debug(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_has_a_name_and_help),
		cmocka_unit_test(every_command_is_complete),
		cmocka_unit_test(aliases_of_two_words_are_found),
		cmocka_unit_test(missing_commands_are_named),
		cmocka_unit_test(exit_codes_are_dockers),
		cmocka_unit_test(an_error_is_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
