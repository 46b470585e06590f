/* tar.h - a tar archive, read as it streams by.                                                   (fmt/, may include base)
 *
 * Input:     HOSTILE: a layer of an image. Every number, length and order is checked here, and limits.h bounds what an entry may take; what the
 *            names mean in a file system (.., absolute, through links) is the matter of who makes the files.
 * Formats:   ustar, pax (path, linkpath, size, ids, times, extended attributes, sparse files 0.0, 0.1 and 1.0), GNU (long names, base-256 numbers,
 *            old sparse files), v7. Global pax headers are passed over, as docker does: no layer means them.
 * Ownership: an entry and its strings are valid until the next call of tar_next(); content is lent from the source's own memory, without a copy.
 * Source:    POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format", "Storing Sparse Files".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

typedef enum TarType {
	TAR_FILE,
	TAR_HARD_LINK,
	TAR_SYMLINK,
	TAR_CHAR,
	TAR_BLOCK,
	TAR_DIRECTORY,
	TAR_FIFO,
} TarType;

typedef struct TarXattr {
	const char *name; /* "security.capability" */
	const char *value;
	size_t size;
} TarXattr;

typedef struct TarSpan { /* of a sparse file: these bytes are in the archive, what is between is holes */
	uint64_t offset, size;
} TarSpan;

typedef struct TarEntry {
	TarType type;
	const char *path; /* not empty; as it stands there */
	const char *link; /* target of a link; not empty there, else NULL */
	uint32_t mode;    /* permission bits with set-id and sticky: 07777 */
	uint32_t uid, gid;
	int64_t mtime; /* seconds since 1970 */
	uint32_t mtime_nsec;
	uint64_t size;         /* of a file when it is made, holes included; 0 of all else */
	uint32_t major, minor; /* of a device */
	bool is_sparse;
	TarSpan *spans; /* ascending, within size; sparse files only */
	size_t spans_count;
	TarXattr *xattrs;
	size_t xattrs_count;
} TarEntry;

/* Gives the next bytes, as many as there are at once; they stay valid until the call after. *ret_size 0: the stream's end. */
typedef int (*TarSource)(void *context, const unsigned char **ret, size_t *ret_size, Err *e);

typedef struct TarReader {
	TarSource source;
	void *context;
	const unsigned char *at; /* what the source gave and nobody has taken yet */
	size_t left;
	uint64_t content, padding; /* of the current entry, still to come */
	bool ended;
	Arena arena;
	unsigned char block[512]; /* one that came in pieces */
} TarReader;

void tar_init(TarReader *t, TarSource source, void *context);
void tar_done(TarReader *t);
static inline void tar_done_auto(TarReader *t)
{
	tar_done(t);
}

/* The next entry; what is left of the one before is passed over. Returns 1; 0 at the end: two empty blocks, or the stream's end where an entry
 * might begin, as some writers leave it. ERR_SPEC for what is no archive, ends too early or asks for too much; the source's own errors. */
int tar_next(TarReader *t, TarEntry *ret, Err *e);

/* The next piece of the entry's content, of a sparse file that of its spans one after the other; *ret_size 0: there is no more. */
int tar_content(TarReader *t, const unsigned char **ret, size_t *ret_size, Err *e);
