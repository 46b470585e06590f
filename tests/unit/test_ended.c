/* What is remembered of failed runs. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/tree.h"
#include "runtime/ended.h"

static char dir[] = "/tmp/mydocker-test-ended-XXXXXX";
static Arena arena = ARENA_EMPTY;

static Ended some(const char *id, const char *name)
{
	Ended x = {
		.id = id,
		.name = name,
		.command = "a \"command\"\n",
		.when = 1700000000,
		.pid = 4711,
		.own_pids = true,
		.exit_code = 137,
		.signal = 9,
		.memory = { .oom_kills = 1, .limit = 1 << 20, .total_limit = CGROUP_NO_LIMIT, .peak = 77 },
		.passed = { .number = 15, .pid = 5, .uid = 1000 },
		.ours = "mydocker did it",
	};
	strlist_add(&arena, &x.kernel, "one line");
	strlist_add(&arena, &x.kernel, "two lines");
	return x;
}

/* Written at a time of its own: the clock of file times is coarse. */
static void put(const char *id, const char *name, time_t when)
{
	Ended x = some(id, name);
	Err e = { 0 };
	assert_int_equal(ended_write(dir, &x, &arena, &e), 0);
	char *path = arena_printf(&arena, "%s/ended/%s.json", dir, id);
	const struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void expect_none(const char *which, int code, const char *part)
{
	Ended x;
	Err e = { 0 };
	assert_true(ended_find(dir, which, &arena, &x, &e) < 0);
	assert_int_equal(e.kind, code);
	if (!strstr(e.msg, part))
		fail_msg("'%s' does not say '%s'", e.msg, part);
}

static const char *found(const char *which)
{
	Ended x;
	Err e = { 0 };
	if (ended_find(dir, which, &arena, &x, &e) < 0)
		fail_msg("%s", e.msg);
	return x.id;
}

static void everything_is_read_back(void **state)
{
	Ended x;
	Err e = { 0 };
	(void)state;
	expect_none(NULL, ERR_NOT_FOUND, "no run has failed");
	put("aaaa1", "first", 100);
	assert_int_equal(ended_find(dir, "aaaa1", &arena, &x, &e), 0);
	assert_string_equal(x.id, "aaaa1");
	assert_string_equal(x.name, "first");
	assert_string_equal(x.command, "a \"command\"\n");
	assert_true(x.when == 1700000000 && x.pid == 4711 && x.own_pids);
	assert_true(x.exit_code == 137 && x.signal == 9 && !x.error);
	assert_string_equal(x.ours, "mydocker did it");
	assert_true(x.memory.oom_kills == 1 && x.memory.limit == 1 << 20 && x.memory.peak == 77);
	assert_true(x.memory.total_limit == CGROUP_NO_LIMIT);
	assert_true(x.passed.number == 15 && x.passed.pid == 5 && x.passed.uid == 1000);
	assert_int_equal(x.kernel.count, 2);
	assert_string_equal(x.kernel.items[1], "two lines");
}

/* As much as the kernel's log can say of one run: 16 lines of its longest. */
static void much_is_read_back_too(void **state)
{
	char line[8000];
	Ended x = some("eeee0", NULL), y;
	Err e = { 0 };
	(void)state;
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	while (x.kernel.count < 16)
		strlist_add(&arena, &x.kernel, line);
	assert_int_equal(ended_write(dir, &x, &arena, &e), 0);
	if (ended_find(dir, "eeee0", &arena, &y, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(y.kernel.count, 16);
	assert_string_equal(y.kernel.items[15], line);
}

static void found_by_age_id_and_name(void **state)
{
	(void)state;
	put("aaaa2", "second", 300);
	put("bbbb3", NULL, 200);
	assert_string_equal(found(NULL), "aaaa2");
	assert_string_equal(found("b"), "bbbb3");
	assert_string_equal(found("aaaa1"), "aaaa1");
	assert_string_equal(found("second"), "aaaa2");
	expect_none("aaaa", ERR_USAGE, "several");
	expect_none("third", ERR_NOT_FOUND, "'third'");
	put("cccc4", "second", 400); /* the name's later bearer */
	assert_string_equal(found("second"), "cccc4");
}

static void only_the_newest_are_kept(void **state)
{
	(void)state;
	for (int i = 0; i < ENDED_KEPT; i++)
		put(arena_printf(&arena, "dddd%02d", i), NULL, 500 + i);
	expect_none("cccc4", ERR_NOT_FOUND, "is remembered");
	assert_string_equal(found(NULL), arena_printf(&arena, "dddd%02d", ENDED_KEPT - 1));
	assert_string_equal(found("dddd00"), "dddd00");
}

static void damaged_ones_are_reported(void **state)
{
	static const char *const bad[] = { "", "{", "{}", "{\"version\":2}",
					   "{\"version\":1,\"name\":5}" };
	char *path = arena_printf(&arena, "%s/ended/ffff.json", dir);
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, bad[i], strlen(bad[i])), (ssize_t)strlen(bad[i]));
		close(fd);
		Ended x;
		Err e = { 0 };
		assert_true(ended_find(dir, "ffff", &arena, &x, &e) < 0);
		assert_non_null(strstr(e.msg, "ffff.json"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read_back),
		cmocka_unit_test(found_by_age_id_and_name),
		cmocka_unit_test(only_the_newest_are_kept),
		cmocka_unit_test(much_is_read_back_too),
		cmocka_unit_test(damaged_ones_are_reported),
	};
	if (!mkdtemp(dir))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	Err e = { 0 };
	if (tree_remove(dir, &e) < 0)
		failed++;
	arena_done(&arena);
	return failed;
}
