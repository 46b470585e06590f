/* blob.h - documents and layers as they came, under their digests.                                  (store/, may include base fmt kern disk)
 *
 * Input:     what is read is verified again where it is small: a disk may have changed it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "fmt/digest.h"
#include "store/store.h"

/* "sha256/9f86...", the place of a digest below blobs/ or layers/. */
#define DIGEST_PATH_SIZE (DIGEST_TEXT_SIZE + 1)
void digest_path(const Digest *d, char ret[static DIGEST_PATH_SIZE]);

/* Opens one to read; -ENOENT without a message: there is none. ret_size may be NULL. */
int blob_open(const Store *s, const Digest *d, int *ret_fd, uint64_t *ret_size, Err *e);

/* The folder of its algorithm, below blobs/ or layers/: makes it if it is missing; has the names in it on disk when it returns. */
int digest_folder_make(int dir, const Digest *d, Err *e);
int digest_folder_sync(int dir, const Digest *d, Err *e);

/* A small one as text, verified. -ENOENT without a message. ERR_STATE: damaged, or larger than max. */
int blob_read(const Store *s, const Digest *d, uint64_t max, Arena *a, const char **ret,
	      size_t *ret_size, Err *e);

/* Keeps a small one under its digest, synced; one that is there stays. The store's lock is held (STORE_ADDS): it is not a stage's. */
int blob_put(const Store *s, DigestAlgorithm algorithm, const char *text, size_t size, Digest *ret,
	     Err *e);
