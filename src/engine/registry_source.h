/* registry_source.h - images in a registry, as a source of layers.                              (engine/)
 *
 * Theory:    a layer comes through a pipe: libexec/mydocker/fetch writes into it, the unpacker reads, and nobody else has an end of it. What went wrong
 *            on the way is known when the pipe has ended.
 * Ownership: the Fetch is the caller's; the source keeps what it needs to know of each layer in the arena.
 */
#pragma once
#include "engine/fetch.h"
#include "engine/image_source.h"

typedef struct RegistryBlob {
	Digest digest;
	uint32_t number;
	bool ended;
	Err err; /* once it has: ERR_OK, or why it is not whole */
} RegistryBlob;

typedef struct RegistrySource {
	Fetch *fetch;
	const Reference *reference;
	Arena *arena;
	RegistryBlob *blobs;
	size_t count;
} RegistrySource;

ImageSource registry_source(RegistrySource *r);
