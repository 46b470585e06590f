/* suggest.h - "did you mean": the nearest of some names.                                    (base/) */
#pragma once
#include <stddef.h>

typedef struct Suggest {
	const char *word; /* what the user wrote; borrowed, len bytes */
	size_t len;
	const char *best; /* the nearest name tried so far, or NULL: none is near */
	unsigned distance;
} Suggest;
#define SUGGEST_FOR(text, length) ((Suggest){ .word = (text), .len = (length) })

/* Takes name when it is nearer than what was tried before: at most two letters changed, added, left out or swapped, and not more
 * than half of the word. Borrows name. */
void suggest_try(Suggest *s, const char *name);

/* The number of single changes (swapping two neighbours is one) from one text to the other; texts over 31 bytes are never near. */
unsigned suggest_distance(const char *a, size_t alen, const char *b, size_t blen);
