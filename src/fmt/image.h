/* image.h - an image's documents: manifest, index of manifests, configuration.                     (fmt/, may include base)
 *
 * Input:     of registries and archives: HOSTILE. Strict JSON, limits.h; a document that says it is something else than it is asked for is refused,
 *            and so is one that could be read as both a manifest and an index. Unknown keys are ignored, null is absent, as Go writes it.
 * Ownership: all lives in the arena.
 * Source:    image-spec 1.1 descriptor.md, manifest.md, image-index.md, config.md, media-types.md; and the same three of docker, "schema 2".
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fmt/digest.h"
#include "fmt/platform.h"

/* What a blob is, whoever's name it has. */
typedef enum ImageMedia {
	MEDIA_UNKNOWN,
	MEDIA_MANIFEST,
	MEDIA_INDEX,
	MEDIA_CONFIG,
	MEDIA_LAYER_TAR,
	MEDIA_LAYER_GZIP,
	MEDIA_LAYER_ZSTD,
	MEDIA_SCHEMA_1, /* docker's manifest before 2016, which nothing here reads */
} ImageMedia;

/* Parameters of the type ("; charset=utf-8") are passed over, as registries add them to Content-Type. */
ImageMedia image_media(const char *type);

typedef struct Descriptor {
	ImageMedia media;
	const char *media_type; /* as it was written */
	Digest digest;
	uint64_t size;        /* bytes */
	Platform platform;    /* of a manifest in an index; os NULL: not said */
	const char *ref_name; /* the annotation org.opencontainers.image.ref.name; NULL: none */
	bool is_attestation;  /* says something about another image and is none */
	bool is_foreign; /* a layer that is not to be pushed, and may only be had by its urls */
	StrList urls;
} Descriptor;

typedef struct ImageManifest {
	Descriptor config;
	Descriptor *layers; /* the lowest first */
	size_t layers_count;
} ImageManifest;

typedef struct ImageIndex {
	Descriptor *manifests;
	size_t manifests_count;
} ImageIndex;

typedef struct ImageHealthcheck {
	bool given;
	StrList test; /* "NONE", "CMD" ..., "CMD-SHELL" ...; empty: inherited */
	int64_t interval, timeout, start_period, start_interval; /* nanoseconds; 0: default */
	uint32_t retries;                                        /* 0: default */
} ImageHealthcheck;

typedef struct ImageHistory {
	const char *created, *created_by, *author, *comment; /* each may be NULL */
	bool empty_layer;
} ImageHistory;

typedef struct ImageLabel {
	const char *key, *value;
} ImageLabel;

typedef struct ImageConfig {
	Platform platform;
	const char *created, *author;                 /* may be NULL */
	const char *user, *working_dir, *stop_signal; /* NULL: not given */
	StrList env, entrypoint, cmd, shell, on_build;
	StrList exposed_ports, volumes; /* "80/tcp"; paths */
	ImageLabel *labels;
	size_t labels_count;
	ImageHealthcheck healthcheck;
	Digest *diff_ids; /* of the layers uncompressed, the lowest first */
	size_t diff_ids_count;
	ImageHistory *history;
	size_t history_count;
} ImageConfig;

/* What the document says it is: by its mediaType, or by its keys where it has none. ERR_SPEC: neither, or both a manifest's and an index's
 * keys; MEDIA_SCHEMA_1 is no error here, so that the caller can say more. */
int image_document_kind(const char *text, size_t len, ImageMedia *ret, Err *e);

/* Each reads all of text. ERR_SPEC names the key by its path ("layers[2].digest"). */
int image_manifest_decode(const char *text, size_t len, Arena *a, ImageManifest *ret, Err *e);
int image_index_decode(const char *text, size_t len, Arena *a, ImageIndex *ret, Err *e);
int image_config_decode(const char *text, size_t len, Arena *a, ImageConfig *ret, Err *e);

/* The best manifest of an index for a platform; attestations are none. NULL: it has none. */
const Descriptor *image_index_select(const ImageIndex *index, const Platform *wanted);
