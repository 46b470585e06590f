#include "fmt/variant.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

typedef struct Reader {
	const char *begin, *at;
	unsigned depth;
	Arena *a;
	Err *e;
} Reader;

static const struct {
	const char *word;
	char type;
} type_words[] = {
	{ "boolean", 'b' }, { "byte", 'y' },   { "int16", 'n' },      { "uint16", 'q' },
	{ "int32", 'i' },   { "uint32", 'u' }, { "int64", 'x' },      { "uint64", 't' },
	{ "double", 'd' },  { "string", 's' }, { "objectpath", 'o' }, { "signature", 'g' },
};

static int value_read(Reader *r, const char *want, Variant *ret);

static int wrong(const Reader *r, const char *what)
{
	return err_make(r->e, ERR_SPEC, 0, "%s, at character %zu", what, (size_t)(r->at - r->begin) + 1);
}

static void space_skip(Reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

static bool take(Reader *r, char c)
{
	space_skip(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static bool take_word(Reader *r, const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strlen(word);
	if (strncmp(r->at, word, len) != 0 || (r->at[len] && strchr(letters, r->at[len])))
		return false;
	r->at += len;
	return true;
}

/* ---- types ---- */

/* Where the first complete type of a signature ends; NULL: it has none. */
static const char *type_end(const char *s, unsigned depth)
{
	if (depth > VARIANT_DEPTH || !*s)
		return NULL;
	if (strchr("bynqiuxtdsogv", *s))
		return s + 1;
	if (*s == 'a')
		return type_end(s + 1, depth + 1);
	if (*s != '(' && *s != '{')
		return NULL;
	char close = *s == '(' ? ')' : '}';
	unsigned count = 0;
	for (s++; *s && *s != close; count++)
		if (!(s = type_end(s, depth + 1)))
			return NULL;
	if (*s != close || count == 0 || (close == '}' && count != 2))
		return NULL;
	return s + 1;
}

static const char *type_first(const Reader *r, const char *s)
{
	const char *end = type_end(s, 0);
	return end ? arena_strndup(r->a, s, (size_t)(end - s)) : NULL;
}

static int type_check(const Reader *r, const char *want, const char *is)
{
	if (!want || strcmp(want, is) == 0)
		return 0;
	return wrong(r, arena_printf(r->a, "the type is %s, not %s", is, want));
}

/* ---- strings ---- */

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static size_t utf8_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* After the backslash: u and four hexadecimal digits, or U and eight. */
static int escape_unicode(Reader *r, char *to, size_t *n)
{
	unsigned digits = *r->at++ == 'u' ? 4 : 8;
	uint32_t c = 0;
	for (; digits > 0; digits--, r->at++) {
		int h = hex_value(*r->at);
		if (h < 0)
			return wrong(r, "no hexadecimal digit");
		c = c << 4 | (uint32_t)h;
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return wrong(r, "no character has this number");
	*n += utf8_put(to + *n, c);
	return 0;
}

static int escape_read(Reader *r, char *to, size_t *n)
{
	static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
	if (*r->at == 'u' || *r->at == 'U')
		return escape_unicode(r, to, n);
	if (!*r->at)
		return wrong(r, "the string does not end");
	const char *known = strchr(letters, *r->at);
	char c = *r->at;
	if (known)
		c = values[known - letters];
	to[(*n)++] = c;
	r->at++;
	return 0;
}

static int string_read(Reader *r, const char **ret)
{
	char quote = *r->at++,
	     *to = arena_alloc(r->a, strlen(r->at) + 1); /* an escape is longer than what it stands for */
	size_t n = 0;
	while (*r->at != quote) {
		if (!*r->at)
			return wrong(r, "the string does not end");
		if (*r->at != '\\') {
			to[n++] = *r->at++;
			continue;
		}
		r->at++;
		TRY(escape_read(r, to, &n));
	}
	r->at++;
	to[n] = '\0';
	*ret = to;
	return 0;
}

static int text_read(Reader *r, const char *want, Variant *ret)
{
	Variant v = { .signature = want && strchr("og", want[0]) ? want : "s" };
	TRY(type_check(r, want, v.signature));
	TRY(string_read(r, &v.text));
	*ret = v;
	return 0;
}

/* b'text': its bytes, and a NUL. */
static int bytes_read(Reader *r, const char *want, Variant *ret)
{
	Variant v = { .signature = "ay" };
	const char *text = "";
	TRY(type_check(r, want, v.signature));
	r->at++;
	TRY(string_read(r, &text));
	v.count = strlen(text) + 1;
	v.items = arena_new_array(r->a, v.count, Variant);
	for (size_t i = 0; i < v.count; i++)
		v.items[i] = (Variant){ .signature = "y", .number = (unsigned char)text[i] };
	*ret = v;
	return 0;
}

/* ---- numbers ---- */

static int digits_read(Reader *r, uint64_t *ret)
{
	unsigned base = 10, found = 0;
	if (r->at[0] == '0' && (r->at[1] == 'x' || r->at[1] == 'X')) {
		base = 16;
		r->at += 2;
	} else if (r->at[0] == '0' && hex_value(r->at[1]) >= 0) {
		base = 8;
	}
	for (*ret = 0;; r->at++, found++) {
		int d = hex_value(*r->at);
		if (d < 0 || (unsigned)d >= base)
			break;
		if (__builtin_mul_overflow(*ret, base, ret) ||
		    __builtin_add_overflow(*ret, (uint64_t)d, ret))
			return wrong(r, "the number is too large");
	}
	return found > 0 ? 0 : wrong(r, "no number");
}

static int real_read(Reader *r, bool negative, Variant *ret)
{
	double value = 0, scale = 1;
	uint64_t exponent = 0;
	for (; *r->at >= '0' && *r->at <= '9'; r->at++)
		value = value * 10 + (*r->at - '0');
	if (*r->at == '.')
		for (r->at++; *r->at >= '0' && *r->at <= '9'; r->at++)
			value += (*r->at - '0') * (scale /= 10);
	if (*r->at == 'e' || *r->at == 'E') {
		bool down = *++r->at == '-';
		if (*r->at == '-' || *r->at == '+')
			r->at++;
		TRY(digits_read(r, &exponent));
		for (; exponent > 0 && exponent <= 308; exponent--)
			value = down ? value / 10 : value * 10;
		if (exponent > 0)
			return wrong(r, "the number is too large");
	}
	*ret = (Variant){ .signature = "d", .real = negative ? -value : value };
	return 0;
}

static bool fits(char type, bool negative, uint64_t n)
{
	static const struct {
		char type;
		uint64_t above, below; /* zero */
	} ranges[] = {
		{ 'y', UINT8_MAX, 0 },  { 'n', INT16_MAX, UINT64_C(1) << 15 },
		{ 'q', UINT16_MAX, 0 }, { 'i', INT32_MAX, UINT64_C(1) << 31 },
		{ 'u', UINT32_MAX, 0 }, { 'x', INT64_MAX, UINT64_C(1) << 63 },
		{ 't', UINT64_MAX, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (ranges[i].type == type)
			return n <= (negative ? ranges[i].below : ranges[i].above);
	return false;
}

static int number_read(Reader *r, const char *want, Variant *ret)
{
	bool negative = *r->at == '-';
	if (*r->at == '-' || *r->at == '+')
		r->at++;
	bool is_hex = r->at[0] == '0' && (r->at[1] == 'x' || r->at[1] == 'X');
	bool is_real = !is_hex && strchr(".eE", r->at[strspn(r->at, "0123456789")]) &&
		       r->at[strspn(r->at, "0123456789")];
	if (is_real || (want && strcmp(want, "d") == 0)) {
		TRY(type_check(r, want, "d"));
		if (strspn(r->at, "0123456789.") == 0)
			return wrong(r, "no number");
		return real_read(r, negative, ret);
	}
	Variant v = { .signature = want ? want : "i" };
	TRY(digits_read(r, &v.number));
	if (v.signature[1] || !strchr("ynqiuxt", v.signature[0]))
		return wrong(r, arena_printf(r->a, "the type is a number, not %s", v.signature));
	if (!fits(v.signature[0], negative, v.number))
		return wrong(r, "the number is too large for its type");
	if (negative)
		v.number = 0 - v.number;
	*ret = v;
	return 0;
}

/* ---- what holds others ---- */

static int array_read(Reader *r, const char *want, Variant *ret)
{
	const char *of = want ? want + 1 : NULL;
	Variant v = { 0 };
	if (want && want[0] != 'a')
		return wrong(r, arena_printf(r->a, "the type is an array, not %s", want));
	for (r->at++; !take(r, ']');) {
		if (v.count > 0 && !take(r, ','))
			return wrong(r, "',' or ']' is missing");
		Variant *item = arena_push(r->a, &v.items, &v.count, Variant), read = { 0 };
		TRY(value_read(r, of, &read));
		*item = read;
		of = read.signature;
	}
	if (!of)
		return wrong(r, "the array is empty, and no type stands before it");
	v.signature = arena_printf(r->a, "a%s", of);
	*ret = v;
	return 0;
}

static int tuple_read(Reader *r, const char *want, Variant *ret)
{
	Variant v = { .signature = "(" };
	const char *rest = want ? want + 1 : NULL;
	if (want && want[0] != '(')
		return wrong(r, arena_printf(r->a, "the type is a tuple, not %s", want));
	for (r->at++; !take(r, ')');) {
		if (v.count > 0 && !take(r, ','))
			return wrong(r, "',' or ')' is missing");
		if (v.count == 1 && take(r, ')'))
			break; /* one element: ('a',) */
		const char *of = rest ? type_first(r, rest) : NULL;
		if (rest && !of)
			return wrong(r, "the tuple has more elements than its type");
		Variant *item = arena_push(r->a, &v.items, &v.count, Variant), read = { 0 };
		TRY(value_read(r, of, &read));
		*item = read;
		v.signature = arena_printf(r->a, "%s%s", v.signature, read.signature);
		rest = rest ? rest + strlen(of) : NULL;
	}
	v.signature = arena_printf(r->a, "%s)", v.signature);
	if (v.count == 0)
		return wrong(r, "D-Bus has no empty tuples");
	TRY(type_check(r, want, v.signature));
	*ret = v;
	return 0;
}

static int entry_read(Reader *r, const char **key_type, const char **value_type, Variant *ret)
{
	Variant *pair = arena_new_array(r->a, 2, Variant);
	TRY(value_read(r, *key_type, &pair[0]));
	if (pair[0].signature[1] || strchr("av({", pair[0].signature[0]))
		return wrong(r, "a key is a string or a number");
	if (!take(r, ':'))
		return wrong(r, "':' is missing");
	TRY(value_read(r, *value_type, &pair[1]));
	*key_type = pair[0].signature;
	*value_type = pair[1].signature;
	*ret = (Variant){ .signature = arena_printf(r->a, "{%s%s}", *key_type, *value_type),
			  .items = pair,
			  .count = 2 };
	return 0;
}

/* {K: V, ...}: an array of entries. */
static int dict_read(Reader *r, const char *want, Variant *ret)
{
	Variant v = { .signature = want };
	const char *key = NULL, *value = NULL;
	if (want && (want[0] != 'a' || want[1] != '{'))
		return wrong(r, arena_printf(r->a, "the type is a dictionary, not %s", want));
	if (want) {
		key = type_first(r, want + 2);
		value = type_first(r, want + 2 + strlen(key));
	}
	for (r->at++; !take(r, '}');) {
		if (v.count > 0 && !take(r, ','))
			return wrong(r, "',' or '}' is missing");
		Variant *item = arena_push(r->a, &v.items, &v.count, Variant), read = { 0 };
		TRY(entry_read(r, &key, &value, &read));
		*item = read;
	}
	if (!key)
		return wrong(r, "the dictionary is empty, and no type stands before it");
	v.signature = arena_printf(r->a, "a{%s%s}", key, value);
	*ret = v;
	return 0;
}

static int inner_read(Reader *r, const char *want, Variant *ret)
{
	Variant v = { .signature = "v", .items = arena_new(r->a, Variant), .count = 1 };
	TRY(type_check(r, want, v.signature));
	r->at++;
	TRY(value_read(r, NULL, v.items));
	if (!take(r, '>'))
		return wrong(r, "'>' is missing");
	*ret = v;
	return 0;
}

/* @TYPE VALUE */
static int typed_read(Reader *r, const char *want, Variant *ret)
{
	r->at++;
	const char *type = type_first(r, r->at);
	if (!type || type[0] == '{')
		return wrong(r, "no type");
	r->at += strlen(type);
	TRY(type_check(r, want, type));
	return value_read(r, type, ret);
}

static int word_read(Reader *r, const char *want, Variant *ret)
{
	bool yes = take_word(r, "true");
	if (yes || take_word(r, "false")) {
		TRY(type_check(r, want, "b"));
		*ret = (Variant){ .signature = "b", .number = yes };
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(type_words); i++)
		if (take_word(r, type_words[i].word)) {
			const char *type = arena_printf(r->a, "%c", type_words[i].type);
			TRY(type_check(r, want, type));
			return value_read(r, type, ret);
		}
	return wrong(r, "no value");
}

static int one_read(Reader *r, const char *want, Variant *ret)
{
	switch (*r->at) {
	case '\'':
	case '"': return text_read(r, want, ret);
	case '[': return array_read(r, want, ret);
	case '(': return tuple_read(r, want, ret);
	case '{': return dict_read(r, want, ret);
	case '<': return inner_read(r, want, ret);
	case '@': return typed_read(r, want, ret);
	case '\0': return wrong(r, "a value is missing");
	default: break;
	}
	if (r->at[0] == 'b' && (r->at[1] == '\'' || r->at[1] == '"'))
		return bytes_read(r, want, ret);
	if (strchr("+-.0123456789", *r->at))
		return number_read(r, want, ret);
	return word_read(r, want, ret);
}

static int value_read(Reader *r, const char *want, Variant *ret)
{
	space_skip(r);
	if (r->depth >= VARIANT_DEPTH)
		return wrong(r, "nested too deep");
	r->depth++;
	TRY(one_read(r, want, ret));
	r->depth--;
	return 0;
}

int variant_parse(const char *text, Arena *a, Variant *ret, Err *e)
{
	Reader r = { .begin = text, .at = text, .a = a, .e = e };
	Variant v;
	TRY(value_read(&r, NULL, &v));
	space_skip(&r);
	if (*r.at)
		return wrong(&r, "something follows the value");
	*ret = v;
	return 0;
}

int variant_to_usec(const Variant *v, Arena *a, const char **ret, Err *e)
{
	uint64_t usec;
	char type = v->signature[0];
	if (v->signature[1] || !strchr("ynqiuxtd", type))
		return err_make(e, ERR_SPEC, 0, "not a number");
	bool negative = type == 'd' ? v->real < 0 : strchr("nix", type) && (int64_t)v->number < 0;
	if (negative)
		return err_make(e, ERR_SPEC, 0, "a time is not negative");
	if (type == 'd' && v->real * 1000000 < 18446744073709551615.0)
		usec = (uint64_t)(v->real * 1000000);
	else if (type == 'd' || __builtin_mul_overflow(v->number, UINT64_C(1000000), &usec))
		return err_make(e, ERR_SPEC, 0, "the number is too large");
	*ret = arena_printf(a, "uint64 %" PRIu64, usec);
	return 0;
}

const char *variant_quote(const char *text, Arena *a)
{
	char *to = arena_alloc(a, 2 * strlen(text) + 3);
	size_t n = 0;
	to[n++] = '\'';
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			to[n++] = '\\';
		to[n++] = *text;
	}
	to[n++] = '\'';
	to[n] = '\0';
	return to;
}
