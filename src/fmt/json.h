/* json.h - strict JSON (RFC 8259) read into a tree.                                          (fmt/, may include base)
 *
 * Input:     HOSTILE. Refused, with line and column: text that is not UTF-8, a byte order mark, a NUL raw or as \u0000, lone surrogates,
 *            a key that stands twice in one object, nesting below LIMIT_JSON_DEPTH, anything after the value. Time is O(n log n) in the
 *            text's length whatever it holds; memory at most about 25 times the text.
 * Ownership: values and strings live in the arena; the text may go away. Strings are NUL-terminated with no NUL inside.
 * Numbers:   whole ones are exact from -(2^64-1) to 2^64-1; what has a fraction or an exponent (also 1.0 and 1e3) is well-formed JSON,
 *            but can only be had as it was written. Nothing here uses floating point.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* Whether a number can be had exactly. */
enum {
	JSON_NUMBER_WHOLE,
	JSON_NUMBER_HUGE, /* whole, but its magnitude is above 2^64-1 */
	JSON_NUMBER_REAL, /* written with a fraction or an exponent */
};

typedef struct JsonValue JsonValue;
struct JsonValue {
	const JsonValue *next; /* in the array or object that this is in, in the text's order */
	const char *key;       /* of an object's member, else NULL */
	union {
		bool boolean;
		uint64_t magnitude; /* of a number that is JSON_NUMBER_WHOLE; the sign is apart */
		const char *string; /* of a string; of any other number, as it was written */
		struct {
			const JsonValue *first;
			const JsonValue **by_key; /* of an object with many members: sorted; else NULL */
		} list;
	} as;
	uint32_t count; /* elements or members */
	uint32_t line;  /* where it begins, from 1 */
	uint8_t type;   /* JSON_NULL ... */
	uint8_t number; /* JSON_NUMBER_WHOLE ... */
	bool negative;
};

/* Reads text, all of it. Errors are ERR_SPEC: "line 3, column 9: expected ',' or '}' after a member, found 'x'". Columns count
 * bytes from 1. */
int json_parse(const char *text, size_t len, Arena *a, const JsonValue **ret, Err *e);

/* The member of that name, or NULL: absent, or value is not an object (or NULL). */
const JsonValue *json_member(const JsonValue *value, const char *key);

/* Getters. They take v == NULL as "is missing", so that json_get_u64(json_member(o, "pid"), ...) is one step. Their errors (ERR_SPEC)
 * are sentences without subject ("must be a string, not a number (line 7)"): the caller, who knows the key's path, puts it in
 * front. e may be NULL. *ret is written on success only. */
int json_get_bool(const JsonValue *v, bool *ret, Err *e);
int json_get_u64(const JsonValue *v, uint64_t max, uint64_t *ret, Err *e);
int json_get_i64(const JsonValue *v, int64_t min, int64_t max, int64_t *ret, Err *e);
int json_get_string(const JsonValue *v, const char **ret, Err *e);
int json_get_number_text(const JsonValue *v, Arena *a, const char **ret,
			 Err *e); /* any number, as it was written */
int json_expect_array(const JsonValue *v, Err *e);
int json_expect_object(const JsonValue *v, Err *e);

/* The type with its article, for messages: "an object". */
const char *json_type_name(const JsonValue *v);

/* The length (1-4) of the well-formed UTF-8 sequence at s, of which left bytes may be read; 0 when there is none. RFC 3629:
 * no overlong form, no surrogate, nothing above U+10FFFF. */
size_t json_utf8_length(const char *s, size_t left);
