/* sum.h - digests of much data, by OpenSSL, which knows what the processor can do.                  (unpack/, may include base fmt)
 *
 * Errors:    none: what OpenSSL cannot do for want of memory ends the process.
 */
#pragma once
#include <stddef.h>

#include "fmt/digest.h"

typedef struct Sum Sum;

Sum *sum_new(DigestAlgorithm algorithm);
void sum_free(Sum *s); /* NULL is nothing */
void sum_add(Sum *s, const unsigned char *bytes, size_t size);
void sum_end(Sum *s, Digest *ret); /* and nothing more can be added */
