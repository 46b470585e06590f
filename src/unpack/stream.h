/* stream.h - a compressed blob as it comes in: summed, kept on the way, and inflated.              (unpack/, may include base fmt)
 *
 * Input:     HOSTILE. What the blob is compressed with is told by its first bytes, not by what somebody says of it: gzip, zstd or nothing.
 *            More bytes than announced end it at once; what it inflates to is the reader's to limit.
 * Ownership: a Stream owns its buffers; the descriptors are the caller's.
 * Source:    RFC 1952 (several members in a row are one file), RFC 8878 (several frames, and skippable ones).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "fmt/digest.h"

typedef struct Stream Stream;

typedef struct StreamOptions {
	int from;
	int copy;                  /* all that is read is written there, too; FD_NONE: nowhere */
	DigestAlgorithm algorithm; /* of the blob's digest */
	uint64_t max;              /* bytes of the blob; more is refused */
} StreamOptions;

Stream *stream_new(const StreamOptions *o);
void stream_free(Stream *s);
static inline void stream_free_auto(Stream **s)
{
	stream_free(*s);
}

/* Fills buf with what comes next of the content; fewer than size bytes only at its end, where *ret_size becomes 0. */
int stream_read(Stream *s, unsigned char *buf, size_t size, size_t *ret_size, Err *e);

/* After the content's end: reads the rest of the blob, which must be nothing but padding, and tells what it was. */
int stream_finish(Stream *s, Digest *ret, uint64_t *ret_size, Err *e);

/* "gzip", "zstd" or "none"; known once something has been read. */
const char *stream_compression(const Stream *s);
