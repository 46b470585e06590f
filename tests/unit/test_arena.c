#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/own.h"

static void memory_is_zeroed_and_aligned(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (int round = 0; round < 2; round++) { /* the second one gets memory that malloc has seen before */
		for (size_t size = 0; size < 300; size++) {
			unsigned char *p = arena_alloc(&a, size);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xa5, size);
		}
		arena_done(&a);
		assert_null(a.chunks);
		assert_int_equal(a.used, 0);
	}
}

static void blocks_do_not_overlap(void **state)
{
	(void)state;
	enum { COUNT = 400 };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	unsigned char *blocks[COUNT];
	for (size_t i = 0; i < COUNT; i++) { /* 400 kB: several chunks */
		blocks[i] = arena_alloc(&a, 1000 + i);
		memset(blocks[i], (int)(i & 0xff), 1000 + i);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k < 1000 + i; k++)
			assert_int_equal(blocks[i][k], i & 0xff);
}

static void a_block_may_be_larger_than_a_chunk(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char *small = arena_strdup(&a, "before");
	char *big = arena_alloc(&a, (size_t)3 << 20);
	memset(big, 'x', (size_t)3 << 20);
	char *after = arena_strdup(&a, "after");
	assert_string_equal(small, "before");
	assert_string_equal(after, "after");
	assert_int_equal(big[((size_t)3 << 20) - 1], 'x');
}

static void strings_are_copied_and_ended(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char text[] = "some text";
	char *whole = arena_strdup(&a, text), *part = arena_strndup(&a, text, 4);
	text[0] = 'X';
	assert_string_equal(whole, "some text");
	assert_string_equal(part, "some");
	assert_string_equal(arena_strndup(&a, "", 0), "");
	assert_memory_equal(arena_strndup(&a, "a\0b", 3), "a\0b", 4); /* bytes, not a C string */
}

static void printf_makes_room_for_all(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char *s = arena_printf(&a, "%0100000d|%s", 7, "end");
	assert_int_equal(strlen(s), 100004);
	assert_string_equal(s + 99999, "7|end");
	assert_string_equal(arena_printf(&a, "%s", ""), "");
}

typedef struct Item {
	uint64_t key;
	const char *text;
} Item;

static void a_pushed_list_keeps_its_items(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Item *items = NULL;
	size_t count = 0;
	for (uint64_t i = 0; i < 1000; i++) {
		Item *item = arena_push(&a, &items, &count, Item);
		assert_int_equal(count, i + 1);
		assert_ptr_equal(item, &items[i]);
		assert_true(item->key == 0 && !item->text); /* zeroed, also where a list has moved */
		*item = (Item){ .key = i, .text = "x" };
	}
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(items[i].key == i);
}

/* Runs fn in a child and returns how it ended. */
static int status_of(void (*fn)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit no_core = { 0, 0 };
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)close(STDERR_FILENO); /* its message is not ours */
		(void)signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void overflow_in_count_times_size(void)
{
	Arena a = ARENA_EMPTY;
	(void)arena_alloc_array(&a, SIZE_MAX / 8 + 2, 8); /* wraps round to 8 bytes */
}

static void overflow_in_alignment(void)
{
	Arena a = ARENA_EMPTY;
	(void)arena_alloc(&a, SIZE_MAX - 3); /* rounded up, it would be 0 bytes */
}

static void sizes_that_overflow_abort(void **state)
{
	(void)state;
	void (*const cases[])(void) = { overflow_in_count_times_size, overflow_in_alignment };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int status = status_of(cases[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(blocks_do_not_overlap),
		cmocka_unit_test(a_block_may_be_larger_than_a_chunk),
		cmocka_unit_test(strings_are_copied_and_ended),
		cmocka_unit_test(printf_makes_room_for_all),
		cmocka_unit_test(a_pushed_list_keeps_its_items),
		cmocka_unit_test(sizes_that_overflow_abort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
