#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "fmt/base64.h"

/* RFC 4648, section 10. */
static const struct {
	const char *plain, *coded;
} cases[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xef\xbf", "/++/" },
};

static void both_ways(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const char *plain;
	size_t size;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(base64_encode(&a, cases[i].plain, strlen(cases[i].plain)),
				    cases[i].coded);
		assert_int_equal(base64_decode(&a, cases[i].coded, &plain, &size), 0);
		assert_int_equal(size, strlen(cases[i].plain));
		assert_string_equal(plain, cases[i].plain);
	}
}

static void padding_may_be_missing(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const char *plain;
	size_t size;
	assert_int_equal(base64_decode(&a, "Zm8", &plain, &size), 0);
	assert_string_equal(plain, "fo");
	assert_int_equal(base64_decode(&a, "Zg", &plain, &size), 0);
	assert_string_equal(plain, "f");
}

static void what_is_none(void **state)
{
	(void)state;
	static const char *const wrong[] = { "Z",    "Zg===",           "Zm 8", "Zm9v\n", "Zm=9",
					     "Zm9-", "\xff\xff\xff\xff" };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const char *plain;
	size_t size;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(base64_decode(&a, wrong[i], &plain, &size), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(padding_may_be_missing),
		cmocka_unit_test(what_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
