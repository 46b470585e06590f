/* init_child.h - runs the body of a test of init's steps in a child with namespaces of its own.        (tests/unit/)
 *
 * As an ordinary user the child has a user namespace, too, in which it is 0:0 and nobody else exists.
 */
#pragma once
#include <sched.h>
#include <sys/wait.h>

#include "init_world.h"

static inline void world_user_namespace(unsigned uid, unsigned gid)
{
	char map[32];
	CHECK(fd_write_text_at(AT_FDCWD, "/proc/self/setgroups", "deny") == 0);
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	CHECK(fd_write_text_at(AT_FDCWD, "/proc/self/uid_map", map) == 0);
	(void)snprintf(map, sizeof map, "0 %u 1", gid);
	CHECK(fd_write_text_at(AT_FDCWD, "/proc/self/gid_map", map) == 0);
}

enum { WORLD_SKIPPED = 77 };

static inline void world_child(World *w, int namespaces, void (*body)(World *w))
{
	unsigned uid = geteuid(), gid = getegid();
	int status;
	w->one_id = uid != 0;
	if (w->one_id)
		namespaces |= CLONE_NEWUSER;
	if (unshare(namespaces) < 0)
		_exit(WORLD_SKIPPED);
	if (namespaces & CLONE_NEWUSER)
		world_user_namespace(uid, gid);
	wire_build_init(&w->b, &w->arena);
	pid_t pid = fork(); /* the first one in a new pid namespace */
	if (pid == 0) {
		body(w);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static inline void world_remove(const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--one-file-system", path, NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

/* Runs body in a child; namespaces: CLONE_NEW*, to which CLONE_NEWNS is added. */
static inline void world_run(int namespaces, void (*body)(World *w))
{
	static World w;
	int status;
	w = (World){ .arena = ARENA_EMPTY };
	(void)snprintf(w.dir, sizeof w.dir, "/tmp/test_init.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	assert_int_equal(chmod(w.dir, 0755), 0); /* for tests that become somebody else */
	(void)snprintf(w.root, sizeof w.root, "%s/root", w.dir);
	(void)snprintf(w.outside, sizeof w.outside, "%s/outside", w.dir);
	(void)snprintf(w.scratch, sizeof w.scratch, "%s/scratch", w.dir);
	assert_int_equal(mkdir(w.root, 0755) | mkdir(w.outside, 0755) | mkdir(w.scratch, 0755), 0);
	pid_t pid = fork();
	if (pid == 0)
		world_child(&w, namespaces | CLONE_NEWNS, body);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	world_remove(w.dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == WORLD_SKIPPED)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* DEFINE_WORLD_TEST(name, namespaces) { body that has World *w } */
#define DEFINE_WORLD_TEST(name, namespaces)           \
	static void name##_body(World *w);            \
	static void name(void **state)                \
	{                                             \
		(void)state;                          \
		world_run((namespaces), name##_body); \
	}                                             \
	static void name##_body(World *w)
