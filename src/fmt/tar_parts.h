/* tar_parts.h - what the files of the tar reader share.                                             (fmt/, private to tar*.c) */
#pragma once
#include "base/str.h"
#include "fmt/tar.h"

#define TAR_BLOCK_SIZE 512

/* What extended headers say of the entry that follows. */
typedef struct TarExtra {
	bool given;              /* there are such headers, global ones aside */
	const char *path, *link; /* NULL: not said */
	const char *sparse_name;
	bool has_size, has_uid, has_gid, has_mtime, has_real_size;
	uint64_t size, real_size;
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_nsec;
	TarXattr *xattrs;
	size_t xattrs_count;
	TarSpan *spans; /* pax sparse 0.0 and 0.1 */
	size_t spans_count;
	bool is_sparse, has_map; /* has_map: 1.0, whose map is in front of the content */
} TarExtra;

/* The records of a pax header ("18 path=some/name\n") of size bytes. text is changed: values are ended by NULs, and borrowed. */
int tar_pax_read(char *text, size_t size, TarExtra *x, Arena *a, Err *e);

/* A numeric field: octal with blanks around it, or GNU's base-256. */
int tar_number(const unsigned char *field, size_t size, const char *what, uint64_t *ret, Err *e);

/* The next block, whole. Returns 0 at the stream's end, -EIO with ERR_SPEC within a block; else 1. */
int tar_block(TarReader *t, const unsigned char **ret, Err *e);

/* `size` bytes of the current entry's content into memory that ends with a NUL, and its padding away. */
int tar_slurp(TarReader *t, size_t size, char **ret, Err *e);

/* The map of a GNU sparse entry: in its header and the blocks behind; and of pax sparse 1.0: in front of its content. */
int tar_sparse_old(TarReader *t, const unsigned char *header, TarEntry *entry, Err *e);
int tar_sparse_map(TarReader *t, TarEntry *entry, Err *e);

/* Whether spans ascend, do not overlap, lie within the file and are together what the archive holds. */
int tar_sparse_check(const TarReader *t, const TarEntry *entry, Err *e);
