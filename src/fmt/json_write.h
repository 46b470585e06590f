/* json_write.h - JSON text, written piece by piece into an arena.                            (fmt/, may include base)
 *
 * Use:       JsonWriter w = json_writer(&arena, true);
 *            json_write_object(&w, NULL);
 *            json_write_string(&w, "id", id);
 *            json_write_array(&w, "ports"); json_write_u64(&w, NULL, 80); json_write_end(&w);
 *            json_write_end(&w);
 *            puts(json_write_done(&w, NULL));
 * Keys:      key is the member's name in an object and NULL in an array and for the outermost value. Using it wrongly, or more than
 *            LIMIT_JSON_DEPTH levels, aborts: the shape of what is written is a property of the code.
 * Strings:   UTF-8; what is not becomes U+FFFD byte by byte. Escaped are '"', '\' and control characters, nothing else: this is not for HTML.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"

typedef struct JsonWriter {
	Arena *arena;
	char *text;
	size_t len, room;
	bool indent; /* two spaces for each level and a newline at the end; else all in one line without spaces */
	unsigned depth;
	struct {
		char close; /* '}' or ']' */
		bool has_items;
	} levels[LIMIT_JSON_DEPTH];
} JsonWriter;

JsonWriter json_writer(Arena *a, bool indent);

void json_write_object(JsonWriter *w, const char *key); /* opens one; json_write_end() closes it */
void json_write_array(JsonWriter *w, const char *key);
void json_write_end(JsonWriter *w);

void json_write_string(JsonWriter *w, const char *key, const char *s); /* NULL writes null */
void json_write_u64(JsonWriter *w, const char *key, uint64_t n);
void json_write_i64(JsonWriter *w, const char *key, int64_t n);
void json_write_hundredths(JsonWriter *w, const char *key, uint64_t n); /* 125 as 1.25 */
void json_write_bool(JsonWriter *w, const char *key, bool b);
void json_write_null(JsonWriter *w, const char *key);

/* The NUL-terminated text; everything must have been closed. ret_len may be NULL. */
const char *json_write_done(JsonWriter *w, size_t *ret_len);
