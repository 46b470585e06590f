#include "fmt/csv.h"

#include <string.h>

static int bare_field(const char **at, Arena *a, StrList *ret, Err *e)
{
	size_t len = strcspn(*at, ",\"\r\n");
	char stop = (*at)[len];
	if (stop == '"')
		return err_make(e, ERR_USAGE, 0,
				"a quotation mark in a field that does not begin with one");
	if (stop == '\r' || stop == '\n')
		return err_make(e, ERR_USAGE, 0, "a line break outside of quotation marks");
	strlist_add(a, ret, arena_strndup(a, *at, len));
	*at += len;
	return 0;
}

static int quoted_field(const char **at, Arena *a, StrList *ret, Err *e)
{
	const char *p = *at + 1;
	char *field = arena_alloc(a, strlen(p) + 1), *out = field;
	for (; *p != '"' || p[1] == '"'; p++) {
		if (*p == '\0')
			return err_make(e, ERR_USAGE, 0, "a quotation mark without its other half");
		p += *p == '"'; /* the first of two */
		*out++ = *p;
	}
	p++;
	if (*p && *p != ',')
		return err_make(e, ERR_USAGE, 0, "text behind a field in quotation marks");
	strlist_add(a, ret, field);
	*at = p;
	return 0;
}

int csv_split(const char *text, Arena *a, StrList *ret, Err *e)
{
	StrList fields = { 0 };
	for (const char *p = text;; p++) {
		TRY(*p == '"' ? quoted_field(&p, a, &fields, e) : bare_field(&p, a, &fields, e));
		if (*p == '\0')
			break;
	}
	*ret = fields;
	return 0;
}
