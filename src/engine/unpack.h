/* unpack.h - libexec/mydocker/unpack at work: one process for each layer.                       (engine/)
 *
 * Runs in:   the process of a pull, a load or a build; several at once. The process ends with this one.
 * Ownership: an Unpack owns its descriptors; those of the request are the caller's, and the process has copies.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "fmt/unpack_talk.h"

typedef struct UnpackRequest {
	int blob; /* the layer as it comes: a file, or the end of a pipe to read from */
	int tree; /* the empty folder */
	int copy; /* where the blob is kept; FD_NONE: nowhere */
	bool as_user;
	const Digest *digest, *diff_id; /* what they must be; NULL: whatever they are */
	uint64_t size;                  /* of the blob, bytes; UINT64_MAX: whatever it is */
} UnpackRequest;

typedef struct Unpack {
	int pidfd;
	int reply; /* readable once it has ended, or said what it has to say */
} Unpack;
#define UNPACK_NONE ((Unpack){ .pidfd = FD_NONE, .reply = FD_NONE })

int unpack_start(const UnpackRequest *r, Arena *a, Unpack *ret, Err *e);

/* Waits for its end. What it says is believed as far as its form goes: it has read what is hostile. */
int unpack_finish(Unpack *u, UnpackReply *ret, Err *e);

/* Ends it, if it is still there. */
void unpack_close(Unpack *u);
static inline void unpack_close_auto(Unpack *u)
{
	unpack_close(u);
}
