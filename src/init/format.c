#include "init/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Out {
	char *buf;
	size_t size, len; /* len counts what does not fit, too */
} Out;

/* One directive, "%-08llx". */
typedef struct Spec {
	bool alternate, zeros, left;
	int width, precision; /* precision -1: none */
	int longs; /* -2 hh, -1 h, 0, 1 l, 2 ll; z, j and t are l: all of them are 64 bits here */
	char what;
} Spec;
_Static_assert(sizeof(size_t) == sizeof(long) && sizeof(intmax_t) == sizeof(long),
	       "lengths z, j and t are l");

typedef struct Args {
	va_list ap;
} Args;

static void put(Out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padded(Out *o, const Spec *s, const char *prefix, size_t zeros, const char *text,
		       size_t len)
{
	size_t all = strlen(prefix) + zeros + len,
	       pad = (size_t)s->width > all ? (size_t)s->width - all : 0;
	for (size_t i = 0; !s->left && i < pad; i++)
		put(o, ' ');
	for (; *prefix; prefix++)
		put(o, *prefix);
	while (zeros-- > 0)
		put(o, '0');
	for (size_t i = 0; i < len; i++)
		put(o, text[i]);
	for (size_t i = 0; s->left && i < pad; i++)
		put(o, ' ');
}

static void put_number(Out *o, const Spec *s, uint64_t n, bool negative)
{
	unsigned base = s->what == 'o'                                       ? 8
			: s->what == 'x' || s->what == 'X' || s->what == 'p' ? 16
									     : 10;
	const char *digits = s->what == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24], *start = text + sizeof text;
	bool prefixed = (s->alternate && n != 0 && base == 16) || s->what == 'p';
	const char *prefix = negative ? "-" : prefixed ? s->what == 'X' ? "0X" : "0x" : "";

	for (uint64_t rest = n; rest > 0; rest /= base)
		*--start = digits[rest % base];
	size_t len = (size_t)(text + sizeof text - start), least = 1, used = len + strlen(prefix);
	if (s->precision >= 0)
		least = (size_t)s->precision;
	else if (s->zeros && !s->left && (size_t)s->width > used)
		least = (size_t)s->width - strlen(prefix);
	if (s->alternate && base == 8 && least <= len)
		least = len + 1;
	put_padded(o, s, prefix, least > len ? least - len : 0, start, len);
}

static uint64_t take_number(Args *a, const Spec *s, bool *ret_negative)
{
	bool is_signed = s->what == 'd' || s->what == 'i';
	int64_t n;
	if (s->what == 'p')
		return (uint64_t)(uintptr_t)va_arg(a->ap, void *);
	if (s->longs >= 1)
		n = va_arg(a->ap, long long); /* NOLINT(bugprone-branch-clone): the types differ */
	else if (is_signed)
		n = va_arg(a->ap, int);
	else
		n = va_arg(a->ap, unsigned);
	if (s->longs == -1)
		n = is_signed ? (int64_t)(short)n : (int64_t)(unsigned short)n;
	if (s->longs == -2)
		n = is_signed ? (int64_t)(signed char)n : (int64_t)(unsigned char)n;
	*ret_negative = is_signed && n < 0;
	return *ret_negative ? 0 - (uint64_t)n : (uint64_t)n;
}

/* A number in the format, or '*'. */
static const char *read_count(const char *f, Args *a, int *ret)
{
	int n = 0;
	if (*f == '*') {
		*ret = va_arg(a->ap, int);
		return f + 1;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		n = n < 10000 ? n * 10 + (*f - '0') : n;
	*ret = n;
	return f;
}

/* Reads what follows '%'. */
static const char *read_spec(const char *f, Args *a, Spec *s)
{
	*s = (Spec){ .precision = -1 };
	for (;; f++) {
		if (*f == '#')
			s->alternate = true;
		else if (*f == '0')
			s->zeros = true;
		else if (*f == '-')
			s->left = true;
		else
			break;
	}
	f = read_count(f, a, &s->width);
	if (s->width < 0) {
		s->left = true;
		s->width = -s->width;
	}
	if (*f == '.')
		f = read_count(f + 1, a, &s->precision);
	for (;; f++) {
		if (*f == 'h')
			s->longs--;
		else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			s->longs++;
		else
			break;
	}
	s->what = *f;
	return *f ? f + 1 : f;
}

static void put_spec(Out *o, const Spec *s, Args *a, const char *raw, size_t raw_len)
{
	bool negative = false;
	char c;
	if (s->what == 's') {
		const char *text = va_arg(a->ap, const char *);
		text = text ? text : "(null)";
		put_padded(o, s, "", 0, text,
			   s->precision >= 0 ? strnlen(text, (size_t)s->precision) : strlen(text));
	} else if (s->what == 'c') {
		c = (char)va_arg(a->ap, int);
		put_padded(o, s, "", 0, &c, 1);
	} else if (s->what && strchr("diuxXop", s->what)) {
		uint64_t n = take_number(a, s, &negative);
		put_number(o, s, n, negative);
	} else if (s->what == '%') {
		put(o, '%');
	} else {
		put_padded(o, &(Spec){ 0 }, "", 0, raw, raw_len);
	}
}

int format_text(char *buf, size_t size, const char *fmt, va_list ap)
{
	Out o = { .buf = buf, .size = size };
	Args a;
	Spec s;

	va_copy(a.ap, ap);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		const char *end = read_spec(fmt + 1, &a, &s);
		put_spec(&o, &s, &a, fmt, (size_t)(end - fmt));
		fmt = end;
	}
	va_end(a.ap);
	if (size > 0)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return o.len <= INT_MAX ? (int)o.len : -1;
}

/* In the static program these take the place of libc's, whose objects are then not linked. */
#ifndef __GLIBC__
int vsnprintf(char *restrict buf, size_t size, const char *restrict fmt, va_list ap)
{
	return format_text(buf, size, fmt, ap);
}

int snprintf(char *restrict buf, size_t size, const char *restrict fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = format_text(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
#endif
