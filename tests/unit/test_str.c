#include "unit.h"

#include <errno.h>

#include "base/own.h"
#include "base/str.h"

static void null_equals_only_null(void **state)
{
	(void)state;
	char other[] = "a";
	assert_true(str_eq(NULL, NULL));
	assert_true(str_eq("a", other));
	assert_false(str_eq(NULL, ""));
	assert_false(str_eq("", NULL));
	assert_false(str_eq("a", "ab"));
}

static void beginnings_and_ends(void **state)
{
	(void)state;
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("ab", "abc"));
	assert_true(str_ends("abc", "bc"));
	assert_true(str_ends("abc", ""));
	assert_false(str_ends("bc", "abc"));
	assert_false(str_ends("abd", "bc"));
	assert_string_equal(str_after("--name=x", "--name="), "x");
	assert_string_equal(str_after("same", "same"), "");
	assert_null(str_after("--nam", "--name="));
}

static void format_tells_when_it_does_not_fit(void **state)
{
	(void)state;
	char buf[6];
	assert_int_equal(str_format(buf, sizeof buf, "%d", 12345), 5);
	assert_string_equal(buf, "12345");
	assert_int_equal(str_format(buf, sizeof buf, "%d", 123456), -ENAMETOOLONG);
	assert_string_equal(buf, "12345"); /* cut, and ended */
	assert_int_equal(str_format(buf, sizeof buf, "%s", ""), 0);
	assert_string_equal(buf, "");
}

static void control_characters_are_shown(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	static const char *const texts[][3] = {
		{ "plain", "plain", "plain" },
		{ "", "", "" },
		{ "a\nb\x7f", "a?b?", "a\\x0ab\\x7f" },
		{ "\x1b[31m", "?[31m", "\\x1b[31m" },
		{ "\xc2\x9b"
		  "31m\xc2\x80\xc2\x9f",
		  "??31m????", "\\xc2\\x9b31m\\xc2\\x80\\xc2\\x9f" }, /* the same, for a terminal of Unicode */
		{ "\xc2\xa0\xc3\x9f\xc2", "\xc2\xa0\xc3\x9f\xc2", "\xc2\xa0\xc3\x9f\xc2" },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *copy = arena_strdup(&a, texts[i][0]);
		assert_int_equal(str_is_printable(copy), i < 2 || i == 5);
		assert_string_equal(str_escape_controls(&a, copy), texts[i][2]);
		assert_ptr_equal(str_mask_controls(copy), copy);
		assert_string_equal(copy, texts[i][1]);
		assert_true(str_is_printable(copy));
	}
}

static void split_keeps_empty_parts(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList l = str_split(&a, ":a::b:", ':');
	assert_int_equal(l.count, 5);
	const char *want[] = { "", "a", "", "b", "" };
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(l.items[i], want[i]);
	l = str_split(&a, "", ',');
	assert_int_equal(l.count, 1);
	assert_string_equal(l.items[0], "");
	l = str_split(&a, "one", ',');
	assert_int_equal(l.count, 1);
	assert_string_equal(l.items[0], "one");
}

static void a_list_finds_what_was_added(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList l = { 0 };
	assert_false(strlist_has(&l, "0"));
	for (int i = 0; i < 1000; i++)
		strlist_add(&a, &l, arena_printf(&a, "%d", i));
	assert_int_equal(l.count, 1000);
	for (int i = 0; i < 1000; i++)
		assert_string_equal(l.items[i], arena_printf(&a, "%d", i));
	assert_true(strlist_has(&l, "999"));
	assert_false(strlist_has(&l, "1000"));
	assert_false(strlist_has(&l, ""));
}

static void below_is_by_whole_components(void **state)
{
	(void)state;
	assert_true(path_is_below("/a/b", "/a"));
	assert_true(path_is_below("/a", "/a"));
	assert_false(path_is_below("/ab", "/a"));
	assert_false(path_is_below("/", "/a"));
	assert_true(path_is_below("/anything", "/"));
	assert_true(path_is_below("/", "/"));
	assert_false(path_is_below("relative", "/"));
}

static void clean_paths(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "/", "/" },
		{ "", "/" },
		{ "//", "/" },
		{ "/a//b///c/", "/a/b/c" },
		{ "/a/./b/.", "/a/b" },
		{ "a/b", "/a/b" },
		{ ".", "/" },
		{ "/a/b/..", "/a" },
		{ "/a/b/../..", "/" },
		{ "/..", "/" },
		{ "/../../a", "/a" },
		{ "/a/../../../b/c/..", "/b" },
		{ "/...", "/..." }, /* a name like any other */
		{ "/..a/.b", "/..a/.b" },
		{ "../a", "/a" },
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = path_clean(&a, cases[i][0]);
		assert_string_equal(got, cases[i][1]);
		assert_string_equal(path_clean(&a, got), got); /* what is clean stays as it is */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_equals_only_null),
		cmocka_unit_test(beginnings_and_ends),
		cmocka_unit_test(format_tells_when_it_does_not_fit),
		cmocka_unit_test(control_characters_are_shown),
		cmocka_unit_test(split_keeps_empty_parts),
		cmocka_unit_test(a_list_finds_what_was_added),
		cmocka_unit_test(below_is_by_whole_components),
		cmocka_unit_test(clean_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
