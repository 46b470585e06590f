#include "unit.h"

#include <errno.h>

#include "base/num.h"

static void whole_numbers_are_read(void **state)
{
	(void)state;
	uint64_t n = 7;
	assert_int_equal(num_parse_u64("0", UINT64_MAX, &n), 0);
	assert_true(n == 0);
	assert_int_equal(num_parse_u64("18446744073709551615", UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(num_parse_u64("0042", 42, &n), 0); /* leading zeros do not make it octal */
	assert_true(n == 42);
}

static void what_is_not_a_number_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",    " 1",   "1 ",  "+1",  "-1",
					   "0x1", "1e3",  "1.0", "1\n", "12a",
					   "a12", "\xb2", "/",   ":",   "99999999999999999999999x" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint64_t n = 7;
		uint32_t m = 7;
		assert_int_equal(num_parse_u64(bad[i], UINT64_MAX, &n), -EINVAL);
		assert_int_equal(num_parse_u32(bad[i], UINT32_MAX, &m), -EINVAL);
		assert_true(n == 7 && m == 7); /* written on success only */
	}
}

static void what_is_too_large_is_another_error(void **state)
{
	(void)state;
	uint64_t n = 7;
	uint32_t m = 7;
	assert_int_equal(num_parse_u64("18446744073709551616", UINT64_MAX, &n), -ERANGE);
	assert_int_equal(num_parse_u64("184467440737095516150", UINT64_MAX, &n), -ERANGE);
	assert_int_equal(num_parse_u64("101", 100, &n), -ERANGE);
	assert_int_equal(num_parse_u32("4294967296", UINT32_MAX, &m), -ERANGE);
	assert_true(n == 7 && m == 7);
	assert_int_equal(num_parse_u32("4294967295", UINT32_MAX, &m), 0);
	assert_int_equal(m, UINT32_MAX);
}

static void signed_numbers_reach_both_ends(void **state)
{
	(void)state;
	int64_t n = 7;
	assert_int_equal(num_parse_i64("-9223372036854775808", &n), 0);
	assert_true(n == INT64_MIN);
	assert_int_equal(num_parse_i64("9223372036854775807", &n), 0);
	assert_true(n == INT64_MAX);
	assert_int_equal(num_parse_i64("-0", &n), 0);
	assert_true(n == 0);
	n = 7;
	assert_int_equal(num_parse_i64("9223372036854775808", &n), -ERANGE);
	assert_int_equal(num_parse_i64("-9223372036854775809", &n), -ERANGE);
	assert_int_equal(num_parse_i64("--1", &n), -EINVAL);
	assert_int_equal(num_parse_i64("-", &n), -EINVAL);
	assert_int_equal(num_parse_i64("", &n), -EINVAL);
	assert_true(n == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_are_read),
		cmocka_unit_test(what_is_not_a_number_is_refused),
		cmocka_unit_test(what_is_too_large_is_another_error),
		cmocka_unit_test(signed_numbers_reach_both_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
