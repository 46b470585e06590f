/* unpack_talk.h - how libexec/mydocker/unpack is told what to do, and what it says.             (fmt/, may include base)
 *
 * Theory:    one process for each layer. Its standard input is the blob, descriptor 3 the empty folder for the tree, descriptor 4 where the
 *            blob is to be kept, if it is. It speaks once, on its standard output: an UnpackReply. What is there instead, or nothing, means
 *            that it was killed or is broken.
 * Version:   both are of one build (UNPACK_TALK_ARGS: PROGRAM BUILD_ID FLAGS DIGEST SIZE DIFF_ID, each "-" where it is not known), so the reply is
 *            a structure.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "fmt/digest.h"

#define UNPACK_TALK_ARGS 6
#define UNPACK_TREE_FD   3
#define UNPACK_COPY_FD   4

enum {                          /* FLAGS, a number */
       UNPACK_AS_USER = 1 << 0, /* whiteouts and opaque folders for an overlay with "userxattr"; device nodes are refused */
       UNPACK_COPY = 1 << 1, /* there is a UNPACK_COPY_FD */
};

typedef struct UnpackReply {
	Err err; /* ERR_OK: all below holds, the digests that were asked for included */
	Digest blob, diff_id;
	uint64_t blob_size, diff_size; /* bytes */
	uint64_t entries, content;     /* of the archive; bytes of files */
	uint64_t xattrs_lost;          /* extended attributes that the file system does not take */
	char compression[8];           /* "gzip", "zstd", "none" */
} UnpackReply;
