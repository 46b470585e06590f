#include "base/num.h"

#include <errno.h>

static int parse_base(const char *s, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned digit = (unsigned)*s - '0';
		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, digit, &n) ||
		    n > max) {
			while ((unsigned)*s - '0' < base)
				s++;
			return *s ? -EINVAL : -ERANGE;
		}
	}
	*ret = n;
	return 0;
}

int num_parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	return parse_base(s, 10, max, ret);
}

int num_parse_u32(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t n;
	int r = parse_base(s, 10, max, &n);
	if (r == 0)
		*ret = (uint32_t)n;
	return r;
}

int num_parse_i64(const char *s, int64_t *ret)
{
	uint64_t n;
	int negative = *s == '-';
	int r = parse_base(s + negative, 10, (uint64_t)INT64_MAX + (uint64_t)negative, &n);
	if (r == 0)
		*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return r;
}

int num_parse_octal(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t n;
	int r = parse_base(s, 8, max, &n);
	if (r == 0)
		*ret = (uint32_t)n;
	return r;
}
