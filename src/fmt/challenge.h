/* challenge.h - what a WWW-Authenticate header asks for.                                      (fmt/, may include base)
 *
 * Input:     of registries: HOSTILE. One header may hold several challenges, and commas separate both these and their parameters.
 * Ownership: all lives in the arena.
 * Source:    RFC 9110, section 11.6.1: challenges, auth-param, token68, quoted-string.
 */
#pragma once
#include <stddef.h>

#include "base/arena.h"

#define CHALLENGES_MAX           32u /* of all headers of one answer */
#define CHALLENGE_PARAMETERS_MAX 32u

typedef struct ChallengeParameter {
	const char *name, *value;
} ChallengeParameter;

typedef struct Challenge {
	const char *scheme; /* as it was written: compare without case */
	ChallengeParameter *parameters;
	size_t count;
} Challenge;

typedef struct ChallengeList {
	Challenge *items;
	size_t count;
} ChallengeList;

/* Adds the challenges of one header. What cannot be read ends it: those before are kept. Values with control characters are left out. */
void challenge_parse(const char *header, Arena *a, ChallengeList *l);

/* The first one of that scheme, or NULL; a parameter's value, or NULL. Neither minds case. */
const Challenge *challenge_find(const ChallengeList *l, const char *scheme);
const char *challenge_get(const Challenge *c, const char *name);
