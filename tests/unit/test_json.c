#include "unit.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/json.h"

static int parse(Arena *a, const char *text, const JsonValue **ret, Err *e)
{
	return json_parse(text, strlen(text), a, ret, e);
}

/* ---- what is refused, where and why ---- */

static const struct {
	const char *text, *message;
} refused[] = {
	{ "", "line 1, column 1: expected a value, found the end of the text" },
	{ " \n\t", "line 2, column 2: expected a value, found the end of the text" },
	{ "\xef\xbb\xbf{}", "line 1, column 1: a byte order mark is not allowed" },
	{ "{} x", "line 1, column 4: expected the end of the text, found 'x'" },
	{ "1 2", "line 1, column 3: expected the end of the text, found '2'" },
	{ "[1,]", "line 1, column 4: expected a value, found ']'" },
	{ "[,1]", "line 1, column 2: expected a value, found ','" },
	{ "[1 2]", "line 1, column 4: expected ',' or ']' after an element, found '2'" },
	{ "[1}", "line 1, column 3: expected ',' or ']' after an element, found '}'" },
	{ "[1", "line 1, column 3: expected ',' or ']' after an element, found the end of the text" },
	{ "{\n  \"a\": 1,\n}", "line 3, column 1: expected a key in double quotes, found '}'" },
	{ "{a:1}", "line 1, column 2: expected a key in double quotes, found 'a'" },
	{ "{'a':1}", "line 1, column 2: expected a key in double quotes, found '''" },
	{ "{1:1}", "line 1, column 2: expected a key in double quotes, found '1'" },
	{ "{\"a\" 1}", "line 1, column 6: expected ':' after a key, found '1'" },
	{ "{\"a\":}", "line 1, column 6: expected a value, found '}'" },
	{ "{\"a\":1 \"b\":2}", "line 1, column 8: expected ',' or '}' after a member, found '\"'" },
	{ "{\"a\":1,\n \"b\":2,\n \"a\":3}",
	  "line 3, column 2: the key \"a\" stands twice in one object" },
	{ "{\"a\":1,\"\\u0061\":2}", "line 1, column 8: the key \"a\" stands twice in one object" },
	{ "{\"a\":{\"\":1,\"\":2}}", "line 1, column 12: the key \"\" stands twice in one object" },
	{ "// no\n1", "line 1, column 1: expected a value, found '/'" },
	{ "[1,/*no*/2]", "line 1, column 4: expected a value, found '/'" },
	{ "True", "line 1, column 1: expected a value, found 'T'" },
	{ "nul", "line 1, column 1: expected a value, found 'n'" },
	{ "truex", "line 1, column 5: expected the end of the text, found 'x'" },
	{ "NaN", "line 1, column 1: expected a value, found 'N'" },
	{ "-Infinity", "line 1, column 2: expected a digit, found 'I'" },
	{ "01", "line 1, column 1: a number must not begin with 0" },
	{ "-01", "line 1, column 2: a number must not begin with 0" },
	{ "+1", "line 1, column 1: expected a value, found '+'" },
	{ "-", "line 1, column 2: expected a digit, found the end of the text" },
	{ ".5", "line 1, column 1: expected a value, found '.'" },
	{ "1.", "line 1, column 3: expected a digit after the decimal point, found the end of the text" },
	{ "[1.e5]", "line 1, column 4: expected a digit after the decimal point, found 'e'" },
	{ "1e", "line 1, column 3: expected a digit of the exponent, found the end of the text" },
	{ "1e+]", "line 1, column 4: expected a digit of the exponent, found ']'" },
	{ "0x10", "line 1, column 2: expected the end of the text, found 'x'" },
	{ "1\v", "line 1, column 2: expected the end of the text, found the byte 0x0b" },
	{ "\xc2\xa0"
	  "1",
	  "line 1, column 1: expected a value, found the byte 0xc2" },
	{ "[\"abc", "line 1, column 2: the string that begins here has no end" },
	{ "\"a\\\"", "line 1, column 1: the string that begins here has no end" },
	{ "\"a\nb\"",
	  "line 1, column 3: the control character 0x0a in a string must be written as \\u000a" },
	{ "\"a\tb\"",
	  "line 1, column 3: the control character 0x09 in a string must be written as \\u0009" },
	{ "\"\\x41\"",
	  "line 1, column 3: expected one of \" \\ / b f n r t u after a backslash, found 'x'" },
	{ "\"\\",
	  "line 1, column 3: expected one of \" \\ / b f n r t u after a backslash, found the end" },
	{ "\"\\u12g4\"", "line 1, column 6: expected a hexadecimal digit after \\u, found 'g'" },
	{ "\"\\u12",
	  "line 1, column 6: expected a hexadecimal digit after \\u, found the end of the text" },
	{ "\"\\u0000\"", "line 1, column 2: \\u0000 is not allowed" },
	{ "\"a\\ud800\"", "line 1, column 3: the first half of a surrogate pair without the second" },
	{ "\"\\ud800\\n\"", "line 1, column 2: the first half of a surrogate pair without the second" },
	{ "\"\\ud800\\ud800\"",
	  "line 1, column 2: the first half of a surrogate pair without the second" },
	{ "\"\\ud83d\\u0041\"",
	  "line 1, column 2: the first half of a surrogate pair without the second" },
	{ "\"\\udc00\"", "line 1, column 2: the second half of a surrogate pair without the first" },
	{ "\"\x80\"", "line 1, column 2: the byte 0x80 is not valid UTF-8 here" },
	{ "\"\xc0\xaf\"", "line 1, column 2: the byte 0xc0 is not valid UTF-8 here" },
	{ "\"\xc3\"", "line 1, column 2: the byte 0xc3 is not valid UTF-8 here" },
	{ "\"\xe0\x80\xaf\"", "line 1, column 2: the byte 0xe0 is not valid UTF-8 here" },
	{ "\"\xe2\x82\"", "line 1, column 2: the byte 0xe2 is not valid UTF-8 here" },
	{ "\"\xed\xa0\x80\"", "line 1, column 2: the byte 0xed is not valid UTF-8 here" },
	{ "\"\xf0\x80\x80\x80\"", "line 1, column 2: the byte 0xf0 is not valid UTF-8 here" },
	{ "\"\xf4\x90\x80\x80\"", "line 1, column 2: the byte 0xf4 is not valid UTF-8 here" },
	{ "\"\xf8\x88\x80\x80\x80\"", "line 1, column 2: the byte 0xf8 is not valid UTF-8 here" },
	{ "\"ok\xff\"", "line 1, column 4: the byte 0xff is not valid UTF-8 here" },
	{ "\"\xf0\x9f\x98", "line 1, column 2: the byte 0xf0 is not valid UTF-8 here" },
};

static void malformed_text_is_refused_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const JsonValue *v = NULL;
		Err e = { 0 };
		if (parse(&a, refused[i].text, &v, &e) >= 0)
			fail_msg("accepted: %s", refused[i].text);
		if (!str_starts(e.msg, refused[i].message))
			fail_msg("for %s: %s, not: %s", refused[i].text, e.msg, refused[i].message);
		assert_int_equal(e.kind, ERR_SPEC);
		assert_null(v);
	}
}

static void nul_bytes_are_refused(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const JsonValue *v;
	Err e = { 0 };
	assert_true(json_parse("\"a\0b\"", 5, &a, &v, &e) < 0);
	assert_non_null(strstr(e.msg, "control character 0x00"));
	assert_true(json_parse("{}\0", 3, &a, &v, &e) < 0);
	assert_string_equal(e.msg,
			    "line 1, column 3: expected the end of the text, found the byte 0x00");
	assert_true(json_parse("\0", 1, &a, &v, &e) < 0);
	assert_true(json_parse("[1]", 2, &a, &v, &e) < 0); /* what lies behind len is not read */
}

static void nesting_has_a_limit(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char text[2 * (LIMIT_JSON_DEPTH + 1)];
	const JsonValue *v;
	Err e = { 0 };
	for (unsigned depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		int r = json_parse(text, (size_t)2 * depth, &a, &v, &e);
		assert_int_equal(r<0, depth> LIMIT_JSON_DEPTH);
	}
	assert_string_equal(e.msg, "line 1, column 65: nested deeper than 64 arrays and objects");
}

static char *object_of_keys(Arena *a, unsigned count, unsigned twice)
{
	size_t room = (size_t)count * 20 + 32, len = 0;
	char *text = arena_alloc(a, room);
	for (unsigned i = 0; i < count; i++)
		len += (size_t)str_format(text + len, room - len, "%c\"k%u\":%u", i ? ',' : '{', i, i);
	if (twice)
		len += (size_t)str_format(text + len, room - len, ",\"k%u\":0", twice);
	(void)str_format(text + len, room - len, "}");
	return text;
}

static void many_keys_are_found_and_checked(void **state)
{
	(void)state;
	static const unsigned counts[] = { 1, 7, 8, 9, 10, 100000 };
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const JsonValue *v;
		uint64_t n;
		char key[16];
		Err e = { 0 };
		assert_int_equal(parse(&a, object_of_keys(&a, counts[i], 0), &v, &e), 0);
		assert_int_equal(v->count, counts[i]);
		for (unsigned k = 0; k < counts[i]; k++) {
			(void)str_format(key, sizeof key, "k%u", k);
			assert_int_equal(json_get_u64(json_member(v, key), UINT64_MAX, &n, &e), 0);
			assert_int_equal(n, k);
		}
		assert_null(json_member(v, "k"));
		assert_null(json_member(v, "k100000"));
		if (counts[i] > 1) {
			assert_true(parse(&a, object_of_keys(&a, counts[i], counts[i] / 2), &v, &e) < 0);
			assert_non_null(strstr(e.msg, "stands twice in one object"));
		}
	}
}

/* ---- what is read ---- */

static void strings_are_decoded(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{ "\"\"", "" },
		{ "\"plain\"", "plain" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20AC\\u20ac\"", "A\xc3\xa9\xe2\x82\xac\xe2\x82\xac" },
		{ "\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!" },
		{ "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		{ "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
		  "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		{ "\"a\\u0020\xc3\xa9\\n\x7f\"", "a \xc3\xa9\n\x7f" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const JsonValue *v;
		const char *s;
		Err e = { 0 };
		if (parse(&a, cases[i].text, &v, &e) < 0 || json_get_string(v, &s, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.msg);
		assert_string_equal(s, cases[i].value);
	}
}

static void structure_and_lines_are_kept(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const JsonValue *v;
	Err e = { 0 };
	assert_int_equal(parse(&a, " {\"z\" : [ ] ,\r\n\"a\":\n[1 , {} ,\n\nnull],\"s\":\"\\n\"}\n",
			       &v, &e),
			 0);
	assert_int_equal(v->type, JSON_OBJECT);
	assert_int_equal(v->count, 3);
	const JsonValue *z = v->as.list.first, *list = z->next;
	assert_string_equal(z->key, "z");
	assert_int_equal(z->count, 0);
	assert_null(z->as.list.first);
	assert_string_equal(list->key, "a");
	assert_int_equal(list->line, 3);
	assert_int_equal(list->count, 3);
	assert_int_equal(list->as.list.first->next->next->line, 5);
	assert_int_equal(json_member(v, "s")->line, 5);
	assert_ptr_equal(json_member(v, "a"), list);
	assert_null(json_member(list, "a"));
	assert_null(json_member(NULL, "a"));
}

/* ---- getters ---- */

static void whole_numbers_are_exact(void **state)
{
	static const struct {
		const char *text;
		bool is_u64, is_i64;
		uint64_t u;
		int64_t i;
	} cases[] = {
		{ "0", true, true, 0, 0 },
		{ "-0", true, true, 0, 0 },
		{ "9007199254740993", true, true, 9007199254740993, 9007199254740993 },
		{ "9223372036854775807", true, true, INT64_MAX, INT64_MAX },
		{ "9223372036854775808", true, false, (uint64_t)INT64_MAX + 1, 0 },
		{ "18446744073709551615", true, false, UINT64_MAX, 0 },
		{ "18446744073709551616", false, false, 0, 0 },
		{ "184467440737095516150", false, false, 0, 0 },
		{ "36893488147419103233", false, false, 0, 0 }, /* 2^65 + 1 */
		{ "-1", false, true, 0, -1 },
		{ "-9223372036854775808", false, true, 0, INT64_MIN },
		{ "-9223372036854775809", false, false, 0, 0 },
		{ "-18446744073709551616", false, false, 0, 0 },
		{ "1.0", false, false, 0, 0 },
		{ "1e3", false, false, 0, 0 },
		{ "0.0", false, false, 0, 0 },
		{ "1E0", false, false, 0, 0 },
		{ "\"1\"", false, false, 0, 0 },
		{ "true", false, false, 0, 0 },
		{ "null", false, false, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const JsonValue *v;
		uint64_t u = 42;
		int64_t n = 42;
		assert_int_equal(parse(&a, cases[i].text, &v, NULL), 0);
		assert_int_equal(json_get_u64(v, UINT64_MAX, &u, NULL) == 0, cases[i].is_u64);
		assert_int_equal(json_get_i64(v, INT64_MIN, INT64_MAX, &n, NULL) == 0, cases[i].is_i64);
		assert_true(u == (cases[i].is_u64 ? cases[i].u : 42));
		assert_true(n == (cases[i].is_i64 ? cases[i].i : 42));
	}
}

static void numbers_can_be_had_as_written(void **state)
{
	static const char *const numbers[] = {
		"0", "7", "-1", "18446744073709551615", "-18446744073709551616", "1.50", "-2E+3", "184467440737095516150"
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const JsonValue *v;
		const char *text = NULL;
		assert_int_equal(parse(&a, numbers[i], &v, NULL), 0);
		assert_int_equal(json_get_number_text(v, &a, &text, NULL), 0);
		assert_string_equal(text, numbers[i]);
	}
}

static void getters_say_what_is_wrong(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const JsonValue *v;
	bool b;
	uint64_t u;
	int64_t n;
	const char *s;
	Err e = { 0 };
	assert_int_equal(parse(&a, "{\"n\":\n7,\"s\":\"x\",\"r\":1.5,\"t\":true,\"l\":[]}", &v, &e), 0);
	assert_true(json_get_u64(json_member(v, "gone"), 1, &u, &e) < 0);
	assert_string_equal(e.msg, "is missing");
	assert_int_equal(e.kind, ERR_SPEC);
	assert_true(json_get_u64(json_member(v, "n"), 6, &u, &e) < 0);
	assert_string_equal(e.msg, "must be from 0 to 6 (line 2)");
	assert_true(json_get_i64(json_member(v, "n"), 8, 9, &n, &e) < 0);
	assert_string_equal(e.msg, "must be from 8 to 9 (line 2)");
	assert_true(json_get_u64(json_member(v, "r"), 6, &u, &e) < 0);
	assert_string_equal(e.msg,
			    "must be a whole number, written without a fraction or an exponent (line 2)");
	assert_true(json_get_u64(json_member(v, "s"), 6, &u, &e) < 0);
	assert_string_equal(e.msg, "must be a whole number, not a string (line 2)");
	assert_true(json_get_bool(json_member(v, "n"), &b, &e) < 0);
	assert_string_equal(e.msg, "must be true or false, not a number (line 2)");
	assert_true(json_get_string(json_member(v, "t"), &s, &e) < 0);
	assert_string_equal(e.msg, "must be a string, not a boolean (line 2)");
	assert_true(json_expect_array(v, &e) < 0);
	assert_string_equal(e.msg, "must be an array, not an object (line 1)");
	assert_true(json_expect_object(json_member(v, "l"), &e) < 0);
	assert_string_equal(e.msg, "must be an object, not an array (line 2)");
	assert_int_equal(json_get_bool(json_member(v, "t"), &b, &e), 0);
	assert_true(b);
}

/* ---- json-c as the oracle ---- */

typedef struct Text {
	char bytes[1 << 16];
	size_t len;
} Text;

static uint64_t random_state;

static unsigned random_below(unsigned n)
{
	random_state ^= random_state << 13; /* xorshift64: the same documents in every run */
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 32) % n;
}

static void add(Text *t, const char *s)
{
	size_t n = strlen(s);
	if (t->len + n < sizeof t->bytes) {
		memcpy(t->bytes + t->len, s, n);
		t->len += n;
	}
}

static void add_space(Text *t)
{
	static const char *const spaces[] = { "", "", "", " ", "\n", "\t", "\r\n  " };
	add(t, spaces[random_below(ARRAY_LEN(spaces))]);
}

static void add_string(Text *t)
{
	static const char *const pieces[] = {
		"a",
		"Zz",
		" ",
		"\\n",
		"\\\"",
		"\\\\",
		"\\/",
		"\\t",
		"\\b",
		"\\u00e9",
		"\xc3\xa9",
		"\\u20ac",
		"\xe2\x82\xac",
		"\\u0001",
		"\\ud83d\\ude00",
		"\xf0\x9f\x98\x80",
		"/",
		"{",
		"]",
		"\\f\\r",
	};
	char unique[24];
	add(t, "\"");
	for (unsigned n = random_below(6); n > 0; n--)
		add(t, pieces[random_below(ARRAY_LEN(pieces))]);
	(void)str_format(unique, sizeof unique, "%x\"", (unsigned)random_state); /* no key twice */
	add(t, unique);
}

static void add_number(Text *t)
{
	static const char *const reals[] = { "1.5", "-0.25", "1e3", "2E-2", "-1.0e+1", "0.0" };
	char digits[32];
	unsigned kind = random_below(4);
	if (kind == 0)
		(void)str_format(digits, sizeof digits, "%u", random_below(1000));
	else if (kind == 1)
		(void)str_format(digits, sizeof digits, "%lld", (long long)random_state);
	else if (kind == 2)
		(void)str_format(digits, sizeof digits, "%llu", (unsigned long long)random_state);
	else
		(void)str_format(digits, sizeof digits, "%s", reals[random_below(ARRAY_LEN(reals))]);
	add(t, digits);
}

static void add_value(Text *t, unsigned depth)
{
	static const char *const words[] = { "true", "false", "null" };
	unsigned kind = depth == 0 ? 3 + random_below(3) : random_below(depth < 5 ? 6 : 3);
	add_space(t);
	if (kind == 0) {
		add(t, words[random_below(3)]);
	} else if (kind == 1) {
		add_number(t);
	} else if (kind == 2) {
		add_string(t);
	} else {
		bool object = kind > 3;
		add(t, object ? "{" : "[");
		for (unsigned i = 0, n = random_below(depth ? 6 : 14); i < n; i++) {
			add_space(t);
			if (i > 0)
				add(t, ",");
			add_space(t);
			if (object) {
				add_string(t);
				add_space(t);
				add(t, ":");
			}
			add_value(t, depth + 1);
		}
		add_space(t);
		add(t, object ? "}" : "]");
	}
	add_space(t);
}

static bool same(const JsonValue *ours, json_object *theirs);

static bool same_number(const JsonValue *ours, json_object *theirs)
{
	if (json_object_is_type(theirs, json_type_double))
		return ours->number == JSON_NUMBER_REAL;
	if (ours->number == JSON_NUMBER_HUGE) /* json-c saturates */
		return ours->negative ? json_object_get_int64(theirs) == INT64_MIN
				      : json_object_get_uint64(theirs) == UINT64_MAX;
	if (ours->negative) {
		int64_t n;
		return json_get_i64(ours, INT64_MIN, INT64_MAX, &n, NULL) == 0
			       ? json_object_get_int64(theirs) == n
			       : json_object_get_int64(theirs) == INT64_MIN;
	}
	return ours->number == JSON_NUMBER_WHOLE && json_object_get_uint64(theirs) == ours->as.magnitude;
}

static bool same_list(const JsonValue *ours, json_object *theirs)
{
	size_t i = 0;
	if (ours->count != json_object_array_length(theirs))
		return false;
	for (const JsonValue *v = ours->as.list.first; v; v = v->next)
		if (!same(v, json_object_array_get_idx(theirs, i++)))
			return false;
	return i == ours->count;
}

static bool same_object(const JsonValue *ours, json_object *theirs)
{
	json_object *member;
	size_t n = 0;
	if ((int)ours->count != json_object_object_length(theirs))
		return false;
	for (const JsonValue *v = ours->as.list.first; v; v = v->next, n++)
		if (!json_object_object_get_ex(theirs, v->key, &member) || !same(v, member) ||
		    json_member(ours, v->key) != v)
			return false;
	return n == ours->count;
}

static bool same(const JsonValue *ours, json_object *theirs)
{
	switch (ours->type) {
	case JSON_NULL: return theirs == NULL;
	case JSON_BOOL:
		return json_object_is_type(theirs, json_type_boolean) &&
		       json_object_get_boolean(theirs) == (json_bool)ours->as.boolean;
	case JSON_NUMBER:
		return (json_object_is_type(theirs, json_type_int) ||
			json_object_is_type(theirs, json_type_double)) &&
		       same_number(ours, theirs);
	case JSON_STRING:
		return json_object_is_type(theirs, json_type_string) &&
		       strcmp(json_object_get_string(theirs), ours->as.string) == 0;
	case JSON_ARRAY:
		return json_object_is_type(theirs, json_type_array) && same_list(ours, theirs);
	default: return json_object_is_type(theirs, json_type_object) && same_object(ours, theirs);
	}
}

/* What json-c makes of the text; false when it refuses it. */
static bool oracle(const Text *t, json_object **ret)
{
	json_tokener *tok = json_tokener_new_ex(100);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*ret = json_tokener_parse_ex(tok, t->bytes, (int)t->len + 1); /* with the NUL, which ends a bare number */
	bool accepted = json_tokener_get_error(tok) == json_tokener_success &&
			json_tokener_get_parse_end(tok) == t->len;
	json_tokener_free(tok);
	return accepted;
}

static void documents_mean_what_json_c_reads(void **state)
{
	(void)state;
	static Text t;
	unsigned documents = 0;
	random_state = 0x9e3779b97f4a7c15;
	for (int i = 0; i < 2000; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const JsonValue *v;
		json_object *theirs;
		Err e = { 0 };
		memset(&t, 0, sizeof t);
		add_value(&t, 0);
		if (t.len > sizeof t.bytes - 64)
			continue; /* did not fit */
		if (json_parse(t.bytes, t.len, &a, &v, &e) < 0)
			fail_msg("%s\nin: %s", e.msg, t.bytes);
		assert_true(oracle(&t, &theirs));
		if (!same(v, theirs))
			fail_msg("read differently: %s", t.bytes);
		documents++;
		json_object_put(theirs);
	}
	assert_true(documents > 1500);
}

static void what_we_accept_of_damaged_text_json_c_accepts_too(void **state)
{
	(void)state;
	static const char bytes[] = "{}[]\",:0123456789eE+-.\\ untrfalse/\n\x01\x80\xc3\xff";
	static Text t;
	unsigned accepted = 0, refused_count = 0;
	random_state = 0x123456789abcdef1;
	for (int i = 0; i < 20000; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const JsonValue *v;
		json_object *theirs;
		memset(&t, 0, sizeof t);
		add_value(&t, 4);
		if (t.len == 0 || t.len > 4096)
			continue;
		for (unsigned n = 1 + random_below(2); n > 0; n--)
			t.bytes[random_below((unsigned)t.len)] = bytes[random_below(sizeof bytes - 1)];
		if (strstr(t.bytes, "\\ud836") || strstr(t.bytes, "\\ud837"))
			continue; /* json-c 0.16 takes U+1D800 to U+1DFFF for halves of pairs */
		if (json_parse(t.bytes, t.len, &a, &v, NULL) < 0) {
			refused_count++;
			continue;
		}
		accepted++;
		bool ok = oracle(&t, &theirs) && same(v, theirs);
		if (!ok)
			fail_msg("accepted, or read differently from json-c: %s", t.bytes);
		json_object_put(theirs);
	}
	assert_true(accepted > 1000 && refused_count > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_text_is_refused_with_its_place),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(many_keys_are_found_and_checked),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(structure_and_lines_are_kept),
		cmocka_unit_test(whole_numbers_are_exact),
		cmocka_unit_test(numbers_can_be_had_as_written),
		cmocka_unit_test(getters_say_what_is_wrong),
		cmocka_unit_test(documents_mean_what_json_c_reads),
		cmocka_unit_test(what_we_accept_of_damaged_text_json_c_accepts_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
