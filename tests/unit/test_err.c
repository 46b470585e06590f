#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void a_raised_error_holds_what_was_said(void **state)
{
	(void)state;
	Err e = { 0 };
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open '%s'", "/x"), -ENOENT);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.msg, "open '/x'");
	assert_non_null(strstr(e.where, "test_err.c:"));
	assert_null(strchr(e.where, '/'));
	assert_int_equal(err_make(&e, ERR_STATE, 0, "busy"), -EIO); /* a failure is always negative */
	assert_int_equal(e.kind, ERR_STATE);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "busy");
}

static void without_an_error_only_the_code_counts(void **state)
{
	(void)state;
	errno = EPERM;
	assert_int_equal(err_sys(NULL, "not %s", "kept"), -EPERM);
	assert_int_equal(err_make(NULL, ERR_SPEC, EINVAL, "not kept"), -EINVAL);
	assert_int_equal(err_wrap(NULL, -7, "noun"), -7);
}

static void long_messages_keep_both_ends(void **state)
{
	(void)state;
	static const int lengths[] = { 478, 479, 480, 481, 1000, 4700, 20000 };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		Err e = { 0 };
		int n = lengths[i] - 9; /* "open /" and "end" are nine */
		assert_int_equal(err_make(&e, ERR_SPEC, EINVAL, "open /%0*dend", n, 0), -EINVAL);
		assert_int_equal(strlen(e.msg), lengths[i] < 480 ? lengths[i] : 479);
		assert_memory_equal(e.msg, "open /000", 9);
		assert_true((strstr(e.msg, "...") != NULL) == (lengths[i] >= 480));
		if (lengths[i] < 4600) /* beyond that, the formatting itself has cut the tail */
			assert_string_equal(e.msg + strlen(e.msg) - 4, "0end");
	}
}

static void wrapping_adds_the_noun_in_front(void **state)
{
	(void)state;
	Err e = { 0 };
	int r = err_make(&e, ERR_NOT_FOUND, ENOENT, "no such file");
	assert_int_equal(err_wrap(&e, r, "layer %d", 3), -ENOENT);
	assert_int_equal(err_wrap(&e, r, "image %s", "nginx"), -ENOENT);
	assert_string_equal(e.msg, "image nginx: layer 3: no such file");
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(e.sys, ENOENT);
}

static void wrapping_a_full_message_keeps_its_tail(void **state)
{
	(void)state;
	Err e = { 0 };
	(void)err_make(&e, ERR_SPEC, EINVAL, "%0470dcause", 0);
	(void)err_wrap(&e, -EINVAL, "%0400d", 1);
	assert_int_equal(strlen(e.msg), 479);
	assert_string_equal(e.msg + 474, "cause");
}

static void the_text_is_one_clean_line(void **state)
{
	(void)state;
	char buf[600];
	Err e = { 0 };
	(void)err_make(&e, ERR_SYS, ENOENT, "open '%s'", "a\nb\x1b[31m\x7f\t");
	const char *text = err_text(&e, buf, sizeof buf);
	assert_ptr_equal(text, buf);
	char want[600];
	(void)snprintf(want, sizeof want, "open 'a?b?[31m%s': %s", "??", strerror(ENOENT));
	assert_string_equal(text, want);
	(void)err_make(&e, ERR_STATE, 0, "is running");
	assert_string_equal(err_text(&e, buf, sizeof buf), "is running");
	assert_string_equal(err_text(&e, buf, 3), "is");
}

static void the_text_keeps_other_alphabets(void **state)
{
	(void)state;
	char buf[600];
	Err e = { 0 };
	(void)err_make(&e, ERR_STATE, 0,
		       "Gr\xc3\xb6\xc3\x9f"
		       "e");
	assert_string_equal(err_text(&e, buf, sizeof buf), "Gr\xc3\xb6\xc3\x9f"
							   "e");
}

static int one_line(int r, int *reached)
{
	int got = TRY(r);
	*reached = got + 1;
	return 0;
}

static void try_returns_what_is_negative(void **state)
{
	(void)state;
	int reached = 0;
	assert_int_equal(one_line(-EBUSY, &reached), -EBUSY);
	assert_int_equal(reached, 0);
	assert_int_equal(one_line(4, &reached), 0);
	assert_int_equal(reached, 5);
}

static void basename_is_what_follows_the_last_slash(void **state)
{
	(void)state;
	assert_string_equal(err_basename("../../src/base/err.c:7"), "err.c:7");
	assert_string_equal(err_basename("err.c"), "err.c");
	assert_string_equal(err_basename("dir/"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_raised_error_holds_what_was_said),
		cmocka_unit_test(without_an_error_only_the_code_counts),
		cmocka_unit_test(long_messages_keep_both_ends),
		cmocka_unit_test(wrapping_adds_the_noun_in_front),
		cmocka_unit_test(wrapping_a_full_message_keeps_its_tail),
		cmocka_unit_test(the_text_is_one_clean_line),
		cmocka_unit_test(the_text_keeps_other_alphabets),
		cmocka_unit_test(try_returns_what_is_negative),
		cmocka_unit_test(basename_is_what_follows_the_last_slash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
