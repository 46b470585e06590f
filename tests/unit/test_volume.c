/* The strings of -v, --tmpfs, --uidmap and --gidmap. */
#include "unit.h"

#include <string.h>

#include "engine/idmap_option.h"
#include "engine/volume.h"

/* "SOURCE > DESTINATION (TYPE OPTION OPTION)" */
static const char *show(Arena *a, const SpecMount *m)
{
	char *text = arena_printf(a, "%s > %s (%s", m->source, m->destination, m->type);
	for (size_t i = 0; i < m->options.count; i++)
		text = arena_printf(a, "%s %s", text, m->options.items[i]);
	return arena_printf(a, "%s)", text);
}

static void expect_volume(const char *text, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	SpecMount m;
	if (volume_parse(text, "/work/dir", &a, &m, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_string_equal(show(&a, &m), want);
}

static void expect_tmpfs(const char *text, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	SpecMount m;
	if (tmpfs_parse(text, &a, &m, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_string_equal(show(&a, &m), want);
}

/* An error of usage that names the whole string and what is wrong with it; the result is untouched. */
static void expect_error(int r, const Err *e, const SpecMount *m, const char *text, const char *part)
{
	assert_true(r < 0);
	assert_int_equal(e->kind, ERR_USAGE);
	assert_null(m->destination);
	if (!strstr(e->msg, text) || !strstr(e->msg, part))
		fail_msg("'%s' is not in '%s'", part, e->msg);
}

static void refuse_volume(const char *text, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	SpecMount m = { 0 };
	int r = volume_parse(text, "/work/dir", &a, &m, &e);
	expect_error(r, &e, &m, text, part);
}

static void refuse_tmpfs(const char *text, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	SpecMount m = { 0 };
	int r = tmpfs_parse(text, &a, &m, &e);
	expect_error(r, &e, &m, text, part);
}

static void volumes_are_private_recursive_binds(void **state)
{
	(void)state;
	expect_volume("/a:/b", "/a > /b (bind rbind rprivate)");
	expect_volume("/a:/b:ro", "/a > /b (bind rbind rprivate rro)");
	expect_volume("/a:/b:rro", "/a > /b (bind rbind rprivate rro)");
	expect_volume("/a:/b:rw", "/a > /b (bind rbind rprivate)");
	expect_volume("/a:/b:z", "/a > /b (bind rbind rprivate)");
	expect_volume("/a:/b:Z,ro", "/a > /b (bind rbind rprivate rro)");
	expect_volume("/with space,comma:/to\nnewline",
		      "/with space,comma > /to\nnewline (bind rbind rprivate)");
	expect_volume("/:/host", "/ > /host (bind rbind rprivate)");
}

static void relative_sources_are_taken_from_the_working_directory(void **state)
{
	(void)state;
	expect_volume(".:/b", "/work/dir/. > /b (bind rbind rprivate)");
	expect_volume("./x:/b", "/work/dir/./x > /b (bind rbind rprivate)");
	expect_volume("../x:/b:ro", "/work/dir/../x > /b (bind rbind rprivate rro)");
}

static void targets_are_made_clean(void **state)
{
	(void)state;
	expect_volume("/a:/b/", "/a > /b (bind rbind rprivate)");
	expect_volume("/a://b//c/./d", "/a > /b/c/d (bind rbind rprivate)");
	expect_volume("/a:/../../b/../c", "/a > /c (bind rbind rprivate)");
	expect_tmpfs("/run/../tmp//", "tmpfs > /tmp (tmpfs noexec nosuid nodev)");
}

static void bad_volumes_are_refused(void **state)
{
	(void)state;
	refuse_volume("/a", "anonymous volumes are not there yet");
	refuse_volume("", "anonymous volumes are not there yet");
	refuse_volume("data", "anonymous volumes are not there yet");
	refuse_volume("data:/b", "named volumes are not there yet");
	refuse_volume("data/x:/b", "named volumes are not there yet");
	refuse_volume("~/x:/b", "named volumes are not there yet");
	refuse_volume(":/b", "source is empty");
	refuse_volume("/a:", "not an absolute path");
	refuse_volume("/a:b", "not an absolute path");
	refuse_volume("/a:./b:ro", "not an absolute path");
	refuse_volume("/a:/", "cannot be '/'");
	refuse_volume("/a:/b/..", "cannot be '/'");
	refuse_volume("/a:/b:ro:rw", "not of the form");
	refuse_volume("/a:/b:ro:", "not of the form");
}

static void volumes_take_the_words_of_docker_and_podman(void **state)
{
	(void)state;
	static const char *const propagations[] = { "private",  "shared",  "slave",  "unbindable",
						    "rprivate", "rshared", "rslave", "runbindable" };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(propagations); i++)
		expect_volume(arena_printf(&a, "/a:/b:%s", propagations[i]),
			      arena_printf(&a, "/a > /b (bind rbind %s)", propagations[i]));
	expect_volume("/a:/b:rslave,ro", "/a > /b (bind rbind rslave rro)");
	expect_volume("/a:/b:bind", "/a > /b (bind bind rprivate)");
	expect_volume("/a:/b:bind,ro,noexec", "/a > /b (bind bind rprivate ro noexec)");
	expect_volume("/a:/b:rbind,noexec,nosuid,nodev",
		      "/a > /b (bind rbind rprivate rnoexec rnosuid rnodev)");
	expect_volume("/a:/b:exec,suid,dev", "/a > /b (bind rbind rprivate exec suid dev)");
	expect_volume("/a:/b:z,nocopy,cached", "/a > /b (bind rbind rprivate)");
	expect_volume("/a:/b:consistent", "/a > /b (bind rbind rprivate)");
	expect_volume("/a:/b:delegated", "/a > /b (bind rbind rprivate)");
	expect_volume("/a:/b:idmap", "/a > /b (bind rbind rprivate idmap)");
	expect_volume("/a:/b:ro,idmap=uids=0-1-10;gids=0-1-10",
		      "/a > /b (bind rbind rprivate rro idmap=uids=0-1-10;gids=0-1-10)");
}

static void a_volume_may_be_given_to_the_user(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SpecMount m, plain;
	assert_int_equal(volume_parse("/a:/b:U,z", "/", &a, &m, NULL), 0);
	assert_int_equal(volume_parse("/a:/b", "/", &a, &plain, NULL), 0);
	assert_true(m.chown_source && !plain.chown_source && !m.create_source);
}

static void bad_volume_options_are_refused(void **state)
{
	(void)state;
	static const char *const pairs[] = {
		"ro,rw",          "z,Z",         "rshared,rslave",
		"shared,rshared", "exec,noexec", "suid,nosuid",
		"dev,nodev",      "bind,rbind",  "cached,delegated",
		"U,idmap",        "ro,rro",      "idmap,idmap=uids=0-1-1"
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		refuse_volume(arena_printf(&a, "/a:/b:%s", pairs[i]), "' exclude each other");
	refuse_volume("/a:/b:ro,ro", "option 'ro' is there twice");
	refuse_volume("/a:/b:U,z,U", "option 'U' is there twice");
	refuse_volume("/a:/b:copy", "option 'copy' is for volumes with a name");
	refuse_volume("/a:/b:idmapped", "unknown option 'idmapped'");
	refuse_volume("/a:/b:", "unknown option ''");
	refuse_volume("/a:/b:ro,", "unknown option ''");
	refuse_volume("/a:/b:RO", "unknown option 'RO'");
	refuse_volume("/a:/b:ro,bogus", "unknown option 'bogus'");
	refuse_volume("/a:/b:idmap=", "unknown option 'idmap='");
	refuse_volume("/a:/b:size=1m", "unknown option 'size=1m'");
	refuse_volume("/a:/b:tmpcopyup", "unknown option 'tmpcopyup'");
}

static void tmpfs_has_dockers_defaults_first(void **state)
{
	(void)state;
	expect_tmpfs("/tmp", "tmpfs > /tmp (tmpfs noexec nosuid nodev)");
	expect_tmpfs("/tmp:size=64m,mode=1777",
		     "tmpfs > /tmp (tmpfs noexec nosuid nodev size=64m mode=1777)");
	expect_tmpfs("/dev:size=1m", "tmpfs > /dev (tmpfs noexec nosuid size=1m)"); /* nodes are made there */
	expect_tmpfs("/tmp:exec", "tmpfs > /tmp (tmpfs noexec nosuid nodev exec)"); /* the last word wins, see the plan's test */
	expect_tmpfs("/tmp:tmpcopyup,noatime,rw",
		     "tmpfs > /tmp (tmpfs noexec nosuid nodev tmpcopyup noatime rw)");
	expect_tmpfs("/tmp:notmpcopyup", "tmpfs > /tmp (tmpfs noexec nosuid nodev)");
	expect_tmpfs("/tmp:rprivate,nr_inodes=5,noswap,sync",
		     "tmpfs > /tmp (tmpfs noexec nosuid nodev rprivate nr_inodes=5 noswap sync)");
	expect_tmpfs("/tmp:uid=1:2", "tmpfs > /tmp (tmpfs noexec nosuid nodev uid=1:2)");
}

static void bad_tmpfs_are_refused(void **state)
{
	(void)state;
	refuse_tmpfs("", "not an absolute path");
	refuse_tmpfs("tmp", "'tmp' is not an absolute path");
	refuse_tmpfs(":size=1m", "not an absolute path");
	refuse_tmpfs("/", "cannot be '/'");
	refuse_tmpfs("/x/..:size=1m", "cannot be '/'");
	refuse_tmpfs("/tmp:", "unknown option ''");
	refuse_tmpfs("/tmp:size=1m,,ro", "unknown option ''");
	refuse_tmpfs("/tmp:bind", "unknown option 'bind'");
	refuse_tmpfs("/tmp:ro,rbind", "unknown option 'rbind'");
	refuse_tmpfs("/tmp:rro", "unknown option 'rro'");
	refuse_tmpfs("/tmp:remount", "unknown option 'remount'");
	refuse_tmpfs("/tmp:idmap", "unknown option 'idmap'");
	refuse_tmpfs("/tmp:z", "unknown option 'z'");
	refuse_tmpfs("/tmp:context=x", "unknown option 'context=x'");
	refuse_tmpfs("/tmp:tmpcopyup,notmpcopyup", "'tmpcopyup' and 'notmpcopyup' exclude each other");
	refuse_tmpfs("/tmp:notmpcopyup,tmpcopyup", "'tmpcopyup' and 'notmpcopyup' exclude each other");
}

static void id_maps_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		SpecIdMap want;
	} good[] = {
		{ "0:0:1", { 0, 0, 1 } },
		{ "0:1000", { 0, 1000, 1 } },
		{ "1:100000:65535", { 1, 100000, 65535 } },
		{ "0:0:4294967295", { 0, 0, UINT32_MAX } },
		{ "4294967294:4294967294:1", { UINT32_MAX - 1, UINT32_MAX - 1, 1 } },
		{ "00:007:08", { 0, 7, 8 } },
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		SpecIdMap m;
		Err e = { 0 };
		if (idmap_option_parse("--uidmap", good[i].text, &a, &m, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.msg);
		assert_memory_equal(&m, &good[i].want, sizeof m);
	}
}

static void bad_id_maps_are_refused(void **state)
{
	(void)state;
	const char *const bad[] = { "",
				    "0",
				    ":",
				    "::",
				    "0:",
				    ":0",
				    "0:0:",
				    ":0:1",
				    "0::1",
				    "0:0:1:1",
				    "a:0:1",
				    "0:b:1",
				    "0:0:c",
				    "-1:0:1",
				    "0:-1:1",
				    "0:0:-1",
				    "+0:0:1",
				    " 0:0:1",
				    "0:0:1 ",
				    "0x0:0:1",
				    "0.5:0:1",
				    "0:0:1\n",
				    "0-0-1",
				    "4294967295:0:1",
				    "0:4294967295:1",
				    "0:0:4294967296",
				    "18446744073709551616:0:1" };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SpecIdMap m = { 7, 7, 7 };
		Err e = { 0 };
		if (idmap_option_parse("--gidmap", bad[i], &a, &m, &e) >= 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.msg, arena_printf(&a, "--gidmap '%s': not of the form CONTAINER:HOST[:SIZE]",
							bad[i]));
		assert_int_equal(m.container_id, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes_are_private_recursive_binds),
		cmocka_unit_test(relative_sources_are_taken_from_the_working_directory),
		cmocka_unit_test(targets_are_made_clean),
		cmocka_unit_test(bad_volumes_are_refused),
		cmocka_unit_test(volumes_take_the_words_of_docker_and_podman),
		cmocka_unit_test(a_volume_may_be_given_to_the_user),
		cmocka_unit_test(bad_volume_options_are_refused),
		cmocka_unit_test(tmpfs_has_dockers_defaults_first),
		cmocka_unit_test(bad_tmpfs_are_refused),
		cmocka_unit_test(id_maps_are_read),
		cmocka_unit_test(bad_id_maps_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
