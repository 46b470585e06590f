#include "unit.h"

#include <limits.h>
#include <stdio.h>

#include "init/format.h"

__attribute__((format(printf, 3, 4))) static int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = format_text(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

/* The C library's is the oracle: same text, same length, also where it does not fit. */
#define SAME(...)                                                                       \
	do {                                                                            \
		char ours[200], theirs[200];                                            \
		for (size_t size = 0; size < sizeof ours; size += size < 40 ? 1 : 53) { \
			memset(ours, '~', sizeof ours);                                 \
			memset(theirs, '~', sizeof theirs);                             \
			int n = format(ours, size, __VA_ARGS__);                        \
			assert_int_equal(n, snprintf(theirs, size, __VA_ARGS__));       \
			assert_memory_equal(ours, theirs, sizeof ours);                 \
		}                                                                       \
	} while (0)

#ifndef __clang__ /* has no such warning */
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif

static void strings_are_formatted(void **state)
{
	(void)state;
	SAME("plain");
	SAME("%s and %s", "one", "another of some length");
	SAME("[%10s] [%-10s] [%.2s] [%.*s] [%*s] [%-*s]", "abc", "abc", "abc", 1, "abc", 6, "abc",
	     6, "abc");
	SAME("%c%c%% %5c|%-3c|", 'a', 'b', 'c', 'd');
	SAME("%.*s", 3, "not ended"); /* reads no further */
}

static void numbers_are_formatted(void **state)
{
	(void)state;
	const long long values[] = { 0,   1,       -1,      7,         42,       -42,
				     255, INT_MAX, INT_MIN, LLONG_MAX, LLONG_MIN };
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		long long v = values[i];
		SAME("%d %i %u %x %X %o", (int)v, (int)v, (unsigned)v, (unsigned)v, (unsigned)v,
		     (unsigned)v);
		SAME("%lld %llu %#llx %-20llx| %#llo", v, (unsigned long long)v,
		     (unsigned long long)v, (unsigned long long)v, (unsigned long long)v);
		SAME("%ld %zu %zd %jd", (long)v, (size_t)v, (ssize_t)v, (intmax_t)v);
		SAME("%8d|%-8d|%08d|%.5d|%8.5d|%#010x|%03o", (int)v, (int)v, (int)v, (int)v, (int)v,
		     (unsigned)v, (unsigned)v);
		SAME("%hd %hu %hhd %hhu", (short)v, (unsigned short)v, (signed char)v,
		     (unsigned char)v);
	}
	SAME("%p", (void *)&values);
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void the_unknown_is_copied(void **state)
{
	(void)state;
	char buf[32];
	const char *volatile strange = "a %v b %"; /* volatile: the compiler would refuse it */
	assert_int_equal(format(buf, sizeof buf, "%s", strange), 8);
	va_list none;
	memset(&none, 0, sizeof none);
	assert_int_equal(format_text(buf, sizeof buf, strange, none), 8);
	assert_string_equal(buf, "a %v b %");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_formatted),
		cmocka_unit_test(numbers_are_formatted),
		cmocka_unit_test(the_unknown_is_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
