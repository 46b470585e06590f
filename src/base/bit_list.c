#include "base/bit_list.h"

#include <errno.h>
#include <string.h>

/* The number at *at, which is left behind it. */
static int number_read(const char **at, size_t limit, size_t *ret)
{
	size_t n = 0;
	const char *p = *at;
	for (; *p >= '0' && *p <= '9'; p++)
		n = n < limit ? n * 10 + (size_t)(*p - '0') : limit; /* it only grows */
	if (p == *at)
		return -EINVAL;
	*at = p;
	*ret = n;
	return n < limit ? 0 : -ERANGE;
}

static const char *space_skip(const char *p)
{
	return p + strspn(p, " \t\n\v\f\r");
}

/* "7" or "0-3" at *at. */
static int element_read(const char **at, uint64_t *words, size_t limit)
{
	size_t first, last;
	int r = number_read(at, limit, &first);
	last = r < 0 ? 0 : first;
	if (r == 0 && **at == '-') {
		++*at;
		r = number_read(at, limit, &last);
	}
	if (r < 0)
		return r;
	if (last < first)
		return -EINVAL;
	for (size_t i = first; i <= last; i++)
		words[i / 64] |= UINT64_C(1) << i % 64;
	return 0;
}

int bit_list_parse(const char *list, uint64_t *words, size_t count)
{
	int used = 0;
	memset(words, 0, count * sizeof *words);
	for (const char *at = space_skip(list); *at; at = space_skip(at)) {
		int r = *at == ',' ? 0 : element_read(&at, words, count * 64);
		if (r < 0)
			return r;
		at = space_skip(at);
		if (*at && *at != ',')
			return -EINVAL;
		at += *at == ',';
	}
	for (size_t i = 0; i < count; i++)
		used = words[i] ? (int)i + 1 : used;
	return used > 0 ? used : -EINVAL;
}
