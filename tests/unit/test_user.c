/* USER[:GROUP] in roots of every kind, hostile ones included. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/own.h"
#include "base/str.h"
#include "engine/user.h"
#include "kern/tree.h"

static char top[32];
static int root;
static Arena arena;
static Err err;

static int setup(void **state)
{
	(void)state;
	err = (Err){ 0 };
	(void)alarm(30); /* who hangs on a FIFO is ended */
	assert_true(str_format(top, sizeof top, "/tmp/unit-user.XXXXXX") > 0);
	assert_ptr_equal(mkdtemp(top), top);
	root = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)alarm(0);
	fd_close(root);
	arena_done(&arena);
	return tree_remove_at(tmp, err_basename(top), NULL);
}

static void put_bytes(const char *path, const char *text, size_t len)
{
	AUTO(fd_close) int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, len, path, NULL), 0);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

/* "uid:gid:home:group,group" */
static const char *show(const User *u)
{
	char *text = arena_printf(&arena, "%u:%u:%s:", u->uid, u->gid, u->home);
	for (size_t i = 0; i < u->groups_count; i++)
		text = arena_printf(&arena, "%s%s%u", text, i ? "," : "", u->groups[i]);
	return text;
}

static void expect(const char *user, const char *want)
{
	User u;
	if (user_lookup(root, user, &arena, &u, &err) < 0)
		fail_msg("'%s': %s", user ? user : "(none)", err.msg);
	if (strcmp(show(&u), want) != 0)
		fail_msg("'%s' is %s, not %s", user ? user : "(none)", show(&u), want);
}

static void refuse(const char *user, const char *part)
{
	User u = { .uid = 4711 };
	err = (Err){ 0 };
	if (user_lookup(root, user, &arena, &u, &err) >= 0)
		fail_msg("'%s' was accepted as %s", user, show(&u));
	assert_int_equal(err.kind, ERR_SPEC);
	assert_int_equal(u.uid, 4711);
	if (!strstr(err.msg, part))
		fail_msg("'%s' is not in '%s'", part, err.msg);
}

#define PASSWD                                              \
	"root:x:0:0:root:/root:/bin/sh\n"                   \
	"daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n" \
	"anna:x:1000:1001:Anna,,,:/home/anna:/bin/bash\n"   \
	"nohome:x:1002:1002:::/bin/sh\n"                    \
	"1000:x:2000:2000::/home/number:/bin/sh\n"          \
	"last:x:4294967294:4294967294::/:/bin/sh"
#define GROUP                                                                                    \
	"root:x:0:\nadm:x:4:root,anna\nsudo:x:27:anna\nanna:x:1001:\nother:x:50:annabel,banna\n" \
	"1001:x:3000:\nwheel:x:10:root\nlone:x:60:anna"

static void put_both(void)
{
	put("etc/passwd", PASSWD);
	put("etc/group", GROUP);
}

/* ---- docker's cases ---- */

static void no_user_is_root(void **state)
{
	(void)state;
	put_both();
	expect(NULL, "0:0:/root:4,10");
	expect("", "0:0:/root:4,10");
	expect("root", "0:0:/root:4,10");
	expect("0", "0:0:/root:4,10");
}

static void names_are_looked_up(void **state)
{
	(void)state;
	put_both();
	expect("anna", "1000:1001:/home/anna:4,27,60");
	expect("daemon", "1:1:/usr/sbin:");
	expect("nohome", "1002:1002:/:");
	expect("last", "4294967294:4294967294:/:");
}

static void ids_find_their_entry_or_need_none(void **state)
{
	(void)state;
	put_both();
	expect("1000", "1000:1001:/home/anna:4,27,60");
	expect("2000", "2000:2000:/home/number:");
	expect("5000", "5000:0:/:");
	expect("4294967294", "4294967294:4294967294:/:");
	expect("0000", "0:0:/root:4,10");
}

/* There is a user named 1000 with the id 2000, and a group named 1001 with the id 3000. */
static void a_number_is_never_a_name(void **state)
{
	(void)state;
	put_both();
	expect("1000:1001", "1000:1001:/home/anna:");
	expect("anna:1001", "1000:1001:/home/anna:");
}

static void a_group_replaces_all_others(void **state)
{
	(void)state;
	put_both();
	expect("1000:0", "1000:0:/home/anna:");
	expect("anna:sudo", "1000:27:/home/anna:");
	expect("anna:5000", "1000:5000:/home/anna:");
	expect("root:adm", "0:4:/root:");
	expect("7:8", "7:8:/:");
	expect("7:wheel", "7:10:/:");
	expect(":adm", "0:4:/root:");
	expect("0:4294967294", "0:4294967294:/root:");
}

static void unknown_names_are_refused(void **state)
{
	(void)state;
	put_both();
	refuse("bob", "unknown user 'bob'");
	refuse("bob:0", "unknown user 'bob'");
	refuse("ann", "unknown user 'ann'");
	refuse("ANNA", "unknown user 'ANNA'");
	refuse("anna ", "unknown user 'anna '");
	refuse("0:staff", "unknown group 'staff'");
	refuse("anna:SUDO", "unknown group 'SUDO'");
	refuse("-1", "unknown user '-1'");
	refuse("+0", "unknown user '+0'");
	refuse("0x0", "unknown user '0x0'");
	refuse(" 0", "unknown user ' 0'");
	refuse("0:-1", "unknown group '-1'");
}

static void ids_beyond_the_last_are_refused(void **state)
{
	(void)state;
	put_both();
	const char *const bad[] = { "4294967295", "4294967296", "18446744073709551615",
				    "18446744073709551616", "99999999999999999999999" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		refuse(bad[i], "beyond the last user id");
		refuse(arena_printf(&arena, "0:%s", bad[i]), "beyond the last group id");
	}
}

static void malformed_texts_are_refused(void **state)
{
	(void)state;
	put_both();
	refuse("0:0:0", "USER[:GROUP]");
	refuse("anna:", "USER[:GROUP]");
	refuse(":", "USER[:GROUP]");
	refuse("::", "USER[:GROUP]");
}

/* ---- roots without the files ---- */

static void missing_files_are_empty_ones(void **state)
{
	(void)state;
	expect(NULL, "0:0:/:");
	expect("0", "0:0:/:");
	expect("1000:1000", "1000:1000:/:");
	refuse("root", "unknown user 'root'");
	refuse("0:root", "unknown group 'root'");
	assert_int_equal(unlinkat(root, "etc", AT_REMOVEDIR), 0);
	expect("7", "7:0:/:");
	put("etc", "a file where a folder should be");
	expect("7", "7:0:/:");
}

static void a_missing_group_file_leaves_the_users_own(void **state)
{
	(void)state;
	put("etc/passwd", PASSWD);
	expect("anna", "1000:1001:/home/anna:");
}

/* ---- hostile ones ---- */

static void replace(const char *path)
{
	(void)unlinkat(root, path, 0); /* may be missing */
}

static void what_is_no_regular_file_is_never_opened(void **state)
{
	(void)state;
	const char *const files[] = { "etc/passwd", "etc/group" };
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		put_both();
		replace(files[i]);
		assert_int_equal(mkfifoat(root, files[i], 0666), 0);
		refuse("root", "not a regular file");
		refuse("anna", "not a regular file");
		replace(files[i]);
		assert_int_equal(mkdirat(root, files[i], 0755), 0);
		refuse("root", "not a regular file");
		assert_int_equal(unlinkat(root, files[i], AT_REMOVEDIR), 0);
	}
	if (geteuid() != 0)
		return;
	replace("etc/passwd");
	assert_int_equal(mknodat(root, "etc/passwd", S_IFCHR | 0666, 1 << 8 | 5), 0); /* /dev/zero */
	refuse("root", "not a regular file");
}

static void a_link_is_not_followed(void **state)
{
	(void)state;
	put_both();
	put("secret", "root:x:0:0::/secret:/bin/sh\n");
	const char *const targets[] = {
		"/etc/passwd",     "../secret", "../../../../../../etc/passwd",
		"/proc/self/fd/0", "passwd",    "none"
	};
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		replace("etc/passwd");
		assert_int_equal(symlinkat(targets[i], root, "etc/passwd"), 0);
		refuse("root", "is a symbolic link, which is not followed here");
	}
}

/* A linked folder is resolved in the root: never the host's files. */
static void a_linked_folder_stays_in_the_root(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(root, "real", 0755), 0);
	put("real/passwd", "anna:x:5:6::/real:/bin/sh\n");
	const char *const targets[] = { "real", "/real", "../../../real", "./real/../real" };
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		if (unlinkat(root, "etc", AT_REMOVEDIR) < 0)
			assert_int_equal(unlinkat(root, "etc", 0), 0);
		assert_int_equal(symlinkat(targets[i], root, "etc"), 0);
		expect("anna", "5:6:/real:");
	}
	assert_int_equal(unlinkat(root, "etc", 0), 0);
	assert_int_equal(symlinkat("/etc", root, "etc"), 0); /* to itself */
	User u;
	assert_true(user_lookup(root, "root", &arena, &u, &err) < 0);
	assert_int_equal(unlinkat(root, "etc", 0), 0);
	assert_int_equal(symlinkat("/proc/self/root/etc", root, "etc"), 0); /* there is no /proc in this root */
	refuse("daemon", "unknown user");
}

static void put_of_size(const char *path, size_t size)
{
	char *text = malloc(size);
	assert_non_null(text);
	memset(text, 'x', size);
	for (size_t i = 79; i < size; i += 80)
		text[i] = '\n';
	static const char line[] = "\nanna:x:5:6::/h:/s\n";
	memcpy(text + size - strlen(line), line, strlen(line));
	put_bytes(path, text, size);
	free(text);
}

static void files_beyond_the_limit_are_refused(void **state)
{
	(void)state;
	put_of_size("etc/passwd", LIMIT_PASSWD_BYTES);
	expect("anna", "5:6:/h:");
	put_of_size("etc/passwd", LIMIT_PASSWD_BYTES + 1);
	refuse("anna", "more than");
	put_of_size("etc/passwd", 3 * LIMIT_PASSWD_BYTES);
	refuse("anna", "more than");
	put("etc/passwd", PASSWD);
	put_of_size("etc/group", 3 * LIMIT_PASSWD_BYTES);
	refuse("anna", "more than");
}

static void garbage_lines_are_passed_over(void **state)
{
	(void)state;
	put("etc/passwd",
	    "\n\n:\n::::::\n:::::::::::::::\n# anna:x:1:1::/comment:/s\n+::::::\n-nobody::::::\nanna\nanna:x\nanna:x:1\nanna:x:1:1\n"
	    "anna:x:1:1:gecos\nanna:x::1::/a:/s\nanna:x:1:::/b:/s\nanna:x:-1:0::/c:/s\nanna:x:4294967295:0::/d:/s\n"
	    "anna:x:0x5:0::/e:/s\nanna:x:5 :0::/f:/s\nanna:x:99999999999999999999:0::/g:/s\n anna:x:1:1::/h:/s\n"
	    "anna:x:1000:1000::/right:/bin/sh:more:fields\nanna:x:0:0::/second:/s\n");
	put("etc/group",
	    "\n:::\nbad\nbad:x\nbad:x:7\nbad:x:-7:anna\nbad:x:4294967295:anna\n:x:8:\n#c:x:9:anna\n"
	    "good:x:70:anna:anna\nmany:x:71:,,anna,,\nnot:x:72:xanna,annax,an na\n");
	expect("anna", "1000:1000:/right:70,71");
	expect("0:bad", "0:7:/second:");
	refuse(" anna:0:0", "USER[:GROUP]");
}

/* The name "" stands in no list of members, not even in an empty one. */
static void an_entry_without_a_name_is_in_no_group(void **state)
{
	(void)state;
	put("etc/passwd", ":x:9:9::/noname:/s\n");
	put("etc/group", GROUP);
	User u;
	assert_int_equal(user_lookup(root, "9", &arena, &u, &err), 0);
	assert_int_equal(u.groups_count, 0);
}

static void bytes_of_zero_do_no_harm(void **state)
{
	(void)state;
	static const char passwd[] = "anna:x:5:6::/h:/s\n\0root:x:0:0::/root:/s\n",
			  odd[] = "an\0na:x:5:6::/h:/s\n";
	put_bytes("etc/passwd", passwd, sizeof passwd - 1);
	expect("anna", "5:6:/h:");
	put_bytes("etc/passwd", odd, sizeof odd - 1);
	refuse("anna", "unknown user");
	refuse("na", "unknown user");
	char zeroes[4096] = { 0 };
	put_bytes("etc/passwd", zeroes, sizeof zeroes);
	expect("", "0:0:/:");
}

static void put_groups(unsigned count)
{
	char *text = malloc((size_t)count * 32);
	size_t len = 0;
	assert_non_null(text);
	for (unsigned i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, 32, "g%u:x:%u:anna\n", i, i + 100);
	put_bytes("etc/group", text, len);
	free(text);
}

static void too_many_groups_are_refused(void **state)
{
	(void)state;
	User u;
	put("etc/passwd", PASSWD);
	put_groups(LIMIT_GROUPS);
	assert_int_equal(user_lookup(root, "anna", &arena, &u, &err), 0);
	assert_int_equal(u.groups_count, LIMIT_GROUPS);
	assert_int_equal(u.groups[LIMIT_GROUPS - 1], LIMIT_GROUPS + 99);
	put_groups(LIMIT_GROUPS + 1);
	refuse("anna", "more than 1024 groups");
	expect("anna:1", "1000:1:/home/anna:");
}

/* ---- for the ids of containers ---- */

static void names_behind_ids(void **state)
{
	(void)state;
	const char *text = "root:x:0:0::/:\nbroken\nanna:x:1000:1000::/home/anna:/bin/sh\nb:x:1000:5::/:\n";
	assert_string_equal(user_name_of(arena_strdup(&arena, text), 1000), "anna");
	assert_string_equal(user_name_of(arena_strdup(&arena, text), 0), "root");
	assert_null(user_name_of(arena_strdup(&arena, text), 5));
	assert_null(user_name_of(arena_strdup(&arena, ""), 0));
}

static void highest_id_is(uint32_t want)
{
	uint32_t got = 7;
	if (user_find_highest_id(root, &arena, &got, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(got, want);
}

static void the_highest_id_that_is_somebodys(void **state)
{
	(void)state;
	highest_id_is(0);
	put("etc/passwd", "root:x:0:0::/:\nnobody:x:99999:99999::/:\nx:x:65534:65534::/:\n");
	highest_id_is(0);
	put("etc/passwd",
	    "root:x:0:0::/:\na:x:1000:33::/:\nb:x:5:2000::/:\nc:x:4294967295:1::/:\nd:x:9999\n");
	highest_id_is(2000);
	put("etc/group", "g:x:3000:\nnogroup:x:70000:\nshort:x\n");
	highest_id_is(3000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_user_is_root),
		TEST(names_are_looked_up),
		TEST(ids_find_their_entry_or_need_none),
		TEST(a_number_is_never_a_name),
		TEST(a_group_replaces_all_others),
		TEST(unknown_names_are_refused),
		TEST(ids_beyond_the_last_are_refused),
		TEST(malformed_texts_are_refused),
		TEST(missing_files_are_empty_ones),
		TEST(a_missing_group_file_leaves_the_users_own),
		TEST(what_is_no_regular_file_is_never_opened),
		TEST(a_link_is_not_followed),
		TEST(a_linked_folder_stays_in_the_root),
		TEST(files_beyond_the_limit_are_refused),
		TEST(garbage_lines_are_passed_over),
		TEST(an_entry_without_a_name_is_in_no_group),
		TEST(bytes_of_zero_do_no_harm),
		TEST(too_many_groups_are_refused),
		TEST(names_behind_ids),
		TEST(the_highest_id_that_is_somebodys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
