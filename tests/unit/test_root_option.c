/* The string of --rootfs. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "engine/root_option.h"
#include "kern/tree.h"

static char top[32];
static Arena arena;

static int setup(void **state)
{
	(void)state;
	assert_true(str_format(top, sizeof top, "/tmp/unit-rootopt.XXXXXX") > 0);
	assert_ptr_equal(mkdtemp(top), top);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	arena_done(&arena);
	return tree_remove_at(tmp, err_basename(top), NULL);
}

static void expect(const char *suffix, SpecRootKind kind, const char *path_suffix, const char *idmap)
{
	RootOption o;
	Err e = { 0 };
	if (root_option_open(arena_printf(&arena, "%s%s", top, suffix), &arena, &o, &e) < 0)
		fail_msg("'%s': %s", suffix, e.msg);
	fd_close(o.fd);
	assert_int_equal(o.kind, kind);
	assert_string_equal(o.path, arena_printf(&arena, "%s%s", top, path_suffix));
	if (!str_eq(o.idmap, idmap))
		fail_msg("'%s' gives '%s'", suffix, o.idmap ? o.idmap : "(none)");
}

static void words_after_the_colon(void **state)
{
	(void)state;
	expect("", ROOT_DIRECTORY, "", NULL);
	expect(":O", ROOT_OVERLAY, "", NULL);
	expect(":idmap", ROOT_DIRECTORY, "", "idmap");
	expect(":O,idmap", ROOT_OVERLAY, "", "idmap");
	expect(":idmap,O", ROOT_OVERLAY, "", "idmap");
	expect(":idmap=uids=0-1-10#10-11-10;gids=0-100-10", ROOT_DIRECTORY, "",
	       "idmap=uids=0-1-10#10-11-10;gids=0-100-10");
	expect(":O,idmap=uids=0-1-10", ROOT_OVERLAY, "", "idmap=uids=0-1-10");
}

/* A directory may be called anything. */
static void what_is_no_word_is_part_of_the_name(void **state)
{
	(void)state;
	static const char *const names[] = {
		"/a:b", "/a:o", "/a:O,x", "/a:O,O", "/a:idmap,idmap=x", "/a:", "/a:ridmap"
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(mkdir(arena_printf(&arena, "%s%s", top, names[i]), 0755), 0);
		expect(names[i], ROOT_DIRECTORY, names[i], NULL);
		expect(arena_printf(&arena, "%s:O", names[i]), ROOT_OVERLAY, names[i], NULL);
	}
}

static void the_host_s_own_root(void **state)
{
	(void)state;
	static const char *const ways[] = { "/", "/.", "/:O", "/:O,idmap", "/:idmap" };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		RootOption o;
		assert_int_equal(root_option_open(ways[i], &arena, &o, NULL), 0);
		fd_close(o.fd);
		assert_int_equal(o.kind, ROOT_HOST);
		assert_string_equal(o.path, "/");
		assert_int_equal(o.idmap != NULL, i > 2);
	}
}

static void what_is_not_there(void **state)
{
	(void)state;
	RootOption o = { .fd = 7 };
	Err e = { 0 };
	assert_int_equal(root_option_open("/nonexistent:O,idmap", &arena, &o, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "root directory '/nonexistent'"));
	assert_true(root_option_open(":O", &arena, &o, &e) < 0);
	assert_non_null(strstr(e.msg, "the directory's name is empty"));
	assert_int_equal(o.fd, 7);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_after_the_colon),
		TEST(what_is_no_word_is_part_of_the_name),
		TEST(the_host_s_own_root),
		TEST(what_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
