/* Any text: the reader fails with a message, or what it has read can be written and read again to the same tree. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "fmt/json.h"
#include "fmt/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes v; a number that no getter gives becomes a string that says so. */
static void write_value(JsonWriter *w, const JsonValue *v)
{
	uint64_t u;
	int64_t i;
	const char *s;
	bool b;
	switch (v->type) {
	case JSON_NULL: json_write_null(w, v->key); return;
	case JSON_BOOL:
		assert(json_get_bool(v, &b, NULL) == 0);
		json_write_bool(w, v->key, b);
		return;
	case JSON_STRING:
		assert(json_get_string(v, &s, NULL) == 0);
		json_write_string(w, v->key, s);
		return;
	case JSON_NUMBER:
		if (json_get_u64(v, UINT64_MAX, &u, NULL) == 0)
			json_write_u64(w, v->key, u);
		else if (json_get_i64(v, INT64_MIN, INT64_MAX, &i, NULL) == 0)
			json_write_i64(w, v->key, i);
		else
			json_write_string(w, v->key, "(a number)");
		return;
	default: break;
	}
	if (v->type == JSON_OBJECT)
		json_write_object(w, v->key);
	else
		json_write_array(w, v->key);
	for (const JsonValue *item = v->as.list.first; item; item = item->next) {
		assert(v->type == JSON_ARRAY || json_member(v, item->key) == item);
		write_value(w, item);
	}
	json_write_end(w);
}

static const char *write_text(Arena *a, const JsonValue *v, bool indent, size_t *ret_len)
{
	JsonWriter w = json_writer(a, indent);
	write_value(&w, v);
	return json_write_done(&w, ret_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena a = ARENA_EMPTY;
	const JsonValue *v, *again;
	Err e = { 0 };
	size_t len, len_again;
	int r = json_parse((const char *)data, size, &a, &v, &e);
	if (r < 0) {
		assert(e.kind == ERR_SPEC && strstr(e.msg, "line ") == e.msg);
	} else {
		const char *text = write_text(&a, v, true, &len);
		assert(json_parse(text, len, &a, &again, NULL) == 0);
		text = write_text(&a, v, false, &len);
		const char *text_again = write_text(&a, again, false, &len_again);
		assert(len == len_again && memcmp(text, text_again, len) == 0);
	}
	arena_done(&a);
	return 0;
}
