#include "unit.h"

#include <string.h>

#include "fmt/variant.h"

typedef struct Given {
	const char *text, *want;
} Given;

static void is_type(const char *text, const char *signature)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Variant v;
	Err e = { 0 };
	if (variant_parse(text, &a, &v, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_string_equal(v.signature, signature);
}

static void values_have_their_types(void **state)
{
	(void)state;
	static const Given given[] = {
		{ "5", "i" },
		{ " -5 ", "i" },
		{ "0x1f", "i" },
		{ "5.", "d" },
		{ "1e3", "d" },
		{ "true", "b" },
		{ "boolean false", "b" },
		{ "byte 255", "y" },
		{ "int16 -32768", "n" },
		{ "uint16 65535", "q" },
		{ "uint32 5", "u" },
		{ "int64 5", "x" },
		{ "uint64 18446744073709551615", "t" },
		{ "double 5", "d" },
		{ "'text'", "s" },
		{ "\"it's\"", "s" },
		{ "objectpath '/a'", "o" },
		{ "signature 'a(ss)'", "g" },
		{ "['a', 'b']", "as" },
		{ "[ ( 'a' , 1 ) ]", "a(si)" },
		{ "@as []", "as" },
		{ "@a(st) [('a', 1), ('b', 2)]", "a(st)" },
		{ "[uint64 1, 2]", "at" },
		{ "('a',)", "(s)" },
		{ "<'a'>", "v" },
		{ "{'k': <1>, 'l': <'x'>}", "a{sv}" },
		{ "@a{sv} {}", "a{sv}" },
		{ "b'text'", "ay" },
		{ "@ay [0x01, 0xff]", "ay" },
	};
	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		is_type(given[i].text, given[i].want);
}

static void what_is_none_is_refused(void **state)
{
	(void)state;
	static const Given given[] = {
		{ "", "a value is missing, at character 1" },
		{ "x", "no value" },
		{ "truely", "no value" },
		{ "5 6", "something follows the value, at character 3" },
		{ "'a", "the string does not end" },
		{ "'a\\", "the string does not end" },
		{ "'\\u0000'", "no character" },
		{ "'\\ud800'", "no character" },
		{ "'\\u12g4'", "no hexadecimal digit" },
		{ "[]", "no type stands before it" },
		{ "{}", "no type stands before it" },
		{ "[1, 'a']", "the type is s, not i" },
		{ "[1 2]", "',' or ']' is missing" },
		{ "()", "no empty tuples" },
		{ "@(s) ('a', 'b')", "more elements" },
		{ "@(ss) ('a',)", "the type is (s), not (ss)" },
		{ "@as 5", "is a number, not as" },
		{ "@q 'a'", "the type is s, not q" },
		{ "@z 1", "no type" },
		{ "@a{vs} {}", "" },
		{ "{<1>: 2}", "a key is" },
		{ "{'a' 2}", "':' is missing" },
		{ "<1", "'>' is missing" },
		{ "byte 256", "too large for its type" },
		{ "uint32 -1", "too large for its type" },
		{ "2147483648", "too large for its type" },
		{ "uint64 18446744073709551616", "the number is too large" },
		{ "1e999", "the number is too large" },
		{ ".", "" },
		{ "-", "no number" },
		{ "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "nested too deep" },
	};
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Variant v;
		Err e = { 0 };
		if (variant_parse(given[i].text, &a, &v, &e) >= 0) {
			if (*given[i].want)
				fail_msg("'%s' is a value", given[i].text);
			continue;
		}
		assert_int_equal(e.kind, ERR_SPEC);
		if (!strstr(e.msg, given[i].want))
			fail_msg("'%s': '%s' is not in '%s'", given[i].text, given[i].want, e.msg);
	}
}

static void values_are_what_they_say(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Variant v;
	assert_int_equal(variant_parse("'a\\n\\'\\u00e9\\U0001f600'", &a, &v, NULL), 0);
	assert_string_equal(v.text, "a\n'\xc3\xa9\xf0\x9f\x98\x80");
	assert_int_equal(variant_parse("int16 -2", &a, &v, NULL), 0);
	assert_true((int64_t)v.number == -2);
	assert_int_equal(variant_parse("010", &a, &v, NULL), 0);
	assert_true(v.number == 8);
	assert_int_equal(variant_parse("-12.25e1", &a, &v, NULL), 0);
	assert_true(v.real == -122.5);
	assert_int_equal(variant_parse("{'k': uint16 3}", &a, &v, NULL), 0);
	assert_int_equal(v.count, 1);
	assert_string_equal(v.items[0].items[0].text, "k");
	assert_true(v.items[0].items[1].number == 3);
	assert_int_equal(variant_parse("b'ab'", &a, &v, NULL), 0);
	assert_int_equal(v.count, 3);
	assert_int_equal(variant_parse(variant_quote("it's \\", &a), &a, &v, NULL), 0);
	assert_string_equal(v.text, "it's \\");
}

static void seconds_become_microseconds(void **state)
{
	(void)state;
	static const Given given[] = {
		{ "456", "uint64 456000000" },
		{ "byte 234", "uint64 234000000" },
		{ "1.5", "uint64 1500000" },
		{ "int64 0", "uint64 0" },
		{ "'5'", "not a number" },
		{ "[5]", "not a number" },
		{ "-1", "a time is not negative" },
		{ "-0.5", "a time is not negative" },
		{ "uint64 18446744073709551615", "too large" },
		{ "1e300", "too large" },
	};
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Variant v;
		Err e = { 0 };
		const char *text = NULL;
		assert_int_equal(variant_parse(given[i].text, &a, &v, NULL), 0);
		if (variant_to_usec(&v, &a, &text, &e) < 0)
			text = e.msg;
		if (!strstr(text, given[i].want))
			fail_msg("%s: '%s' is not in '%s'", given[i].text, given[i].want, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_their_types),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(values_are_what_they_say),
		cmocka_unit_test(seconds_become_microseconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
