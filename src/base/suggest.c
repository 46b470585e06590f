#include "base/suggest.h"

#include <limits.h>
#include <string.h>

enum { LONGEST = 31 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: three rows are enough, since a swap looks back two. */
unsigned suggest_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned rows[3][LONGEST + 1];
	if (alen > LONGEST || blen > LONGEST)
		return UINT_MAX;
	for (size_t j = 0; j <= blen; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			now[j] = least(before[j], now[j - 1]) + 1;
			now[j] = least(now[j], before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], older[j - 2] + 1);
		}
	}
	return rows[alen % 3][blen];
}

void suggest_try(Suggest *s, const char *name)
{
	unsigned d = suggest_distance(s->word, s->len, name, strlen(name));
	if (*name == '\0' || d > 2 || (size_t)d * 2 > s->len || (s->best && d >= s->distance))
		return;
	s->best = name;
	s->distance = d;
}
