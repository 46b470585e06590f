/* str.h - strings: tests, bounded formatting, lists.                                        (base/) */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* A list of strings that lives in an arena. */
typedef struct StrList {
	const char **items;
	size_t count;
} StrList;
void strlist_add(Arena *a, StrList *l, const char *s); /* borrows s */
bool strlist_has(const StrList *l, const char *s);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* The rest of s after prefix, or NULL when s does not begin with it. */
const char *str_after(const char *s, const char *prefix);

/* snprintf() that tells: returns the length, or -ENAMETOOLONG when it did not fit (buf then holds a cut, ended string). */
int str_format(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Splits s at each sep into a list of copies; empty parts are kept; "" gives one empty part. */
StrList str_split(Arena *a, const char *s, char sep);

/* What a terminal would obey: control characters, also those of Unicode (U+0080 to U+009F). In text that comes from outside they are
 * replaced, each byte by '?', or shown as escapes, "\x1b". */
bool str_is_printable(const char *s);
char *str_mask_controls(char *s); /* in place; returns s */
char *str_escape_controls(Arena *a, const char *s);

/* True when path equals dir or lies below it; both absolute and without "." and "..". */
bool path_is_below(const char *path, const char *dir);

/* An absolute path without ".", "..", double and trailing slashes, by text alone (".." stops at the root). A relative one is taken
 * from "/". Symbolic links are not looked at: for paths inside a container's root, which are resolved in it by the kernel later. */
char *path_clean(Arena *a, const char *path);
