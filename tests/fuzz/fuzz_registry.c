/* What registries and files with credentials have that is parsed here. Input: the whole is read as a WWW-Authenticate header, as one of several,
 * and as base64, which what it gives must lead back to. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/base64.h"
#include "fmt/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const ChallengeList *l, size_t size)
{
	size_t bytes = 0;
	assert(l->count <= CHALLENGES_MAX);
	for (size_t i = 0; i < l->count; i++) {
		const Challenge *c = &l->items[i];
		assert(c->scheme[0] && c->count <= CHALLENGE_PARAMETERS_MAX);
		assert(challenge_find(l, c->scheme));
		bytes += strlen(c->scheme);
		for (size_t k = 0; k < c->count; k++) {
			assert(c->parameters[k].name[0] && str_is_printable(c->parameters[k].value));
			assert(challenge_get(c, c->parameters[k].name));
			bytes += strlen(c->parameters[k].name) + strlen(c->parameters[k].value);
		}
	}
	assert(bytes <= size); /* nothing is read twice */
}

static void try_headers(const char *text, size_t size)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	ChallengeList l = { 0 };
	challenge_parse(text, &a, &l);
	check_list(&l, size);
	challenge_parse(text, &a, &l);
	check_list(&l, 2 * size);
}

static void try_base64(const char *text, const void *bytes, size_t size)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const char *plain;
	size_t length;
	int r = base64_decode(&a, text, &plain, &length);
	assert(r == 0 || r == -EINVAL);
	assert(base64_decode(&a, base64_encode(&a, bytes, size), &plain, &length) == 0);
	assert(length == size && (size == 0 || memcmp(plain, bytes, size) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	try_headers(text, strlen(text));
	try_base64(text, data, size);
	free(text);
	return 0;
}
