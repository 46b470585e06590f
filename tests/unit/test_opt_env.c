/* --env and --env-file. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "cli/env_list.h"

typedef struct Folder {
	char dir[32], file[48];
} Folder;

static int folder_make(void **state)
{
	static Folder f;
	f = (Folder){ .dir = "/tmp/test_opt_env.XXXXXX" };
	assert_non_null(mkdtemp(f.dir));
	assert_true(str_format(f.file, sizeof f.file, "%s/env", f.dir) > 0);
	*state = &f;
	return setenv("TEST_OPT_HAS", "caller's", 1) == 0 && unsetenv("TEST_OPT_NONE") == 0 ? 0 : -1;
}

static int folder_remove(void **state)
{
	Folder *f = *state;
	(void)unlink(f->file);
	return rmdir(f->dir);
}

static void write_file(const Folder *f, const char *text, size_t len)
{
	AUTO(fd_close) int fd = open(f->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, len, "test file", NULL), 0);
}

/* Resolves the file and the variables (separated by '|', NULL: none); joins the result with '|'. */
static const char *resolve(const Folder *f, const char *vars, Arena *a, Err *e)
{
	StrList files = { 0 }, list = { 0 }, result = { 0 };
	const char *joined = "";
	strlist_add(a, &files, f->file);
	if (vars)
		list = str_split(a, vars, '|');
	if (env_list_resolve(&files, &list, a, &result, e) < 0)
		return NULL;
	for (size_t i = 0; i < result.count; i++)
		joined = arena_printf(a, "%s%s%s", joined, i ? "|" : "", result.items[i]);
	return joined;
}

static void expect(const Folder *f, const char *text, const char *vars, const char *result)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	write_file(f, text, strlen(text));
	const char *got = resolve(f, vars, &a, &e);
	if (!got)
		print_error("%s\n", e.msg);
	assert_non_null(got);
	assert_string_equal(got, result);
}

static void expect_error(const Folder *f, const char *text, size_t len, const char *vars,
			 const char *tail)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	write_file(f, text, len);
	assert_null(resolve(f, vars, &a, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	if (!str_ends(e.msg, tail))
		print_error("%s\n", e.msg);
	assert_true(str_ends(e.msg, tail));
	if (!vars)
		assert_non_null(strstr(e.msg, f->file));
}

static void files_are_read_as_docker_does(void **state)
{
	const Folder *f = *state;
	expect(f, "", NULL, "");
	expect(f, "A=1\nB=2", NULL, "A=1|B=2");
	expect(f,
	       "\xef\xbb\xbf"
	       "A=1\n",
	       NULL, "A=1");
	expect(f, "# comment\n\n  \t\n   # too\nA=#no\n", NULL, "A=#no");
	expect(f, "  A= b c \r\nB=\"q\" 'r' $X\n", NULL, "A= b c |B=\"q\" 'r' $X");
	expect(f, "A=\nB==\n", NULL, "A=|B==");
	expect(f, "TEST_OPT_HAS\nTEST_OPT_NONE\n", NULL, "TEST_OPT_HAS=caller's");
}

static void variables_come_after_files(void **state)
{
	const Folder *f = *state;
	expect(f, "A=file\n", "A=opt|B=", "A=file|A=opt|B=");
	expect(f, "", "TEST_OPT_HAS|TEST_OPT_NONE|X=a=b", "TEST_OPT_HAS=caller's|X=a=b");
	expect(f, "TEST_OPT_NONE=file\nTEST_OPT_NONE2=x\n", "TEST_OPT_NONE",
	       "TEST_OPT_NONE2=x"); /* taken away by name */
}

static void errors_name_file_and_line(void **state)
{
	const Folder *f = *state;
	expect_error(f, "A=1\n\n=x\n", 8, NULL, "', line 3: no name before '='");
	expect_error(f, "A B=1\n", 6, NULL, "', line 1: white space in the name 'A B'");
	expect_error(f, "A=1\nexport B=1\n", 15, NULL, "', line 2: white space in the name 'export B'");
	expect_error(f, "A=1\nB=\0x\n", 9, NULL, "', line 2: holds a NUL byte");
	expect_error(f, "", 0, "=x", "invalid environment variable '=x': it has no name");
	expect_error(f, "", 0, "A=1|", "invalid environment variable '': it has no name");
}

static void only_small_regular_files(void **state)
{
	const Folder *f = *state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	assert_null(resolve(&(Folder){ .file = "/dev/zero" }, NULL, &a, &e));
	assert_string_equal(e.msg, "env file '/dev/zero' is not a regular file");
	assert_null(resolve(&(Folder){ .file = "/nonexistent/env" }, NULL, &a, &e));
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.msg, "open env file '/nonexistent/env'");

	write_file(f, "", 0);
	assert_int_equal(truncate(f->file, LIMIT_ENV_FILE_BYTES + 1), 0);
	assert_null(resolve(f, NULL, &a, &e));
	assert_true(str_ends(e.msg, "is larger than 1048576 bytes"));

	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkfifo(f->file, 0600), 0); /* must not block */
	assert_null(resolve(f, NULL, &a, &e));
	assert_true(str_ends(e.msg, "is not a regular file"));
	assert_int_equal(unlink(f->file), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read_as_docker_does),
		cmocka_unit_test(variables_come_after_files),
		cmocka_unit_test(errors_name_file_and_line),
		cmocka_unit_test(only_small_regular_files),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
