/* image_source.h - where an image can be had: a registry, a layout, an archive.                 (engine/)
 *
 * Input:     HOSTILE, whatever gives it: who takes from a source verifies each digest.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/image.h"

typedef struct ImageDocument {
	const char *text;
	size_t size;
	const char *media_type; /* NULL: the source does not say; then the text does */
	Digest digest;          /* that it was asked for by; DIGEST_NONE: by a name */
} ImageDocument;

typedef struct ImageSource {
	void *context;
	/* The manifest or index that the reference stands for. */
	int (*top)(void *context, Arena *a, ImageDocument *ret, Err *e);
	/* A manifest or configuration that another document names, of d->size bytes at most. */
	int (*document)(void *context, const Descriptor *d, Arena *a, ImageDocument *ret, Err *e);
	/* A layer: something that it can be read from, the caller's to close. */
	int (*blob)(void *context, const Descriptor *d, int *ret_fd, Err *e);
	/* Both may be NULL. The source has something to say when `watch` is readable: listen() takes it. A layer that ended too early may have a
	 * reason of the source's own, which blob_failed() then gives as its error; 0: it knows of none. */
	int watch;
	int (*listen)(void *context, Err *e);
	int (*blob_failed)(void *context, const Descriptor *d, Err *e);
} ImageSource;
