#include "unit.h"

#include <string.h>

#include "base/sha256.h"
#include "fmt/digest.h"

static void check(const void *bytes, size_t size, size_t piece, const char *expected)
{
	unsigned char out[SHA256_BYTES];
	Sha256 s;
	Digest d;
	sha256_init(&s);
	for (size_t at = 0; at < size; at += piece)
		sha256_update(&s, (const char *)bytes + at, size - at < piece ? size - at : piece);
	sha256_final(&s, out);
	digest_from_bytes(DIGEST_SHA256, out, &d);
	assert_string_equal(digest_digits(&d), expected);
}

/* FIPS 180-4's examples, and lengths at which the padding begins another block; those are sha256sum(1)'s. */
static void known_texts_have_their_digests(void **state)
{
	(void)state;
	static char million[1000000];
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "{}", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t piece = 1; piece < 70; piece++)
			check(cases[i].text, strlen(cases[i].text), piece, cases[i].digest);
	memset(million, 'a', sizeof million);
	check(million, sizeof million, 997,
	      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	check(million, 55, 100, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	check(million, 56, 100, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
	check(million, 63, 100, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
	check(million, 64, 100, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_have_their_digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
