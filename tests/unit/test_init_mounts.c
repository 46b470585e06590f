/* Init's mounts: what is taken over from what they cover, what is shared with the host, attributes of a tree. */
#include "init_child.h"

#include <sys/statvfs.h>

#include "kern/mount.h"
#include "kern/path.h"

static bool message_has(const World *w, const char *text)
{
	if (strstr(w->e.msg, text))
		return true;
	dprintf(2, "# message: %s\n", w->e.msg);
	return false;
}

static WireMount *tmpfs(World *w, const char *target, unsigned flags)
{
	WireMount *m = world_mount(w, WIRE_MOUNT_FS, "tmpfs", target);
	m->flags = (uint16_t)flags;
	return m;
}

#define TAKE_OVER (WIRE_MOUNT_TARGET_MODE | WIRE_MOUNT_TARGET_OWNER | WIRE_MOUNT_COPY_UP)

DEFINE_WORLD_TEST(a_tmpfs_takes_the_mode_of_the_folder, 0)
{
	struct stat st;
	CHECK(mkdir(world_path(w, w->root, "d"), 0755) == 0);
	CHECK(chmod(world_path(w, w->root, "d"), 02710) == 0);
	world_write(w, w->root, "d/f", "x");
	tmpfs(w, "/d", WIRE_MOUNT_TARGET_MODE);
	tmpfs(w, "/new", WIRE_MOUNT_TARGET_MODE);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(world_stat(w, "/d", &st) == 0 && st.st_mode == (S_IFDIR | 02710));
	CHECK(world_stat(w, "/d/f", &st) == -ENOENT);
	CHECK(world_stat(w, "/new", &st) == 0 && st.st_mode == (S_IFDIR | 01777));
}

/* What is mounted on entries of a tmpfs that was just mounted lies in that one; in the next one, where that has been covered since. */
DEFINE_WORLD_TEST(entries_of_a_fresh_tmpfs, 0)
{
	struct stat a, x, y, z;
	tmpfs(w, "/a", 0);
	tmpfs(w, "/a/x", 0);
	tmpfs(w, "/a/x/deep", 0);
	tmpfs(w, "/a/y", 0);
	tmpfs(w, "/b", 0);
	tmpfs(w, "/b/covered", 0);
	tmpfs(w, "/b", 0);
	tmpfs(w, "/b/z", 0);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(world_stat(w, "/a", &a) == 0 && world_stat(w, "/a/x", &x) == 0 &&
	      world_stat(w, "/a/y", &y) == 0);
	CHECK(a.st_dev != x.st_dev && x.st_dev != y.st_dev && a.st_dev != y.st_dev);
	CHECK(world_stat(w, "/a/x/deep", &y) == 0 && y.st_dev != x.st_dev);
	CHECK(world_stat(w, "/b", &a) == 0 && world_stat(w, "/b/z", &z) == 0 && a.st_dev != z.st_dev);
	CHECK(world_stat(w, "/b/covered", &x) == -ENOENT);
}

/* It need not be empty: a link that was copied up leads where it does in the root. */
DEFINE_WORLD_TEST(entries_of_a_tmpfs_with_content, 0)
{
	struct stat st, in;
	CHECK(mkdir(world_path(w, w->root, "d"), 0755) == 0 &&
	      mkdir(world_path(w, w->root, "d/there"), 0700) == 0);
	CHECK(symlink("/e", world_path(w, w->root, "d/link")) == 0);
	tmpfs(w, "/d", TAKE_OVER);
	tmpfs(w, "/d/there", 0);
	tmpfs(w, "/d/link", 0);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(world_stat(w, "/d", &st) == 0 && world_stat(w, "/d/there", &in) == 0 &&
	      in.st_dev != st.st_dev);
	CHECK(world_stat(w, "/d/link", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(world_stat(w, "/e", &in) == 0 && in.st_mode == (S_IFDIR | 01777));
}

/* "remount": attributes and options of what is mounted; what is not named stays. */
DEFINE_WORLD_TEST(a_mount_is_changed, 0)
{
	struct statvfs fs;
	tmpfs(w, "/t", 0)->attr_set = MOUNT_ATTR_NODEV;
	WireMount *m = tmpfs(w, "/t", WIRE_MOUNT_AGAIN);
	m->attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
	m->options_first = (uint32_t)w->b.mount_options_count;
	m->options_count = 1;
	*wire_add(&w->b, mount_options, WireStr) = world_str(w, "size=8k");
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	AUTO(fd_close) int fd = path_try_in_root(w->in.root, "/t", O_RDONLY | O_DIRECTORY, 0);
	CHECK(fd >= 0 && fstatvfs(fd, &fs) == 0);
	CHECK((fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV)) == (ST_RDONLY | ST_NOSUID | ST_NODEV));
	CHECK((uint64_t)fs.f_blocks * fs.f_frsize == 8192);
}

DEFINE_WORLD_TEST(nothing_is_there_to_be_changed, 0)
{
	CHECK(mkdir(world_path(w, w->root, "d"), 0755) == 0);
	tmpfs(w, "/d", WIRE_MOUNT_AGAIN)->attr_set = MOUNT_ATTR_RDONLY;
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) == -EINVAL && message_has(w, "mount tmpfs on /d: "));
}

/* Files of all kinds, with modes, owners and times; a link is copied and not followed. */
DEFINE_WORLD_TEST(content_is_copied_up, 0)
{
	struct stat st, from;
	CHECK(mkdir(world_path(w, w->root, "d"), 0750) == 0 &&
	      mkdir(world_path(w, w->root, "d/sub"), 0700) == 0 &&
	      mkdir(world_path(w, w->root, "d/sub/empty"), 0755) == 0 &&
	      chmod(world_path(w, w->root, "d/sub/empty"), 01777) == 0);
	world_write(w, w->root, "d/f", "content");
	world_write(w, w->root, "d/sub/g", "deeper");
	world_write(w, w->outside, "secret", "secret");
	CHECK(chmod(world_path(w, w->root, "d/f"), 04711) == 0);
	CHECK(symlink(world_path(w, w->outside, "secret"), world_path(w, w->root, "d/link")) == 0);
	CHECK(mkfifo(world_path(w, w->root, "d/fifo"), 0640) == 0);
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000, .tv_nsec = 5 } };
	CHECK(utimensat(AT_FDCWD, world_path(w, w->root, "d/sub"), times, 0) == 0);
	if (!w->one_id)
		CHECK(chown(world_path(w, w->root, "d/f"), 12, 34) == 0 &&
		      chmod(world_path(w, w->root, "d/f"), 04711) == 0 &&
		      chown(world_path(w, w->root, "d"), 5, 6) == 0);
	CHECK(stat(world_path(w, w->root, "d/f"), &from) == 0);
	tmpfs(w, "/d", TAKE_OVER);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));

	CHECK(strcmp(world_read(w, "/d/f"), "content") == 0);
	CHECK(strcmp(world_read(w, "/d/sub/g"), "deeper") == 0);
	CHECK(world_stat(w, "/d/f", &st) == 0 && st.st_mode == (S_IFREG | 04711) &&
	      st.st_dev != from.st_dev);
	if (!w->one_id)
		CHECK(st.st_uid == 12 && st.st_gid == 34);
	CHECK(st.st_mtim.tv_sec == from.st_mtim.tv_sec && st.st_mtim.tv_nsec == from.st_mtim.tv_nsec);
	CHECK(world_stat(w, "/d/sub", &st) == 0 && st.st_mode == (S_IFDIR | 0700) &&
	      st.st_mtim.tv_sec == 2000);
	CHECK(world_stat(w, "/d/sub/empty", &st) == 0 && st.st_mode == (S_IFDIR | 01777));
	CHECK(world_stat(w, "/d/link", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(world_stat(w, "/d/fifo", &st) == 0 && st.st_mode == (S_IFIFO | 0640));
	CHECK(world_stat(w, "/d", &st) == 0 && st.st_mode == (S_IFDIR | 0750));
	if (!w->one_id)
		CHECK(st.st_uid == 5 && st.st_gid == 6);
	CHECK(world_try_write(w, "/d/f2") == 0); /* and the folder below stays as it was */
	CHECK(fstatat(w->in.root_dir, "d/f2", &st, 0) < 0 && errno == ENOENT);
}

DEFINE_WORLD_TEST(there_may_be_nothing_to_copy, 0)
{
	struct stat st;
	tmpfs(w, "/none", TAKE_OVER);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(world_stat(w, "/none", &st) == 0 && st.st_mode == (S_IFDIR | 01777));
}

DEFINE_WORLD_TEST(what_does_not_fit_is_named, 0)
{
	char *much = arena_alloc(&w->arena, 100001);
	memset(much, 'x', 100000);
	CHECK(mkdir(world_path(w, w->root, "d"), 0755) == 0 &&
	      mkdir(world_path(w, w->root, "d/sub"), 0755) == 0);
	world_write(w, w->root, "d/sub/large", much);
	WireMount *m = tmpfs(w, "/d", TAKE_OVER);
	m->options_count = 1;
	*wire_add(&w->b, mount_options, WireStr) = world_str(w, "size=8k");
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) == -ENOSPC);
	CHECK(message_has(w, "mount tmpfs on /d: copy up sub: large: write it"));
}

DEFINE_WORLD_TEST(depth_of_what_is_copied_is_bounded, 0)
{
	CHECK(mkdir(world_path(w, w->root, "d"), 0755) == 0);
	int dir = open(world_path(w, w->root, "d"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 120; i++) {
		CHECK(mkdirat(dir, "d", 0755) == 0);
		int next = openat(dir, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	close(dir);
	tmpfs(w, "/d", TAKE_OVER);
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) == -ELOOP);
	CHECK(message_has(w, "more than 100 folders deep"));
}

/* ---- binds ---- */

/* outside/ with a tmpfs on outside/sub, which is not writable. */
static void tree_make(World *w)
{
	CHECK(mkdir(world_path(w, w->outside, "sub"), 0755) == 0);
	CHECK(mount("t", world_path(w, w->outside, "sub"), "tmpfs", 0, NULL) == 0);
}

DEFINE_WORLD_TEST(attributes_of_the_tree_and_of_its_top, 0)
{
	tree_make(w);
	WireMount *m = world_mount(w, WIRE_MOUNT_BIND, w->outside, "/all");
	m->flags = WIRE_MOUNT_RECURSIVE;
	m->tree_set = MOUNT_ATTR_RDONLY;
	m = world_mount(w, WIRE_MOUNT_BIND, w->outside, "/top");
	m->flags = WIRE_MOUNT_RECURSIVE;
	m->attr_set = MOUNT_ATTR_RDONLY;
	m = world_mount(w, WIRE_MOUNT_BIND, w->outside, "/below");
	m->flags = WIRE_MOUNT_RECURSIVE;
	m->tree_set = MOUNT_ATTR_RDONLY;
	m->attr_clear = MOUNT_ATTR_RDONLY;
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(world_try_write(w, "/all/x") == EROFS && world_try_write(w, "/all/sub/x") == EROFS);
	CHECK(world_try_write(w, "/top/x") == EROFS && world_try_write(w, "/top/sub/x") == 0);
	CHECK(world_try_write(w, "/below/x") == 0 && world_try_write(w, "/below/sub/x") == EROFS);
}

/* The host of these tests is the child itself: what it mounts later shows up in the container's tree, or what is mounted there does
 * outside. In a world without privilege nothing is shared to begin with. */
static void shared_tree_make(World *w)
{
	CHECK(mount("t", w->outside, "tmpfs", 0, NULL) == 0);
	CHECK(mount(NULL, w->outside, NULL, MS_SHARED, NULL) == 0);
	CHECK(mkdir(world_path(w, w->outside, "in"), 0755) == 0 &&
	      mkdir(world_path(w, w->outside, "out"), 0755) == 0);
}

/* A second mount namespace, as the container's is to the host's: the peers stay behind in the first, which `host` holds. */
static void second_namespace(int *ret_host)
{
	*ret_host = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	CHECK(*ret_host >= 0);
	CHECK(unshare(CLONE_NEWNS) == 0);
}

/* Is something mounted on the folder, as seen from the namespace? */
static bool mounted_in(int ns, const char *path)
{
	struct stat st, above;
	pid_t pid = fork();
	int status;
	if (pid == 0) {
		if (setns(ns, CLONE_NEWNS) < 0 || stat(path, &st) < 0 ||
		    stat(arena_printf(&(Arena){ 0 }, "%s/..", path), &above) < 0)
			_exit(2);
		_exit(st.st_dev != above.st_dev);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

static void mount_in_root(World *w, const char *path)
{
	AUTO(fd_close)
	int target = sys_openat2(w->in.root, path, O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
	AUTO(fd_close) int fs = FD_NONE;
	AUTO(fd_close) int made = FD_NONE;
	CHECK_OK(w, mount_fs_open("tmpfs", &fs, &w->e));
	CHECK_OK(w, mount_fs_make(fs, 0, &made, &w->e));
	CHECK_OK(w, mount_attach(made, target, &w->e));
}

static void shared_world(World *w, unsigned long how, int *ret_host)
{
	shared_tree_make(w);
	second_namespace(ret_host);
	WireMount *m = world_mount(w, WIRE_MOUNT_BIND, w->outside, "/v");
	m->flags = WIRE_MOUNT_RECURSIVE;
	m->propagation = how | MS_REC;
}

DEFINE_WORLD_TEST(a_shared_volume_lets_mounts_out, 0)
{
	int host;
	shared_world(w, MS_SHARED, &host);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	mount_in_root(w, "/v/out");
	CHECK(mounted_in(host, world_path(w, w->outside, "out")));
	CHECK(!mounted_in(host, world_path(w, w->outside, "in")));
}

DEFINE_WORLD_TEST(a_slave_volume_lets_none_out, 0)
{
	int host;
	shared_world(w, MS_SLAVE, &host);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	mount_in_root(w, "/v/out");
	CHECK(!mounted_in(host, world_path(w, w->outside, "out")));
}

DEFINE_WORLD_TEST(a_slave_volume_lets_mounts_in, 0)
{
	int host, status;
	struct stat top, in;
	shared_world(w, MS_SLAVE, &host);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(setns(host, CLONE_NEWNS) == 0);
		_exit(mount("t", world_path(w, w->outside, "in"), "tmpfs", 0, NULL) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(world_stat(w, "/v", &top) == 0 && world_stat(w, "/v/in", &in) == 0);
	CHECK(top.st_dev != in.st_dev);
}

DEFINE_WORLD_TEST(a_private_volume_is_private, 0)
{
	int host;
	shared_world(w, MS_PRIVATE, &host);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	mount_in_root(w, "/v/out");
	CHECK(!mounted_in(host, world_path(w, w->outside, "out")));
}

/* The plan compares paths; a link in the root leads where none of them shows. */
DEFINE_WORLD_TEST(no_mount_goes_into_a_shared_volume_by_a_link, 0)
{
	int host;
	shared_world(w, MS_SHARED, &host);
	CHECK(symlink("/v", world_path(w, w->root, "link")) == 0);
	tmpfs(w, "/elsewhere", 0);
	tmpfs(w, "/link/in", 0);
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) < 0);
	CHECK(message_has(w, "mount tmpfs on /link/in: the path leads into the shared mount on /v"));
	CHECK(!mounted_in(host, world_path(w, w->outside, "in")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tmpfs_takes_the_mode_of_the_folder),
		cmocka_unit_test(entries_of_a_fresh_tmpfs),
		cmocka_unit_test(entries_of_a_tmpfs_with_content),
		cmocka_unit_test(a_mount_is_changed),
		cmocka_unit_test(nothing_is_there_to_be_changed),
		cmocka_unit_test(content_is_copied_up),
		cmocka_unit_test(there_may_be_nothing_to_copy),
		cmocka_unit_test(what_does_not_fit_is_named),
		cmocka_unit_test(depth_of_what_is_copied_is_bounded),
		cmocka_unit_test(attributes_of_the_tree_and_of_its_top),
		cmocka_unit_test(a_shared_volume_lets_mounts_out),
		cmocka_unit_test(a_slave_volume_lets_none_out),
		cmocka_unit_test(a_slave_volume_lets_mounts_in),
		cmocka_unit_test(a_private_volume_is_private),
		cmocka_unit_test(no_mount_goes_into_a_shared_volume_by_a_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
