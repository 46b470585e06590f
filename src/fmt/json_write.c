#include "fmt/json_write.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "fmt/json.h"

JsonWriter json_writer(Arena *a, bool indent)
{
	return (JsonWriter){ .arena = a, .indent = indent };
}

static void put(JsonWriter *w, const char *bytes, size_t len)
{
	if (w->room - w->len <= len) { /* one byte stays free for the NUL */
		size_t room = 2 * (w->room + len) + 256;
		char *bigger = arena_alloc(w->arena, room);
		if (w->len > 0)
			memcpy(bigger, w->text, w->len);
		w->text = bigger;
		w->room = room;
	}
	memcpy(w->text + w->len, bytes, len);
	w->len += len;
}

static void put_text(JsonWriter *w, const char *s)
{
	put(w, s, strlen(s));
}

static void put_line(JsonWriter *w)
{
	if (!w->indent)
		return;
	put(w, "\n", 1);
	for (unsigned i = 0; i < w->depth; i++)
		put(w, "  ", 2);
}

/* The short escape of c, or NULL. */
static const char *short_escape(char c)
{
	switch (c) {
	case '"': return "\\\"";
	case '\\': return "\\\\";
	case '\b': return "\\b";
	case '\f': return "\\f";
	case '\n': return "\\n";
	case '\r': return "\\r";
	case '\t': return "\\t";
	default: return NULL;
	}
}

static void put_escaped(JsonWriter *w, const char *s)
{
	char hex[8];
	size_t left = strlen(s);
	put(w, "\"", 1);
	while (left > 0) {
		size_t n = json_utf8_length(s, left);
		const char *escape = short_escape(*s);
		if (escape) {
			put_text(w, escape);
		} else if (n == 0) {
			put_text(w, "\xef\xbf\xbd");
			n = 1;
		} else if ((unsigned char)*s < 0x20) {
			(void)str_format(hex, sizeof hex, "\\u%04x", (unsigned)*s); /* always six characters */
			put_text(w, hex);
		} else {
			put(w, s, n);
		}
		s += n;
		left -= n;
	}
	put(w, "\"", 1);
}

/* What stands before a value: the comma after the one before it, the line, the key. */
static void begin_value(JsonWriter *w, const char *key)
{
	if (w->depth == 0) {
		assert(!key && w->len == 0);
		return;
	}
	assert((w->levels[w->depth - 1].close == '}') == (key != NULL));
	if (w->levels[w->depth - 1].has_items)
		put(w, ",", 1);
	w->levels[w->depth - 1].has_items = true;
	put_line(w);
	if (key) {
		put_escaped(w, key);
		put(w, ": ", w->indent ? 2 : 1);
	}
}

static void open_level(JsonWriter *w, const char *key, const char *open, char close)
{
	begin_value(w, key);
	assert(w->depth < LIMIT_JSON_DEPTH);
	put_text(w, open);
	w->levels[w->depth].close = close;
	w->levels[w->depth].has_items = false;
	w->depth++;
}

void json_write_object(JsonWriter *w, const char *key)
{
	open_level(w, key, "{", '}');
}

void json_write_array(JsonWriter *w, const char *key)
{
	open_level(w, key, "[", ']');
}

void json_write_end(JsonWriter *w)
{
	assert(w->depth > 0);
	w->depth--;
	if (w->levels[w->depth].has_items)
		put_line(w);
	put(w, &w->levels[w->depth].close, 1);
}

static void write_word(JsonWriter *w, const char *key, const char *word)
{
	begin_value(w, key);
	put_text(w, word);
}

void json_write_string(JsonWriter *w, const char *key, const char *s)
{
	if (!s) {
		write_word(w, key, "null");
		return;
	}
	begin_value(w, key);
	put_escaped(w, s);
}

void json_write_u64(JsonWriter *w, const char *key, uint64_t n)
{
	char digits[24];
	(void)str_format(digits, sizeof digits, "%" PRIu64, n); /* at most 20 digits */
	write_word(w, key, digits);
}

void json_write_i64(JsonWriter *w, const char *key, int64_t n)
{
	char digits[24];
	(void)str_format(digits, sizeof digits, "%" PRId64, n); /* at most 19 digits and the sign */
	write_word(w, key, digits);
}

void json_write_hundredths(JsonWriter *w, const char *key, uint64_t n)
{
	char digits[24];
	(void)str_format(digits, sizeof digits, "%" PRIu64 ".%02u", n / 100, (unsigned)(n % 100)); /* it fits */
	write_word(w, key, digits);
}

void json_write_bool(JsonWriter *w, const char *key, bool b)
{
	write_word(w, key, b ? "true" : "false");
}

void json_write_null(JsonWriter *w, const char *key)
{
	write_word(w, key, "null");
}

const char *json_write_done(JsonWriter *w, size_t *ret_len)
{
	assert(w->depth == 0 && w->len > 0);
	put(w, "\n", w->indent ? 1 : 0);
	w->text[w->len] = '\0';
	if (ret_len)
		*ret_len = w->len;
	return w->text;
}
