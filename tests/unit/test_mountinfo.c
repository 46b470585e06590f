/* The list of mounts as the kernel prints it. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "kern/mountinfo.h"

static void lines_are_read(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char *text = arena_strdup(&a, "36 35 98:0 /root /mnt rw,noatime shared:7 - ext3 /dev/sda1 rw,errors=continue\n"
				      "37 35 98:0 / /with\\040space ro master:1 - tmpfs none rw\n"
				      "no mount at all\n"
				      "38 35 98:0 / /both rw shared:2 master:1 propagate_from:3 - tmpfs t rw\n"
				      "39 35 98:0 / /none rw unbindable - tmpfs t rw");
	MountInfo m;
	assert_true(mountinfo_next(&text, &m));
	assert_int_equal(m.id, 36);
	assert_int_equal(m.parent, 35);
	assert_string_equal(m.root, "/root");
	assert_string_equal(m.mountpoint, "/mnt");
	assert_string_equal(m.fstype, "ext3");
	assert_true(m.shared && !m.slave);
	assert_true(mountinfo_next(&text, &m));
	assert_string_equal(m.mountpoint, "/with space");
	assert_true(!m.shared && m.slave);
	assert_true(mountinfo_next(&text, &m));
	assert_string_equal(m.mountpoint, "/both");
	assert_true(m.shared && m.slave);
	assert_true(mountinfo_next(&text, &m));
	assert_true(!m.shared && !m.slave);
	assert_string_equal(m.super_options, "rw");
	assert_false(mountinfo_next(&text, &m));
}

static void the_mount_of_a_descriptor(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	MountInfo m;
	Err e = { 0 };
	AUTO(fd_close) int fd = openat(AT_FDCWD, "/proc/self/status", O_PATH | O_CLOEXEC);
	if (mountinfo_of(fd, &a, &m, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(m.mountpoint, "/proc");
	assert_string_equal(m.fstype, "proc");
	AUTO(fd_close) int nowhere = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	assert_int_equal(mountinfo_of(nowhere, &a, &m, &e), -ENOENT); /* nsfs is mounted nowhere */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(the_mount_of_a_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
