#include "fmt/digest.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/sha256.h"
#include "base/sha512.h"
#include "base/str.h"

static const struct {
	char name[8];
	size_t bytes;
} algorithms[] = {
	[DIGEST_SHA256] = { "sha256", 32 },
	[DIGEST_SHA512] = { "sha512", 64 },
};

const char *digest_algorithm_name(DigestAlgorithm algorithm)
{
	return algorithms[algorithm].name;
}

size_t digest_bytes(DigestAlgorithm algorithm)
{
	return algorithms[algorithm].bytes;
}

/* Words of letters and digits with one of "+._-" between them, as descriptor.md's grammar has an algorithm. */
static bool is_algorithm(const char *s, size_t len)
{
	bool word = false;
	for (size_t i = 0; i < len; i++) {
		bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');
		if (!letter && (!word || !strchr("+._-", s[i])))
			return false;
		word = letter;
	}
	return word;
}

int digest_parse(const char *text, Digest *ret)
{
	size_t name_len = strcspn(text, ":");
	if (!text[name_len] || !is_algorithm(text, name_len))
		return -EINVAL;
	const char *digits = text + name_len + 1;
	size_t len = strlen(digits);
	for (unsigned i = DIGEST_SHA256; i <= DIGEST_SHA512; i++) {
		if (strlen(algorithms[i].name) != name_len ||
		    memcmp(text, algorithms[i].name, name_len) != 0)
			continue;
		if (len != algorithms[i].bytes * 2 || strspn(digits, "0123456789abcdef") != len)
			return -EINVAL;
		Digest d = { .algorithm = i };
		memcpy(d.text, text, name_len + 1 + len + 1);
		*ret = d;
		return 0;
	}
	static const char encoded[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=_-";
	return len > 0 && strspn(digits, encoded) == len ? -ENOTSUP : -EINVAL;
}

const char *digest_digits(const Digest *d)
{
	assert(d->algorithm != DIGEST_NONE);
	return d->text + strlen(algorithms[d->algorithm].name) + 1;
}

void digest_from_bytes(DigestAlgorithm algorithm, const unsigned char *bytes, Digest *ret)
{
	static const char hex[] = "0123456789abcdef";
	Digest d = { .algorithm = algorithm };
	int len = str_format(d.text, sizeof d.text, "%s:", algorithms[algorithm].name);
	char *to = d.text + len; /* it fits: the text has room for the longest */
	for (size_t i = 0; i < algorithms[algorithm].bytes; i++) {
		*to++ = hex[bytes[i] >> 4];
		*to++ = hex[bytes[i] & 15];
	}
	*to = '\0';
	*ret = d;
}

bool digest_equal(const Digest *a, const Digest *b)
{
	return a->algorithm == b->algorithm && strcmp(a->text, b->text) == 0;
}

void digest_sum(DigestAlgorithm algorithm, const void *bytes, size_t size, Digest *ret)
{
	unsigned char sum[SHA512_BYTES];
	Sha256 s;
	if (algorithm == DIGEST_SHA512) {
		sha512(bytes, size, sum);
	} else {
		sha256_init(&s);
		sha256_update(&s, bytes, size);
		sha256_final(&s, sum);
	}
	digest_from_bytes(algorithm, sum, ret);
}
