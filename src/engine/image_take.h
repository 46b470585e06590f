/* image_take.h - an image comes into the store, from whatever source.                          (engine/)
 *
 * Theory:    the documents first, each verified; then all layers that the store lacks at once, as many at a time as there are CPUs, each through
 *            a process of its own (unpack.h); then one sync, and names for all. A layer that failed ends the others; those that were complete by
 *            then are kept, so that the next try has less to do.
 * Locking:   none while something comes; the store's lock, shared, from the look whether all layers are there until the image is on record.
 */
#pragma once
#include "engine/image_source.h"
#include "store/image_record.h"

typedef struct ImageTake {
	const char *reference; /* the name it gets: reference_text() */
	Platform platform;     /* wanted; normal */
	bool keep_blobs;
	/* What happens, for who watches; may be NULL. `layer` counts from 0, the lowest. */
	void (*on_layer)(void *context, size_t layer, const Descriptor *d, const char *what);
	void *context;
} ImageTake;

/* ERR_NOT_FOUND: the source has no such image, or none for the platform. */
int image_take(const Store *s, const ImageSource *source, const ImageTake *t, Arena *a,
	       ImageRecord *ret, Err *e);
