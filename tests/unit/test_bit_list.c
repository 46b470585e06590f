#include "unit.h"

#include <errno.h>

#include "base/bit_list.h"

#define WORDS 2

static uint64_t words[WORDS];

static int parse(const char *list)
{
	words[0] = words[1] = 1; /* what is there before counts for nothing */
	return bit_list_parse(list, words, WORDS);
}

static void expect(const char *list, int used, uint64_t first, uint64_t second)
{
	if (parse(list) != used || words[0] != first || words[1] != second)
		fail_msg("'%s': %d, %#llx %#llx", list, parse(list), (unsigned long long)words[0],
			 (unsigned long long)words[1]);
}

static void numbers_and_ranges(void **state)
{
	(void)state;
	expect("0", 1, 1, 0);
	expect("0-3,7", 1, 0x8f, 0);
	expect("7,0-3,2", 1, 0x8f, 0);
	expect("5-5", 1, 0x20, 0);
	expect("63-64", 2, UINT64_C(1) << 63, 1);
	expect("127", 2, 0, UINT64_C(1) << 63);
	expect("0-127", 2, UINT64_MAX, UINT64_MAX);
	expect("0007", 1, 0x80, 0);
}

static void white_space_and_nothing_between_commas(void **state)
{
	(void)state;
	expect(" 1 , 3 ", 1, 10, 0);
	expect(",,2,,", 1, 4, 0);
	expect("\t0-1\n", 1, 3, 0);
}

static void what_is_no_list(void **state)
{
	static const char *const wrong[] = { "",     ",",     " ",   "-",    "1-",  "-1",
					     "1-0",  "a",     "0,a", "1 2",  "0x1", "+1",
					     "1--2", "1-2-3", "1;2", "1 - 2" };
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (parse(wrong[i]) != -EINVAL)
			fail_msg("'%s' gives %d", wrong[i], parse(wrong[i]));
}

static void what_has_no_bit(void **state)
{
	static const char *const wrong[] = { "128", "0-128", "999999999999999999999999",
					     "0-18446744073709551616" };
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(parse(wrong[i]), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_ranges),
		cmocka_unit_test(white_space_and_nothing_between_commas),
		cmocka_unit_test(what_is_no_list),
		cmocka_unit_test(what_has_no_bit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
