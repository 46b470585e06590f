/* unit_musl.h - as much of cmocka's interface as the tests use, where there is no cmocka: with musl.   (tests/unit/)
 *
 * Prints the Test Anything Protocol. A failed assertion leaves the test by longjmp(3), as cmocka's do.
 */
#pragma once
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct CMUnitTest {
	const char *name;
	void (*test)(void **state);
	int (*setup)(void **state), (*teardown)(void **state);
} CMUnitTest;

#define cmocka_unit_test(f)       \
	{                         \
#f, f, NULL, NULL \
	}
#define cmocka_unit_test_setup(f, up) \
	{                             \
#f, f, up, NULL       \
	}
#define cmocka_unit_test_setup_teardown(f, up, down) \
	{                                            \
#f, f, up, down                      \
	}
#define cmocka_run_group_tests(tests, up, down) \
	unit_run(tests, sizeof(tests) / sizeof(tests)[0], up, down)

typedef enum UnitEnd { UNIT_FAILED = 1, UNIT_SKIPPED } UnitEnd;

static struct {
	jmp_buf leave;
	char why[512]; /* the test failed */
} unit __attribute__((unused));

__attribute__((format(printf, 1, 2))) static inline void print_message(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
}
#define print_error print_message

__attribute__((format(printf, 3, 4), noreturn)) static inline void unit_fail(const char *file, int line,
									     const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = snprintf(unit.why, sizeof unit.why, "%s:%d: ", file, line);
	(void)vsnprintf(unit.why + n, sizeof unit.why - (size_t)n, fmt, ap); /* a cut reason is one, too */
	va_end(ap);
	longjmp(unit.leave, UNIT_FAILED);
}
#define fail_msg(...) unit_fail(__FILE__, __LINE__, __VA_ARGS__)
#define skip()        longjmp(unit.leave, UNIT_SKIPPED)

#define UNIT_CHECK(holds, ...) ((holds) ? (void)0 : unit_fail(__FILE__, __LINE__, __VA_ARGS__))
#define UNIT_NUMBER(x)         ((uintmax_t)(x))
#define assert_true(x)         UNIT_CHECK(UNIT_NUMBER(x) != 0, "%s does not hold", #x)
#define assert_false(x)        UNIT_CHECK(UNIT_NUMBER(x) == 0, "%s holds", #x)
#define assert_null(p)         UNIT_CHECK((p) == NULL, "%s is not NULL", #p)
#define assert_non_null(p)     UNIT_CHECK((p) != NULL, "%s is NULL", #p)
#define assert_ptr_equal(a, b) \
	UNIT_CHECK((const void *)(a) == (const void *)(b), "%s is not %s", #a, #b)
#define assert_int_equal(a, b) \
	unit_int_equal(UNIT_NUMBER(a), UNIT_NUMBER(b), #a, __FILE__, __LINE__)
#define assert_string_equal(a, b)     unit_string_equal((a), (b), true, __FILE__, __LINE__)
#define assert_string_not_equal(a, b) unit_string_equal((a), (b), false, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n) \
	UNIT_CHECK(memcmp((a), (b), (n)) == 0, "%s and %s differ", #a, #b)

static inline void unit_int_equal(uintmax_t a, uintmax_t b, const char *what, const char *file, int line)
{
	if (a != b)
		unit_fail(file, line, "%s is %#" PRIxMAX ", not %#" PRIxMAX, what, a, b);
}

static inline void unit_string_equal(const char *a, const char *b, bool wanted, const char *file, int line)
{
	if ((strcmp(a, b) == 0) != wanted)
		unit_fail(file, line, "'%s' %s '%s'", a, wanted ? "is not" : "is", b);
}

static inline bool unit_run_one(const CMUnitTest *t, size_t number, void *group_state)
{
	void *state = group_state;
	int end = setjmp(unit.leave);
	if (end == 0) {
		if (t->setup && t->setup(&state) != 0)
			unit_fail(__FILE__, __LINE__, "the set-up of %s failed", t->name);
		t->test(&state);
	}
	bool bad = end == UNIT_FAILED;
	if (t->teardown && t->teardown(&state) != 0)
		bad = true;
	if (end == UNIT_SKIPPED && !bad)
		(void)printf("not ok %zu # SKIP %s\n", number,
			     t->name); /* as cmocka has it; see the script "tap" */
	else
		(void)printf("%s %zu - %s\n", bad ? "not ok" : "ok", number, t->name);
	if (bad)
		(void)printf("# %s\n", unit.why);
	(void)fflush(stdout);
	return !bad;
}

static inline int unit_run(const CMUnitTest *tests, size_t count, int (*up)(void **),
			   int (*down)(void **))
{
	void *state = NULL;
	int failed = 0;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)printf("1..%zu\n", count);
	if (up && up(&state) != 0)
		return 1;
	for (size_t i = 0; i < count; i++)
		failed += !unit_run_one(&tests[i], i + 1, state);
	if (down && down(&state) != 0)
		failed++;
	return failed;
}
