#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/challenge.h"

/* The challenges as "scheme name=value|name=value; ...". */
static const char *read_all(const char *header, Arena *a)
{
	ChallengeList l = { 0 };
	const char *text = "";
	challenge_parse(header, a, &l);
	for (size_t i = 0; i < l.count; i++) {
		text = arena_printf(a, "%s%s%s", text, i ? "; " : "", l.items[i].scheme);
		for (size_t k = 0; k < l.items[i].count; k++)
			text = arena_printf(a, "%s%c%s=%s", text, k ? '|' : ' ',
					    l.items[i].parameters[k].name,
					    l.items[i].parameters[k].value);
	}
	return text;
}

static void headers_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *header, *expected;
	} cases[] = {
		{ "Basic realm=\"x\"", "Basic realm=x" },
		{ "Basic", "Basic" },
		{ "", "" },
		{ " , ,", "" },
		{ "Bearer realm=\"https://a/b?c=d,e\",service=\"s\",scope=\"repository:x:pull,push\"",
		  "Bearer realm=https://a/b?c=d,e|service=s|scope=repository:x:pull,push" },
		{ "Basic realm=x, Bearer realm=y , a=b", "Basic realm=x; Bearer realm=y|a=b" },
		{ "Basic, Bearer", "Basic; Bearer" },
		{ "Negotiate YWJjZA==, Basic realm=x", "Negotiate; Basic realm=x" },
		{ "NTLM", "NTLM" },
		{ "Bearer realm = \"x\" , service=\t\"y\"", "Bearer realm=x|service=y" },
		{ "Bearer realm=\"a\\\"b\\\\c\"", "Bearer realm=a\"b\\c" },
		{ "Bearer realm=\"no end", "Bearer" },
		{ "Bearer realm=\"no end\\", "Bearer" },
		{ "Bearer realm=x y=z", "Bearer" },
		{ "Bearer realm=", "Bearer" },
		{ "Bearer realm=\"\"", "Bearer realm=" },
		{ "Bearer realm=\"a\x1b[31m\",service=s", "Bearer service=s" },
		{ "=x", "" },
		{ "Bearer,realm=x", "Bearer" },
		{ "\"quoted\" realm=x", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		assert_string_equal(read_all(cases[i].header, &a), cases[i].expected);
	}
}

static void case_does_not_matter(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ChallengeList l = { 0 };
	challenge_parse("BASIC Realm=x", &a, &l);
	challenge_parse("bearer REALM=y", &a, &l);
	assert_int_equal(l.count, 2);
	assert_string_equal(challenge_get(challenge_find(&l, "Bearer"), "realm"), "y");
	assert_string_equal(challenge_get(challenge_find(&l, "Basic"), "realm"), "x");
	assert_null(challenge_find(&l, "Digest"));
	assert_null(challenge_get(challenge_find(&l, "Basic"), "service"));
}

static void there_is_an_end(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ChallengeList l = { 0 };
	char many[4096] = "";
	for (size_t at = 0; at + 3 < sizeof many; at += 3)
		memcpy(many + at, "A, ", 3);
	challenge_parse(many, &a, &l);
	assert_int_equal(l.count, CHALLENGES_MAX);
	l = (ChallengeList){ 0 };
	memcpy(many, "Bearer ", 7);
	for (size_t at = 7; at + 5 < sizeof many; at += 4)
		memcpy(many + at, "a=b,", 5);
	challenge_parse(many, &a, &l);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.items[0].count, CHALLENGE_PARAMETERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(case_does_not_matter),
		cmocka_unit_test(there_is_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
