#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "fmt/image.h"

#define DIGEST_A           "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B           "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OCI                "application/vnd.oci.image."
#define BLOB(type, digest) "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":12}"

/* ---- platforms ---- */

static const Platform here = { "linux", "amd64", NULL };

static void platforms_are_read_with_all_their_names(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "linux/amd64", "linux/amd64" },
		{ "linux/x86_64", "linux/amd64" },
		{ "arm64", "linux/arm64" },
		{ "aarch64", "linux/arm64" },
		{ "linux/arm64/v8", "linux/arm64" },
		{ "linux/arm64/v9", "linux/arm64/v9" },
		{ "linux/arm", "linux/arm/v7" },
		{ "armhf", "linux/arm/v7" },
		{ "armel", "linux/arm/v6" },
		{ "linux/arm/6", "linux/arm/v6" },
		{ "linux", "linux/amd64" },
		{ "Linux/AMD64/V1", "linux/amd64" },
		{ "windows", "windows/amd64" },
		{ "linux/386", "linux/386" },
		{ "linux/amd64/v3", "linux/amd64/v3" },
		{ "macos/arm64", "darwin/arm64" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Platform p;
		Err e = { 0 };
		if (platform_parse(cases[i][0], &here, &a, &p, &e) < 0)
			fail_msg("'%s': %s", cases[i][0], e.msg);
		assert_string_equal(platform_text(&p, &a), cases[i][1]);
	}
	static const char *const bad[] = { "", "/", "linux/", "a/b/c/d", "a b", "linux/\x1b" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Platform p;
		Err e = { 0 };
		assert_true(platform_parse(bad[i], &here, &a, &p, &e) < 0);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void a_machine_runs_what_was_made_for_lower_ones(void **state)
{
	(void)state;
	static const struct {
		const char *wanted, *offered;
		bool runs;
	} cases[] = {
		{ "linux/amd64", "linux/amd64", true },
		{ "linux/amd64", "linux/arm64", false },
		{ "linux/amd64", "windows/amd64", false },
		{ "linux/amd64", "linux/amd64/v2", false },
		{ "linux/amd64/v3", "linux/amd64", true },
		{ "linux/amd64/v3", "linux/amd64/v4", false },
		{ "linux/arm/v7", "linux/arm/v6", true },
		{ "linux/arm/v6", "linux/arm/v7", false },
		{ "linux/arm64", "linux/arm64/v9", false },
		{ "linux/arm64/v9", "linux/arm64", true },
		{ "linux/386", "linux/386/x", false },
		{ "linux/arm/v7", "linux/arm/vx", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Platform wanted, offered;
		Err e = { 0 };
		assert_int_equal(platform_parse(cases[i].wanted, &here, &a, &wanted, &e), 0);
		assert_int_equal(platform_parse(cases[i].offered, &here, &a, &offered, &e), 0);
		if ((platform_match(&wanted, &offered) > 0) != cases[i].runs)
			fail_msg("%s on %s", cases[i].offered, cases[i].wanted);
	}
	assert_string_equal(platform_of_machine("aarch64").arch, "arm64");
	assert_string_equal(platform_of_machine("s390x").arch, "s390x");
}

/* ---- manifests ---- */

static const char manifest_text[] =
	"{\"schemaVersion\":2,\"mediaType\":\"" OCI
	"manifest.v1+json\",\"other\":[1],\"config\":" BLOB(OCI "config.v1+json", DIGEST_A) ",\"layers\":[" BLOB(
		OCI "layer.v1.tar+gzip",
		DIGEST_A) "," BLOB(OCI "layer.v1.tar+zstd",
				   DIGEST_B) "," BLOB("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
						      DIGEST_A) "]}";

static void a_manifest_is_read(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageManifest m;
	Err e = { 0 };
	if (image_manifest_decode(manifest_text, strlen(manifest_text), &a, &m, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(m.config.media, MEDIA_CONFIG);
	assert_string_equal(m.config.digest.text, DIGEST_A);
	assert_int_equal(m.layers_count, 3);
	assert_int_equal(m.layers[0].media, MEDIA_LAYER_GZIP);
	assert_int_equal(m.layers[1].media, MEDIA_LAYER_ZSTD);
	assert_int_equal(m.layers[1].size, 12);
	assert_true(m.layers[2].is_foreign && !m.layers[1].is_foreign);
}

static const char index_text[] =
	"{\"schemaVersion\":2,\"manifests\":["
	"{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"" DIGEST_A
	"\",\"size\":1,\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"},\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}},"
	"{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"" DIGEST_A
	"\",\"size\":2,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}},"
	"{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"" DIGEST_A
	"\",\"size\":3,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}},"
	"{\"mediaType\":\"application/vnd.docker.distribution.manifest.list.v2+json\",\"digest\":\"" DIGEST_B
	"\",\"size\":4,\"platform\":{\"os\":\"linux\",\"architecture\":\"x86_64\"}}]}";

static void an_index_gives_the_image_that_suits_best(void **state)
{
	(void)state;
	static const struct {
		const char *platform;
		uint64_t size; /* 0: none suits */
	} cases[] = { { "linux/amd64", 4 },    { "linux/arm/v7", 3 }, { "linux/arm/v6", 2 },
		      { "linux/arm/v8", 3 },   { "linux/arm/v5", 0 }, { "linux/arm64", 0 },
		      { "unknown/unknown", 0 } };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageIndex index;
	Err e = { 0 };
	if (image_index_decode(index_text, strlen(index_text), &a, &index, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Platform wanted;
		assert_int_equal(platform_parse(cases[i].platform, &here, &a, &wanted, &e), 0);
		const Descriptor *d = image_index_select(&index, &wanted);
		if ((d ? d->size : 0) != cases[i].size)
			fail_msg("%s: %d", cases[i].platform, d ? (int)d->size : 0);
	}
}

static void an_image_of_which_no_platform_is_said_suits(void **state)
{
	(void)state;
	static const char text[] = "{\"schemaVersion\":2,\"manifests\":[" BLOB(
		OCI "config.v1+json", DIGEST_B) "," BLOB(OCI "manifest.v1+json", DIGEST_A) "]}";
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageIndex index;
	Err e = { 0 };
	assert_int_equal(image_index_decode(text, strlen(text), &a, &index, &e), 0);
	assert_ptr_equal(image_index_select(&index, &here), &index.manifests[1]);
}

static void a_document_is_known_by_type_or_keys(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		ImageMedia kind;
		const char *message; /* NULL: none */
	} cases[] = {
		{ "{\"config\":{},\"layers\":[]}", MEDIA_MANIFEST, NULL },
		{ "{\"manifests\":[]}", MEDIA_INDEX, NULL },
		{ "{\"manifests\":[],\"mediaType\":null}", MEDIA_INDEX, NULL },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", MEDIA_SCHEMA_1, NULL },
		{ "{\"manifests\":[],\"layers\":[]}", 0, "ambiguous" },
		{ "{}", 0, "neither" },
		{ "[]", 0, "object" },
		{ "{\"layers\":[],\"mediaType\":\"" OCI "index.v1+json\"}", 0, "other keys" },
		{ "{\"layers\":[],\"mediaType\":\"text/plain\"}", 0, "other keys" },
		{ "{\"layers\":[],\"mediaType\":7}", 0, "mediaType: must be a string" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ImageMedia kind = 0;
		Err e = { 0 };
		int r = image_document_kind(cases[i].text, strlen(cases[i].text), &kind, &e);
		if (cases[i].message ? r >= 0 || !strstr(e.msg, cases[i].message) || e.kind != ERR_SPEC
				     : r < 0 || kind != cases[i].kind)
			fail_msg("%s: %d %s", cases[i].text, kind, e.msg);
	}
	assert_int_equal(image_media(OCI "index.v1+json; charset=utf-8"), MEDIA_INDEX);
	assert_int_equal(image_media(OCI "index.v1+jsonx"), MEDIA_UNKNOWN);
}

static void manifests_that_are_wrong_name_the_key(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "{\"layers\":[],\"config\":" BLOB("x", DIGEST_A) "}", "schemaVersion is missing" },
		{ "{\"schemaVersion\":1,\"layers\":[],\"config\":" BLOB("x", DIGEST_A) "}",
		  "schemaVersion must be 2" },
		{ "{\"schemaVersion\":2,\"layers\":[]}", "config is missing" },
		{ "{\"schemaVersion\":2,\"layers\":[" BLOB("x", "sha256:zz") "],\"config\":" BLOB(
			  "x", DIGEST_A) "}",
		  "layers[0].digest is no digest" },
		{ "{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" DIGEST_A
		  "\",\"size\":-1}],\"config\":" BLOB("x", DIGEST_A) "}",
		  "layers[0].size" },
		{ "{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"x\",\"digest\":\"md5:00\",\"size\":1}],\"config\":" BLOB(
			  "x", DIGEST_A) "}",
		  "not supported" },
		{ "{\"schemaVersion\":2,\"manifests\":[]}", "no manifest" },
		{ "{", "line 1" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		ImageManifest m;
		Err e = { 0 };
		if (image_manifest_decode(cases[i].text, strlen(cases[i].text), &a, &m, &e) >= 0 ||
		    !strstr(e.msg, cases[i].message) || e.kind != ERR_SPEC)
			fail_msg("%s: %s", cases[i].text, e.msg);
	}
}

static void a_manifest_has_its_limits(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageManifest m;
	Err e = { 0 };
	char *text = arena_strdup(&a, "{\"schemaVersion\":2,\"config\":" BLOB("x", DIGEST_A) ",\"layers\":[");
	StrList parts = { 0 };
	for (unsigned i = 0; i <= LIMIT_LAYERS; i++)
		strlist_add(&a, &parts, i ? "," BLOB("x", DIGEST_B) : BLOB("x", DIGEST_B));
	size_t len = strlen(text), each = strlen(parts.items[1]);
	char *all = arena_alloc(&a, len + each * parts.count + 3);
	memcpy(all, text, len);
	for (size_t i = 0; i < parts.count; i++) {
		memcpy(all + len, parts.items[i], strlen(parts.items[i]));
		len += strlen(parts.items[i]);
	}
	memcpy(all + len, "]}", 2);
	assert_true(image_manifest_decode(all, len + 2, &a, &m, &e) < 0);
	assert_non_null(strstr(e.msg, "layers must have at most 512"));
	assert_true(image_manifest_decode(all, LIMIT_MANIFEST_BYTES + 1u, &a, &m, &e) < 0);
	assert_non_null(strstr(e.msg, "bytes"));
}

/* ---- configuration ---- */

static const char config_text[] =
	"{\"architecture\":\"x86_64\",\"os\":\"linux\",\"created\":\"2026-01-02T03:04:05Z\",\"author\":null,\"config\":{"
	"\"User\":\"me:users\",\"ExposedPorts\":{\"80/tcp\":{}},\"Env\":[\"A=b\",\"C\"],\"Entrypoint\":[\"/e\"],\"Cmd\":null,"
	"\"Volumes\":{\"/v\":{},\"/w\":{}},\"WorkingDir\":\"/d\",\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\","
	"\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":1000000000,\"Retries\":3}},"
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST_A "\",\"" DIGEST_B "\"]},"
	"\"history\":[{\"created_by\":\"RUN x\"},{\"empty_layer\":true}]}";

static void a_configuration_is_read(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageConfig c;
	Err e = { 0 };
	if (image_config_decode(config_text, strlen(config_text), &a, &c, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(c.platform.arch, "amd64");
	assert_string_equal(c.created, "2026-01-02T03:04:05Z");
	assert_null(c.author);
	assert_string_equal(c.user, "me:users");
	assert_int_equal(c.env.count, 2);
	assert_string_equal(c.entrypoint.items[0], "/e");
	assert_int_equal(c.cmd.count, 0);
	assert_string_equal(c.volumes.items[1], "/w");
	assert_string_equal(c.exposed_ports.items[0], "80/tcp");
	assert_string_equal(c.labels[0].value, "v");
	assert_true(c.healthcheck.given && c.healthcheck.interval == 1000000000 &&
		    c.healthcheck.retries == 3);
	assert_string_equal(c.diff_ids[1].text, DIGEST_B);
	assert_int_equal(c.diff_ids_count, 2);
	assert_true(c.history[1].empty_layer && !c.history[0].empty_layer);
}

static void configurations_that_are_wrong_name_the_key(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "{\"os\":\"linux\",\"rootfs\":{}}", "architecture is missing" },
		{ "{\"architecture\":\"amd64\",\"os\":\"linux\"}", "rootfs is missing" },
		{ "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}",
		  "rootfs.type must be 'layers'" },
		{ "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"../x\"]}}",
		  "rootfs.diff_ids[0] is no digest" },
		{ "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"config\":{\"Env\":\"A\"}}",
		  "config.Env must be an array" },
		{ "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"config\":{\"Labels\":{\"a\":1}}}",
		  "config.Labels.a must be a string" },
		{ "[]", "the image's configuration must be an object" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		ImageConfig c;
		Err e = { 0 };
		if (image_config_decode(cases[i].text, strlen(cases[i].text), &a, &c, &e) >= 0 ||
		    !strstr(e.msg, cases[i].message) || e.kind != ERR_SPEC)
			fail_msg("%s: %s", cases[i].text, e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(platforms_are_read_with_all_their_names),
		cmocka_unit_test(a_machine_runs_what_was_made_for_lower_ones),
		cmocka_unit_test(a_manifest_is_read),
		cmocka_unit_test(an_index_gives_the_image_that_suits_best),
		cmocka_unit_test(an_image_of_which_no_platform_is_said_suits),
		cmocka_unit_test(a_document_is_known_by_type_or_keys),
		cmocka_unit_test(manifests_that_are_wrong_name_the_key),
		cmocka_unit_test(a_manifest_has_its_limits),
		cmocka_unit_test(a_configuration_is_read),
		cmocka_unit_test(configurations_that_are_wrong_name_the_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
