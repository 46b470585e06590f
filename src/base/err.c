#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *err_basename(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Formats into dst; what does not fit loses its middle, since the tail of a path tells most. */
__attribute__((format(printf, 3, 0))) static void format_cut(char *dst, size_t size,
							     const char *fmt, va_list ap)
{
	char full[4096 + 512];
	int n = vsnprintf(full, sizeof full, fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof full ? (size_t)n : sizeof full - 1;

	full[len] = '\0';
	if (len < size) {
		memcpy(dst, full, len + 1);
		return;
	}
	size_t head = (size - 4) / 2, tail = size - 4 - head;
	memcpy(dst, full, head);
	memcpy(dst + head, "...", 3);
	memcpy(dst + head + 3, full + len - tail, tail);
	dst[size - 1] = '\0';
}

int err_raise_(Err *e, ErrKind kind, int sys, const char *where, const char *fmt, ...)
{
	int r = sys > 0 ? -sys : -EIO;
	if (!e)
		return r;

	va_list ap;
	va_start(ap, fmt);
	format_cut(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	e->kind = (uint16_t)kind;
	e->sys = (uint16_t)(sys > 0 ? sys : 0);
	(void)snprintf(e->where, sizeof e->where, "%s", where); /* a cut place is still a place */
	errno = -r;
	return r;
}

/* format_cut() with an argument list of its own. */
__attribute__((format(printf, 3, 4))) static void format_cut_args(char *dst, size_t size,
								  const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	format_cut(dst, size, fmt, ap);
	va_end(ap);
}

int err_wrap_(Err *e, int r, const char *fmt, ...)
{
	if (!e)
		return r;
	char noun[256], old[sizeof e->msg];
	va_list ap;
	va_start(ap, fmt);
	format_cut(noun, sizeof noun, fmt, ap);
	va_end(ap);
	memcpy(old, e->msg, sizeof old);
	format_cut_args(e->msg, sizeof e->msg, "%s: %s", noun, old);
	return r;
}

const char *err_text(const Err *e, char *buf, unsigned long size)
{
	if (e->sys)
		(void)snprintf(buf, size, "%s: %s", e->msg,
			       strerror(e->sys)); /* cut only when the caller's buffer is small */
	else
		(void)snprintf(buf, size, "%s", e->msg);
	return str_mask_controls(buf);
}
