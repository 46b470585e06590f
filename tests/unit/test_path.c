#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

#include <linux/fs.h>

#include "base/fd.h"
#include "kern/path.h"
#include "kern/sys.h"

/* A root, and a folder beside it that nothing may reach. */
typedef struct Tree {
	char dir[32];
	int top, root, outside;
} Tree;

static int setup(void **state)
{
	static Tree t;
	(void)snprintf(t.dir, sizeof t.dir, "/tmp/test_path.XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	t.top = open(t.dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	assert_int_equal(mkdirat(t.top, "root", 0755), 0);
	assert_int_equal(mkdirat(t.top, "outside", 0755), 0);
	t.root = openat(t.top, "root", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	t.outside = openat(t.top, "outside", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	assert_true(t.root >= 0 && t.outside >= 0);
	*state = &t;
	return 0;
}

static void remove_tree(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0)
		return;
	int fd = openat(parent, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_tree(fd, entry->d_name);
	if (d)
		closedir(d);
	unlinkat(parent, name, AT_REMOVEDIR);
}

static int teardown(void **state)
{
	Tree *t = *state;
	close(t->top);
	close(t->root);
	close(t->outside);
	remove_tree(AT_FDCWD, t->dir);
	return 0;
}

static int count_entries(int dir)
{
	int n = 0, fd = openat(dir, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Makes path and tells what came of it, as a path below the root. */
static int make(Tree *t, const char *path, PathKind kind, unsigned flags, char *ret_where)
{
	char link[64], where[256], root[64];
	int fd;
	Err e = { 0 };
	int r = path_make_in_root(t->root, path, kind, flags, &fd, &e);
	if (r < 0) {
		assert_int_equal(e.sys, -r);
		assert_non_null(strstr(e.msg, path));
		return r;
	}
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, where, sizeof where - 1);
	assert_true(n > 0);
	where[n] = '\0';
	(void)snprintf(root, sizeof root, "%s/root", t->dir);
	assert_memory_equal(where, root, strlen(root));
	(void)snprintf(ret_where, 256, "%s", where + strlen(root));
	close(fd);
	return 0;
}

static void missing_folders_are_made(void **state)
{
	Tree *t = *state;
	char where[256];
	struct stat st;
	mode_t old = umask(0);
	assert_int_equal(make(t, "/a//b/./c/", PATH_DIR, 0, where), 0);
	assert_string_equal(where, "/a/b/c");
	assert_int_equal(make(t, "a/b/f", PATH_FILE, 0, where), 0);
	assert_string_equal(where, "/a/b/f");
	umask(old);
	assert_int_equal(fstatat(t->root, "a/b", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(fstatat(t->root, "a/b/f", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(make(t, "/a/b/f/g", PATH_DIR, 0, where), -ENOTDIR);
	assert_int_equal(make(t, "/", PATH_DIR, 0, where), 0);
	assert_string_equal(where, "");
}

static void links_stay_inside(void **state)
{
	Tree *t = *state;
	char where[256], outside[64];
	(void)snprintf(outside, sizeof outside, "%s/outside", t->dir);
	assert_int_equal(symlinkat(outside, t->root, "absolute"), 0);
	assert_int_equal(symlinkat("../outside", t->root, "relative"), 0);
	assert_int_equal(symlinkat("../../../../..", t->root, "up"), 0);

	assert_int_equal(make(t, "/relative/x", PATH_DIR, 0, where), 0);
	assert_string_equal(where, "/outside/x");
	assert_int_equal(make(t, "/absolute/y", PATH_FILE, 0, where), 0);
	assert_memory_equal(where, t->dir, strlen(t->dir)); /* the same path, below the root */
	assert_int_equal(make(t, "/up/z/../../../w", PATH_DIR, 0, where), 0);
	assert_string_equal(where, "/w");
	assert_int_equal(make(t, "../../../v", PATH_DIR, 0, where), 0);
	assert_string_equal(where, "/v");
	assert_int_equal(count_entries(t->outside), 0);
}

static void dangling_links_are_filled(void **state)
{
	Tree *t = *state;
	char where[256];
	assert_int_equal(mkdirat(t->root, "var", 0755), 0);
	assert_int_equal(symlinkat("/run", t->root, "var/run"), 0);
	assert_int_equal(make(t, "/var/run/x", PATH_DIR, 0, where), 0);
	assert_string_equal(where, "/run/x");
	assert_int_equal(symlinkat("../file", t->root, "var/last"), 0);
	assert_int_equal(make(t, "/var/last", PATH_FILE, 0, where), 0);
	assert_string_equal(where, "/file");
}

static void circles_end(void **state)
{
	Tree *t = *state;
	char where[256], longer[300];
	assert_int_equal(symlinkat("b", t->root, "a"), 0);
	assert_int_equal(symlinkat("a", t->root, "b"), 0);
	assert_int_equal(make(t, "/a/x", PATH_DIR, 0, where), -ELOOP);
	memset(longer, 'n', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(make(t, longer, PATH_DIR, 0, where), -ENAMETOOLONG);
}

static void links_can_be_refused(void **state)
{
	Tree *t = *state;
	char where[256];
	assert_int_equal(symlinkat("real", t->root, "proc"), 0);
	assert_int_equal(make(t, "/proc", PATH_DIR, PATH_NO_SYMLINKS, where), -ELOOP); /* dangling */
	assert_int_equal(mkdirat(t->root, "real", 0755), 0);
	assert_int_equal(make(t, "/proc", PATH_DIR, PATH_NO_SYMLINKS, where), -ELOOP);
	assert_int_equal(make(t, "/proc", PATH_DIR, 0, where), 0);
	assert_string_equal(where, "/real");
	assert_int_equal(make(t, "/new", PATH_DIR, PATH_NO_SYMLINKS, where), 0);
}

static void magic_links_are_refused(void **state)
{
	Tree *t = *state;
	char path[64];
	Err e = { 0 };
	int fd, slash = open("/", O_PATH | O_CLOEXEC);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", t->outside);
	assert_int_equal(path_open_in_root(slash, path, O_PATH, &fd, &e), -ELOOP);
	assert_int_equal(path_make_in_root(slash, path, PATH_DIR, 0, &fd, &e), -ELOOP);
	assert_int_equal(path_try_in_root(slash, "/proc/self/cwd", O_PATH, 0), -ELOOP);
	fd = path_try_in_root(slash, "/proc/self/status", O_PATH, 0); /* an ordinary link */
	assert_true(fd >= 0);
	close(fd);
	close(slash);
}

static void parents_and_names(void **state)
{
	Tree *t = *state;
	const char *name;
	Err e = { 0 };
	int dir;
	struct stat a, b;
	assert_int_equal(path_parent_in_root(t->root, "/dev/net/tun", &dir, &name, &e), 0);
	assert_string_equal(name, "tun");
	assert_int_equal(fstat(dir, &a), 0);
	assert_int_equal(fstatat(t->root, "dev/net", &b, 0), 0);
	assert_true(a.st_ino == b.st_ino);
	close(dir);
	assert_int_equal(path_parent_in_root(t->root, "top", &dir, &name, &e), 0);
	assert_string_equal(name, "top");
	close(dir);
	assert_int_equal(path_parent_in_root(t->root, "/dev/", &dir, &name, &e), -EINVAL);
	assert_int_equal(path_parent_in_root(t->root, "/dev/..", &dir, &name, &e), -EINVAL);
}

static void only_small_regular_files_are_read(void **state)
{
	Tree *t = *state;
	char buf[9];
	Err e = { 0 };
	assert_int_equal(mkdirat(t->root, "etc", 0755), 0);
	int fd = openat(t->root, "etc/passwd", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "12345678", 8), 8);
	assert_int_equal(path_read_in_root(t->root, "/etc/passwd", buf, sizeof buf, &e), 8);
	assert_string_equal(buf, "12345678");
	assert_int_equal(write(fd, "9", 1), 1);
	close(fd);
	assert_int_equal(path_read_in_root(t->root, "/etc/passwd", buf, sizeof buf, &e), -EFBIG);
	assert_int_equal(symlinkat("passwd", t->root, "etc/link"), 0);
	assert_true(path_read_in_root(t->root, "/etc/link", buf, sizeof buf, &e) < 0);
	assert_non_null(strstr(e.msg, "'/etc/link' in the container's root is a symbolic link"));
	assert_int_equal(mkfifoat(t->root, "etc/fifo", 0666), 0);
	alarm(5); /* a blocking open would be the end */
	assert_true(path_read_in_root(t->root, "/etc/fifo", buf, sizeof buf, &e) < 0);
	assert_non_null(strstr(e.msg, "'/etc/fifo' in the container's root is not a regular file"));
	alarm(0);
	assert_true(path_read_in_root(t->root, "/etc", buf, sizeof buf, &e) < 0);
	assert_non_null(strstr(e.msg, "'/etc' in the container's root is not a regular file"));
	assert_int_equal(path_read_in_root(t->root, "/etc/none", buf, sizeof buf, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/etc/none"));
}

/* One entry that is not there; all else is left to who knows about links. */
static void one_entry_is_made(void **state)
{
	static const char *const others[] = { "d", "f",  "link", "dangling", "",
					      ".", "..", "a/b",  "d/" };
	Tree *t = *state;
	struct stat st;
	mode_t old = umask(0);
	AUTO(fd_close) int dir = path_make_entry(t->root, "d", PATH_DIR);
	AUTO(fd_close) int file = path_make_entry(t->root, "f", PATH_FILE);
	umask(old);
	assert_true(dir >= 0 && fstat(dir, &st) == 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_true(file >= 0 && fstat(file, &st) == 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_true(fcntl(dir, F_GETFD) & fcntl(file, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(symlinkat("d", t->root, "link"), 0);
	assert_int_equal(symlinkat("none", t->root, "dangling"), 0);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		for (int kind = 0; kind < 2; kind++)
			assert_int_equal(path_make_entry(t->root, others[i], kind ? PATH_FILE : PATH_DIR),
					 -ENOENT);
	assert_int_equal(count_entries(t->root), 4);
	assert_int_equal(count_entries(t->outside), 0);
}

/* Somebody swaps a folder of the root with a link that leads out, as fast as he can. */
static void swapping_leads_nowhere(void **state)
{
	Tree *t = *state;
	char outside[64], path[64];
	(void)snprintf(outside, sizeof outside, "%s/outside", t->dir);
	assert_int_equal(mkdirat(t->root, "d", 0755), 0);
	assert_int_equal(symlinkat(outside, t->root, "l"), 0);
	pid_t swapper = fork();
	if (swapper == 0)
		for (;;)
			syscall(SYS_renameat2, t->root, "d", t->root, "l", RENAME_EXCHANGE);
	int made = 0;
	for (int i = 0; i < 3000; i++) {
		int fd;
		(void)snprintf(path, sizeof path, "/d/a%d/b", i);
		if (path_make_in_root(t->root, path, i % 2 ? PATH_FILE : PATH_DIR, 0, &fd, NULL) == 0) {
			made++;
			close(fd);
		}
	}
	kill(swapper, SIGKILL);
	waitpid(swapper, NULL, 0);
	assert_int_equal(count_entries(t->outside), 0);
	assert_true(made > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(missing_folders_are_made),  TEST(links_stay_inside),
		TEST(dangling_links_are_filled), TEST(circles_end),
		TEST(links_can_be_refused),      TEST(magic_links_are_refused),
		TEST(parents_and_names),         TEST(only_small_regular_files_are_read),
		TEST(swapping_leads_nowhere),    TEST(one_entry_is_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
