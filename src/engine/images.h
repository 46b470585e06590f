/* images.h - the verbs of images: pull, list, tag, remove.                                     (engine/, may include all but cli)
 *
 * Runs in:   the command's process, root or an ordinary user.
 * Ownership: requests borrow; what comes back lives in the arena.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/registry_config.h"
#include "fmt/image.h"
#include "store/image_record.h"

typedef enum ImagePullWhen { IMAGE_PULL_ALWAYS, IMAGE_PULL_MISSING } ImagePullWhen;

typedef struct ImagePullRequest {
	const char *root_dir; /* NULL: the user's default */
	const char *image;    /* "alpine", "ghcr.io/a/b@sha256:..", "oci:DIR[:NAME]" */
	const char *platform; /* "linux/arm64"; NULL: this machine's */
	RegistryOptions registry;
	ImagePullWhen when;
	/* What happens to a layer: "Pulling fs layer", "Already exists", "Pull complete"; may be NULL. */
	void (*on_layer)(void *context, size_t layer, const Descriptor *d, const char *what);
	void *context;
} ImagePullRequest;

typedef struct ImagePulled {
	ImageRecord record;
	bool was_there; /* and the same as now */
} ImagePulled;

/* ERR_NOT_FOUND: there is no such image, or none for the platform. */
int image_pull(const ImagePullRequest *r, Arena *a, ImagePulled *ret, Err *e);

typedef struct ImageSummary {
	ImageRecord record;
	const char *created; /* RFC 3339; "" when the image does not say */
	uint64_t size;       /* bytes of all files of all its layers */
} ImageSummary;

typedef struct ImageList {
	ImageSummary *items;
	size_t count;
} ImageList;

/* All; what cannot be read is warned of and left out. */
int image_list(const char *root_dir, Arena *a, ImageList *ret, Err *e);

/* Gives what `image` names (a reference, or an id or the beginning of one) a further name. */
int image_tag(const char *root_dir, const char *image, const char *name, Arena *a, Err *e);

typedef struct ImageRemoved {
	StrList untagged, deleted; /* names; digests of what the store does not have any more */
} ImageRemoved;

/* A name, or an id: that with all its names if there is one, or force. What no other image needs goes, too. ERR_NOT_FOUND; ERR_STATE: an id
 * with several names. */
int image_remove(const char *root_dir, const char *image, bool force, Arena *a, ImageRemoved *ret,
		 Err *e);
