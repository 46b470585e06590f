/* Why a user namespace cannot be had, told from sysctls. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/tree.h"
#include "runtime/userns_why.h"

static char top[32];

static void put(const char *path, const char *text)
{
	char full[256];
	assert_true(str_format(full, sizeof full, "%s%s", top, path) > 0);
	for (char *p = full + strlen(top) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(full, 0755); /* there already, mostly */
		*p = '/';
	}
	AUTO(fd_close) int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text), path, NULL), 0);
}

static int setup(void **state)
{
	(void)state;
	assert_true(str_format(top, sizeof top, "/tmp/unit-why.XXXXXX") > 0);
	assert_ptr_equal(mkdtemp(top), top);
	put("/proc/self/uid_map", "         0          0 4294967295\n");
	put("/proc/self/status", "Name:\tx\nSeccomp:\t0\nSeccomp_filters:\t0\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tree_remove_at(tmp, err_basename(top), NULL);
}

static void expect(int (*why)(const char *, int, Err *), int r, const char *want)
{
	Err e = { 0 };
	(void)err_make(&e, ERR_SYS, -r, "the first words");
	assert_int_equal(why(top, r, &e), r);
	if (!strstr(e.msg, want))
		fail_msg("'%s' is not in '%s'", want, e.msg);
}

static void nothing_found_changes_nothing(void **state)
{
	(void)state;
	expect(userns_why_not_made, -EPERM, "the first words");
	expect(userns_why_not_made, -EINVAL, "the first words");
	expect(userns_why_powerless, -EPERM, "the first words");
	put("/proc/sys/kernel/unprivileged_userns_clone", "1\n");
	put("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n");
	expect(userns_why_not_made, -EPERM, "the first words");
	expect(userns_why_powerless, -EPERM, "the first words");
}

static void debian_s_sysctl(void **state)
{
	(void)state;
	put("/proc/sys/kernel/unprivileged_userns_clone", "0\n");
	expect(userns_why_not_made, -EPERM, "kernel.unprivileged_userns_clone is 0; set it to 1");
	expect(userns_why_not_made, -EINVAL, "the first words");
}

static void ubuntu_s_sysctl(void **state)
{
	(void)state;
	put("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	expect(userns_why_not_made, -EACCES, "kernel.apparmor_restrict_unprivileged_userns is 1");
	expect(userns_why_powerless, -EPERM,
	       "the first words; the sysctl kernel.apparmor_restrict_unprivileged_userns is 1");
	expect(userns_why_powerless, -EACCES, "set it to 0");
	expect(userns_why_powerless, -ENOENT, "the first words");
}

static void limits_of_namespaces(void **state)
{
	(void)state;
	put("/proc/sys/user/max_user_namespaces", "1000\n");
	put("/proc/sys/user/max_net_namespaces", "1000\n");
	expect(userns_why_not_made, -ENOSPC, "one of the sysctls user.max_*_namespaces is reached");
	put("/proc/sys/user/max_net_namespaces", "0\n");
	expect(userns_why_not_made, -ENOSPC, "the sysctl user.max_net_namespaces is 0");
	put("/proc/sys/user/max_user_namespaces", "0\n");
	expect(userns_why_not_made, -ENOSPC, "the sysctl user.max_user_namespaces is 0");
}

static void inside_another_container(void **state)
{
	(void)state;
	put("/proc/self/status", "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n");
	expect(userns_why_not_made, -EPERM, "a seccomp filter is on this process");
	put("/proc/self/uid_map", "");
	expect(userns_why_not_made, -EPERM, "/proc/self/uid_map is empty");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_found_changes_nothing),
		TEST(debian_s_sysctl),
		TEST(ubuntu_s_sysctl),
		TEST(limits_of_namespaces),
		TEST(inside_another_container),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
