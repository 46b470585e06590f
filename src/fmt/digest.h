/* digest.h - content digests as images name them: "sha256:<64 hex digits>".                        (fmt/, may include base)
 *
 * Input:     HOSTILE: digests come from registries and archives, and their digits become file names.
 * Ownership: a Digest is a value.
 * Source:    image-spec descriptor.md "Digests". Algorithms: sha256 and sha512, the registered ones whose content can be verified here.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef enum DigestAlgorithm {
	DIGEST_NONE, /* of a zeroed Digest: there is none */
	DIGEST_SHA256,
	DIGEST_SHA512,
} DigestAlgorithm;

#define DIGEST_TEXT_SIZE (7 + 128 + 1) /* "sha512:", digits, NUL */

typedef struct Digest {
	DigestAlgorithm algorithm;
	char text[DIGEST_TEXT_SIZE]; /* all of it, in lower case: "sha256:9f86..." */
} Digest;

/* Reads all of text. -EINVAL: not of the form algorithm:digits, digits of the wrong number or in upper case (which the specification forbids
 * for both algorithms); -ENOTSUP: well-formed, but of another algorithm. *ret is written on success only. */
int digest_parse(const char *text, Digest *ret);

/* The algorithm's name ("sha256"), its bytes (32), and the digits of a digest, without the algorithm. */
const char *digest_algorithm_name(DigestAlgorithm algorithm);
size_t digest_bytes(DigestAlgorithm algorithm);
const char *digest_digits(const Digest *d);

/* Makes a digest of an algorithm's bytes. */
void digest_from_bytes(DigestAlgorithm algorithm, const unsigned char *bytes, Digest *ret);

/* The digest of all of this; for small documents. */
void digest_sum(DigestAlgorithm algorithm, const void *bytes, size_t size, Digest *ret);

bool digest_equal(const Digest *a, const Digest *b);
