/* Giving a tree away: every file and directory, no target of a link. As an ordinary user only to oneself. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"
#include "kern/tree.h"
#include "kern/tree_chown.h"

static char top[32];
static int top_fd;

static int setup(void **state)
{
	(void)state;
	assert_true(str_format(top, sizeof top, "/tmp/unit-chown.XXXXXX") > 0);
	assert_ptr_equal(mkdtemp(top), top);
	top_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(top_fd >= 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd_close(top_fd);
	return tree_remove_at(tmp, err_basename(top), NULL);
}

static void file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	fd_close(fd);
}

static void owner_is(const char *name, uid_t uid, gid_t gid)
{
	struct stat st;
	assert_int_equal(fstatat(top_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	if (st.st_uid != uid || st.st_gid != gid)
		fail_msg("%s belongs to %u:%u", name, st.st_uid, st.st_gid);
}

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
}

static void all_of_it_and_nothing_else(void **state)
{
	(void)state;
	Err e = { 0 };
	need_root();
	file(top_fd, "outside");
	assert_int_equal(mkdirat(top_fd, "t", 0755) | mkdirat(top_fd, "t/d", 0700) |
				 mkdirat(top_fd, "t/d/e", 0755) | mkdirat(top_fd, "other", 0755),
			 0);
	file(top_fd, "t/f");
	file(top_fd, "t/d/e/f");
	file(top_fd, "other/f");
	assert_int_equal(symlinkat("../outside", top_fd, "t/link") |
				 symlinkat("../other", top_fd, "t/dir") |
				 symlinkat("none", top_fd, "t/d/dangling") |
				 mkfifoat(top_fd, "t/fifo", 0600),
			 0);
	AUTO(fd_close) int t = openat(top_fd, "t", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int again = 0; again < 2; again++) {
		if (tree_chown(t, 1234, 567, &e) < 0)
			fail_msg("%s", e.msg);
		const char *given[] = { "t",      "t/f",   "t/d",          "t/d/e", "t/d/e/f",
					"t/link", "t/dir", "t/d/dangling", "t/fifo" };
		for (size_t i = 0; i < ARRAY_LEN(given); i++)
			owner_is(given[i], 1234, 567);
	}
	owner_is("outside", 0, 0);
	owner_is("other", 0, 0);
	owner_is("other/f", 0, 0);
}

static void a_single_file(void **state)
{
	(void)state;
	need_root();
	file(top_fd, "one");
	AUTO(fd_close) int fd = openat(top_fd, "one", O_PATH | O_CLOEXEC);
	assert_int_equal(tree_chown(fd, 5, 6, NULL), 0);
	owner_is("one", 5, 6);
}

/* What has the owner already is not touched: an ordinary user may "give" everything to itself. */
static void to_oneself(void **state)
{
	(void)state;
	struct stat before, after;
	assert_int_equal(mkdirat(top_fd, "mine", 0755), 0);
	file(top_fd, "mine/f");
	assert_int_equal(fstatat(top_fd, "mine/f", &before, 0), 0);
	AUTO(fd_close) int fd = openat(top_fd, "mine", O_PATH | O_CLOEXEC);
	assert_int_equal(tree_chown(fd, geteuid(), getegid(), NULL), 0);
	assert_int_equal(fstatat(top_fd, "mine/f", &after, 0), 0);
	assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof before.st_ctim);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	Err e = { 0 };
	assert_int_equal(mkdirat(top_fd, "deep", 0755), 0);
	AUTO(fd_close) int start = openat(top_fd, "deep", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int dir = fcntl(start, F_DUPFD_CLOEXEC, 0);
	for (unsigned i = 0; i <= LIMIT_TREE_DEPTH; i++) {
		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		int next = openat(dir, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_close(dir);
		dir = next;
	}
	fd_close(dir);
	assert_int_equal(tree_chown(start, geteuid(), getegid(), &e), -ELOOP);
	assert_non_null(strstr(e.msg, "more than 256 directories deep"));
}

static void what_may_not_be_given_is_named(void **state)
{
	(void)state;
	Err e = { 0 };
	if (geteuid() == 0) {
		print_message("root may give everything\n");
		skip();
	}
	assert_int_equal(mkdirat(top_fd, "no", 0755) | mkdirat(top_fd, "no/sub", 0755), 0);
	AUTO(fd_close) int fd = openat(top_fd, "no", O_PATH | O_CLOEXEC);
	assert_int_equal(tree_chown(fd, geteuid() + 1, getegid(), &e), -EPERM);
	assert_non_null(strstr(e.msg, "change its owner"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_of_it_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(a_single_file, setup, teardown),
		cmocka_unit_test_setup_teardown(to_oneself, setup, teardown),
		cmocka_unit_test_setup_teardown(depth_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(what_may_not_be_given_is_named, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
