/* variant.h - D-Bus values in the text form of GVariant, as annotations have them.            (fmt/, may include base)
 *
 * Theory:    "uint64 5", "'text'", "['a', 'b']", "@a(ss) []", "{'k': <true>}". A number without a type is int32, or double when it has a
 *            point; an array is of the type of its first element; what is empty needs a type before it.
 * Input:     from config.json, HOSTILE: depth is limited here, length by the document it comes from.
 * Ownership: everything lives in the arena.
 * Source:    "GVariant Text Format" of GLib, "Type System" of the D-Bus specification.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define VARIANT_DEPTH 16

typedef struct Variant {
	const char *signature; /* whole: "u", "a(ss)"; its first character says what is set below */
	uint64_t number;       /* b y n q i u x t: the bits, signs extended */
	double real;           /* d */
	const char *text;      /* s o g */
	struct Variant *items; /* a ( { v: elements; of an entry key and value */
	size_t count;
} Variant;

/* ERR_SPEC says what is wrong, and where. */
int variant_parse(const char *text, Arena *a, Variant *ret, Err *e);

/* Seconds as microseconds, "uint64 N". ERR_SPEC: not a number, negative, or too large. */
int variant_to_usec(const Variant *v, Arena *a, const char **ret, Err *e);

/* A string in this form, in quotes. */
const char *variant_quote(const char *text, Arena *a);
