/* format.h - formatting of messages without floating point.                                       (init/)
 *
 * Why:   a fifth of init was musl's printf, most of it for floating point and wide characters. init uses strings and integers.
 * Knows: %s %c %d %i %u %x %X %o %p %%; flags # 0 -, width and precision (also *), lengths hh h l ll z j t. Anything else in a
 *        format is copied as it stands: a message is never lost.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf(3): writes at most size bytes with the ending NUL, returns the length of the whole. */
int format_text(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
