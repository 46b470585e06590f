#include "unit.h"

#include <errno.h>

#include "base/own.h"
#include "fmt/size.h"

static void sizes_are_docker_s(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "512b", 512 },
		{ "100m", 104857600 },
		{ "100M", 104857600 },
		{ "100mb", 104857600 },
		{ "100MiB", 104857600 },
		{ "100 m", 104857600 },
		{ "100 MB", 104857600 },
		{ "64k", 65536 },
		{ "1g", 1 << 30 },
		{ "1.5g", 1610612736 },
		{ "1.5G", 1610612736 },
		{ ".5k", 512 },
		{ "5.k", 5120 },
		{ "1.9", 1 },              /* parts of a byte are dropped */
		{ "0.0009765625k", 1 },    /* exactly one byte */
		{ "0.0009765624999k", 0 }, /* a bit less */
		{ "0.1k", 102 },
		{ "1.0000000000000000000000000001k", 1024 },
		{ "2t", 2199023255552 },
		{ "1p", 1125899906842624 },
		{ "0.5p", 562949953421312 },
		{ "0.99999999999999999999999999p", 1125899906842623 },
		{ "8191p", 9222246136947933184 },
		{ "9223372036854775807", INT64_MAX },
		{ "007", 7 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t n = 42;
		if (size_parse_bytes(cases[i].text, &n) != 0 || n != cases[i].bytes)
			fail_msg("%s: %llu", cases[i].text, (unsigned long long)n);
	}
}

static void other_words_are_no_sizes(void **state)
{
	static const char *const malformed[] = {
		"",      "m",    ".",     "b",    " ",   "-1",   "+1",    "-1m", " 1m",  "1m ",
		"1  m",  "1\tm", "1.2.3", "1,5g", "1e3", "0x10", "inf",   "nan", "1mm",  "1mi",
		"1mib2", "1kbi", "1bb",   "1bib", "1e",  "1z",   "1kibi", "1 2", "1m\n",
	};
	static const char *const too_large[] = {
		"9223372036854775808",  "18446744073709551616", "8192p",
		"99999999999999999999", "9007199254740992k",
	};
	(void)state;
	uint64_t n = 42;
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		if (size_parse_bytes(malformed[i], &n) != -EINVAL)
			fail_msg("accepted: '%s'", malformed[i]);
	for (size_t i = 0; i < ARRAY_LEN(too_large); i++)
		if (size_parse_bytes(too_large[i], &n) != -ERANGE)
			fail_msg("in range: '%s'", too_large[i]);
	assert_true(n == 42);
}

static void cpus_are_exact(void **state)
{
	(void)state;
	uint64_t n = 42;
	assert_int_equal(size_parse_cpus("1.5", &n), 0);
	assert_true(n == 1500000000);
	assert_int_equal(size_parse_cpus("0.1", &n), 0);
	assert_true(n == 100000000);
	assert_int_equal(size_parse_cpus("0.000000001", &n), 0);
	assert_true(n == 1);
	assert_int_equal(size_parse_cpus(".25", &n), 0);
	assert_true(n == 250000000);
	assert_int_equal(size_parse_cpus("0", &n), 0);
	assert_true(n == 0);
	assert_int_equal(size_parse_cpus("9223372036.854775807", &n), 0);
	assert_true(n == INT64_MAX);
	n = 42;
	assert_int_equal(size_parse_cpus("9223372036.854775808", &n), -ERANGE);
	assert_int_equal(size_parse_cpus("0.0000000001", &n), -EINVAL);
	assert_int_equal(size_parse_cpus("", &n), -EINVAL);
	assert_int_equal(size_parse_cpus("-1", &n), -EINVAL);
	assert_int_equal(size_parse_cpus("1m", &n), -EINVAL);
	assert_int_equal(size_parse_cpus("1 ", &n), -EINVAL);
	assert_int_equal(size_parse_cpus("1e1", &n), -EINVAL);
	assert_true(n == 42);
}

static void sizes_are_written_for_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1000000, "976.6 KiB" },
		{ 1024 * 1024 - 1, "1 MiB" },       /* 1023.999 KiB */
		{ 1024 * 1024 - 52, "1023.9 KiB" }, /* 1023.949 */
		{ 104857600, "100 MiB" },
		{ 1610612736, "1.5 GiB" },
		{ (uint64_t)1 << 50, "1 PiB" },
		{ INT64_MAX, "8 EiB" },
		{ UINT64_MAX, "16 EiB" },
	};
	(void)state;
	char buf[16];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(size_format(buf, sizeof buf, cases[i].bytes), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_docker_s),
		cmocka_unit_test(other_words_are_no_sizes),
		cmocka_unit_test(cpus_are_exact),
		cmocka_unit_test(sizes_are_written_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
