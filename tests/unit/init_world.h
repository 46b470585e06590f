/* init_world.h - a throw-away container root for tests of init's steps, in namespaces of their own.        (tests/unit/)
 *
 * world_run() forks; the child enters new namespaces (as an ordinary user also a user namespace, in which it is 0:0) and runs the test
 * body, which uses CHECK() and not cmocka's assertions: those would jump back into the runner, in the wrong process.
 */
#pragma once
#include "unit.h"

#include <sched.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/str.h"
#include "init/init.h"
#include "kern/sys.h"
#include "wire/wire_build.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			dprintf(2, "# %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno);  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* The call succeeds, or we see its error. */
#define CHECK_OK(w, call)                                                                                \
	do {                                                                                             \
		if ((call) < 0) {                                                                        \
			char text_[600];                                                                 \
			dprintf(2, "# %s:%d: %s: %s\n", __FILE__, __LINE__, #call, err_text(&(w)->e, text_, sizeof text_)); \
			_exit(1);                                                                        \
		}                                                                                        \
	} while (0)

typedef struct World {
	char dir[48], root[64], outside[64], scratch[64];
	Arena arena;
	WireBuild b;
	Init in;
	Err e;
} World;

static inline WireStr world_str(World *w, const char *s)
{
	return wire_add_str(&w->b, s);
}

/* The plan of the head and lists set so far, checked; in->sources etc. are empty. */
static inline void world_plan(World *w)
{
	void *image;
	size_t size;
	w->b.head.root = world_str(w, w->root);
	if (!w->b.head.cwd)
		w->b.head.cwd = world_str(w, "/");
	if (geteuid() != 0)
		w->b.head.flags |= WIRE_NO_SETGROUPS;
	*wire_add(&w->b, argv, WireStr) = world_str(w, "/command");
	CHECK_OK(w, wire_finish(&w->b, &image, &size, &w->e));
	CHECK_OK(w, wire_check(image, size, &w->e));
	w->in = (Init){ .plan = image, .sync = SYNC_NONE, .root_dir = FD_NONE, .root = FD_NONE, .scratch_dir = FD_NONE, .scratch = FD_NONE,
			.proc = FD_NONE, .devpts = FD_NONE, .mask_dir = FD_NONE, .mask_file = FD_NONE, .master = FD_NONE, .slave = FD_NONE };
	for (size_t i = 0; i < ARRAY_LEN(w->in.sources); i++)
		w->in.sources[i] = FD_NONE;
}

/* Until the root is attached. */
static inline void world_attach(World *w)
{
	world_plan(w);
	CHECK_OK(w, rootfs_open(&w->in, &w->e));
	CHECK_OK(w, identity_take(&w->in, &w->e));
	CHECK_OK(w, rootfs_attach(&w->in, &w->e));
}

static inline WireMount *world_mount(World *w, WireMountKind kind, const char *what, const char *target)
{
	WireMount *m = wire_add(&w->b, mounts, WireMount);
	*m = (WireMount){ .kind = (uint16_t)kind, .target = world_str(w, target) };
	*(kind == WIRE_MOUNT_FS ? &m->type : &m->source) = world_str(w, what);
	return m;
}

/* A path below the world's root (or another folder of it). */
static inline const char *world_path(World *w, const char *base, const char *name)
{
	return arena_printf(&w->arena, "%s/%s", base, name);
}

static inline void world_write(World *w, const char *base, const char *name, const char *text)
{
	int fd = open(world_path(w, base, name), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* The content of a file by its path in the container's root. */
static inline const char *world_read(World *w, const char *path)
{
	static char text[4096];
	int fd = sys_openat2(w->in.root, path, O_RDONLY | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
	ssize_t n = fd < 0 ? -1 : fd_read_up_to(fd, text, sizeof text - 1);
	CHECK(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static inline int world_stat(World *w, const char *path, struct stat *st)
{
	int fd = sys_openat2(w->in.root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
	int r = fd < 0 ? -errno : fstat(fd, st);
	if (fd >= 0)
		close(fd);
	return r;
}

/* Opens for writing; the errno of that, 0 for success. */
static inline int world_try_write(World *w, const char *path)
{
	int fd = sys_openat2(w->in.root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644, RESOLVE_IN_ROOT);
	int r = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

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
	if (uid != 0)
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
#define DEFINE_WORLD_TEST(name, namespaces)         \
	static void name##_body(World *w);          \
	static void name(void **state)              \
	{                                           \
		(void)state;                        \
		world_run((namespaces), name##_body); \
	}                                           \
	static void name##_body(World *w)
