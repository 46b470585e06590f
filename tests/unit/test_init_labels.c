/* The labels of the command. What a kernel with AppArmor or SELinux does with them cannot be seen on every machine; where they are
 * written to can. */
#include "init_child.h"

static bool message_has(const World *w, const char *text)
{
	if (strstr(w->e.msg, text))
		return true;
	dprintf(2, "# message: %s\n", w->e.msg);
	return false;
}

DEFINE_WORLD_TEST(nothing_is_opened_when_none_is_asked_for, 0)
{
	world_plan(w);
	CHECK_OK(w, labels_open(&w->in, &w->e));
	CHECK(w->in.host_proc == FD_NONE);
	CHECK_OK(w, labels_set(&w->in, &w->e));
	CHECK_OK(w, label_put(&w->in, FD_NONE, &w->e));
}

/* No host has this profile, and no policy this type. */
DEFINE_WORLD_TEST(what_the_kernel_refuses_is_named, CLONE_NEWPID)
{
	w->b.head.apparmor_profile = world_str(w, "no-such-profile");
	world_plan(w);
	CHECK_OK(w, labels_open(&w->in, &w->e));
	CHECK(w->in.host_proc >= 0);
	CHECK(labels_set(&w->in, &w->e) < 0);
	CHECK(message_has(w, "AppArmor profile 'no-such-profile': "));
}

DEFINE_WORLD_TEST(a_label_that_the_kernel_refuses_is_named, CLONE_NEWPID)
{
	w->b.head.selinux_label = world_str(w, "no:such:label_t");
	world_plan(w);
	CHECK_OK(w, labels_open(&w->in, &w->e));
	CHECK(labels_set(&w->in, &w->e) < 0);
	CHECK(message_has(w, "SELinux label 'no:such:label_t': "));
}

DEFINE_WORLD_TEST(a_folder_that_is_no_procfs_is_refused, 0)
{
	w->b.head.selinux_label = world_str(w, "u:r:t");
	world_plan(w);
	CHECK(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	CHECK(labels_open(&w->in, &w->e) < 0);
	CHECK(message_has(w, "the host's /proc is no procfs"));
}

/* What was mounted over the kernel's file would get the label in its stead, and the command none. */
DEFINE_WORLD_TEST(a_cover_over_the_kernel_s_file_is_no_way_around, 0)
{
	char target[64];
	struct stat st;
	world_write(w, w->outside, "cover", "");
	(void)snprintf(target, sizeof target, "/proc/%d/attr/exec", (int)getpid());
	if (access(target, F_OK) < 0)
		_exit(WORLD_SKIPPED); /* a kernel without any security module */
	w->b.head.selinux_label = world_str(w, "u:r:t");
	world_plan(w);
	CHECK_OK(w, labels_open(&w->in, &w->e));
	CHECK(mount(world_path(w, w->outside, "cover"), target, NULL, MS_BIND, NULL) == 0);
	CHECK(labels_set(&w->in, &w->e) == -EXDEV);
	CHECK(message_has(w, "open attr/exec in the host's /proc"));
	CHECK(stat(world_path(w, w->outside, "cover"), &st) == 0 && st.st_size == 0);
}

/* The container's own /proc, here one that is not even there, is not asked; a number of another pid namespace is understood. */
DEFINE_WORLD_TEST(after_the_pivot_the_host_s_procfs_is_still_used, CLONE_NEWPID)
{
	w->b.head.apparmor_profile = world_str(w, "no-such-profile");
	world_plan(w);
	CHECK_OK(w, rootfs_open(&w->in, &w->e));
	CHECK_OK(w, labels_open(&w->in, &w->e));
	CHECK_OK(w, identity_take(&w->in, &w->e));
	CHECK_OK(w, rootfs_attach(&w->in, &w->e));
	CHECK_OK(w, rootfs_pivot(&w->in, &w->e));
	CHECK(access("/proc", F_OK) < 0);
	CHECK(labels_set(&w->in, &w->e) < 0);
	CHECK(message_has(w, "AppArmor profile 'no-such-profile': ") && !strstr(w->e.msg, "EXDEV"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_opened_when_none_is_asked_for),
		cmocka_unit_test(what_the_kernel_refuses_is_named),
		cmocka_unit_test(a_label_that_the_kernel_refuses_is_named),
		cmocka_unit_test(a_folder_that_is_no_procfs_is_refused),
		cmocka_unit_test(a_cover_over_the_kernel_s_file_is_no_way_around),
		cmocka_unit_test(after_the_pivot_the_host_s_procfs_is_still_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
