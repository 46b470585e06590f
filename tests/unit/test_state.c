/* The state directory: made safely, locked by whoever runs a container, names taken once. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/str.h"
#include "kern/tree.h"
#include "runtime/claims.h"
#include "runtime/record.h"
#include "runtime/state.h"

static char top[32]; /* a folder of each test's own */
static Arena arena;
static Err err;

static int setup(void **state)
{
	(void)state;
	err = (Err){ 0 };
	assert_true(str_format(top, sizeof top, "/tmp/unit-state.XXXXXX") > 0);
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

static const char *below(const char *name)
{
	return arena_printf(&arena, "%s/%s", top, name);
}

static State open_state(const char *path)
{
	State s = STATE_NONE;
	if (state_open(path, &arena, &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static ContainerDir add(State *s, const char *id)
{
	ContainerDir d = CONTAINER_DIR_NONE;
	if (state_add(s, id, &arena, &d, &err) < 0)
		fail_msg("%s", err.msg);
	return d;
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void expect_error(int r, ErrKind kind, int sys, const char *part)
{
	assert_int_equal(r, -sys);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.msg, part))
		fail_msg("'%s' is not in '%s'", part, err.msg);
	err = (Err){ 0 };
}

/* ---- the directory ---- */

static void a_missing_directory_is_made_private(void **state)
{
	(void)state;
	mode_t umask_before = umask(0);
	State s = open_state(below("a/b/state"));
	(void)umask(umask_before);
	assert_int_equal(mode_of(below("a")), 0755);
	assert_int_equal(mode_of(below("a/b")), 0755);
	assert_int_equal(mode_of(below("a/b/state")), 0700);
	assert_int_equal(mode_of(below("a/b/state/containers")), 0700);
	assert_int_equal(mode_of(below("a/b/state/names")), 0700);
	assert_true(fcntl(s.containers_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(s.names_fd, F_GETFD) & FD_CLOEXEC);
	assert_string_equal(s.path, below("a/b/state"));
	state_close(&s);
	assert_true(s.containers_fd < 0 && s.names_fd < 0);
}

static void an_existing_directory_is_used_as_it_is(void **state)
{
	(void)state;
	State s = open_state(below("state"));
	ContainerDir d = add(&s, "one");
	State again = open_state(below("state"));
	assert_int_equal(faccessat(again.containers_fd, "one", F_OK, 0), 0);
	container_dir_close(&d);
	state_close(&again);
	state_close(&s);
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
	(void)state;
	const mode_t bad[] = { 0720, 0702, 0777, 01777 }, good[] = { 0700, 0755, 0711 };
	State s = STATE_NONE;
	assert_int_equal(mkdir(below("s"), 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(chmod(below("s"), bad[i]), 0);
		expect_error(state_open(below("s"), &arena, &s, &err), ERR_STATE, EPERM, below("s"));
		assert_true(s.containers_fd < 0);
		assert_int_equal(access(below("s/containers"), F_OK), -1);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(chmod(below("s"), good[i]), 0);
		State fine = open_state(below("s"));
		state_close(&fine);
	}
}

static void a_directory_of_somebody_else_is_refused(void **state)
{
	(void)state;
	State s = STATE_NONE;
	if (geteuid() != 0) {
		print_message("needs root to give a directory away\n");
		skip();
	}
	assert_int_equal(mkdir(below("s"), 0700), 0);
	assert_int_equal(chown(below("s"), 12345, 12345), 0);
	expect_error(state_open(below("s"), &arena, &s, &err), ERR_STATE, EPERM,
		     "belongs to another user");
	assert_int_equal(access(below("s/containers"), F_OK), -1);
}

static void what_is_no_directory_is_refused(void **state)
{
	(void)state;
	State s = STATE_NONE;
	assert_int_equal(mkdir(below("real"), 0700), 0);
	assert_int_equal(symlink("real", below("link")), 0);
	expect_error(state_open(below("link"), &arena, &s, &err), ERR_SYS, ENOTDIR, below("link"));
	assert_int_equal(mknod(below("file"), S_IFREG | 0600, 0), 0);
	expect_error(state_open(below("file"), &arena, &s, &err), ERR_SYS, ENOTDIR, below("file"));
	expect_error(state_open(below("file/s"), &arena, &s, &err), ERR_SYS, ENOTDIR, below("file/s"));
	/* The folders in it, too: a link there would let containers grow elsewhere. */
	assert_int_equal(symlink("..", below("real/containers")), 0);
	expect_error(state_open(below("real"), &arena, &s, &err), ERR_SYS, ENOTDIR, "containers");
}

/* ---- containers ---- */

static void a_container_gets_a_private_locked_directory(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	ContainerDir d = add(&s, "abc");
	assert_string_equal(d.id, "abc");
	assert_string_equal(d.path, below("s/containers/abc"));
	assert_int_equal(mode_of(d.path), 0700);
	assert_true(fcntl(d.fd, F_GETFD) & FD_CLOEXEC);
	struct stat by_fd, by_path;
	assert_int_equal(fstat(d.fd, &by_fd), 0);
	assert_int_equal(stat(d.path, &by_path), 0);
	assert_true(by_fd.st_ino == by_path.st_ino);
	/* A lock of another open file, even of this process, does not come in. */
	ContainerDir other = CONTAINER_DIR_NONE;
	assert_int_equal(state_lock(&s, "abc", &arena, &other, &err), -EBUSY);
	assert_int_equal(err.kind, ERR_OK);
	container_dir_close(&d);
	assert_int_equal(d.fd, FD_NONE);
	assert_int_equal(state_lock(&s, "abc", &arena, &other, &err), 0);
	assert_int_equal(state_lock(&s, "abc", &arena, &d, &err), -EBUSY);
	assert_string_equal(other.id, "abc");
	assert_string_equal(other.path, below("s/containers/abc"));
	container_dir_close(&other);
	state_close(&s);
}

static void an_id_is_taken_once(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	ContainerDir d = add(&s, "abc"), second = CONTAINER_DIR_NONE;
	expect_error(state_add(&s, "abc", &arena, &second, &err), ERR_EXISTS, EEXIST, "abc");
	assert_true(second.fd < 0);
	container_dir_close(&d);
	/* Also when nobody runs it any more. */
	expect_error(state_add(&s, "abc", &arena, &second, &err), ERR_EXISTS, EEXIST, "abc");
	state_close(&s);
}

static void locking_what_is_not_there_tells_so_without_a_message(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	ContainerDir d = CONTAINER_DIR_NONE;
	assert_int_equal(state_lock(&s, "none", &arena, &d, &err), -ENOENT);
	assert_int_equal(err.kind, ERR_OK);
	assert_true(d.fd < 0);
	state_close(&s);
}

/* Forks an engine that runs container `id` until it is killed; returns when it holds the lock. */
static pid_t fork_engine(State *s, const char *id)
{
	int ready[2];
	char c;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		ContainerDir d = CONTAINER_DIR_NONE;
		Err e = { 0 };
		if (state_add(s, id, &arena, &d, &e) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	fd_close(ready[0]);
	return pid;
}

static void the_lock_goes_with_its_holder(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	ContainerDir d = CONTAINER_DIR_NONE;
	pid_t pid = fork_engine(&s, "abc");
	assert_int_equal(state_lock(&s, "abc", &arena, &d, &err), -EBUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(state_lock(&s, "abc", &arena, &d, &err), 0);
	assert_int_equal(state_remove(&s, &d, &err), 0);
	assert_int_equal(access(below("s/containers/abc"), F_OK), -1);
	state_close(&s);
}

static void a_directory_removed_by_another_is_not_locked(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	ContainerDir d = add(&s, "abc"), late = CONTAINER_DIR_NONE;
	State other = open_state(below("s"));
	assert_int_equal(state_remove(&s, &d, &err), 0);
	assert_int_equal(state_lock(&other, "abc", &arena, &late, &err), -ENOENT);
	assert_true(late.fd < 0);
	/* The id can be taken again. */
	d = add(&other, "abc");
	container_dir_close(&d);
	state_close(&other);
	state_close(&s);
}

static void removing_takes_all_that_is_in_it(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	ContainerDir d = add(&s, "abc"), next = add(&s, "next");
	assert_int_equal(mkdirat(d.fd, "sub", 0700), 0);
	assert_int_equal(mkdirat(d.fd, "sub/deep", 0), 0);
	assert_int_equal(symlinkat("../next", d.fd, "link"), 0);
	assert_int_equal(mknodat(d.fd, "record.json", S_IFREG | 0600, 0), 0);
	assert_int_equal(mknodat(next.fd, "kept", S_IFREG | 0600, 0), 0);
	assert_int_equal(state_remove(&s, &d, &err), 0);
	assert_int_equal(d.fd, FD_NONE);
	assert_int_equal(access(below("s/containers/abc"), F_OK), -1);
	assert_int_equal(access(below("s/containers/next/kept"), F_OK), 0); /* the link was not followed */
	container_dir_close(&next);
	state_close(&s);
}

static void removing_what_is_gone_is_no_error(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	ContainerDir d = add(&s, "abc");
	assert_int_equal(rmdir(below("s/containers/abc")), 0);
	assert_int_equal(state_remove(&s, &d, &err), 0);
	assert_int_equal(d.fd, FD_NONE);
	state_close(&s);
}

/* ---- names ---- */

static void a_name_is_taken_once_and_given_back_by_its_holder(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	const char *holder = NULL;
	char text[16] = "";
	assert_int_equal(state_name_take(&s, "web", "id-1", &arena, &holder), 0);
	assert_int_equal(readlinkat(s.names_fd, "web", text, sizeof text), 4);
	assert_memory_equal(text, "id-1", 4);
	assert_int_equal(state_name_take(&s, "web", "id-2", &arena, &holder), -EEXIST);
	assert_string_equal(holder, "id-1");
	assert_int_equal(state_name_take(&s, "web", "id-1", &arena, &holder), -EEXIST); /* not even by the same */
	state_name_give(&s, "web", "id-2");
	state_name_give(&s, "web", "id-");
	state_name_give(&s, "web", "id-11");
	assert_int_equal(state_name_take(&s, "web", "id-2", &arena, &holder), -EEXIST);
	state_name_give(&s, "web", "id-1");
	assert_int_equal(state_name_take(&s, "web", "id-2", &arena, &holder), 0);
	state_name_give(&s, "web", "id-2");
	state_name_give(&s, "web", "id-2"); /* gone already */
	assert_int_equal(faccessat(s.names_fd, "web", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	state_close(&s);
}

/* A full id, and what is no link of ours in the way. */
/* Takes the name over from a dead holder, again and again, and looks whether it keeps it while it has it. */
static int take_over(const char *id)
{
	AUTO(state_close) State s = STATE_NONE;
	const char *holder;
	char text[8];
	if (state_open(below("s"), &arena, &s, &err) < 0)
		return 2;
	for (int i = 0; i < 20000; i++) {
		state_name_give(&s, "n", "dead");
		if (state_name_take(&s, "n", id, &arena, &holder) < 0)
			continue;
		for (int k = 0; k < 8; k++)
			if (readlinkat(s.names_fd, "n", text, sizeof text) != 1 || text[0] != id[0])
				return 1;
		state_name_give(&s, "n", id);
		if (symlinkat("dead", s.names_fd, "n") < 0 && errno != EEXIST) /* another has it by now */
			return 3;
	}
	return 0;
}

static void nobody_gives_back_what_another_has_taken(void **state)
{
	(void)state;
	static const char *const ids[] = { "a", "b", "c" };
	pid_t pids[ARRAY_LEN(ids)];
	State s = open_state(below("s"));
	state_close(&s);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(take_over(ids[i]));
		assert_true(pids[i] > 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void names_hold_full_ids(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	const char *holder = NULL,
		   *id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	assert_int_equal(state_name_take(&s, "a.b_c-d", id, &arena, &holder), 0);
	assert_int_equal(state_name_take(&s, "a.b_c-d", "x", &arena, &holder), -EEXIST);
	assert_string_equal(holder, id);
	assert_int_equal(mknodat(s.names_fd, "file", S_IFREG | 0600, 0), 0);
	assert_int_equal(state_name_take(&s, "file", "x", &arena, &holder), -EEXIST);
	assert_string_equal(holder, "");
	state_name_give(&s, "file", "x");
	assert_int_equal(faccessat(s.names_fd, "file", F_OK, 0), 0);
	state_close(&s);
}

enum { RACERS = 8 };

/* Of many that want a name at once exactly one gets it. */
static void one_of_many_gets_a_name(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	pid_t pids[RACERS];
	int winners = 0;
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			const char *holder = "";
			int r = state_name_take(&s, "web", arena_printf(&arena, "id-%d", i), &arena,
						&holder);
			_exit(r == 0 ? 0 : r == -EEXIST && str_starts(holder, "id-") ? 1 : 2);
		}
	}
	for (int i = 0; i < RACERS; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		winners += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(winners, 1);
	state_close(&s);
}

/* ---- ids ---- */

static void record_ids(State *s, const char *id, uint32_t uid, uint32_t gid)
{
	ContainerDir d = add(s, id);
	Record r = { .id = id, .boot_id = "b" };
	id_ranges_add(&arena, &r.uids, uid, 10);
	id_ranges_add(&arena, &r.gids, gid, 20);
	assert_int_equal(record_write(d.fd, &r, &arena, &err), 0);
	container_dir_close(&d);
}

static void ids_are_claimed_by_records(void **state)
{
	(void)state;
	State s = open_state(below("s"));
	IdRanges uids = { 0 }, gids = { 0 };
	assert_int_equal(claims_read(&s, &arena, &uids, &gids, &err), 0);
	assert_int_equal(uids.count + gids.count, 0);
	record_ids(&s, "aa", 100, 200);
	record_ids(&s, "bb", 300, 400);
	ContainerDir bare = add(&s, "cc"); /* no record yet */
	ContainerDir damaged = add(&s, "dd");
	AUTO(fd_close)
	int fd = openat(damaged.fd, "record.json", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fd_write_all(fd, "{", 1, "record.json", NULL), 0);
	assert_int_equal(claims_read(&s, &arena, &uids, &gids, &err), 0);
	id_ranges_sort(&uids);
	id_ranges_sort(&gids);
	assert_true(uids.count == 2 && gids.count == 2);
	assert_true(uids.items[0].start == 100 && uids.items[1].start == 300 &&
		    uids.items[1].size == 10);
	assert_true(gids.items[0].start == 200 && gids.items[1].start == 400 &&
		    gids.items[1].size == 20);
	container_dir_close(&bare);
	container_dir_close(&damaged);
	state_close(&s);
}

/* Who chooses ids keeps others out until it says so, or ends. */
static void one_at_a_time_chooses_ids(void **state)
{
	(void)state;
	int ends[2];
	char c = 0;
	State s = open_state(below("s"));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(state_ids_lock(&s, &err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		State other = open_state(below("s")); /* a lock of its own */
		_exit(state_ids_lock(&other, &err) == 0 && write(ends[1], "x", 1) == 1 ? 0 : 1);
	}
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	(void)usleep(50000);
	assert_int_equal(read(ends[0], &c, 1), -1);
	state_ids_unlock(&s);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_int_equal(state_ids_lock(&s, &err), 0); /* the child ended without a word: free */
	fd_close(ends[0]);
	fd_close(ends[1]);
	state_close(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_missing_directory_is_made_private),
		TEST(an_existing_directory_is_used_as_it_is),
		TEST(a_directory_that_others_may_write_is_refused),
		TEST(a_directory_of_somebody_else_is_refused),
		TEST(what_is_no_directory_is_refused),
		TEST(a_container_gets_a_private_locked_directory),
		TEST(an_id_is_taken_once),
		TEST(locking_what_is_not_there_tells_so_without_a_message),
		TEST(the_lock_goes_with_its_holder),
		TEST(a_directory_removed_by_another_is_not_locked),
		TEST(removing_takes_all_that_is_in_it),
		TEST(removing_what_is_gone_is_no_error),
		TEST(a_name_is_taken_once_and_given_back_by_its_holder),
		TEST(names_hold_full_ids),
		TEST(nobody_gives_back_what_another_has_taken),
		TEST(one_of_many_gets_a_name),
		TEST(ids_are_claimed_by_records),
		TEST(one_at_a_time_chooses_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
