#include "fmt/image.h"

#include <string.h>

#include "base/limits.h"
#include "fmt/spec_rows.h"

/* ---- media types ---- */

typedef struct MediaName {
	const char *name;
	ImageMedia media;
} MediaName;

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static const MediaName media_names[] = {
	{ OCI "manifest.v1+json", MEDIA_MANIFEST },
	{ OCI "index.v1+json", MEDIA_INDEX },
	{ OCI "config.v1+json", MEDIA_CONFIG },
	{ OCI "layer.v1.tar", MEDIA_LAYER_TAR },
	{ OCI "layer.v1.tar+gzip", MEDIA_LAYER_GZIP },
	{ OCI "layer.v1.tar+zstd", MEDIA_LAYER_ZSTD },
	{ OCI "layer.nondistributable.v1.tar", MEDIA_LAYER_TAR },
	{ OCI "layer.nondistributable.v1.tar+gzip", MEDIA_LAYER_GZIP },
	{ OCI "layer.nondistributable.v1.tar+zstd", MEDIA_LAYER_ZSTD },
	{ DOCKER "distribution.manifest.v2+json", MEDIA_MANIFEST },
	{ DOCKER "distribution.manifest.list.v2+json", MEDIA_INDEX },
	{ DOCKER "container.image.v1+json", MEDIA_CONFIG },
	{ DOCKER "image.rootfs.diff.tar", MEDIA_LAYER_TAR },
	{ DOCKER "image.rootfs.diff.tar.gzip", MEDIA_LAYER_GZIP },
	{ DOCKER "image.rootfs.diff.tar.zstd", MEDIA_LAYER_ZSTD },
	{ DOCKER "image.rootfs.foreign.diff.tar", MEDIA_LAYER_TAR },
	{ DOCKER "image.rootfs.foreign.diff.tar.gzip", MEDIA_LAYER_GZIP },
	{ DOCKER "distribution.manifest.v1+json", MEDIA_SCHEMA_1 },
	{ DOCKER "distribution.manifest.v1+prettyjws", MEDIA_SCHEMA_1 },
};

ImageMedia image_media(const char *type)
{
	size_t len = strcspn(type, "; \t");
	for (size_t i = 0; i < ARRAY_LEN(media_names); i++)
		if (strlen(media_names[i].name) == len && memcmp(media_names[i].name, type, len) == 0)
			return media_names[i].media;
	return MEDIA_UNKNOWN;
}

/* ---- descriptors ---- */

static int decode_media_type(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Descriptor *desc = base;
	(void)row;
	TRY(json_get_string(v, &desc->media_type, d->e));
	desc->media = image_media(desc->media_type);
	desc->is_foreign = strstr(desc->media_type, ".foreign.") ||
			   strstr(desc->media_type, ".nondistributable.");
	return 0;
}

static int decode_digest(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *text;
	TRY(json_get_string(v, &text, d->e));
	int n = digest_parse(text, (Digest *)((char *)base + row->offset));
	if (n == -ENOTSUP)
		return spec_fail(d, v, "has an algorithm that is not supported: '%.100s'", text);
	return n < 0 ? spec_fail(d, v, "is no digest: '%.100s'", text) : 0;
}

static const SpecRow platform_rows[] = {
	SPEC_TEXT("os", Platform, os, .flags = SPEC_REQUIRED),
	SPEC_TEXT("architecture", Platform, arch, .flags = SPEC_REQUIRED),
	SPEC_TEXT("variant", Platform, variant),
	SPEC_ROWS_END,
};

/* Values of other keys may be whatever they like. */
static int decode_annotations(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Descriptor *desc = base;
	(void)row;
	TRY(json_expect_object(v, d->e));
	const JsonValue *name = json_member(v, "org.opencontainers.image.ref.name");
	const JsonValue *kind = json_member(v, "vnd.docker.reference.type");
	if (name)
		TRY(json_get_string(name, &desc->ref_name, d->e));
	desc->is_attestation = kind && kind->type == JSON_STRING &&
			       str_eq(kind->as.string, "attestation-manifest");
	return 0;
}

static const SpecRow descriptor_rows[] = {
	SPEC_ROW("mediaType", decode_media_type, .flags = SPEC_REQUIRED),
	SPEC_ROW("digest", decode_digest, .offset = SPEC_FIELD(Descriptor, digest, Digest),
		 .flags = SPEC_REQUIRED),
	SPEC_ROW("size", spec_row_u64, .offset = SPEC_FIELD(Descriptor, size, uint64_t),
		 .max = INT64_MAX, .flags = SPEC_REQUIRED),
	SPEC_OBJECT("platform", offsetof(Descriptor, platform), platform_rows),
	SPEC_ROW("annotations", decode_annotations),
	SPEC_STRINGS("urls", Descriptor, urls),
	SPEC_ROWS_END,
};

static int finish_descriptor(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	Descriptor *desc = item;
	(void)v;
	(void)index;
	if (desc->platform.os)
		desc->platform = platform_normal(desc->platform, d->arena);
	return 0;
}

/* ---- manifest and index ---- */

static int decode_schema_version(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	uint64_t version;
	(void)base;
	(void)row;
	TRY(json_get_u64(v, UINT32_MAX, &version, d->e));
	return version == 2 ? 0 : spec_fail(d, v, "must be 2, not %llu", (unsigned long long)version);
}

static int decode_layers(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = descriptor_rows,
				       .size = sizeof(Descriptor),
				       .max = LIMIT_LAYERS,
				       .check = finish_descriptor };
	ImageManifest *m = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &m->layers, &m->layers_count);
}

static int decode_manifests(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = descriptor_rows,
				       .size = sizeof(Descriptor),
				       .max = LIMIT_INDEX_MANIFESTS,
				       .check = finish_descriptor };
	ImageIndex *index = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &index->manifests, &index->manifests_count);
}

static const SpecRow manifest_rows[] = {
	SPEC_ROW("schemaVersion", decode_schema_version, .flags = SPEC_REQUIRED),
	SPEC_OBJECT("config", offsetof(ImageManifest, config), descriptor_rows, .flags = SPEC_REQUIRED),
	SPEC_ROW("layers", decode_layers, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static const SpecRow index_rows[] = {
	SPEC_ROW("schemaVersion", decode_schema_version, .flags = SPEC_REQUIRED),
	SPEC_ROW("manifests", decode_manifests, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

/* What the keys say. A document of both kinds could be verified as one and used as the other (manifest.md; CVE-2021-41190). */
static int kind_of_keys(const JsonValue *root, ImageMedia *ret, Err *e)
{
	bool manifest = json_member(root, "config") || json_member(root, "layers");
	bool index = json_member(root, "manifests");
	if (manifest && index)
		return err_make(e, ERR_SPEC, 0, "is ambiguous: it has a manifest's keys and an index's");
	*ret = manifest ? MEDIA_MANIFEST : index ? MEDIA_INDEX : MEDIA_UNKNOWN;
	if (json_member(root, "fsLayers"))
		*ret = MEDIA_SCHEMA_1;
	return 0;
}

static int kind_of_document(const JsonValue *root, ImageMedia *ret, Err *e)
{
	const JsonValue *type = json_member(root, "mediaType");
	const char *text;
	TRY(json_expect_object(root, e));
	TRY(kind_of_keys(root, ret, e));
	if (!type || type->type == JSON_NULL) {
		if (*ret == MEDIA_UNKNOWN)
			return err_make(e, ERR_SPEC, 0, "is neither a manifest nor an index");
		return 0;
	}
	int r = json_get_string(type, &text, e);
	if (r < 0)
		return err_wrap(e, r, "mediaType");
	if (image_media(text) != *ret || *ret == MEDIA_UNKNOWN)
		return err_make(e, ERR_SPEC, 0,
				"says by its mediaType that it is '%.100s', and has other keys", text);
	return 0;
}

int image_document_kind(const char *text, size_t len, ImageMedia *ret, Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const JsonValue *root;
	if (len > LIMIT_MANIFEST_BYTES)
		return err_make(e, ERR_SPEC, 0, "has %zu bytes; at most %u are allowed", len,
				LIMIT_MANIFEST_BYTES);
	TRY(json_parse(text, len, &a, &root, e));
	return kind_of_document(root, ret, e);
}

/* Of the kind that is asked for, by its rows. */
static int decode(const char *text, size_t len, ImageMedia kind, const SpecRow *rows, void *ret,
		  Arena *a, Err *e)
{
	const JsonValue *root;
	ImageMedia is;
	const char *noun = kind == MEDIA_MANIFEST ? "manifest" : "index";
	SpecDecoder d = { .arena = a, .e = e, .null_is_absent = true };
	if (len > LIMIT_MANIFEST_BYTES)
		return err_make(e, ERR_SPEC, 0, "the %s has %zu bytes; at most %u are allowed",
				noun, len, LIMIT_MANIFEST_BYTES);
	TRY(json_parse(text, len, a, &root, e));
	int r = kind_of_document(root, &is, e);
	if (r < 0)
		return spec_name_key(&d, noun, e, r);
	if (is != kind)
		return err_make(e, ERR_SPEC, 0, "the document is no %s", noun);
	r = spec_decode_object(&d, root, rows, ret);
	return r < 0 ? spec_name_key(&d, noun, e, r) : 0;
}

int image_manifest_decode(const char *text, size_t len, Arena *a, ImageManifest *ret, Err *e)
{
	ImageManifest m = { 0 };
	TRY(decode(text, len, MEDIA_MANIFEST, manifest_rows, &m, a, e));
	*ret = m;
	return 0;
}

int image_index_decode(const char *text, size_t len, Arena *a, ImageIndex *ret, Err *e)
{
	ImageIndex index = { 0 };
	TRY(decode(text, len, MEDIA_INDEX, index_rows, &index, a, e));
	*ret = index;
	return 0;
}

/* The first of those that suit as well: an index's order is its maker's preference. One that says nothing of a platform suits when nothing
 * better does: an index of a layout may hold a single image. */
const Descriptor *image_index_select(const ImageIndex *index, const Platform *wanted)
{
	const Descriptor *best = NULL, *unsaid = NULL;
	unsigned best_match = 0;
	for (size_t i = 0; i < index->manifests_count; i++) {
		const Descriptor *d = &index->manifests[i];
		if (d->is_attestation || (d->media != MEDIA_MANIFEST && d->media != MEDIA_INDEX))
			continue;
		unsigned match = d->platform.os ? platform_match(wanted, &d->platform) : 0;
		if (match > best_match) {
			best = d;
			best_match = match;
		}
		if (!d->platform.os && !unsaid)
			unsaid = d;
	}
	return best ? best : unsaid;
}
