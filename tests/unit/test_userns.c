/* Which ids a container gets: ranges, the string of --userns, the files of ids, and what follows from all of them. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "engine/userns.h"
#include "plan_hosts.h"

/* ---- ranges ---- */

/* "5:10 20:3" */
static IdRanges ranges(Arena *a, const char *text)
{
	IdRanges r = { 0 };
	const char *p = text;
	unsigned start, size;
	int n;
	for (; sscanf(p, " %u:%u%n", &start, &size, &n) == 2; p += n)
		id_ranges_add(a, &r, start, size);
	return r;
}

static const char *show_ranges(Arena *a, const IdRanges *r)
{
	char *text = arena_strdup(a, "");
	for (size_t i = 0; i < r->count; i++)
		text = arena_printf(a, "%s%s%u:%u", text, i ? " " : "", r->items[i].start,
				    r->items[i].size);
	return text;
}

static void subtract_is(const char *from, const char *without, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	IdRanges f = ranges(&a, from), w = ranges(&a, without);
	IdRanges got = id_ranges_subtract(&a, &f, &w);
	assert_string_equal(show_ranges(&a, &got), want);
	assert_string_equal(show_ranges(&a, &f), from); /* as it was */
}

static void ranges_are_subtracted(void **state)
{
	(void)state;
	subtract_is("", "", "");
	subtract_is("", "0:10", "");
	subtract_is("10:10", "", "10:10");
	subtract_is("10:10", "0:10 20:5", "10:10");
	subtract_is("10:10", "12:3", "10:2 15:5");
	subtract_is("10:10", "12:3 13:4 18:100", "10:2 17:1");
	subtract_is("10:10", "18:1 12:1", "10:2 13:5 19:1");
	subtract_is("10:10", "5:10", "15:5");
	subtract_is("10:10", "10:10", "");
	subtract_is("10:10", "0:4294967295", "");
	subtract_is("30:5 10:5", "12:20", "10:2 32:3");
	subtract_is("0:4294967295", "5:1", "0:5 6:4294967289");
	subtract_is("4294967290:5", "4294967294:1", "4294967290:4");
}

/* Against the definition, id by id. */
static void subtraction_is_exact(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (int round = 0; round < 300; round++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		IdRanges from = { 0 }, without = { 0 };
		for (int i = 0; i < 4; i++) {
			seed = seed * 1103515245 + 12345;
			id_ranges_add(&a, &from, (uint32_t)i * 16 + seed / 65536 % 4,
				      seed / 262144 % 13);
			id_ranges_add(&a, &without, seed / 65536 % 64, seed / 4194304 % 9);
		}
		IdRanges got = id_ranges_subtract(&a, &from, &without);
		for (uint32_t id = 0; id < 80; id++)
			assert_int_equal(id_ranges_has(&got, id),
					 id_ranges_has(&from, id) && !id_ranges_has(&without, id));
	}
}

/* ---- the string ---- */

static void option_refused(const char *text, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	UsernsOption o = { .size = 77 };
	Err e = { 0 };
	if (userns_option_parse(text, &a, &o, &e) >= 0)
		fail_msg("'%s' was taken", text);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(o.size, 77);
	if (!strstr(e.msg, part))
		fail_msg("'%s' is not in '%s'", part, e.msg);
}

static UsernsOption option(Arena *a, const char *text)
{
	UsernsOption o;
	Err e = { 0 };
	if (userns_option_parse(text, a, &o, &e) < 0)
		fail_msg("'%s': %s", text ? text : "(none)", e.msg);
	return o;
}

static void options(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	assert_int_equal(option(&a, NULL).mode, USERNS_DEFAULT);
	assert_int_equal(option(&a, "").mode, USERNS_HOST);
	assert_int_equal(option(&a, "host").mode, USERNS_HOST);
	assert_int_equal(option(&a, "private").mode, USERNS_PRIVATE);
	assert_int_equal(option(&a, "nomap").mode, USERNS_NOMAP);
	UsernsOption o = option(&a, "keep-id:uid=5,gid=0,size=9");
	assert_true(o.mode == USERNS_KEEP_ID && o.has_uid && o.uid == 5 && o.has_gid &&
		    o.gid == 0 && o.size == 9);
	o = option(&a, "auto:uidmapping=0:1:2,size=3,uidmapping=5:6,gidmapping=7:8:9");
	assert_true(o.mode == USERNS_AUTO && o.size == 3);
	assert_true(o.uid_maps_count == 2 && o.gid_maps_count == 1);
	assert_true(o.uid_maps[1].container_id == 5 && o.uid_maps[1].size == 1);
	assert_true(o.gid_maps[0].host_id == 8 && o.gid_maps[0].size == 9);
}

static void options_that_are_none(void **state)
{
	(void)state;
	option_refused("x", "'x': must be host, private, keep-id, auto or nomap");
	option_refused("Host", "must be host");
	option_refused("ns:/proc/1/ns/user", "joining a namespace is not there yet");
	option_refused("container:web", "joining a namespace is not there yet");
	option_refused("keep-id:", "unknown option ''");
	option_refused("keep-id:uid", "unknown option 'uid'");
	option_refused("keep-id:uid=", "'uid=' is no number");
	option_refused("keep-id:uid=-1", "is no number");
	option_refused("keep-id:uid=4294967295", "is no number");
	option_refused("keep-id:size=0", "is no number from 1");
	option_refused("keep-id:uidmapping=0:0:1", "unknown option");
	option_refused("auto:uid=1", "unknown option");
	option_refused("auto:size=x", "is no number");
	option_refused("auto:uidmapping=0", "--userns auto:uidmapping '0': not of the form");
	option_refused("host:size=1", "unknown option");
	option_refused("private:size=1", "unknown option");
	option_refused("nomap:x", "unknown option");
}

/* ---- files ---- */

static void find_is(const char *text, const char *name, const char *number, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	IdRanges r;
	Err e = { 0 };
	if (subids_find(text, "/etc/subuid", name, number, &a, &r, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(show_ranges(&a, &r), want);
}

static void find_refused(const char *text, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	IdRanges r;
	Err e = { 0 };
	assert_true(subids_find(text, "/etc/subuid", "anna", "1000", &a, &r, &e) < 0);
	assert_int_equal(e.kind, ERR_STATE);
	if (!strstr(e.msg, part))
		fail_msg("'%s' is not in '%s'", part, e.msg);
}

static void ranges_of_somebody(void **state)
{
	(void)state;
	const char *text = "# comment\n\nroot:1:2\nanna:200000:10\n1000:5000:7\nannabel:9:9\nanna:100000:65536\nx:y:z";
	find_is(text, "anna", "1000", "5000:7 100000:65536 200000:10");
	find_is(text, NULL, "1000", "5000:7");
	find_is(text, "bob", "1001", "");
	find_is(text, "root", "0", "1:2");
	find_is("", "anna", "1000", "");
	find_is("containers:2147483647:2147483648\n", "containers", "containers",
		"2147483647:2147483648");
}

static void lines_that_make_no_sense(void **state)
{
	(void)state;
	find_refused("anna", "/etc/subuid: 'anna' is not of the form NAME:FIRST:COUNT");
	find_refused("anna:1", "not of the form");
	find_refused("anna:1:2:3", "not of the form");
	find_refused("anna:1:0", "not of the form");
	find_refused("anna:-1:5", "not of the form");
	find_refused("anna:1: 5", "not of the form");
	find_refused("1000:0x10:5", "not of the form");
	find_refused("anna:4294967295:1", "not of the form");
	find_refused("anna:2:4294967294", "not of the form");
	find_refused("anna:100:50\n1000:149:10", "the ranges 100:50 and 149:10 of 'anna' overlap");
	find_refused("anna:100:50\nanna:100:50", "overlap");
}

static void files_are_read(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SubidFiles f;
	Err e = { 0 };
	assert_int_equal(subid_files_read("/nonexistent", SUBID_FILES_RANGES | SUBID_FILES_MAPS, &a,
					  &f, &e),
			 0);
	assert_string_equal(f.subuid, "");
	assert_int_equal(subid_files_read("", SUBID_FILES_RANGES, &a, &f, &e), 0);
	assert_true(strlen(f.passwd) > 0 && strlen(f.uid_map) == 0);
	assert_int_equal(subid_files_read("", SUBID_FILES_MAPS, &a, &f, &e), 0);
	assert_true(strlen(f.passwd) == 0 && strlen(f.uid_map) > 0);
	assert_null(subids_user_name(&f, 4294967294u, &a));
}

/* ---- the choice ---- */

#define WHOLE "         0          0 4294967295\n"
static const SubidFiles usual = {
	.passwd = "root:x:0:0::/:\nanna:x:1000:1001::/:\n",
	.subuid = "root:100000:65536\nanna:300000:1000\nanna:500000:1000\n",
	.subgid = "root:200000:65536\nanna:400000:2000\n",
	.uid_map = WHOLE,
	.gid_map = WHOLE,
};

/* What is asked, of which host. */
typedef struct Ask {
	const HostFacts *facts;  /* NULL: root */
	const SubidFiles *files; /* NULL: the usual ones */
	const char *userns, *uidmaps, *gidmaps, *subuid_name, *subgid_name;
	const char *used; /* ids of others */
} Ask;

static HostFacts user_with_helpers(void)
{
	HostFacts f = v2_user;
	f.newuidmap = "/usr/bin/newuidmap";
	f.newgidmap = "/usr/bin/newgidmap";
	return f;
}

static int choose(const Ask *q, Arena *a, UsernsIds *ret, Err *e)
{
	RunRequest r;
	Userns u;
	UsernsHost h = { .facts = q->facts ? q->facts : &v2_root,
			 .files = q->files ? q->files : &usual,
			 .auto_size = 1024 };
	run_request_init(&r);
	r.userns = q->userns;
	r.subuid_name = q->subuid_name;
	r.subgid_name = q->subgid_name;
	r.uidmaps = q->uidmaps ? str_split(a, q->uidmaps, ' ') : (StrList){ 0 };
	r.gidmaps = q->gidmaps ? str_split(a, q->gidmaps, ' ') : (StrList){ 0 };
	h.used_uids = h.used_gids = ranges(a, q->used ? q->used : "");
	TRY(userns_read(&r, a, &u, e));
	return userns_choose(&u, &h, a, ret, e);
}

static const char *show_maps(Arena *a, const IdMaps *m)
{
	char *text = arena_strdup(a, "");
	for (size_t i = 0; i < m->count; i++)
		text = arena_printf(a, "%s%s%u:%u:%u", text, i ? " " : "", m->items[i].container_id,
				    m->items[i].host_id, m->items[i].size);
	return text;
}

static void chosen(Ask q, const char *uids, const char *gids, bool idmap)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	UsernsIds ids;
	Err e = { 0 };
	if (choose(&q, &a, &ids, &e) < 0)
		fail_msg("%s: %s", q.userns ? q.userns : "(none)", e.msg);
	assert_string_equal(show_maps(&a, &ids.uids), uids);
	assert_string_equal(show_maps(&a, &ids.gids), gids);
	assert_int_equal(ids.idmap_root, idmap);
	assert_int_equal(ids.warnings.count, 0);
}

static void not_chosen(Ask q, ErrKind kind, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	UsernsIds ids;
	Err e = { 0 };
	if (choose(&q, &a, &ids, &e) >= 0)
		fail_msg("%s was taken", q.userns ? q.userns : "(none)");
	assert_int_equal(e.kind, kind);
	if (!strstr(e.msg, part))
		fail_msg("'%s' is not in '%s'", part, e.msg);
}

/* One id, and a warning that holds these words. */
static void chosen_with_warning(Ask q, const char *uids, const char *gids, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	UsernsIds ids;
	Err e = { 0 };
	if (choose(&q, &a, &ids, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(show_maps(&a, &ids.uids), uids);
	assert_string_equal(show_maps(&a, &ids.gids), gids);
	assert_int_equal(ids.warnings.count, 1);
	if (!strstr(ids.warnings.items[0], part))
		fail_msg("'%s' is not in '%s'", part, ids.warnings.items[0]);
}

static void modes_of_root(void **state)
{
	(void)state;
	chosen((Ask){ 0 }, "", "", false);
	chosen((Ask){ .userns = "" }, "", "", false);
	chosen((Ask){ .userns = "host" }, "", "", false);
	chosen((Ask){ .userns = "private" }, "0:100000:65536", "0:200000:65536", true);
	chosen((Ask){ .userns = "keep-id" }, "0:0:4294967295", "0:0:4294967295", false);
	chosen((Ask){ .userns = "keep-id:size=10" }, "0:0:10", "0:0:10", false);
	chosen((Ask){ .userns = "auto" }, "0:100000:1024", "0:200000:1024", true);
	chosen((Ask){ .uidmaps = "0:5:6" }, "0:5:6", "0:5:6", false);
	chosen((Ask){ .subuid_name = "anna" }, "0:300000:1000 1000:500000:1000", "0:400000:2000", true);
	chosen((Ask){ .subgid_name = "anna" }, "0:300000:1000 1000:500000:1000", "0:400000:2000", true);
	chosen((Ask){ .userns = "private", .subuid_name = "anna", .subgid_name = "root" },
	       "0:300000:1000 1000:500000:1000", "0:200000:65536", true);
	not_chosen((Ask){ .userns = "nomap" }, ERR_USAGE, "nomap is for ordinary users");
}

static void modes_of_an_ordinary_user(void **state)
{
	(void)state;
	HostFacts f = user_with_helpers();
	const char *ours = "0:1000:1 1:300000:1000 1001:500000:1000", *groups = "0:1001:1 1:400000:2000";
	chosen((Ask){ .facts = &f }, ours, groups, false);
	chosen((Ask){ .facts = &f, .userns = "host" }, ours, groups, false);
	chosen((Ask){ .facts = &f, .userns = "private" }, ours, groups, false);
	chosen((Ask){ .facts = &f, .userns = "keep-id" }, "0:300000:1000 1000:1000:1 1001:500000:1000",
	       "0:400000:1001 1001:1001:1 1002:401001:999", false);
	chosen((Ask){ .facts = &f, .userns = "keep-id:uid=5,gid=0" },
	       "0:300000:5 5:1000:1 6:300005:995 1001:500000:1000", "0:1001:1 1:400000:2000", false);
	chosen((Ask){ .facts = &f, .userns = "keep-id:size=3" }, "0:300000:2 1000:1000:1",
	       "0:400000:2 1001:1001:1", false);
	chosen((Ask){ .facts = &f, .userns = "keep-id:uid=5000,gid=5000" },
	       "0:300000:1000 1000:500000:1000 5000:1000:1", "0:400000:2000 5000:1001:1", false);
	chosen((Ask){ .facts = &f, .userns = "nomap" }, "0:300000:1000 1000:500000:1000",
	       "0:400000:2000", false);
	chosen((Ask){ .facts = &f, .userns = "auto" }, "0:300000:1000 1000:500000:24",
	       "0:400000:1024", false);
	chosen((Ask){ .facts = &f, .uidmaps = "0:300005:2 2:1000:1", .gidmaps = "0:1001:1" },
	       "0:300005:2 2:1000:1", "0:1001:1", false);
}

/* Without ranges one id, in silence; with something of it, one with a warning; but what was asked for is an error. */
static void an_ordinary_user_without_means(void **state)
{
	(void)state;
	HostFacts f = user_with_helpers(), bare = v2_user;
	bare.no_id_helpers = "the program newuidmap is not installed";
	SubidFiles none = usual, half = usual, number = usual;
	none.subuid = none.subgid = "";
	half.subgid = "";
	number.passwd = "";
	number.subuid = number.subgid = "1000:7000:3\n";
	chosen((Ask){ .facts = &f, .files = &none }, "0:1000:1", "0:1001:1", false);
	chosen((Ask){ .facts = &bare, .files = &none }, "0:1000:1", "0:1001:1", false);
	chosen((Ask){ .facts = &f, .files = &none, .userns = "keep-id" }, "1000:1000:1",
	       "1001:1001:1", false);
	chosen((Ask){ .facts = &f, .files = &number }, "0:1000:1 1:7000:3", "0:1001:1 1:7000:3", false);
	chosen_with_warning((Ask){ .facts = &f, .files = &half }, "0:1000:1", "0:1001:1",
			    "/etc/subgid has no line for 'anna'");
	chosen_with_warning((Ask){ .facts = &bare }, "0:1000:1", "0:1001:1",
			    "newuidmap is not installed");
	chosen_with_warning((Ask){ .facts = &bare, .userns = "keep-id" }, "1000:1000:1",
			    "1001:1001:1", "newuidmap is not installed");
	static const char *const asked[] = { "private", "nomap", "auto", "keep-id:size=2" };
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		not_chosen((Ask){ .facts = &bare, .userns = asked[i] }, ERR_STATE,
			   "newuidmap is not installed");
		not_chosen((Ask){ .facts = &f, .files = &none, .userns = asked[i] }, ERR_STATE,
			   "/etc/subuid has no line for 'anna'; add one, such as 'anna:100000:65536'");
	}
	not_chosen((Ask){ .facts = &f, .subuid_name = "bob" }, ERR_STATE,
		   "/etc/subuid has no line for 'bob'");
}

static void ranges_that_are_wrong(void **state)
{
	(void)state;
	HostFacts f = user_with_helpers();
	SubidFiles own = usual, none = usual, broken = usual;
	own.subgid = "anna:1000:10\n";
	none.subgid = "";
	broken.subuid = "root:1\n";
	not_chosen((Ask){ .facts = &f, .files = &own }, ERR_STATE,
		   "/etc/subgid: the ranges of 'anna' contain the own id, 1001");
	not_chosen((Ask){ .files = &none, .userns = "private" }, ERR_STATE,
		   "--userns private: /etc/subgid has no line for 'root'; add one, such as 'root:100000:65536'");
	not_chosen((Ask){ .files = &none, .userns = "auto" }, ERR_STATE,
		   "/etc/subgid has no line for 'containers'");
	not_chosen((Ask){ .files = &broken, .userns = "auto" }, ERR_STATE,
		   "'root:1' is not of the form");
	chosen((Ask){ .files = &broken, .userns = "keep-id" }, "0:0:4294967295", "0:0:4294967295",
	       false);
}

static void what_is_not_yours_to_map(void **state)
{
	(void)state;
	HostFacts f = user_with_helpers();
	not_chosen((Ask){ .facts = &f, .uidmaps = "0:0:1" }, ERR_SPEC,
		   "--uidmap: the host's user id 0 is not yours to map; yours is 1000, and those in /etc/subuid");
	not_chosen((Ask){ .facts = &f, .uidmaps = "0:1000:2" }, ERR_SPEC, "user id 1001 is not yours");
	not_chosen((Ask){ .facts = &f, .uidmaps = "0:300000:1001" }, ERR_SPEC, "user id 301000 is not");
	not_chosen((Ask){ .facts = &f, .uidmaps = "0:1000:1" }, ERR_SPEC,
		   "--gidmap: the host's group id 1000 is not yours to map; yours is 1001");
	not_chosen((Ask){ .facts = &f, .userns = "auto:uidmapping=0:5:1" }, ERR_SPEC,
		   "user id 5 is not yours");
	chosen((Ask){ .uidmaps = "0:0:1" }, "0:0:1", "0:0:1", false); /* root may */
}

/* In a user namespace that has few ids, as that of a container around us. */
static void ids_that_are_not_there(void **state)
{
	(void)state;
	HostFacts f = user_with_helpers();
	SubidFiles few = usual;
	few.uid_map = "0 1000 1\n1 300000 400500\n";
	few.gid_map = "         0          0     400000\n     400000     400000        999\n";
	chosen_with_warning((Ask){ .facts = &f, .files = &few }, "0:1000:1", "0:1001:1",
			    "the user id 500000 in /etc/subuid does not exist in the user namespace");
	not_chosen((Ask){ .facts = &f, .files = &few, .userns = "nomap" }, ERR_STATE,
		   "(/proc/self/uid_map)");
	/* the kernel refuses a line that two lines of the namespace above would have to hold */
	chosen((Ask){ .files = &few, .userns = "keep-id" }, "0:0:1 1:1:400500",
	       "0:0:400000 400000:400000:999", false);
	chosen((Ask){ .files = &few, .userns = "keep-id:size=7" }, "0:0:1 1:1:6", "0:0:7", false);
	few.uid_map = WHOLE;
	not_chosen((Ask){ .facts = &f, .files = &few, .userns = "private" }, ERR_STATE,
		   "the group id 400999 in /etc/subgid does not exist");
	not_chosen((Ask){ .files = &few, .uidmaps = "0:5:1", .gidmaps = "0:400998:2" }, ERR_STATE,
		   "--gidmap: the group id 400999 does not exist");
}

static void ids_of_its_own(void **state)
{
	(void)state;
	SubidFiles pool = usual;
	pool.subuid = pool.subgid = "root:5:5\ncontainers:1000:100\ncontainers:2000:50\n";
	const SubidFiles *p = &pool;
	chosen((Ask){ .files = p, .userns = "auto:size=30" }, "0:1000:30", "0:1000:30", true);
	chosen((Ask){ .files = p, .userns = "auto:size=30", .used = "1000:30 1040:1" }, "0:1041:30",
	       "0:1041:30", true);
	chosen((Ask){ .files = p, .userns = "auto:size=30", .used = "1000:75" }, "0:2000:30",
	       "0:2000:30", true);
	/* no piece is large enough: several */
	chosen((Ask){ .files = p, .userns = "auto:size=30", .used = "1000:80 2020:100" },
	       "0:1080:20 20:2000:10", "0:1080:20 20:2000:10", true);
	chosen((Ask){ .files = p, .userns = "auto:size=150" }, "0:1000:100 100:2000:50",
	       "0:1000:100 100:2000:50", true);
	not_chosen((Ask){ .files = p, .userns = "auto:size=151" }, ERR_STATE,
		   "--userns auto: 151 user ids are needed, and of those of 'containers' in /etc/subuid 150 are free");
	not_chosen((Ask){ .files = p, .userns = "auto", .used = "0:3000" }, ERR_STATE, "0 are free");
	/* what must be there is there, and costs nothing of the pool */
	chosen((Ask){ .files = p, .userns = "auto:size=5,uidmapping=2:1001:1,gidmapping=9:9:1" },
	       "0:1002:2 3:1004:2 2:1001:1", "0:1000:5 9:9:1", true);
	chosen((Ask){ .files = p, .userns = "auto:size=1,uidmapping=0:7:1" }, "0:7:1", "0:1000:1", true);
	/* the ranges of somebody else, by name */
	chosen((Ask){ .files = p, .userns = "auto:size=3", .subuid_name = "root" }, "0:5:3",
	       "0:5:3", true);
}

static void how_many_ids_auto_takes(void **state)
{
	(void)state;
	uint32_t size;
	Err e = { 0 };
	static const struct {
		uint32_t highest, size;
	} each[] = { { 0, 1024 }, { 1023, 1024 }, { 1024, 1025 }, { 65535, 65536 } };
	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		assert_int_equal(userns_auto_size(each[i].highest, &size, &e), 0);
		assert_int_equal(size, each[i].size);
	}
	assert_true(userns_auto_size(65536, &size, &e) < 0);
	assert_non_null(strstr(e.msg, "use --userns auto:size=65537"));
}

static void contradictions(void **state)
{
	(void)state;
	not_chosen((Ask){ .userns = "private", .uidmaps = "0:0:1" }, ERR_USAGE, "exclude each other");
	not_chosen((Ask){ .userns = "host", .gidmaps = "0:0:1" }, ERR_USAGE, "exclude each other");
	not_chosen((Ask){ .subuid_name = "x", .gidmaps = "0:0:1" }, ERR_USAGE, "exclude each other");
	not_chosen((Ask){ .subgid_name = "x", .userns = "keep-id" }, ERR_USAGE,
		   "go with --userns private or auto, not with keep-id");
	not_chosen((Ask){ .subgid_name = "x", .userns = "" }, ERR_USAGE, "not with host");
}

static void default_user_is(const char *userns, const HostFacts *f, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	RunRequest r;
	Userns u;
	run_request_init(&r);
	r.userns = userns;
	assert_int_equal(userns_read(&r, &a, &u, NULL), 0);
	const char *got = userns_default_user(&u, f, &a);
	if (!str_eq(got, want))
		fail_msg("%s: '%s'", userns, got ? got : "(none)");
}

static void who_the_command_is(void **state)
{
	(void)state;
	default_user_is("private", &v2_user, NULL);
	default_user_is("keep-id", &v2_root, NULL);
	default_user_is("keep-id:gid=5", &v2_root, "0:5");
	default_user_is("keep-id", &v2_user, "1000:1001");
	default_user_is("keep-id:uid=7", &v2_user, "7:1001");
	default_user_is("keep-id:uid=0,gid=0", &v2_user, "0:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_subtracted),
		cmocka_unit_test(subtraction_is_exact),
		cmocka_unit_test(options),
		cmocka_unit_test(options_that_are_none),
		cmocka_unit_test(ranges_of_somebody),
		cmocka_unit_test(lines_that_make_no_sense),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(modes_of_root),
		cmocka_unit_test(modes_of_an_ordinary_user),
		cmocka_unit_test(an_ordinary_user_without_means),
		cmocka_unit_test(ranges_that_are_wrong),
		cmocka_unit_test(what_is_not_yours_to_map),
		cmocka_unit_test(ids_that_are_not_there),
		cmocka_unit_test(ids_of_its_own),
		cmocka_unit_test(how_many_ids_auto_takes),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(who_the_command_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
