/* sha512.h - SHA-512, for the few small documents that somebody names by it.                       (base/)
 *
 * Source:    FIPS 180-4.
 */
#pragma once
#include <stddef.h>

#define SHA512_BYTES 64

void sha512(const void *bytes, size_t size, unsigned char ret[SHA512_BYTES]);
