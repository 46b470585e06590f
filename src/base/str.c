#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void strlist_add(Arena *a, StrList *l, const char *s)
{
	*arena_push(a, &l->items, &l->count, const char *) = s;
}

bool strlist_has(const StrList *l, const char *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i], s) == 0)
			return true;
	return false;
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return str_after(s, prefix) != NULL;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

int str_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < size ? n : -ENAMETOOLONG;
}

StrList str_split(Arena *a, const char *s, char sep)
{
	StrList parts = { 0 };
	for (;;) {
		const char *end = strchrnul(s, sep);
		strlist_add(a, &parts, arena_strndup(a, s, (size_t)(end - s)));
		if (!*end)
			return parts;
		s = end + 1;
	}
}

/* How many bytes of a control character begin here; 0: none. */
static size_t control_length(const char *s)
{
	unsigned char c = (unsigned char)s[0], next = (unsigned char)(c ? s[1] : 0);
	if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
		return 2;
	return (c > 0 && c < 0x20) || c == 0x7f;
}

bool str_is_printable(const char *s)
{
	while (*s && control_length(s) == 0)
		s++;
	return *s == '\0';
}

char *str_mask_controls(char *s)
{
	for (char *p = s; *p;) {
		size_t n = control_length(p);
		memset(p, '?', n);
		p += n ? n : 1;
	}
	return s;
}

char *str_escape_controls(Arena *a, const char *s)
{
	char *text = arena_alloc(a, 4 * strlen(s) + 1), *out = text;
	while (*s) {
		size_t n = control_length(s);
		if (n == 0)
			*out++ = *s++;
		for (; n > 0; n--)
			out += snprintf(out, 5, "\\x%02x", (unsigned char)*s++);
	}
	return text;
}

bool path_is_below(const char *path, const char *dir)
{
	if (strcmp(dir, "/") == 0)
		return path[0] == '/';
	const char *rest = str_after(path, dir);
	return rest && (*rest == '\0' || *rest == '/');
}

char *path_clean(Arena *a, const char *path)
{
	char *out = arena_alloc(a, strlen(path) + 2);
	size_t len = 0;
	while (*path) {
		const char *end = strchrnul(path, '/');
		size_t n = (size_t)(end - path);
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && path[0] == '.')) {
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path = *end ? end + 1 : end;
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return out;
}
