/* sha256.h - SHA-256, for the small documents that the start path verifies itself.                  (base/)
 *
 * Layers, which are large, are digested by programs that have a library for it.
 * Source:    FIPS 180-4.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

typedef struct Sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes so far */
	unsigned char block[64];
} Sha256;

void sha256_init(Sha256 *s);
void sha256_update(Sha256 *s, const void *bytes, size_t size);
void sha256_final(Sha256 *s, unsigned char ret[SHA256_BYTES]);
