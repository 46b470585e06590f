#include "base/num.h"

#include <errno.h>

int num_parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned digit = (unsigned)*s - '0';
		if (digit >= 10)
			return -EINVAL;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n) ||
		    n > max) {
			while ((unsigned)*s - '0' < 10)
				s++;
			return *s ? -EINVAL : -ERANGE;
		}
	}
	*ret = n;
	return 0;
}

int num_parse_u32(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t n;
	int r = num_parse_u64(s, max, &n);
	if (r == 0)
		*ret = (uint32_t)n;
	return r;
}

int num_parse_i64(const char *s, int64_t *ret)
{
	uint64_t n;
	int negative = *s == '-';
	int r = num_parse_u64(s + negative, (uint64_t)INT64_MAX + (uint64_t)negative, &n);
	if (r == 0)
		*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return r;
}
