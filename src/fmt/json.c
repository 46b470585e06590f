#include "fmt/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* How it works: the text is copied into the arena once, and strings are decoded in place in that copy (what an escape stands for is never
 * longer than the escape, and the closing quote leaves room for the NUL). The byte behind the copy is a NUL, so that looking at *p->at needs
 * no check for the end. Positions in messages are counted in the original. */
typedef struct Parser {
	const char *text; /* as the caller gave it */
	char *copy, *at, *end;
	uint32_t line;
	unsigned depth;
	Arena *arena;
	Err *e;
} Parser;

enum { SORT_ABOVE = 8 }; /* objects with more members get an index sorted by key */

static int parse_value(Parser *p, JsonValue *v);

/* ---- errors ---- */

static int fail(const Parser *p, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(const Parser *p, const char *at, const char *fmt, ...)
{
	size_t offset = (size_t)(at - p->copy), line = 1, column = 1;
	for (size_t i = 0; i < offset; i++) {
		column++;
		if (p->text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	char what[320];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap); /* a cut message is still a message */
	va_end(ap);
	return err_make(p->e, ERR_SPEC, 0, "line %zu, column %zu: %s", line, column, what);
}

static int fail_expected(const Parser *p, const char *expected)
{
	unsigned char c = (unsigned char)*p->at;
	if (p->at == p->end)
		return fail(p, p->at, "expected %s, found the end of the text", expected);
	if (c > 0x20 && c < 0x7f)
		return fail(p, p->at, "expected %s, found '%c'", expected, c);
	return fail(p, p->at, "expected %s, found the byte 0x%02x", expected, c);
}

/* ---- strings ---- */

size_t json_utf8_length(const char *s, size_t left)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (left == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		len = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		len = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > left)
		return 0;
	if (u[0] == 0xe0)
		low = 0xa0; /* below: overlong */
	else if (u[0] == 0xed)
		high = 0x9f; /* above: surrogates */
	else if (u[0] == 0xf0)
		low = 0x90; /* below: overlong */
	else if (u[0] == 0xf4)
		high = 0x8f; /* above: beyond U+10FFFF */
	if (u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (u[i] < 0x80 || u[i] > 0xbf)
			return 0;
	return len;
}

static char *utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* Reads the four digits after "\u"; p->at stands on the 'u' and moves behind the digits. */
static int parse_hex4(Parser *p, uint32_t *ret)
{
	uint32_t n = 0;
	p->at++;
	for (int i = 0; i < 4; i++, p->at++) {
		char c = *p->at;
		if (c >= '0' && c <= '9')
			n = n << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			n = n << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return fail_expected(p, "a hexadecimal digit after \\u");
	}
	*ret = n;
	return 0;
}

static int parse_unicode_escape(Parser *p, char **out)
{
	const char *begin = p->at - 1;
	uint32_t c, low;
	TRY(parse_hex4(p, &c));
	if (c == 0)
		return fail(p, begin, "\\u0000 is not allowed: no string may hold a NUL");
	if (c >= 0xdc00 && c <= 0xdfff)
		return fail(p, begin, "the second half of a surrogate pair without the first");
	if (c >= 0xd800 && c <= 0xdbff) {
		if (p->at[0] != '\\' || p->at[1] != 'u')
			return fail(p, begin, "the first half of a surrogate pair without the second");
		p->at++;
		TRY(parse_hex4(p, &low));
		if (low < 0xdc00 || low > 0xdfff)
			return fail(p, begin, "the first half of a surrogate pair without the second");
		c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
	}
	*out = utf8_put(*out, c);
	return 0;
}

static int parse_escape(Parser *p, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	p->at++;
	if (*p->at == 'u')
		return parse_unicode_escape(p, out);
	const char *found = *p->at ? strchr(from, *p->at) : NULL;
	if (!found)
		return fail_expected(p, "one of \" \\ / b f n r t u after a backslash");
	*(*out)++ = to[found - from];
	p->at++;
	return 0;
}

static int parse_string(Parser *p, const char **ret)
{
	const char *begin = p->at;
	char *start = ++p->at, *out = start;
	while (*p->at != '"') {
		unsigned char c = (unsigned char)*p->at;
		if (c == '\\') {
			TRY(parse_escape(p, &out));
		} else if (c >= 0x80) {
			size_t n = json_utf8_length(p->at, (size_t)(p->end - p->at));
			if (n == 0)
				return fail(p, p->at, "the byte 0x%02x is not valid UTF-8 here", c);
			memmove(out, p->at, n);
			out += n;
			p->at += n;
		} else if (c >= 0x20) {
			*out++ = *p->at++;
		} else if (p->at == p->end) {
			return fail(p, begin, "the string that begins here has no end");
		} else {
			return fail(p, p->at,
				    "the control character 0x%02x in a string must be written as \\u%04x%s",
				    c, c, c ? "" : ", which is not allowed either");
		}
	}
	*out = '\0';
	p->at++;
	*ret = start;
	return 0;
}

/* ---- numbers and words ---- */

static int skip_digits(Parser *p, const char *expected)
{
	if (*p->at < '0' || *p->at > '9')
		return fail_expected(p, expected);
	while (*p->at >= '0' && *p->at <= '9')
		p->at++;
	return 0;
}

static int parse_number(Parser *p, JsonValue *v)
{
	uint64_t n = 0;
	const char *begin = p->at;
	v->type = JSON_NUMBER;
	v->number = JSON_NUMBER_WHOLE;
	if (*p->at == '-') {
		v->negative = true;
		p->at++;
	}
	char *digits = p->at;
	TRY(skip_digits(p, "a digit"));
	if (*digits == '0' && p->at - digits > 1)
		return fail(p, digits, "a number must not begin with 0");
	for (const char *d = digits; d < p->at; d++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*d - '0'), &n))
			v->number = JSON_NUMBER_HUGE;
	if (*p->at == '.') {
		p->at++;
		v->number = JSON_NUMBER_REAL;
		TRY(skip_digits(p, "a digit after the decimal point"));
	}
	if (*p->at == 'e' || *p->at == 'E') {
		p->at++;
		v->number = JSON_NUMBER_REAL;
		if (*p->at == '+' || *p->at == '-')
			p->at++;
		TRY(skip_digits(p, "a digit of the exponent"));
	}
	if (v->number == JSON_NUMBER_WHOLE)
		v->as.magnitude = n;
	else
		v->as.string = arena_strndup(p->arena, begin, (size_t)(p->at - begin));
	return 0;
}

static int parse_word(Parser *p, JsonValue *v, const char *word)
{
	size_t len = strlen(word);
	if (strncmp(p->at, word, len) != 0)
		return fail_expected(p, "a value");
	p->at += len;
	v->type = *word == 'n' ? JSON_NULL : JSON_BOOL;
	v->as.boolean = *word == 't';
	return 0;
}

/* ---- arrays and objects ---- */

static void skip_space(Parser *p)
{
	for (;; p->at++) {
		if (*p->at == '\n')
			p->line++;
		else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\r')
			return;
	}
}

static int by_key(const void *x, const void *y)
{
	const JsonValue *a = *(const JsonValue *const *)x, *b = *(const JsonValue *const *)y;
	int order = strcmp(a->key, b->key);
	return order ? order : (a->key > b->key) - (a->key < b->key); /* keys lie in the copy, in the text's order */
}

/* Few members are compared each with each; many are sorted, which cannot be made slow by choosing keys as a hash table can. */
static int check_keys(Parser *p, JsonValue *object)
{
	const JsonValue *twice = NULL;
	if (object->count > SORT_ABOVE) {
		const JsonValue **sorted = arena_new_array(p->arena, object->count, const JsonValue *);
		size_t n = 0;
		for (const JsonValue *m = object->as.list.first; m; m = m->next)
			sorted[n++] = m;
		qsort(sorted, n, sizeof *sorted, by_key);
		object->as.list.by_key = sorted;
		for (size_t i = 1; i < n && !twice; i++)
			if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
				twice = sorted[i];
	} else {
		for (const JsonValue *m = object->as.list.first; m; m = m->next)
			for (const JsonValue *later = m->next; later && !twice; later = later->next)
				if (strcmp(m->key, later->key) == 0)
					twice = later;
	}
	if (twice)
		return fail(p, twice->key - 1, "the key \"%.200s\" stands twice in one object",
			    twice->key);
	return 0;
}

static int parse_key(Parser *p, JsonValue *member)
{
	if (*p->at != '"')
		return fail_expected(p, "a key in double quotes");
	TRY(parse_string(p, &member->key));
	skip_space(p);
	if (*p->at != ':')
		return fail_expected(p, "':' after a key");
	p->at++;
	skip_space(p);
	return 0;
}

/* An array or an object; they differ in the keys and the last bracket. */
static int parse_list(Parser *p, JsonValue *v)
{
	bool object = *p->at == '{';
	char close = object ? '}' : ']';
	const JsonValue **tail = &v->as.list.first;

	v->type = object ? JSON_OBJECT : JSON_ARRAY;
	if (++p->depth > LIMIT_JSON_DEPTH)
		return fail(p, p->at, "nested deeper than %u arrays and objects", LIMIT_JSON_DEPTH);
	p->at++;
	skip_space(p);
	while (*p->at != close || v->count > 0) {
		JsonValue *item = arena_new(p->arena, JsonValue);
		if (object)
			TRY(parse_key(p, item));
		TRY(parse_value(p, item));
		*tail = item;
		tail = &item->next;
		v->count++;
		skip_space(p);
		if (*p->at == close)
			break;
		if (*p->at != ',')
			return fail_expected(p, object ? "',' or '}' after a member"
						       : "',' or ']' after an element");
		p->at++;
		skip_space(p);
	}
	p->at++;
	p->depth--;
	return object ? check_keys(p, v) : 0;
}

static int parse_value(Parser *p, JsonValue *v)
{
	v->line = p->line;
	switch (*p->at) {
	case '{':
	case '[': return parse_list(p, v);
	case '"': v->type = JSON_STRING; return parse_string(p, &v->as.string);
	case 't': return parse_word(p, v, "true");
	case 'f': return parse_word(p, v, "false");
	case 'n': return parse_word(p, v, "null");
	default: break;
	}
	if (*p->at == '-' || (*p->at >= '0' && *p->at <= '9'))
		return parse_number(p, v);
	return fail_expected(p, "a value");
}

int json_parse(const char *text, size_t len, Arena *a, const JsonValue **ret, Err *e)
{
	if (len >= UINT32_MAX) /* lines and counts are 32 bits wide */
		return err_make(e, ERR_SPEC, 0, "JSON text of %zu bytes is too long", len);

	Parser p = { .text = text, .copy = arena_strndup(a, text, len), .line = 1, .arena = a, .e = e };
	p.at = p.copy;
	p.end = p.copy + len;
	JsonValue *root = arena_new(a, JsonValue);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return fail(&p, p.at, "a byte order mark is not allowed");
	skip_space(&p);
	TRY(parse_value(&p, root));
	skip_space(&p);
	if (p.at != p.end)
		return fail_expected(&p, "the end of the text");
	*ret = root;
	return 0;
}
