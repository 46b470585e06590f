#include "unpack/sum.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct Sum {
	DigestAlgorithm algorithm;
	EVP_MD_CTX *context;
};

static void must(int done)
{
	if (done != 1)
		abort();
}

Sum *sum_new(DigestAlgorithm algorithm)
{
	Sum *s = calloc(1, sizeof *s);
	assert(algorithm != DIGEST_NONE);
	if (!s)
		abort();
	s->algorithm = algorithm;
	s->context = EVP_MD_CTX_new();
	if (!s->context)
		abort();
	must(EVP_DigestInit_ex(s->context, algorithm == DIGEST_SHA512 ? EVP_sha512() : EVP_sha256(),
			       NULL));
	return s;
}

void sum_free(Sum *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->context);
	free(s);
}

void sum_add(Sum *s, const unsigned char *bytes, size_t size)
{
	must(EVP_DigestUpdate(s->context, bytes, size));
}

void sum_end(Sum *s, Digest *ret)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	must(EVP_DigestFinal_ex(s->context, bytes, NULL));
	digest_from_bytes(s->algorithm, bytes, ret);
}
