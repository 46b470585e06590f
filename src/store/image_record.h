/* image_record.h - which names the store knows, and what they stand for.                      (store/, may include base fmt kern disk)
 *
 * On disk:   images/DIGITS: {"version":1,"reference":"docker.io/library/alpine:latest","manifest":"sha256:..","media_type":..,"size":N,
 *            "config":"sha256:..","pulled":SECONDS}, DIGITS being the sha256 of the reference; replaced as a whole. index.json of the layout is made
 *            from all of them, under a lock of its own, after each change: others read it, nobody here does.
 * Order:     what a record names is in the store, and synced, before it is written.
 */
#pragma once
#include <stdint.h>

#include "fmt/digest.h"
#include "store/store.h"

typedef struct ImageRecord {
	const char *reference;  /* reference_text() */
	Digest manifest;        /* of one image, never of an index */
	const char *media_type; /* of the manifest */
	uint64_t size;          /* of the manifest, bytes */
	Digest config;          /* docker's image id */
	uint64_t pulled;        /* seconds since 1970 */
} ImageRecord;

typedef struct ImageRecords {
	ImageRecord *items; /* by reference */
	size_t count;
	size_t unread; /* how many there are besides that could not be read */
} ImageRecords;

int image_record_put(const Store *s, const ImageRecord *r, Arena *a, Err *e);

/* -ENOENT without a message: the store has no such name. */
int image_record_get(const Store *s, const char *reference, Arena *a, ImageRecord *ret, Err *e);

/* All; one that cannot be read is warned of and left out. */
int image_record_list(const Store *s, Arena *a, ImageRecords *ret, Err *e);

/* -ENOENT without a message: there is none. What is removed may come back with a power failure. */
int image_record_remove(const Store *s, const char *reference, Arena *a, Err *e);
