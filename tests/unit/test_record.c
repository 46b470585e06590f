/* What a container leaves on record comes back exactly, or not at all. */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/own.h"
#include "kern/tree.h"
#include "runtime/record.h"

static char top[32];
static int dir;
static Arena arena;
static Err err;

static int setup(void **state)
{
	(void)state;
	err = (Err){ 0 };
	assert_true(str_format(top, sizeof top, "/tmp/unit-record.XXXXXX") > 0);
	assert_ptr_equal(mkdtemp(top), top);
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd_close(dir);
	arena_done(&arena);
	return tree_remove_at(tmp, err_basename(top), NULL);
}

static void put(const char *name, const char *text, size_t len)
{
	AUTO(fd_close) int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, len, name, NULL), 0);
}

static void expect_list(const StrList *got, const StrList *want)
{
	assert_int_equal(got->count, want->count);
	for (size_t i = 0; i < want->count; i++)
		assert_string_equal(got->items[i], want->items[i]);
}

static void expect_same(const char *got, const char *want)
{
	if (!str_eq(got, want))
		fail_msg("'%s' came back as '%s'", want ? want : "(none)", got ? got : "(none)");
}

static void expect_pairs(const SpecPair *got, size_t got_count, const SpecPair *want, size_t want_count)
{
	assert_int_equal(got_count, want_count);
	for (size_t i = 0; i < want_count; i++) {
		assert_string_equal(got[i].key, want[i].key);
		assert_string_equal(got[i].value, want[i].value);
	}
}

#define REST ",\"groups\":[],\"parents\":[],\"overlay_dir\":null}"

static void expect_ranges(const IdRanges *got, const IdRanges *want)
{
	assert_int_equal(got->count, want->count);
	for (size_t i = 0; i < want->count; i++) {
		assert_int_equal(got->items[i].start, want->items[i].start);
		assert_int_equal(got->items[i].size, want->items[i].size);
	}
}

static void round_trip(const Record *r)
{
	Record got;
	if (record_write(dir, r, &arena, &err) < 0 || record_read(dir, &arena, &got, &err) < 0)
		fail_msg("%s", err.msg);
	expect_same(got.id, r->id);
	expect_same(got.name, r->name);
	expect_same(got.boot_id, r->boot_id);
	expect_same(got.overlay_dir, r->overlay_dir);
	assert_true(got.created == r->created);
	expect_list(&got.groups, &r->groups);
	expect_list(&got.parents, &r->parents);
	expect_pairs(got.labels, got.labels_count, r->labels, r->labels_count);
	expect_pairs(got.annotations, got.annotations_count, r->annotations, r->annotations_count);
	expect_same(got.stop_signal, r->stop_signal);
	assert_true(got.stop_timeout == r->stop_timeout);
	expect_ranges(&got.uids, &r->uids);
	expect_ranges(&got.gids, &r->gids);
	expect_same(got.rdt, r->rdt);
	expect_same(got.rdt_mon, r->rdt_mon);
	assert_int_equal(got.rdt_is_ours, r->rdt_is_ours);
	expect_same(got.host_root, r->host_root);
	assert_int_equal(got.host_root_below, r->host_root_below);
}

static void what_few_have_comes_back(void **state)
{
	(void)state;
	Record r = { .id = "x", .boot_id = "b", .stop_timeout = -1 };
	round_trip(&r);
	r.rdt = "/sys/fs/resctrl/x";
	round_trip(&r);
	r.rdt_mon = "/sys/fs/resctrl/x/mon_groups/x";
	r.rdt_is_ours = true;
	r.host_root = "/srv/root";
	r.host_root_below = 2;
	round_trip(&r);
}

/* ---- there and back ---- */

static void labels_and_how_to_stop_come_back(void **state)
{
	(void)state;
	SpecPair labels[] = { { "com.example.vendor", "ACME" },
			      { "empty", "" },
			      { "quoted \"key\"", "line\nbreak = \xe2\x82\xac" } };
	SpecPair annotations[] = { { "org.example/a=b", "{\"x\":1}" } };
	Record r = { .id = "x",
		     .boot_id = "b",
		     .labels = labels,
		     .labels_count = ARRAY_LEN(labels),
		     .annotations = annotations,
		     .annotations_count = 1,
		     .stop_signal = "SIGRTMIN+3",
		     .stop_timeout = -1 };
	round_trip(&r);
	r.stop_timeout = INT64_MAX;
	r.labels_count = 0;
	round_trip(&r);
}

/* A record of an older version of us. */
static void what_is_new_in_records_may_be_missing(void **state)
{
	(void)state;
	Record r;
	const char *old = "{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\"" REST;
	put("record.json", old, strlen(old));
	assert_int_equal(record_read(dir, &arena, &r, &err), 0);
	assert_int_equal(r.labels_count, 0);
	assert_int_equal(r.annotations_count, 0);
	assert_null(r.stop_signal);
	assert_int_equal(r.stop_timeout, 10);
}

/* What is written can be read: too much of it is refused before anything is made. */
static void large_records_come_back_and_huge_ones_are_refused(void **state)
{
	(void)state;
	char *text = arena_alloc(&arena, LIMIT_RECORD_BYTES + 1);
	SpecPair label = { "large", text };
	Record r = { .id = "x", .boot_id = "b", .labels = &label, .labels_count = 1 };
	memset(text, 'x', LIMIT_RECORD_BYTES - 1000);
	round_trip(&r);
	memset(text, 'x', LIMIT_RECORD_BYTES);
	assert_true(record_write(dir, &r, &arena, &err) < 0);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.msg, "labels"));
}

static void a_record_comes_back(void **state)
{
	(void)state;
	const char *groups[] = { "/sys/fs/cgroup/memory/mydocker/x",
				 "/sys/fs/cgroup/unified/mydocker/x" };
	const char *parents[] = { "/sys/fs/cgroup/memory/jobs" };
	Record r = { .id = "0123456789abcdef", .boot_id = "b-1", .created = 1700000000 };
	round_trip(&r);
	r.name = "web";
	r.overlay_dir = "/var/lib/mydocker/containers/x";
	r.groups = (StrList){ groups, 2 };
	r.parents = (StrList){ parents, 1 };
	r.created = UINT64_MAX;
	round_trip(&r);
	IdRange ids[] = { { 100000, 65536 }, { 0, UINT32_MAX }, { UINT32_MAX - 1, 1 } };
	r.uids = (IdRanges){ ids, 3 };
	r.gids = (IdRanges){ ids, 1 };
	round_trip(&r);
}

static void strange_strings_come_back(void **state)
{
	(void)state;
	/* Paths begin with a slash; names and ids are these without it. */
	const char *strange[] = { "/",
				  "/\"",
				  "/\\",
				  "/a\"b\\c/d",
				  "/line\nbreak\tand\rmore",
				  "/\x01\x1f\x7f",
				  "/{}[],:",
				  "/\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xb3",
				  "/\\u0000",
				  "/null",
				  "/ space " };
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		const Record r = { .id = "x",
				   .boot_id = strange[i] + 1,
				   .name = strange[i] + 1,
				   .overlay_dir = strange[i],
				   .groups = { &strange[i], 1 },
				   .parents = { strange, ARRAY_LEN(strange) } };
		round_trip(&r);
	}
}

/* As deep as paths of groups go, in as many hierarchies as there are. */
static void long_paths_come_back(void **state)
{
	(void)state;
	Record r = { .id = "x", .boot_id = "b" };
	char *path = arena_alloc(&arena, PATH_MAX);
	memset(path, 'p', PATH_MAX - 1);
	path[0] = '/';
	for (int i = 0; i < 14; i++)
		strlist_add(&arena, &r.groups, path);
	round_trip(&r);
}

static void relative_paths_are_refused(void **state)
{
	(void)state;
	static const char *const where[] = { "groups", "parents", "overlay_dir" };
	for (size_t i = 0; i < ARRAY_LEN(where); i++) {
		const char *relative = "var/lib";
		Record r = { .id = "x", .boot_id = "b" };
		Err e = { 0 };
		if (i == 0)
			strlist_add(&arena, &r.groups, relative);
		else if (i == 1)
			strlist_add(&arena, &r.parents, relative);
		else
			r.overlay_dir = relative;
		assert_int_equal(record_write(dir, &r, &arena, &e), 0);
		assert_true(record_read(dir, &arena, &r, &e) < 0);
		assert_int_equal(e.kind, ERR_STATE);
		assert_non_null(strstr(e.msg, "'var/lib' is not an absolute path"));
	}
}

static void a_process_comes_back(void **state)
{
	(void)state;
	const RecordProcess each[] = { { 1, 0 }, { 4194304, 123456 }, { INT_MAX, UINT64_MAX } };
	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		RecordProcess got;
		assert_int_equal(record_write_process(dir, &each[i], &arena, &err), 0);
		if (record_read_process(dir, &arena, &got, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(got.pid, each[i].pid);
		assert_true(got.start_time == each[i].start_time);
	}
}

/* ---- complete or absent ---- */

static void files_are_private_and_nothing_else_stays(void **state)
{
	(void)state;
	struct stat st;
	const Record r = { .id = "x", .boot_id = "b" };
	mode_t umask_before = umask(0);
	put("record.json.new", "{\"version\":1,\"left by a crash, and longer than what comes now", 60);
	assert_int_equal(record_write(dir, &r, &arena, &err), 0);
	(void)umask(umask_before);
	assert_int_equal(fstatat(dir, "record.json", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(faccessat(dir, "record.json.new", F_OK, 0), -1);
	Record got;
	assert_int_equal(record_read(dir, &arena, &got, &err), 0);
}

/* What could not be written whole leaves the old one. */
static void a_failed_write_keeps_the_old_record(void **state)
{
	(void)state;
	Record r = { .id = "old", .boot_id = "b" }, got;
	assert_int_equal(record_write(dir, &r, &arena, &err), 0);
	assert_int_equal(symlinkat("/dev/full", dir, "record.json.new"), 0);
	r.id = "new";
	assert_int_equal(record_write(dir, &r, &arena, &err), -ELOOP); /* a link is not followed */
	assert_non_null(strstr(err.msg, "record.json"));
	assert_int_equal(record_read(dir, &arena, &got, &err), 0);
	assert_string_equal(got.id, "old");
}

static void what_is_not_written_yet_is_absent(void **state)
{
	(void)state;
	Record r;
	RecordProcess p;
	assert_int_equal(record_read(dir, &arena, &r, &err), -ENOENT);
	assert_int_equal(record_read_process(dir, &arena, &p, &err), -ENOENT);
	assert_int_equal(err.kind, ERR_OK);
}

/* ---- damaged ones are reported and not believed ---- */

static void refuse_record(const char *text, const char *part)
{
	Record r = { .id = "untouched" };
	err = (Err){ 0 };
	put("record.json", text, strlen(text));
	assert_true(record_read(dir, &arena, &r, &err) < 0);
	assert_true(err.kind != ERR_OK);
	assert_string_equal(r.id, "untouched");
	if (!str_starts(err.msg, "record.json") || !strstr(err.msg, part))
		fail_msg("'%s' is not in '%s'", part, err.msg);
}

static void damaged_records_are_refused(void **state)
{
	(void)state;
	refuse_record("", "line 1");
	refuse_record("\n", "line 1");
	refuse_record("{", "line 1");
	refuse_record("not json", "line 1");
	refuse_record("[]", "version");
	refuse_record("{}", "version");
	refuse_record("{\"version\":\"1\"}", "version");
	refuse_record("{\"version\":1}", "id");
	refuse_record("{\"version\":1,\"id\":7,\"name\":null,\"created\":1,\"boot_id\":\"b\"" REST,
		      "id");
	refuse_record("{\"version\":1,\"id\":null,\"name\":null,\"created\":1,\"boot_id\":\"b\"" REST,
		      "names no container");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":null" REST,
		      "names no container");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":[],\"created\":1,\"boot_id\":\"b\"" REST,
		      "name");
	refuse_record("{\"version\":1,\"id\":\"x\",\"created\":1,\"boot_id\":\"b\"" REST, "name");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":-1,\"boot_id\":\"b\"" REST,
		      "created");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"boot_id\":\"b\"" REST, "created");
	refuse_record("{\"version\":1,\"id\":\"x\",\"id\":\"y\"}", "id");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"labels\":[]" REST,
		      "labels");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"labels\":{\"a\":1}" REST,
		      "labels");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"annotations\":null" REST,
		      "annotations");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"stop_signal\":9" REST,
		      "stop_signal");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"rdt\":\"rel\",\"rdt_mon\":null,\"rdt_is_ours\":1" REST,
		      "'rel' is not an absolute path");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"rdt\":\"/a\",\"rdt_mon\":null,\"rdt_is_ours\":2" REST,
		      "rdt_is_ours");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"host_root\":\"rel\",\"host_root_below\":0" REST,
		      "'rel' is not an absolute path");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"stop_timeout\":-2" REST,
		      "stop_timeout");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"overlay_dir\":null,\"parents\":[]}",
		      "groups");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"overlay_dir\":null,"
		      "\"parents\":[],\"groups\":\"/a\"}",
		      "groups");
	refuse_record("{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"overlay_dir\":null,"
		      "\"parents\":[1],\"groups\":[]}",
		      "parents");
}

#define ALL_BUT_IDS                                                                                       \
	"{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\",\"overlay_dir\":null," \
	"\"parents\":[],\"groups\":[]"

static void damaged_ids_are_refused(void **state)
{
	(void)state;
	Record r;
	put("record.json", ALL_BUT_IDS "}", strlen(ALL_BUT_IDS "}")); /* an older version's */
	assert_int_equal(record_read(dir, &arena, &r, &err), 0);
	assert_int_equal(r.uids.count, 0);
	refuse_record(ALL_BUT_IDS ",\"uids\":1}", "uids");
	refuse_record(ALL_BUT_IDS ",\"uids\":[1]}", "uids");
	refuse_record(ALL_BUT_IDS ",\"gids\":[[]]}", "gids");
	refuse_record(ALL_BUT_IDS ",\"gids\":[[1]]}", "gids");
	refuse_record(ALL_BUT_IDS ",\"uids\":[[1,2,3]]}", "uids");
	refuse_record(ALL_BUT_IDS ",\"uids\":[[0,1],[1,\"2\"]]}", "uids");
	refuse_record(ALL_BUT_IDS ",\"uids\":[[-1,2]]}", "uids");
	refuse_record(ALL_BUT_IDS ",\"uids\":[[4294967295,1]]}", "uids");
	refuse_record(ALL_BUT_IDS ",\"uids\":[[1,4294967295]]}", "uids");
}

/* Cut at any byte, as a crash of the file system may do. */
static void no_cut_record_is_believed(void **state)
{
	(void)state;
	const char *whole = "{\"version\":1,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\"" REST;
	Record r;
	put("record.json", whole, strlen(whole));
	assert_int_equal(record_read(dir, &arena, &r, &err), 0);
	for (size_t len = 0; len < strlen(whole); len++) {
		put("record.json", whole, len);
		assert_true(record_read(dir, &arena, &r, &err) < 0);
	}
}

static void binary_and_huge_records_are_refused(void **state)
{
	(void)state;
	static char huge[LIMIT_RECORD_BYTES + 1];
	Record r;
	const char nul[] = "{\"version\":1,\"id\":\"x\0y\"}";
	put("record.json", nul, sizeof nul - 1);
	assert_true(record_read(dir, &arena, &r, &err) < 0);
	assert_non_null(strstr(err.msg, "record.json"));
	memset(huge, ' ', sizeof huge);
	put("record.json", huge, sizeof huge);
	assert_int_equal(record_read(dir, &arena, &r, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "record.json"));
}

static void records_of_other_versions_are_refused(void **state)
{
	(void)state;
	refuse_record("{\"version\":2,\"id\":\"x\",\"name\":null,\"created\":1,\"boot_id\":\"b\"" REST,
		      "version 2");
	assert_int_equal(err.kind, ERR_STATE);
	refuse_record("{\"version\":0}", "version 0");
	refuse_record("{\"version\":18446744073709551615}", "version 18446744073709551615");
}

static void damaged_processes_are_refused(void **state)
{
	(void)state;
	const char *bad[] = { "",
			      "{}",
			      "{\"version\":1}",
			      "{\"version\":1,\"pid\":0,\"start_time\":1}",
			      "{\"version\":1,\"pid\":-1,\"start_time\":1}",
			      "{\"version\":1,\"pid\":2147483648,\"start_time\":1}",
			      "{\"version\":1,\"pid\":\"1\",\"start_time\":1}",
			      "{\"version\":1,\"pid\":1}",
			      "{\"version\":1,\"pid\":1,\"start_time\":-1}",
			      "{\"version\":1,\"pid\":1,\"start_time\":1.5}",
			      "{\"version\":2,\"pid\":1,\"start_time\":1}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		RecordProcess p = { .pid = 77 };
		put("process.json", bad[i], strlen(bad[i]));
		assert_true(record_read_process(dir, &arena, &p, &err) < 0);
		assert_int_equal(p.pid, 77);
		if (!strstr(err.msg, "process.json"))
			fail_msg("'%s' gives '%s'", bad[i], err.msg);
	}
}

static void a_link_stands_in_for_a_damaged_process(void **state)
{
	(void)state;
	const RecordProcess wrote = { .pid = 4711, .start_time = UINT64_MAX };
	const char *damages[] = { "", "{\"version\":1,\"pid\":47", NULL };
	assert_int_equal(record_link_process(dir, &wrote, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		RecordProcess p = { .pid = 77 };
		if (damages[i])
			put("process.json", damages[i], strlen(damages[i]));
		else
			assert_int_equal(unlinkat(dir, "process.json", 0), 0);
		assert_int_equal(record_read_process(dir, &arena, &p, &err), 0);
		assert_int_equal(p.pid, 4711);
		assert_true(p.start_time == UINT64_MAX);
	}
	assert_int_equal(unlinkat(dir, "process", 0), 0);
	assert_int_equal(symlinkat("4711", dir, "process"), 0);
	assert_int_equal(record_read_process(dir, &arena, &(RecordProcess){ 0 }, &err), -ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_comes_back),
		TEST(what_few_have_comes_back),
		TEST(strange_strings_come_back),
		TEST(labels_and_how_to_stop_come_back),
		TEST(what_is_new_in_records_may_be_missing),
		TEST(large_records_come_back_and_huge_ones_are_refused),
		TEST(long_paths_come_back),
		TEST(relative_paths_are_refused),
		TEST(a_process_comes_back),
		TEST(files_are_private_and_nothing_else_stays),
		TEST(a_failed_write_keeps_the_old_record),
		TEST(what_is_not_written_yet_is_absent),
		TEST(damaged_records_are_refused),
		TEST(damaged_ids_are_refused),
		TEST(no_cut_record_is_believed),
		TEST(binary_and_huge_records_are_refused),
		TEST(records_of_other_versions_are_refused),
		TEST(damaged_processes_are_refused),
		TEST(a_link_stands_in_for_a_damaged_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
