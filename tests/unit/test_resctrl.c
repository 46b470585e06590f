/* Groups of the resctrl file system, on a tree of ordinary files: what is written where, and how values are compared. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/resctrl.h"
#include "kern/tree.h"

static const char here[] = "    MB:0=100;1= 50\n    L3:0=007ff;1=1f\nL2:0=ff\n";

static void values_agree(void **state)
{
	static const struct {
		const char *want;
		bool same;
	} cases[] = {
		{ "", true },
		{ "\n\n", true },
		{ "L3:0=7ff;1=1f\n", true },
		{ "L3:1=1F\n", true },
		{ " L3 : 1 = 0001f ;\n", true },
		{ "MB:1=50\nL2:0=ff\nL3:0=7ff\n", true },
		{ "L3:0=7fe\n", false },
		{ "L3:2=1\n", false },
		{ "L3CODE:0=7ff\n", false },
		{ "MB:0=10\n", false },
		{ "L3:0\n", false },
		{ "L3:=7ff\n", false },
		{ "nonsense\n", false },
		{ "L3:0=7ff\nMB:0=9\n", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const char *line = "";
		if (resctrl_agrees(here, cases[i].want, &a, &line) != cases[i].same)
			fail_msg("'%s'", cases[i].want);
		assert_true(cases[i].same || strchr(cases[i].want, *line));
	}
}

static char top[64];

static int top_make(void **state)
{
	(void)state;
	assert_true(str_format(top, sizeof top, "/tmp/unit-resctrl.XXXXXX") > 0);
	return mkdtemp(top) ? 0 : -1;
}

static int top_remove(void **state)
{
	(void)state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tree_remove_at(tmp, err_basename(top), NULL);
}

static const char *at(Arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", top, name);
}

static void file(Arena *a, const char *name, const char *text)
{
	AUTO(fd_close) int fd = open(at(a, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void file_is(Arena *a, const char *name, const char *want)
{
	char text[256];
	assert_true(fd_read_text_at(AT_FDCWD, at(a, name), text, sizeof text) >= 0);
	assert_string_equal(text, want);
}

static void groups_of_a_tree(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	assert_int_equal(mkdir(at(&a, "info"), 0755), 0);
	file(&a, "info/last_cmd_status", "mask 0x8 is not contiguous\n");
	const char *dir = at(&a, "gold");
	assert_int_equal(resctrl_make(dir, &e), 1);
	assert_int_equal(resctrl_make(dir, &e), 0);
	assert_int_equal(resctrl_set(dir, "MB:0=20\n", &e), -ENOENT); /* no file is made */
	assert_non_null(strstr(e.msg, "(mask 0x8 is not contiguous)"));
	file(&a, "gold/schemata", "");
	file(&a, "gold/tasks", "");
	assert_int_equal(resctrl_set(dir, "MB:0=20\nL3:0=f\n", &e), 0);
	file_is(&a, "gold/schemata", "MB:0=20\nL3:0=f");
	assert_int_equal(resctrl_compare(dir, "L3:0=0f\n", &a, &e), 0);
	assert_int_equal(resctrl_compare(dir, "L3:0=ff\n", &a, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "has other values than 'L3:0=ff'"));
	assert_int_equal(resctrl_join(dir, 4711, &e), 0);
	file_is(&a, "gold/tasks", "4711");
	assert_true(resctrl_remove(dir, &e) < 0); /* an ordinary directory with files in it */
	assert_int_equal(unlink(at(&a, "gold/tasks")) + unlink(at(&a, "gold/schemata")), 0);
	assert_int_equal(resctrl_remove(dir, &e), 0);
	assert_int_equal(resctrl_remove(dir, &e), 0);
	file(&a, "info/last_cmd_status", "ok\n");
	assert_true(resctrl_make(at(&a, "none/below"), &e) < 0);
	assert_null(strchr(e.msg, '('));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_agree),
		cmocka_unit_test_setup_teardown(groups_of_a_tree, top_make, top_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
