#include "unit.h"

#include "base/limits.h"
#include "base/str.h"
#include "tar_case.h"

/* Reads the whole and says what is in it, an entry a line; or the error. */
static const char *tell(TarCase *c)
{
	AUTO(tar_done) TarReader t;
	char *all = arena_strdup(&c->arena, "");
	TarEntry n;
	Err e = { 0 };
	int r;
	c->at = 0;
	tar_init(&t, case_source, c);
	while ((r = tar_next(&t, &n, &e)) > 0) {
		const unsigned char *piece;
		size_t size;
		all = arena_printf(&c->arena, "%s%c %s%s%s %o %u:%u %lld.%09u", all, "fhlcbdp"[n.type],
				   n.path, n.link ? " -> " : "", n.link ? n.link : "", n.mode,
				   n.uid, n.gid, (long long)n.mtime, n.mtime_nsec);
		if (n.type == TAR_CHAR || n.type == TAR_BLOCK)
			all = arena_printf(&c->arena, "%s %u,%u", all, n.major, n.minor);
		if (n.type == TAR_FILE)
			all = arena_printf(&c->arena, "%s %llu", all, (unsigned long long)n.size);
		for (size_t i = 0; i < n.spans_count; i++)
			all = arena_printf(&c->arena, "%s [%llu+%llu]", all,
					   (unsigned long long)n.spans[i].offset,
					   (unsigned long long)n.spans[i].size);
		for (size_t i = 0; i < n.xattrs_count; i++)
			all = arena_printf(&c->arena, "%s %s=%.*s", all, n.xattrs[i].name,
					   (int)n.xattrs[i].size, n.xattrs[i].value);
		all = arena_printf(&c->arena, "%s '", all);
		while ((r = tar_content(&t, &piece, &size, &e)) == 0 && size > 0)
			all = arena_printf(&c->arena, "%s%.*s", all, (int)size, (const char *)piece);
		if (r < 0)
			break;
		all = arena_printf(&c->arena, "%s'\n", all);
	}
	return r < 0 ? arena_printf(&c->arena, "%s%s", all, e.msg) : all;
}

/* The same whichever way it comes. */
static void check(TarCase *c, const char *expected)
{
	static const size_t pieces[] = { 0, 1, 7, 512, 513, 4096 };
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		c->piece = pieces[i];
		assert_string_equal(tell(c), expected);
	}
	arena_done(&c->arena);
}

static void check_fails(TarCase *c, const char *expected)
{
	const char *said = tell(c);
	if (!strstr(said, expected))
		fail_msg("'%s' is not '%s'", said, expected);
	arena_done(&c->arena);
}

/* ---- plain entries ---- */

static void entries_of_all_types_are_read(void **state)
{
	(void)state;
	TarCase c = { 0 };
	unsigned char *h;
	case_file(&c, "a/file", "hello\n");
	h = case_header(&c, '5', "dir/", 0);
	memcpy(h + 100, "0001777", 8);
	case_sum(h);
	h = case_header(&c, '2', "link", 0);
	memcpy(h + 157, "../target", 9);
	case_sum(h);
	h = case_header(&c, '1', "hard", 99); /* the size of what it is a link to */
	memcpy(h + 157, "a/file", 6);
	case_sum(h);
	h = case_header(&c, '3', "null", 0);
	memcpy(h + 329, "0000001", 8);
	memcpy(h + 337, "0000003", 8);
	case_sum(h);
	(void)case_header(&c, '6', "fifo", 0);
	case_file(&c, "empty", "");
	case_end(&c);
	check(&c, "f a/file 644 1000:100 1740530179.000000000 6 'hello\n'\n"
		  "d dir/ 1777 1000:100 1740530179.000000000 ''\n"
		  "l link -> ../target 644 1000:100 1740530179.000000000 ''\n"
		  "h hard -> a/file 644 1000:100 1740530179.000000000 ''\n"
		  "c null 644 1000:100 1740530179.000000000 1,3 ''\n"
		  "p fifo 644 1000:100 1740530179.000000000 ''\n"
		  "f empty 644 1000:100 1740530179.000000000 0 ''\n");
}

static void old_headers_are_read(void **state)
{
	(void)state;
	TarCase c = { 0 };
	unsigned char *h = case_header(&c, '\0', "v7dir/", 0);
	memset(h + 257, 0, 8);
	case_sum(h);
	h = case_header(&c, '0', "name", 0);
	memcpy(h + 345, "folders/of/it", 13);
	case_sum(h);
	h = case_header(&c, '0', "gnu", 0); /* GNU keeps times there */
	memcpy(h + 257, "ustar  ", 8);
	memcpy(h + 345, "14757461003", 11);
	case_sum(h);
	h = case_header(&c, '0', "\xff\xfe", 0); /* summed with signed characters */
	case_sum(h);
	unsigned sum = 0;
	(void)sscanf((char *)h + 148, "%o", &sum);
	(void)snprintf((char *)h + 148, 8, "%06o", sum - 512);
	check(&c, "d v7dir/ 644 1000:100 1740530179.000000000 ''\n"
		  "f folders/of/it/name 644 1000:100 1740530179.000000000 0 ''\n"
		  "f gnu 644 1000:100 1740530179.000000000 0 ''\n"
		  "f \xff\xfe 644 1000:100 1740530179.000000000 0 ''\n");
}

static void large_numbers_are_read(void **state)
{
	(void)state;
	TarCase c = { 0 };
	unsigned char *h = case_header(&c, '5', "d", 0);
	memcpy(h + 108, "\x80\0\0\0\xee\x6b\x28\0", 8); /* 4000000000 */
	memcpy(h + 116, " 17  \0\0", 8);
	memcpy(h + 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12); /* 1969 */
	case_sum(h);
	check(&c, "d d 644 4000000000:15 0.000000000 ''\n");
}

/* ---- extended headers ---- */

static void pax_headers_say_more(void **state)
{
	(void)state;
	static const char *const global[] = { "comment", "a commit", "path", "ignored", NULL };
	static const char *const first[] = { "path",
					     "a/long name \xc3\xa9",
					     "mtime",
					     "1350244992.0239601089",
					     "uid",
					     "4294967294",
					     "gid",
					     "70000",
					     "SCHILY.xattr.user.a",
					     "b=c\nd",
					     "unknown.key",
					     "x",
					     "size",
					     "5",
					     NULL };
	static const char *const second[] = { "linkpath", "to", "mtime", "-1.25", NULL };
	TarCase c = { 0 };
	case_pax(&c, 'g', global);
	case_pax(&c, 'x', first);
	(void)case_header(&c, '0', "short", 0); /* its size is in the pax header alone */
	case_content(&c, "12345", 5);
	case_pax(&c, 'x', second);
	(void)case_header(&c, '2', "l", 0);
	case_file(&c, "after", "");
	case_end(&c);
	check(&c, "f a/long name \xc3\xa9 644 4294967294:70000 1350244992.023960108 5 user.a=b=c\nd '12345'\n"
		  "l l -> to 644 1000:100 -2.750000000 ''\n"
		  "f after 644 1000:100 1740530179.000000000 0 ''\n");
}

static void gnu_long_names_are_read(void **state)
{
	(void)state;
	TarCase c = { 0 };
	char name[301], link[401];
	memset(name, 'n', 300);
	memset(link, 'l', 400);
	name[300] = link[400] = '\0';
	(void)case_header(&c, 'L', "././@LongLink", sizeof name);
	case_content(&c, name, sizeof name);
	(void)case_header(&c, 'K', "././@LongLink", sizeof link);
	case_content(&c, link, sizeof link);
	(void)case_header(&c, '2', "cut", 0);
	case_end(&c);
	char expected[900];
	(void)snprintf(expected, sizeof expected,
		       "l %s -> %s 644 1000:100 1740530179.000000000 ''\n", name, link);
	check(&c, expected);
}

/* ---- sparse files ---- */

static void sparse_files_of_all_kinds_are_read(void **state)
{
	(void)state;
	static const char *const v00[] = { "GNU.sparse.size",
					   "100",
					   "GNU.sparse.numblocks",
					   "2",
					   "GNU.sparse.offset",
					   "10",
					   "GNU.sparse.numbytes",
					   "3",
					   "GNU.sparse.offset",
					   "50",
					   "GNU.sparse.numbytes",
					   "2",
					   NULL };
	static const char *const v01[] = {
		"GNU.sparse.size", "100", "GNU.sparse.name", "real", "GNU.sparse.map",
		"10,3,50,2",       NULL
	};
	static const char *const v10[] = { "GNU.sparse.major",
					   "1",
					   "GNU.sparse.minor",
					   "0",
					   "GNU.sparse.name",
					   "real",
					   "GNU.sparse.realsize",
					   "100",
					   NULL };
	TarCase c = { 0 };
	char map[512 + 5] = "2\n10\n3\n50\n2\n";
	case_pax(&c, 'x', v00);
	case_file(&c, "old", "abcde");
	case_pax(&c, 'x', v01);
	case_file(&c, "GNUSparseFile.1/x", "abcde");
	case_pax(&c, 'x', v10);
	memcpy(map + 512, "abcde", 5);
	(void)case_header(&c, '0', "GNUSparseFile.1/x", sizeof map);
	case_content(&c, map, sizeof map);
	unsigned char *h = case_header(&c, 'S', "gnu", 5);
	memcpy(h + 386,
	       "00000000012\0"
	       "00000000003\0"
	       "00000000062\0"
	       "00000000002",
	       48);
	memcpy(h + 483, "00000000144", 12);
	case_sum(h);
	case_content(&c, "abcde", 5);
	case_end(&c);
	check(&c, "f old 644 1000:100 1740530179.000000000 100 [10+3] [50+2] 'abcde'\n"
		  "f real 644 1000:100 1740530179.000000000 100 [10+3] [50+2] 'abcde'\n"
		  "f real 644 1000:100 1740530179.000000000 100 [10+3] [50+2] 'abcde'\n"
		  "f gnu 644 1000:100 1740530179.000000000 100 [10+3] [50+2] 'abcde'\n");
}

static void sparse_maps_that_lie_are_refused(void **state)
{
	(void)state;
	static const char *const maps[] = { "10,3,11,2", "50,3,10,2",
					    "99,3,10,2", "10,3",
					    "10,3,50,3", "10",
					    "x,3",       "10,3,50,9223372036854775807",
					    ",",         "" };
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
		const char *pairs[] = { "GNU.sparse.size", "100", "GNU.sparse.map", maps[i], NULL };
		TarCase c = { 0 };
		case_pax(&c, 'x', pairs);
		case_file(&c, "f", "abcde");
		check_fails(&c, "the archive has a ");
	}
	static const char *const odd[] = { "GNU.sparse.numbytes", "3", NULL };
	static const char *const version[] = { "GNU.sparse.major", "2", NULL };
	TarCase c = { 0 };
	case_pax(&c, 'x', odd);
	check_fails(&c, "wrong GNU.sparse.numbytes");
	c = (TarCase){ 0 };
	case_pax(&c, 'x', version);
	check_fails(&c, "wrong GNU.sparse.major");
}

/* ---- damage ---- */

static void damaged_archives_are_refused(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		const char *bytes;
		size_t size;
		const char *message;
	} damage[] = {
		{ 124, "0000000z001", 12, "a size that is no octal number" },
		{ 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "a negative size" },
		{ 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12, "a size that is too large" },
		{ 124, "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12,
		  "a size that is too large" },
		{ 108, "\x80\0\0\0\xff\xff\xff\xff", 8, "a user id that is too large" },
		{ 100, "rw-r--r-", 8, "a mode that is no octal number" },
		{ 156, "Z", 1, "of the unknown type 0x5a" },
		{ 156, "2", 1, "no target" },
		{ 0, "\0", 1, "without a name" },
		{ 156, "3", 1, "" },
	};
	for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
		TarCase c = { 0 };
		unsigned char *h = case_header(&c, '0', "n", 0);
		memcpy(h + damage[i].at, damage[i].bytes, damage[i].size);
		case_sum(h);
		check_fails(&c, damage[i].message);
	}
	TarCase c = { 0 };
	case_header(&c, '0', "n", 0)[3] = 'x';
	check_fails(&c, "a header with a wrong checksum");
	c = (TarCase){ 0 };
	case_add(&c, "no archive at all", 17);
	check_fails(&c, "ends within a block");
	c = (TarCase){ 0 };
	(void)case_header(&c, '0', "n", 1000);
	(void)case_add(&c, NULL, 600);
	check_fails(&c, "ends within an entry");
	c = (TarCase){ 0 };
	check(&c, ""); /* no entry at all is an archive, too: that of an empty layer */
}

static void damaged_pax_headers_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"x",
		"5 a=b",
		"6 a=b",
		"99 a=b\n",
		"0 a=b\n",
		"4 =b\n",
		"6 a=bcd\n",
		"7 abcd\n",
		"18446744073709551622 a=b\n",
		" 6 a=b\n",
		"9 uid=-1\n",
		"9 size=x\n",
		"11 mtime=1x\n",
		"20 mtime=1.2.3456789\n",
		"19 SCHILY.xattr.=1\n",
		"27 mtime=9999999999999999\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		TarCase c = { 0 };
		(void)case_header(&c, 'x', "pax", strlen(bad[i]));
		case_content(&c, bad[i], strlen(bad[i]));
		case_file(&c, "f", "");
		check_fails(&c, "pax header");
	}
	TarCase c = { 0 };
	(void)case_header(&c, 'x', "pax", 12);
	case_content(&c, "12 path=a\0b\n", 12);
	check_fails(&c, "wrong path");
	static const char *const pairs[] = { "path", "x", NULL };
	c = (TarCase){ 0 };
	case_pax(&c, 'x', pairs);
	case_end(&c);
	check_fails(&c, "ends behind an extended header");
}

static void extended_headers_have_an_end(void **state)
{
	(void)state;
	TarCase c = { 0 };
	(void)case_header(&c, 'x', "pax", LIMIT_TAR_EXTRA_BYTES + 1u);
	check_fails(&c, "extended headers of more than");
	c = (TarCase){ 0 };
	c.bytes = arena_alloc(&c.arena, (LIMIT_TAR_EXTRA_BYTES / 512 + 2) * 512);
	TarCase one = { 0 };
	(void)case_header(&one, 'g', "pax", 0);
	for (; c.size < LIMIT_TAR_EXTRA_BYTES + 512; c.size += 512)
		memcpy(c.bytes + c.size, one.bytes, 512);
	arena_done(&one.arena);
	check_fails(&c, "too many extended headers");
	static char name[LIMIT_TAR_PATH + 3];
	memset(name, 'n', LIMIT_TAR_PATH + 1);
	c = (TarCase){ 0 };
	(void)case_header(&c, 'L', "././@LongLink", sizeof name);
	case_content(&c, name, sizeof name);
	case_file(&c, "f", "");
	check_fails(&c, "at most 4095 bytes are allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_of_all_types_are_read),
		cmocka_unit_test(old_headers_are_read),
		cmocka_unit_test(large_numbers_are_read),
		cmocka_unit_test(pax_headers_say_more),
		cmocka_unit_test(gnu_long_names_are_read),
		cmocka_unit_test(sparse_files_of_all_kinds_are_read),
		cmocka_unit_test(sparse_maps_that_lie_are_refused),
		cmocka_unit_test(damaged_archives_are_refused),
		cmocka_unit_test(damaged_pax_headers_are_refused),
		cmocka_unit_test(extended_headers_have_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
