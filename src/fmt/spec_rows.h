/* spec_rows.h - tables that decode JSON objects into structures.                  (fmt/, private to spec_decode*.c and seccomp_file.c)
 *
 * A table lists every key of one object that the specification knows. A row without support (SPEC_NOT_YET) refuses its key by name unless
 * the value asks for nothing; so to support a key, replace its row. Keys that no row has are ignored, as config.md
 * ("Extensibility") demands; null is no value of any type here, as in the specification's schema.
 * Errors:    a decoder leaves its path behind when it fails, and spec_name_key() puts it in front of the message, once.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fmt/json.h"
#include "fmt/spec.h"

typedef struct SpecDecoder {
	Arena *arena;
	Err *e;
	struct {
		const char *key; /* NULL: an element of an array */
		size_t index;
	} path[16]; /* the deepest known one: linux.seccomp.syscalls[1].args[2].index */
	unsigned depth;
	bool null_is_absent; /* a member that is null counts as not given: files that Go writes and reads */
} SpecDecoder;

typedef struct SpecRow SpecRow;

/* Decodes v, which is present, into the structure at base. */
typedef int (*SpecDecodeFn)(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);

/* SpecRow.flags */
enum {
	SPEC_REQUIRED = 1 << 0,
	SPEC_ZERO_IS_UNSET = 1 << 1, /* of a limit: 0 asks for nothing, as it does of runc and docker */
};

/* SpecRow.nothing: values that ask for nothing */
enum {
	SPEC_FALSE = 1 << 0,
	SPEC_ZERO = 1 << 1,
	SPEC_MINUS_1 = 1 << 2,
	SPEC_EMPTY_STRING = 1 << 3,
	SPEC_EMPTY_ARRAY = 1 << 4,
	SPEC_EMPTY_OBJECT = 1 << 5,
};

struct SpecRow {
	const char *key; /* NULL ends a table */
	SpecDecodeFn decode;
	size_t offset; /* of the field in base */
	unsigned flags, nothing;
	int64_t min;
	uint64_t max;
	const SpecRow *rows; /* of a nested object */
};

/* clang-format off */
/* offsetof() that does not compile when the field has another type. */
#define SPEC_FIELD(T, field, type) (offsetof(T, field) + 0 * sizeof(_Generic(((T *)0)->field, type: 0)))

#define SPEC_ROWS_END { .key = NULL }
#define SPEC_ROW(name, fn, ...) { .key = (name), .decode = (fn), __VA_ARGS__ }
#define SPEC_BOOL(name, T, field, ...) \
	SPEC_ROW(name, spec_row_bool, .offset = SPEC_FIELD(T, field, bool), __VA_ARGS__)
#define SPEC_U32(name, T, field, most, ...) \
	SPEC_ROW(name, spec_row_u32, .offset = SPEC_FIELD(T, field, uint32_t), .max = (most), __VA_ARGS__)
#define SPEC_U64(name, T, field, ...) \
	SPEC_ROW(name, spec_row_u64, .offset = SPEC_FIELD(T, field, uint64_t), .max = UINT64_MAX, __VA_ARGS__)
#define SPEC_I64(name, T, field, least, ...) \
	SPEC_ROW(name, spec_row_i64, .offset = SPEC_FIELD(T, field, int64_t), .min = (least), .max = INT64_MAX, __VA_ARGS__)
#define SPEC_TEXT(name, T, field, ...) \
	SPEC_ROW(name, spec_row_text, .offset = SPEC_FIELD(T, field, const char *), __VA_ARGS__)
#define SPEC_PATH(name, T, field, ...) \
	SPEC_ROW(name, spec_row_path, .offset = SPEC_FIELD(T, field, const char *), __VA_ARGS__)
#define SPEC_STRINGS(name, T, field, ...) \
	SPEC_ROW(name, spec_row_strings, .offset = SPEC_FIELD(T, field, StrList), __VA_ARGS__)
#define SPEC_PATHS(name, T, field, ...) \
	SPEC_ROW(name, spec_row_paths, .offset = SPEC_FIELD(T, field, StrList), __VA_ARGS__)
#define SPEC_OBJECT(name, at, table, ...) \
	SPEC_ROW(name, spec_row_object, .offset = (at), .rows = (table), __VA_ARGS__)
#define SPEC_NOT_YET(name, values) SPEC_ROW(name, spec_row_not_yet, .nothing = (values))
/* clang-format on */

/* What the macros above name. A text of no characters is "not given" (NULL), or an error for a required key. A path must be absolute. */
int spec_row_bool(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_u32(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_u64(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_i64(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_text(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_path(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_strings(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_paths(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_object(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_row_not_yet(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);

/* Decodes the object v by the table into base. */
int spec_decode_object(SpecDecoder *d, const JsonValue *v, const SpecRow *rows, void *base);

/* Decodes an array of objects into a new array of structures of that size; max 0: no limit. init (may be NULL) is copied into each first.
 * check (may be NULL) sees each when it is decoded; item is its place in the array. */
typedef struct SpecList {
	const SpecRow *rows;
	size_t size, max;
	const void *init;
	int (*check)(SpecDecoder *d, const JsonValue *v, void *item, size_t index);
} SpecList;
int spec_decode_objects(SpecDecoder *d, const JsonValue *v, const SpecList *list, void *ret_items,
			size_t *ret_count);

/* Steps into a member (key) or an element (key NULL) and out again; the way out is only taken on success. */
void spec_enter(SpecDecoder *d, const char *key, size_t index);
void spec_leave(SpecDecoder *d);

/* Fails with a sentence without subject ("must be ..."), to which the line of v is added. */
int spec_fail(SpecDecoder *d, const JsonValue *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An array of id maps: "uidMappings" and "gidMappings", of linux and of a mount. */
int spec_decode_id_maps(SpecDecoder *d, const JsonValue *v, SpecIdMap **ret, size_t *ret_count);

/* The sections, each with its tables in a file of its own. */
extern const SpecRow spec_process_rows[], spec_linux_rows[], spec_resources_rows[];
int spec_decode_seccomp(SpecDecoder *d, const JsonValue *v, void *base,
			const SpecRow *row); /* base: a SpecLinux, here and below */
int spec_decode_net_devices(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_decode_intel_rdt(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);

/* spec_decode_sched.c; base: a SpecProcess, the last one's a SpecLinux. */
int spec_decode_scheduler(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_decode_io_priority(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_decode_memory_policy(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);
int spec_decode_cpu_affinity(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row);

/* What linux.seccomp and docker's profile files have in common; base: a Seccomp, a SeccompRule. */
extern const SpecRow spec_seccomp_rows[], spec_seccomp_rule_rows[];

/* After a failure: puts the decoder's path in front of the message, or `whole` when it is about all of the text. Returns r. */
int spec_name_key(const SpecDecoder *d, const char *whole, Err *e, int r);
