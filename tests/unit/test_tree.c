#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/tree.h"

/* A directory with a "victim" in it, that is removed, and a "canary" beside it, that is not. */
typedef struct Place {
	char path[64];
	int fd;
} Place;

static int set_up(void **state)
{
	Place *p = calloc(1, sizeof *p);
	if (!p)
		return -1;
	(void)str_format(p->path, sizeof p->path, "/tmp/mydocker-test-tree.XXXXXX");
	if (!mkdtemp(p->path) || chmod(p->path, 0777) < 0)
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return p->fd < 0 || mkdirat(p->fd, "canary", 0755) < 0 ||
	       mkdirat(p->fd, "canary/alive", 0700) < 0 || mkdirat(p->fd, "victim", 0755) < 0;
}

static int tear_down(void **state)
{
	Place *p = *state;
	int r = unlinkat(p->fd, "canary/alive", AT_REMOVEDIR) | unlinkat(p->fd, "canary", AT_REMOVEDIR);
	fd_close(p->fd);
	r |= rmdir(p->path); /* fails when anything else is left */
	free(p);
	return r;
}

static void make_file(const Place *p, const char *path)
{
	AUTO(fd_close) int fd = openat(p->fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
}

static void remove_victim(const Place *p)
{
	Err e = { 0 };
	char text[600];
	if (tree_remove_at(p->fd, "victim", &e) < 0)
		fail_msg("%s", err_text(&e, text, sizeof text));
	assert_int_equal(faccessat(p->fd, "victim", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(faccessat(p->fd, "canary/alive", F_OK, 0), 0);
}

static void anything_is_removed(void **state)
{
	Place *p = *state;
	remove_victim(p);
	remove_victim(p); /* not there */
	make_file(p, "victim");
	remove_victim(p);
	assert_int_equal(symlinkat("canary", p->fd, "victim"), 0);
	remove_victim(p);
	assert_int_equal(mkdirat(p->fd, "victim", 0755), 0);
}

static int again_and_tear_down(void **state)
{
	Place *p = *state;
	(void)unlinkat(p->fd, "victim", AT_REMOVEDIR); /* one test leaves it empty */
	return tear_down(state);
}

static void links_are_not_followed(void **state)
{
	Place *p = *state;
	assert_int_equal(symlinkat("../canary", p->fd, "victim/link"), 0);
	assert_int_equal(symlinkat(p->path, p->fd, "victim/absolute"), 0);
	assert_int_equal(mkdirat(p->fd, "victim/a", 0755), 0);
	assert_int_equal(symlinkat("../../canary", p->fd, "victim/a/link"), 0);
	assert_int_equal(mkfifoat(p->fd, "victim/a/fifo", 0600), 0);
	make_file(p, "victim/a/file\nwith odd name");
	remove_victim(p);
}

static void a_tree_deeper_than_any_path_is_removed(void **state)
{
	Place *p = *state;
	char name[201];
	memset(name, 'd', 200);
	name[200] = '\0';
	int at = openat(p->fd, "victim", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 1500; i++) { /* 300,000 bytes of path; far more levels than descriptors */
		assert_int_equal(mkdirat(at, name, 0755), 0);
		if (i % 10 == 0)
			assert_int_equal(mkdirat(at, ".moved-up-3", 0755),
					 0); /* a name that the removal uses itself */
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		fd_close(at);
		at = next;
	}
	fd_close(at);
	remove_victim(p);
}

static void a_wide_tree_is_removed(void **state)
{
	Place *p = *state;
	char path[128];
	for (int i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof path, "victim/.moved-up-%d", i);
		assert_int_equal(mkdirat(p->fd, path, 0755), 0);
		for (int k = 0; k < 40; k++) {
			(void)snprintf(path, sizeof path, "victim/.moved-up-%d/%d", i, k);
			assert_int_equal(mkdirat(p->fd, path, 0755), 0);
			(void)snprintf(path, sizeof path, "victim/.moved-up-%d/%d/f", i, k);
			make_file(p, path);
		}
	}
	remove_victim(p);
}

/* Directories that their owner may neither list nor change. Only an ordinary user sees the difference. */
static int remove_as_user(const Place *p)
{
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 1;
	if (mkdirat(p->fd, "mine", 0755) < 0 || mkdirat(p->fd, "mine/a", 0755) < 0 ||
	    mkdirat(p->fd, "mine/a/b", 0755) < 0 || mkdirat(p->fd, "mine/a/b/c", 0755) < 0 ||
	    mkdirat(p->fd, "mine/e", 0755) < 0)
		return 2;
	if (fchmodat(p->fd, "mine/a/b", 0, 0) < 0 || fchmodat(p->fd, "mine/a", 0500, 0) < 0 ||
	    fchmodat(p->fd, "mine/e", 0, 0) < 0 || fchmodat(p->fd, "mine", 0500, 0) < 0)
		return 3;
	return tree_remove_at(p->fd, "mine", NULL) < 0 ? 4 : 0;
}

static void modes_of_the_own_directories_do_not_hinder(void **state)
{
	Place *p = *state;
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(remove_as_user(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(faccessat(p->fd, "mine", F_OK, 0), -1);
	remove_victim(p);
}

/* In a mount namespace of its own, with the canary mounted somewhere in the victim. */
static int remove_around_mount(const Place *p, const char *where)
{
	char from[128], to[128];
	Err e = { 0 };
	(void)snprintf(from, sizeof from, "%s/canary", p->path);
	(void)snprintf(to, sizeof to, "%s/%s", p->path, where);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(from, to, NULL, MS_BIND, NULL) < 0)
		return 1;
	int r = tree_remove_at(p->fd, "victim", &e);
	if (r != -EXDEV && r != -EBUSY)
		return 2;
	return faccessat(p->fd, "canary/alive", F_OK, 0) == 0 ? 0 : 3;
}

static void what_is_mounted_in_it_is_not_touched(void **state)
{
	Place *p = *state;
	static const char *const places[] = { "victim", "victim/a", "victim/a/b", "victim/a/b/c" };
	if (geteuid() != 0) {
		print_message("needs root to mount\n");
		assert_int_equal(unlinkat(p->fd, "victim", AT_REMOVEDIR), 0);
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		for (size_t k = 0; k < ARRAY_LEN(places); k++)
			(void)mkdirat(p->fd, places[k], 0755); /* some are left of the round before */
		int status;
		pid_t pid = fork();
		if (pid == 0)
			_exit(remove_around_mount(p, places[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	remove_victim(p);
}

static void a_path_does_as_well(void **state)
{
	Place *p = *state;
	char path[128];
	Err e = { 0 };
	(void)snprintf(path, sizeof path, "%s/victim", p->path);
	assert_int_equal(mkdirat(p->fd, "victim/x", 0755), 0);
	assert_int_equal(tree_remove(path, &e), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(tree_remove(path, &e), 0);
}

static unsigned open_fds(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		n++;
	if (d)
		(void)closedir(d);
	return n;
}

static void no_descriptor_is_left_open(void **state)
{
	Place *p = *state;
	unsigned before = open_fds();
	assert_int_equal(mkdirat(p->fd, "victim/a", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "victim/a/b", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "victim/a/b/c", 0755), 0);
	remove_victim(p);
	assert_int_equal(open_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(anything_is_removed, set_up, again_and_tear_down),
		cmocka_unit_test_setup_teardown(links_are_not_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_tree_deeper_than_any_path_is_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wide_tree_is_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(modes_of_the_own_directories_do_not_hinder, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_mounted_in_it_is_not_touched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_path_does_as_well, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_descriptor_is_left_open, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
