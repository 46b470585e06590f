#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "fmt/reference.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- digests ---- */

static void digests_of_both_algorithms_are_read(void **state)
{
	(void)state;
	Digest d;
	assert_int_equal(digest_parse("sha256:" HEX64, &d), 0);
	assert_int_equal(d.algorithm, DIGEST_SHA256);
	assert_string_equal(d.text, "sha256:" HEX64);
	assert_string_equal(digest_digits(&d), HEX64);
	assert_int_equal(digest_parse("sha512:" HEX64 HEX64, &d), 0);
	assert_int_equal(d.algorithm, DIGEST_SHA512);
	assert_string_equal(digest_digits(&d), HEX64 HEX64);
}

static void what_is_no_digest_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", -EINVAL },
		{ "sha256", -EINVAL },
		{ "sha256:", -EINVAL },
		{ ":" HEX64, -EINVAL },
		{ HEX64, -EINVAL },
		{ "sha256:" HEX64 "0", -EINVAL },
		{ "sha256:../../../../etc/passwd", -EINVAL },
		{ "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", -EINVAL },
		{ "sha512:" HEX64, -EINVAL },
		{ "SHA256:" HEX64, -EINVAL },
		{ "sha256 :" HEX64, -EINVAL },
		{ "+:" HEX64, -EINVAL },
		{ "md5:0123456789abcdef0123456789abcdef", -ENOTSUP },
		{ "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", -ENOTSUP },
		{ "md5:../x", -EINVAL },
		{ "md5:", -EINVAL },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		Digest d = { .algorithm = DIGEST_SHA512 };
		if (digest_parse(bad[i].text, &d) != bad[i].error || d.algorithm != DIGEST_SHA512)
			fail_msg("'%s'", bad[i].text);
	}
}

static void a_digest_is_made_of_bytes(void **state)
{
	(void)state;
	unsigned char bytes[64];
	Digest made, read;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 7 + 250);
	digest_from_bytes(DIGEST_SHA256, bytes, &made);
	assert_memory_equal(made.text, "sha256:fa01080f", 15);
	assert_int_equal(digest_parse(made.text, &read), 0);
	assert_true(digest_equal(&made, &read));
	digest_from_bytes(DIGEST_SHA512, bytes, &read);
	assert_int_equal(strlen(read.text), 7 + 128);
	assert_false(digest_equal(&made, &read));
}

/* ---- references ---- */

static void names_are_read_as_docker_reads_them(void **state)
{
	(void)state;
	static const struct {
		const char *text, *domain, *path, *tag, *full, *familiar;
	} good[] = {
		{ "alpine", "docker.io", "library/alpine", NULL, "docker.io/library/alpine", "alpine" },
		{ "alpine:3.20", "docker.io", "library/alpine", "3.20",
		  "docker.io/library/alpine:3.20", "alpine:3.20" },
		{ "a/b", "docker.io", "a/b", NULL, "docker.io/a/b", "a/b" },
		{ "a/b/c:T_x.-1", "docker.io", "a/b/c", "T_x.-1", "docker.io/a/b/c:T_x.-1",
		  "a/b/c:T_x.-1" },
		{ "docker.io/alpine", "docker.io", "library/alpine", NULL,
		  "docker.io/library/alpine", "alpine" },
		{ "index.docker.io/alpine", "docker.io", "library/alpine", NULL,
		  "docker.io/library/alpine", "alpine" },
		{ "docker.io/library/a/b", "docker.io", "library/a/b", NULL,
		  "docker.io/library/a/b", "library/a/b" },
		{ "localhost/x", "localhost", "x", NULL, "localhost/x", "localhost/x" },
		{ "localhost:5000/x:y", "localhost:5000", "x", "y", "localhost:5000/x:y",
		  "localhost:5000/x:y" },
		{ "UPPER/x", "UPPER", "x", NULL, "UPPER/x", "UPPER/x" },
		{ "[::1]:5000/x", "[::1]:5000", "x", NULL, "[::1]:5000/x", "[::1]:5000/x" },
		{ "192.168.1.1/a__b/c--d_e.f", "192.168.1.1", "a__b/c--d_e.f", NULL,
		  "192.168.1.1/a__b/c--d_e.f", "192.168.1.1/a__b/c--d_e.f" },
		{ "ghcr.io/a/b:1@sha256:" HEX64, "ghcr.io", "a/b", "1",
		  "ghcr.io/a/b:1@sha256:" HEX64, "ghcr.io/a/b:1@sha256:" HEX64 },
		{ "a@sha256:" HEX64, "docker.io", "library/a", NULL,
		  "docker.io/library/a@sha256:" HEX64, "a@sha256:" HEX64 },
		{ "x:5000", "docker.io", "library/x", "5000", "docker.io/library/x:5000", "x:5000" },
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Reference r = { 0 };
		Err e = { 0 };
		if (reference_parse(good[i].text, &a, &r, &e) < 0)
			fail_msg("'%s': %s", good[i].text, e.msg);
		assert_string_equal(r.domain, good[i].domain);
		assert_string_equal(r.path, good[i].path);
		assert_true(str_eq(r.tag, good[i].tag));
		assert_string_equal(reference_text(&r, &a), good[i].full);
		assert_string_equal(reference_familiar(&r, &a), good[i].familiar);
	}
}

static void what_is_no_name_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "the name is empty" },
		{ "Alpine", "repository name must be lowercase" },
		{ "a/B", "repository name must be lowercase" },
		{ HEX64, "cannot specify 64-byte hexadecimal strings" },
		{ "/a", "invalid reference format" },
		{ "a/", "invalid reference format" },
		{ "a//b", "invalid reference format" },
		{ "a..b", "invalid reference format" },
		{ "a/../b", "invalid reference format" },
		{ "../a", "is no registry's address" },
		{ "-a/b.c", "invalid reference format" },
		{ "a-", "invalid reference format" },
		{ "a___b", "invalid reference format" },
		{ "a:", "no valid tag" },
		{ "a:.x", "no valid tag" },
		{ "a:x/y", "invalid reference format" },
		{ "a:x y", "invalid reference format" },
		{ "a@", "is no digest" },
		{ "a@sha256:12", "is no digest" },
		{ "a@md5:0123456789abcdef0123456789abcdef", "unsupported digest algorithm" },
		{ "a@sha256:" HEX64 ":tag", "is no digest" },
		{ "x.y:port/a", "is no registry's address" },
		{ "x.y:/a", "is no registry's address" },
		{ "[::1/a", "is no registry's address" },
		{ "a\nb", "invalid reference format" },
		{ "https://example.com/a", "is no registry's address" },
		{ "\xc3\xa9", "invalid reference format" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Reference r = { .domain = "untouched" };
		Err e = { 0 };
		if (reference_parse(bad[i].text, &a, &r, &e) >= 0)
			fail_msg("'%s' was taken", bad[i].text);
		if (!strstr(e.msg, bad[i].message) || e.kind != ERR_USAGE)
			fail_msg("'%s': %s", bad[i].text, e.msg);
		assert_string_equal(r.domain, "untouched");
	}
}

static void names_and_tags_have_their_lengths(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char name[300], tag[200];
	Reference r;
	Err e = { 0 };
	memset(name, 'a', sizeof name);
	memcpy(name, "x.y/", 4);
	name[255] = '\0';
	assert_int_equal(reference_parse(name, &a, &r, &e), 0);
	name[255] = 'a';
	name[256] = '\0';
	assert_true(reference_parse(name, &a, &r, &e) < 0);
	assert_non_null(strstr(e.msg, "255"));
	memset(tag, 't', sizeof tag);
	memcpy(tag, "a:", 2);
	tag[2 + 128] = '\0';
	assert_int_equal(reference_parse(tag, &a, &r, &e), 0);
	tag[2 + 128] = 't';
	tag[2 + 129] = '\0';
	assert_true(reference_parse(tag, &a, &r, &e) < 0);
}

static void latest_is_added_where_nothing_is_said(void **state)
{
	(void)state;
	static const struct {
		const char *text, *then;
	} cases[] = { { "a", "a:latest" }, { "a:1", "a:1" }, { "a@sha256:" HEX64, "a@sha256:" HEX64 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Reference r;
		Err e = { 0 };
		assert_int_equal(reference_parse(cases[i].text, &a, &r, &e), 0);
		reference_add_tag(&r);
		assert_string_equal(reference_familiar(&r, &a), cases[i].then);
		assert_string_equal(reference_familiar_name(&r, &a), "a");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_of_both_algorithms_are_read),
		cmocka_unit_test(what_is_no_digest_is_refused),
		cmocka_unit_test(a_digest_is_made_of_bytes),
		cmocka_unit_test(names_are_read_as_docker_reads_them),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(names_and_tags_have_their_lengths),
		cmocka_unit_test(latest_is_added_where_nothing_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
