#include "unit.h"

#include <string.h>

#include "base/arena.h"
#include "fmt/json.h"
#include "fmt/json_write.h"

static void write_sample(JsonWriter *w)
{
	json_write_object(w, NULL);
	json_write_string(w, "id", "a\"b\\c");
	json_write_array(w, "ports");
	json_write_u64(w, NULL, 80);
	json_write_object(w, NULL);
	json_write_end(w);
	json_write_array(w, NULL);
	json_write_end(w);
	json_write_end(w);
	json_write_object(w, "limits");
	json_write_u64(w, "max", UINT64_MAX);
	json_write_i64(w, "min", INT64_MIN);
	json_write_end(w);
	json_write_bool(w, "on", true);
	json_write_bool(w, "off", false);
	json_write_null(w, "none");
	json_write_string(w, "nothing", NULL);
	json_write_end(w);
}

static void compact_text_has_no_spaces(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	JsonWriter w = json_writer(&a, false);
	size_t len;
	write_sample(&w);
	const char *text = json_write_done(&w, &len);
	assert_string_equal(text, "{\"id\":\"a\\\"b\\\\c\",\"ports\":[80,{},[]],"
				  "\"limits\":{\"max\":18446744073709551615,\"min\":-9223372036854775808},"
				  "\"on\":true,\"off\":false,\"none\":null,\"nothing\":null}");
	assert_int_equal(len, strlen(text));
}

static void indented_text_is_for_people(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	JsonWriter w = json_writer(&a, true);
	write_sample(&w);
	assert_string_equal(json_write_done(&w, NULL), "{\n"
						       "  \"id\": \"a\\\"b\\\\c\",\n"
						       "  \"ports\": [\n"
						       "    80,\n"
						       "    {},\n"
						       "    []\n"
						       "  ],\n"
						       "  \"limits\": {\n"
						       "    \"max\": 18446744073709551615,\n"
						       "    \"min\": -9223372036854775808\n"
						       "  },\n"
						       "  \"on\": true,\n"
						       "  \"off\": false,\n"
						       "  \"none\": null,\n"
						       "  \"nothing\": null\n"
						       "}\n");
}

static void strings_are_escaped_as_json_wants(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	JsonWriter w = json_writer(&a, false);
	json_write_array(&w, NULL);
	json_write_string(&w, NULL, "\b\f\n\r\t\x01\x1f\x7f/<>&'\xc3\xa9\xf0\x9f\x98\x80");
	json_write_string(&w, NULL, "bad \xff\xc3 \xed\xa0\x80.");
	json_write_string(&w, NULL, "");
	json_write_end(&w);
	assert_string_equal(json_write_done(&w, NULL),
			    "[\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/<>&'\xc3\xa9\xf0\x9f\x98\x80\","
			    "\"bad \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.\",\"\"]");
}

static void every_string_comes_back(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char all[300], big[5000];
	size_t len, n = 0;
	const JsonValue *v;
	const char *s;
	for (int c = 1; c < 0x80; c++)
		all[n++] = (char)c;
	for (unsigned c = 0x80; c < 0xc0; c++) {
		all[n++] = '\xc3';
		all[n++] = (char)c;
	}
	all[n] = '\0';
	memset(big, '"', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	JsonWriter w = json_writer(&a, true);
	json_write_object(&w, NULL);
	json_write_string(&w, all, big);
	json_write_string(&w, "all", all);
	json_write_end(&w);
	const char *text = json_write_done(&w, &len);
	assert_int_equal(json_parse(text, len, &a, &v, NULL), 0);
	assert_int_equal(json_get_string(json_member(v, all), &s, NULL), 0);
	assert_string_equal(s, big);
	assert_int_equal(json_get_string(json_member(v, "all"), &s, NULL), 0);
	assert_string_equal(s, all);
}

static void hundredths_have_two_digits(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	JsonWriter w = json_writer(&a, false);
	const uint64_t numbers[] = { 0, 5, 50, 125, UINT64_MAX };
	size_t len;
	json_write_array(&w, NULL);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_write_hundredths(&w, NULL, numbers[i]);
	json_write_end(&w);
	assert_string_equal(json_write_done(&w, &len), "[0.00,0.05,0.50,1.25,184467440737095516.15]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compact_text_has_no_spaces),
		cmocka_unit_test(indented_text_is_for_people),
		cmocka_unit_test(strings_are_escaped_as_json_wants),
		cmocka_unit_test(every_string_comes_back),
		cmocka_unit_test(hundredths_have_two_digits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
