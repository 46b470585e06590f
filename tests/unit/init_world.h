/* init_world.h - a throw-away container root for tests of init's steps.        (tests/unit/)
 *
 * The bodies run in a child (init_child.h) and use CHECK(), not cmocka's assertions: those would jump back into the runner, in the
 * wrong process.
 */
#pragma once
#include "unit.h"

#include "base/arena.h"
#include "base/str.h"
#include "init/init.h"
#include "kern/sys.h"
#include "wire/wire_build.h"

#define CHECK(cond)                                                                               \
	do {                                                                                      \
		if (!(cond)) {                                                                    \
			dprintf(2, "# %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno); \
			_exit(1);                                                                 \
		}                                                                                 \
	} while (0)

/* The call succeeds, or we see its error. */
#define CHECK_OK(w, call)                                                          \
	do {                                                                       \
		if ((call) < 0) {                                                  \
			char text_[600];                                           \
			dprintf(2, "# %s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
				err_text(&(w)->e, text_, sizeof text_));           \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

typedef struct World {
	char dir[48], root[64], outside[64], scratch[64];
	bool one_id; /* in a user namespace of one id, made without privilege */
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
	if (w->one_id)
		w->b.head.flags |= WIRE_NO_SETGROUPS;
	*wire_add(&w->b, argv, WireStr) = world_str(w, "/command");
	CHECK_OK(w, wire_finish(&w->b, &image, &size, &w->e));
	CHECK_OK(w, wire_check(image, size, &w->e));
	w->in = (Init){ .plan = image,
			.sync = SYNC_NONE,
			.root_dir = FD_NONE,
			.root = FD_NONE,
			.scratch_dir = FD_NONE,
			.scratch = FD_NONE,
			.host_proc = FD_NONE,
			.proc = FD_NONE,
			.devpts = FD_NONE,
			.mask_dir = FD_NONE,
			.mask_file = FD_NONE,
			.master = FD_NONE,
			.slave = FD_NONE };
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
