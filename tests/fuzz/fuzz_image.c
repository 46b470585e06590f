/* An image's documents and name. Input: the whole is read as a manifest, as an index, as a configuration and as a name; what one takes, the others
 * must refuse where taking both would let one thing be verified and another be used. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "fmt/image.h"
#include "fmt/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const Err *e)
{
	assert(e->msg[0] && e->kind != ERR_BUG && e->kind != ERR_OK);
}

static void check_digest(const Digest *d)
{
	Digest again;
	assert(digest_parse(d->text, &again) == 0 && digest_equal(d, &again));
	assert(strlen(digest_digits(d)) == 2 * digest_bytes(d->algorithm));
}

/* Whether text is a manifest; then it is no index. */
static bool try_manifest(const char *text, size_t size)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageManifest m;
	Err e = { 0 };
	if (image_manifest_decode(text, size, &a, &m, &e) < 0) {
		check_error(&e);
		return false;
	}
	assert(m.layers_count <= LIMIT_LAYERS);
	check_digest(&m.config.digest);
	for (size_t i = 0; i < m.layers_count; i++)
		check_digest(&m.layers[i].digest);
	return true;
}

static bool try_index(const char *text, size_t size)
{
	static const Platform wanted = { "linux", "arm", "v7" };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageIndex index;
	Err e = { 0 };
	if (image_index_decode(text, size, &a, &index, &e) < 0) {
		check_error(&e);
		return false;
	}
	const Descriptor *best = image_index_select(&index, &wanted);
	assert(!best || (best >= index.manifests && best < index.manifests + index.manifests_count));
	for (size_t i = 0; i < index.manifests_count; i++)
		check_digest(&index.manifests[i].digest);
	return true;
}

static void try_config(const char *text, size_t size)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ImageConfig c;
	Err e = { 0 };
	if (image_config_decode(text, size, &a, &c, &e) < 0) {
		check_error(&e);
		return;
	}
	assert(c.platform.os && c.platform.arch && c.diff_ids_count <= LIMIT_LAYERS);
	for (size_t i = 0; i < c.diff_ids_count; i++)
		check_digest(&c.diff_ids[i]);
}

/* What is printed of a name reads as the same name; nothing in it leads anywhere else. */
static void try_name(const char *text)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Reference r, again;
	Err e = { 0 };
	if (reference_parse(text, &a, &r, &e) < 0) {
		check_error(&e);
		return;
	}
	assert(!strstr(r.path, "..") && *r.path != '/' && *r.domain && !strchr(r.domain, '/'));
	assert(str_is_printable(reference_text(&r, &a)));
	assert(reference_parse(reference_familiar(&r, &a), &a, &again, &e) == 0);
	assert(str_eq(reference_text(&r, &a), reference_text(&again, &a)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const char *text = arena_strndup(&a, (const char *)data, size);
	bool manifest = try_manifest(text, size), index = try_index(text, size);
	assert(!manifest || !index);
	try_config(text, size);
	try_name(text);
	return 0;
}
