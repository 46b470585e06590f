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

static void ask_for(World *w, const char *file, const char *text)
{
	if (access("/proc/self/attr/exec", F_OK) < 0)
		_exit(WORLD_SKIPPED); /* a kernel without any security module */
	*wire_add(&w->b, labels, WirePair) = (WirePair){ world_str(w, file), world_str(w, text) };
	world_plan(w);
}

DEFINE_WORLD_TEST(nothing_is_opened_when_none_is_asked_for, 0)
{
	world_plan(w);
	CHECK(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	CHECK_OK(w, labels_set(&w->in, &w->e));
	CHECK_OK(w, label_put(&w->in, FD_NONE, &w->e));
}

/* No host has this profile, and no policy this type. By the number of another pid namespace. */
DEFINE_WORLD_TEST(what_the_kernel_refuses_is_named, CLONE_NEWPID)
{
	ask_for(w, "exec", "exec no-such-profile");
	CHECK(labels_set(&w->in, &w->e) < 0);
	CHECK(message_has(w, "label 'no-such-profile': ") && !strstr(w->e.msg, "open"));
}

/* The caller's session keyring, which the command then has, keeps its label. */
DEFINE_WORLD_TEST(keys_have_one_when_they_are_made, 0)
{
	ask_for(w, "keycreate", "no:such:label_t");
	CHECK_OK(w, labels_set(&w->in, &w->e));
	w->b.head.flags |= WIRE_NEW_KEYRING;
	world_plan(w);
	CHECK(labels_set(&w->in, &w->e) < 0);
	CHECK(message_has(w, "SELinux label 'no:such:label_t': "));
}

DEFINE_WORLD_TEST(a_file_that_is_missing_is_named, 0)
{
	ask_for(w, "no-such-module/exec", "x");
	CHECK(labels_set(&w->in, &w->e) == -ENOENT);
	CHECK(message_has(w, "label 'x': open attr/no-such-module/exec in the host's /proc"));
}

DEFINE_WORLD_TEST(a_folder_that_is_no_procfs_is_refused, 0)
{
	ask_for(w, "exec", "u:r:t");
	CHECK(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	CHECK(labels_set(&w->in, &w->e) == -ENODEV);
	CHECK(message_has(w, "open attr/exec in the host's /proc"));
}

/* What was mounted over the kernel's file would get the label in its stead, and the command none. */
DEFINE_WORLD_TEST(a_cover_over_the_kernel_s_file_is_no_way_around, 0)
{
	char target[64];
	struct stat st;
	ask_for(w, "exec", "u:r:t");
	world_write(w, w->outside, "cover", "");
	(void)snprintf(target, sizeof target, "/proc/%d/attr/exec", (int)getpid());
	CHECK(mount(world_path(w, w->outside, "cover"), target, NULL, MS_BIND, NULL) == 0);
	CHECK(labels_set(&w->in, &w->e) == -EXDEV);
	CHECK(message_has(w, "open attr/exec in the host's /proc"));
	CHECK(stat(world_path(w, w->outside, "cover"), &st) == 0 && st.st_size == 0);
}

/* What the container has on /proc is not asked. */
DEFINE_WORLD_TEST(the_container_s_proc_is_not_used, CLONE_NEWPID)
{
	world_write(w, w->outside, "self", "");
	world_mount(w, WIRE_MOUNT_BIND, w->outside, "/proc");
	*wire_add(&w->b, labels, WirePair) = (WirePair){ world_str(w, "exec"),
							 world_str(w, "no:such:label_t") };
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(labels_set(&w->in, &w->e) < 0);
	CHECK(message_has(w, "label 'no:such:label_t': the kernel refuses it for the command") ||
	      access("/proc/self/attr/exec", F_OK) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_opened_when_none_is_asked_for),
		cmocka_unit_test(what_the_kernel_refuses_is_named),
		cmocka_unit_test(keys_have_one_when_they_are_made),
		cmocka_unit_test(a_file_that_is_missing_is_named),
		cmocka_unit_test(a_folder_that_is_no_procfs_is_refused),
		cmocka_unit_test(a_cover_over_the_kernel_s_file_is_no_way_around),
		cmocka_unit_test(the_container_s_proc_is_not_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
