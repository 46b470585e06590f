/* store.h - where images are kept: an OCI image layout with the unpacked layers beside it.           (store/, may include base fmt kern disk)
 *
 * On disk:   ROOT/oci-layout, index.json   image-layout.md; index.json is made from images/ (image_record.h)
 *            ROOT/blobs/ALGORITHM/DIGITS   manifests, configurations and layers as they came
 *            ROOT/layers/ALGORITHM/DIGITS/ a layer's tree under the digest of its uncompressed content: tree/, layer.json
 *            ROOT/images/DIGITS            a reference and what it names, under the digest of its text
 *            ROOT/staging/NAME/            what is not complete yet; whoever works in it holds its flock
 *            ROOT/trash/NAME               what is being deleted
 * Crashes:   what has its final name is complete and on disk, whatever happened: it was synced before it got the name. What is in staging without
 *            a lock, or in trash, is garbage, which the next command that writes removes (stage_sweep()).
 * Locking:   nobody waits to read. Whoever removes holds the store's flock, exclusive; whoever adds holds it, shared, from looking for what is
 *            there until what he adds is named by an image.
 * Ownership: a Store owns its descriptors.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"

typedef struct Store {
	const char *path; /* absolute */
	bool as_user;     /* whose overlays have "userxattr" */
	int fd, blobs, layers, images, staging, trash;
} Store;
#define STORE_NONE                    \
	((Store){ .fd = FD_NONE,      \
		  .blobs = FD_NONE,   \
		  .layers = FD_NONE,  \
		  .images = FD_NONE,  \
		  .staging = FD_NONE, \
		  .trash = FD_NONE })

/* Opens the store, making it (0700) when it is missing. A layout of a version that is not known is refused: ERR_STATE. */
int store_open(const char *path, Arena *a, Store *ret, Err *e);
void store_close(Store *s);
static inline void store_close_auto(Store *s)
{
	store_close(s);
}

typedef enum StoreUse { STORE_ADDS, STORE_REMOVES } StoreUse;

/* Waits for the store's lock; the descriptor, the caller's, holds it until it is closed. */
int store_lock(const Store *s, StoreUse use, int *ret_fd, Err *e);

/* Moves what has the name, in the folder dir, to the trash and removes it. What is not there is as good as removed. */
int store_throw_away(const Store *s, int dir, const char *name, Err *e);
