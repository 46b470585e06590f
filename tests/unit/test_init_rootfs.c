#include "init_child.h"

#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <linux/magic.h>

static bool message_has(const World *w, const char *text)
{
	if (strstr(w->e.msg, text))
		return true;
	dprintf(2, "# message: %s\n", w->e.msg);
	return false;
}

DEFINE_WORLD_TEST(mounts_are_made_with_their_targets, CLONE_NEWPID)
{
	struct stat st;
	struct statfs fs;
	world_write(w, w->outside, "file", "content");
	world_mount(w, WIRE_MOUNT_FS, "proc", "/proc");
	WireMount *m = world_mount(w, WIRE_MOUNT_FS, "tmpfs", "/deep/tmp");
	m->options_count = 1;
	*wire_add(&w->b, mount_options, WireStr) = world_str(w, "mode=1770");
	world_mount(w, WIRE_MOUNT_FS, "nosuchfs", "/no")->flags = WIRE_MOUNT_OPTIONAL;
	world_mount(w, WIRE_MOUNT_BIND, world_path(w, w->outside, "none"), "/no")->flags = WIRE_MOUNT_OPTIONAL;
	world_mount(w, WIRE_MOUNT_BIND, world_path(w, w->outside, "file"), "/etc/file")->attr_set = MOUNT_ATTR_RDONLY;
	world_mount(w, WIRE_MOUNT_BIND, w->outside, "/etc/dir");
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));

	CHECK(strstr(world_read(w, "/proc/self/status"), "Name:"));
	CHECK(w->in.proc >= 0 && fstatfs(w->in.proc, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC);
	CHECK(world_stat(w, "/deep/tmp", &st) == 0 && st.st_mode == (S_IFDIR | 01770));
	CHECK(strcmp(world_read(w, "/etc/file"), "content") == 0);
	CHECK(world_try_write(w, "/etc/file") == EROFS);
	CHECK(world_try_write(w, "/etc/dir/file") == 0);
	CHECK(world_stat(w, "/no", &st) == -ENOENT);
}

DEFINE_WORLD_TEST(a_kind_that_does_not_exist_is_named, 0)
{
	world_mount(w, WIRE_MOUNT_FS, "nosuchfs", "/x");
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) == -ENODEV);
	CHECK(message_has(w, "mount nosuchfs on /x"));
}

DEFINE_WORLD_TEST(an_option_that_is_wrong_is_named, 0)
{
	WireMount *m = world_mount(w, WIRE_MOUNT_FS, "tmpfs", "/x");
	m->options_count = 1;
	*wire_add(&w->b, mount_options, WireStr) = world_str(w, "size=much");
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) == -EINVAL);
	CHECK(message_has(w, "mount tmpfs on /x: option 'size=much'"));
}

DEFINE_WORLD_TEST(a_source_that_is_missing_is_named, 0)
{
	world_mount(w, WIRE_MOUNT_BIND, "/nonexistent/source", "/x");
	world_plan(w);
	CHECK(rootfs_open(&w->in, &w->e) == -ENOENT);
	CHECK(message_has(w, "/nonexistent/source") && message_has(w, "/x"));
}

DEFINE_WORLD_TEST(a_folder_does_not_go_on_a_file, 0)
{
	world_write(w, w->root, "file", "");
	world_mount(w, WIRE_MOUNT_BIND, w->outside, "/file");
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) == -ENOTDIR);
	CHECK(message_has(w, "the source is a folder, the target is a file"));
}

DEFINE_WORLD_TEST(proc_on_a_link_is_refused, CLONE_NEWPID)
{
	CHECK(symlink(w->outside, world_path(w, w->root, "proc")) == 0);
	world_mount(w, WIRE_MOUNT_FS, "proc", "/proc");
	world_attach(w);
	CHECK(mounts_make(&w->in, &w->e) == -ELOOP);
	CHECK(message_has(w, "mount proc on /proc") && message_has(w, "symbolic link"));
}

/* runc CVE-2026-41579, crun CVE-2026-47766: /dev of the image leads to the host. */
DEFINE_WORLD_TEST(dev_that_is_a_link_stays_inside, 0)
{
	struct stat st;
	CHECK(symlink(w->outside, world_path(w, w->root, "dev")) == 0);
	world_mount(w, WIRE_MOUNT_FS, "tmpfs", "/dev");
	*wire_add(&w->b, links, WirePair) = (WirePair){ world_str(w, "/dev/fd"),
							world_str(w, "/proc/self/fd") };
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK_OK(w, devices_make(&w->in, &w->e));
	CHECK(world_stat(w, "/dev/fd", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(lstat(world_path(w, w->outside, "fd"), &st) < 0 && errno == ENOENT);
	CHECK(rmdir(w->outside) == 0); /* nothing is in it, nothing is mounted on it */
}

DEFINE_WORLD_TEST(read_only_comes_last, 0)
{
	WireMount *m = world_mount(w, WIRE_MOUNT_FS, "tmpfs", "/ro");
	m->attr_set = MOUNT_ATTR_RDONLY;
	m->flags = WIRE_MOUNT_READONLY_LAST;
	world_mount(w, WIRE_MOUNT_FS, "tmpfs", "/ro/below");
	w->b.head.flags |= WIRE_ROOT_READONLY;
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(world_try_write(w, "/ro/x") == 0);
	CHECK_OK(w, masks_apply(&w->in, &w->e));
	CHECK(world_try_write(w, "/ro/y") == EROFS);
	CHECK(world_try_write(w, "/y") == EROFS);
	CHECK(world_try_write(w, "/ro/below/y") == 0);
}

DEFINE_WORLD_TEST(masked_paths_show_nothing, 0)
{
	struct stat st;
	CHECK(mkdir(world_path(w, w->root, "d"), 0755) == 0 &&
	      mkdir(world_path(w, w->root, "d2"), 0755) == 0);
	world_write(w, w->root, "d/secret", "x");
	world_write(w, w->root, "d2/secret", "x");
	world_write(w, w->root, "f", "x");
	world_write(w, w->root, "f2", "x");
	world_write(w, w->root, "r", "x");
	world_write(w, w->outside, "f", "outside");
	CHECK(symlink(world_path(w, w->outside, "f"), world_path(w, w->root, "leads-out")) == 0);
	const char *masked[] = { "/d", "/d2", "/f", "/f2", "/none", "/f/none", "/leads-out" };
	for (size_t i = 0; i < ARRAY_LEN(masked); i++)
		*wire_add(&w->b, masked, WireStr) = world_str(w, masked[i]);
	*wire_add(&w->b, readonly, WireStr) = world_str(w, "/r");
	*wire_add(&w->b, readonly, WireStr) = world_str(w, "/none");
	world_attach(w);
	CHECK_OK(w, masks_apply(&w->in, &w->e));

	for (int i = 0; i < 2; i++) {
		CHECK(world_stat(w, i ? "/d2/secret" : "/d/secret", &st) == -ENOENT);
		CHECK(world_try_write(w, i ? "/d2/x" : "/d/x") == EROFS);
		CHECK(*world_read(w, i ? "/f2" : "/f") == '\0');
		CHECK(world_stat(w, i ? "/f2" : "/f", &st) == 0 && S_ISCHR(st.st_mode) &&
		      st.st_rdev == makedev(1, 3));
	}
	/* It would be the host's /dev/null: with the mode that it has, should this ever work. */
	CHECK(world_stat(w, "/f", &st) == 0);
	CHECK(fchmodat(w->in.root, "f", st.st_mode & 07777, 0) < 0 && errno == EROFS);
	CHECK(strcmp(world_read(w, "/r"), "x") == 0 && world_try_write(w, "/r") == EROFS);
	CHECK(world_try_write(w, "/new") == 0);
	char text[16] = "";
	CHECK(fd_read_text_at(AT_FDCWD, world_path(w, w->outside, "f"), text, sizeof text) ==
	      7); /* the host still sees it */
}

static void overlay_root(World *w)
{
	w->b.head.flags |= WIRE_SCRATCH;
	w->b.head.overlay_lower = world_str(w, w->root);
	w->b.head.scratch_dir = world_str(w, w->scratch);
}

DEFINE_WORLD_TEST(an_overlay_keeps_the_lower_layer, 0)
{
	struct stat st;
	world_write(w, w->root, "f", "old");
	CHECK(chmod(w->root, 0711) == 0);
	overlay_root(w);
	world_attach(w);
	CHECK(world_stat(w, "/", &st) == 0 && st.st_mode == (S_IFDIR | 0711));
	CHECK(strcmp(world_read(w, "/f"), "old") == 0);
	CHECK(world_try_write(w, "/new") == 0);
	CHECK(unlinkat(w->in.root, "f", 0) == 0);
	CHECK(access(world_path(w, w->root, "new"), F_OK) < 0);
	CHECK(access(world_path(w, w->root, "f"), F_OK) == 0);
}

DEFINE_WORLD_TEST(overlays_over_mounts, 0)
{
	char *odd = arena_printf(&w->arena, "%s/a:b,c\\d e", w->dir);
	struct stat st;
	CHECK(mkdir(odd, 0755) == 0);
	world_write(w, odd, "f", "odd");
	world_write(w, w->outside, "f", "plain file");
	CHECK(mkdir(world_path(w, w->root, "m"), 0755) == 0);
	world_write(w, w->root, "m/secret", "x");
	overlay_root(w);
	world_mount(w, WIRE_MOUNT_OVERLAY, odd, "/odd");
	world_mount(w, WIRE_MOUNT_OVERLAY, world_path(w, w->outside, "f"), "/m")->flags = WIRE_MOUNT_MASK_ON_FAILURE;
	world_mount(w, WIRE_MOUNT_OVERLAY, "/nonexistent", "/none")->flags = WIRE_MOUNT_MASK_ON_FAILURE;
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(strcmp(world_read(w, "/odd/f"), "odd") == 0);
	CHECK(world_try_write(w, "/odd/new") == 0);
	CHECK(access(world_path(w, odd, "new"), F_OK) < 0);
	CHECK(world_stat(w, "/m", &st) == 0 && world_stat(w, "/m/secret", &st) == -ENOENT);
	CHECK(world_stat(w, "/none", &st) == -ENOENT);
}

DEFINE_WORLD_TEST(after_the_pivot_the_host_is_gone, 0)
{
	char now[256];
	world_write(w, w->root, "here", "x");
	overlay_root(w);
	world_attach(w);
	CHECK_OK(w, rootfs_pivot(&w->in, &w->e));
	CHECK(access("/here", F_OK) == 0);
	CHECK(access(w->dir, F_OK) < 0 && errno == ENOENT);
	CHECK(access("/../../../proc/self", F_OK) < 0);
	CHECK(getcwd(now, sizeof now) && strcmp(now, "/") == 0);
}

DEFINE_WORLD_TEST(devices_are_exact, 0)
{
	struct stat st;
	if (geteuid() != 0 || access("/proc/self/setgroups", F_OK) < 0)
		_exit(WORLD_SKIPPED);
	*wire_add(&w->b, devices, WireDevice) = (WireDevice){
		world_str(w, "/dev/net/zero"), S_IFCHR | 0662, 1, 5, 7, 8
	};
	*wire_add(&w->b, devices,
		  WireDevice) = (WireDevice){ world_str(w, "/dev/full"), S_IFCHR | 0666, 1, 7, 0, 0 };
	*wire_add(&w->b, links, WirePair) = (WirePair){ world_str(w, "/dev/full"),
							world_str(w, "stays") };
	world_attach(w);
	int r = devices_make(&w->in, &w->e);
	if (r == -EPERM)
		_exit(WORLD_SKIPPED); /* no mknod in a user namespace */
	CHECK_OK(w, r);
	CHECK(world_stat(w, "/dev/net/zero", &st) == 0 && st.st_mode == (S_IFCHR | 0662) &&
	      st.st_rdev == makedev(1, 5));
	CHECK(st.st_uid == 7 && st.st_gid == 8);
	CHECK(world_stat(w, "/dev/full", &st) == 0 && S_ISCHR(st.st_mode));
	CHECK_OK(w, devices_make(&w->in, &w->e)); /* what is there already is the same device */
	CHECK(unlinkat(w->in.root, "dev/full", 0) == 0 &&
	      symlinkat("null", w->in.root, "dev/full") == 0);
	CHECK(devices_make(&w->in, &w->e) == -EEXIST && message_has(w, "device /dev/full"));
}

DEFINE_WORLD_TEST(devices_of_the_host_are_bound, 0)
{
	struct stat st;
	*wire_add(&w->b, devices,
		  WireDevice) = (WireDevice){ world_str(w, "/dev/null"), S_IFCHR | 0666, 1, 3, 0, 0 };
	w->b.head.flags |= WIRE_INNER_USERNS;
	world_attach(w);
	CHECK_OK(w, devices_make(&w->in, &w->e));
	CHECK(world_stat(w, "/dev/null", &st) == 0 && st.st_rdev == makedev(1, 3));
}

DEFINE_WORLD_TEST(another_device_is_not_bound, 0)
{
	*wire_add(&w->b, devices,
		  WireDevice) = (WireDevice){ world_str(w, "/dev/null"), S_IFCHR | 0666, 1, 5, 0, 0 };
	w->b.head.flags |= WIRE_INNER_USERNS;
	world_attach(w);
	CHECK(devices_make(&w->in, &w->e) == -ENODEV);
	CHECK(message_has(w, "device /dev/null") && message_has(w, "1:5"));
}

DEFINE_WORLD_TEST(a_terminal_is_the_containers_own, 0)
{
	struct stat st, console;
	char where[64];
	world_mount(w, WIRE_MOUNT_FS, "tmpfs", "/dev");
	world_mount(w, WIRE_MOUNT_FS, "devpts", "/dev/pts");
	w->b.head.flags |= WIRE_TERMINAL;
	w->b.head.console_rows = 33;
	w->b.head.console_cols = 44;
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK_OK(w, terminal_make(&w->in, &w->e));
	CHECK(fstat(w->in.slave, &st) == 0 && world_stat(w, "/dev/console", &console) == 0);
	CHECK(st.st_rdev == console.st_rdev && st.st_dev == console.st_dev);
	CHECK(world_stat(w, "/dev/pts/0", &console) == 0 && st.st_rdev == console.st_rdev);
	(void)snprintf(where, sizeof where, "/proc/self/fd/%d", w->in.slave);
	CHECK(write(w->in.slave, "x\n", 2) == 2);
	CHECK(read(w->in.master, where, 3) == 3 && memcmp(where, "x\r\n", 3) == 0);
}

/* crun CVE-2026-88264: /dev/console of the image is a link. */
DEFINE_WORLD_TEST(a_console_that_is_a_link_is_refused, 0)
{
	world_write(w, w->outside, "f", "x");
	CHECK(mkdir(world_path(w, w->root, "dev"), 0755) == 0);
	CHECK(symlink(world_path(w, w->outside, "f"), world_path(w, w->root, "dev/console")) == 0);
	world_mount(w, WIRE_MOUNT_FS, "devpts", "/dev/pts");
	w->b.head.flags |= WIRE_TERMINAL;
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(terminal_make(&w->in, &w->e) == -ELOOP);
	CHECK(message_has(w, "/dev/console is a symbolic link"));
}

DEFINE_WORLD_TEST(a_working_directory_is_made, CLONE_NEWPID)
{
	struct stat st;
	w->b.head.cwd = world_str(w, "/work/here");
	world_attach(w);
	CHECK_OK(w, workdir_make(&w->in, &w->e));
	CHECK(world_stat(w, "/work/here", &st) == 0 && S_ISDIR(st.st_mode));
}

/* runc CVE-2024-21626: the working directory is a descriptor that leaked in. */
DEFINE_WORLD_TEST(a_working_directory_outside_is_refused, CLONE_NEWPID)
{
	char cwd[64];
	int leak = open("/", O_PATH | O_DIRECTORY);
	(void)snprintf(cwd, sizeof cwd, "/proc/self/fd/%d", leak);
	w->b.head.cwd = world_str(w, cwd);
	world_mount(w, WIRE_MOUNT_FS, "proc", "/proc");
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(workdir_make(&w->in, &w->e) == -ELOOP && message_has(w, cwd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_made_with_their_targets),
		cmocka_unit_test(a_kind_that_does_not_exist_is_named),
		cmocka_unit_test(an_option_that_is_wrong_is_named),
		cmocka_unit_test(a_source_that_is_missing_is_named),
		cmocka_unit_test(a_folder_does_not_go_on_a_file),
		cmocka_unit_test(proc_on_a_link_is_refused),
		cmocka_unit_test(dev_that_is_a_link_stays_inside),
		cmocka_unit_test(read_only_comes_last),
		cmocka_unit_test(masked_paths_show_nothing),
		cmocka_unit_test(an_overlay_keeps_the_lower_layer),
		cmocka_unit_test(overlays_over_mounts),
		cmocka_unit_test(after_the_pivot_the_host_is_gone),
		cmocka_unit_test(devices_are_exact),
		cmocka_unit_test(devices_of_the_host_are_bound),
		cmocka_unit_test(another_device_is_not_bound),
		cmocka_unit_test(a_terminal_is_the_containers_own),
		cmocka_unit_test(a_console_that_is_a_link_is_refused),
		cmocka_unit_test(a_working_directory_is_made),
		cmocka_unit_test(a_working_directory_outside_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
