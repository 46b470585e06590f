#include "fmt/size.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits with at most one point among them and at least one digit: 12, 1.5, .5 and 5. are numbers. Returns what follows, or NULL. The
 * two runs of digits begin at *ret_whole and *ret_fraction (which may be empty). */
static const char *scan_decimal(const char *s, const char **ret_whole, const char **ret_fraction)
{
	const char *whole = s;
	while (is_digit(*s))
		s++;
	size_t digits = (size_t)(s - whole);
	*ret_whole = whole;
	*ret_fraction = s;
	if (*s == '.') {
		*ret_fraction = ++s;
		while (is_digit(*s))
			s++;
		digits += (size_t)(s - *ret_fraction);
	}
	return digits > 0 ? s : NULL;
}

/* The number at whole.fraction times unit, rounded down. Unit is at most 2^50. */
static int scale(const char *whole, const char *fraction, uint64_t unit, uint64_t *ret)
{
	uint64_t n = 0, part = 0;
	for (; is_digit(*whole); whole++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*whole - '0'), &n))
			return -ERANGE;
	/* From the last digit to the first: rounding down at each step gives the same as once at the end. */
	for (size_t i = strspn(fraction, "0123456789"); i > 0; i--)
		part = ((uint64_t)(fraction[i - 1] - '0') * unit + part) / 10;
	if (__builtin_mul_overflow(n, unit, &n) || __builtin_add_overflow(n, part, &n) || n > INT64_MAX)
		return -ERANGE;
	*ret = n;
	return 0;
}

/* What a suffix multiplies with; 0 when it is none. */
static uint64_t unit_of(const char *suffix)
{
	static const char letters[] = "bkmgtp";
	char low[4] = { 0 };
	size_t len = strlen(suffix);
	if (len == 0)
		return 1;
	if (len > 3)
		return 0;
	for (size_t i = 0; i < len; i++)
		low[i] = (char)(suffix[i] | 0x20);
	const char *letter = strchr(letters, low[0]);
	if (!letter || (low[1] && strcmp(low + 1, "b") != 0 && strcmp(low + 1, "ib") != 0))
		return 0;
	if (low[0] == 'b')
		return low[1] ? 0 : 1;
	return (uint64_t)1 << 10 * (letter - letters);
}

int size_parse_bytes(const char *s, uint64_t *ret)
{
	const char *whole, *fraction, *suffix = scan_decimal(s, &whole, &fraction);
	if (!suffix)
		return -EINVAL;
	if (*suffix == ' ')
		suffix++;
	uint64_t unit = unit_of(suffix);
	if (unit == 0)
		return -EINVAL;
	return scale(whole, fraction, unit, ret);
}

int size_parse_cpus(const char *s, uint64_t *ret_nano)
{
	const char *whole, *fraction, *rest = scan_decimal(s, &whole, &fraction);
	if (!rest || *rest || strspn(fraction, "0123456789") > 9)
		return -EINVAL;
	return scale(whole, fraction, 1000000000, ret_nano);
}

const char *size_format(char *buf, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned u = 0;
	while (u + 1 < ARRAY_LEN(units) && bytes >> 10 * (u + 1) > 0)
		u++;
	uint64_t unit = (uint64_t)1 << 10 * u, tenths = 0;
	if (u > 0)
		tenths = ((bytes & (unit - 1)) * 10 + unit / 2) / unit; /* fits: at most 10 * 2^60 + 2^59 */
	uint64_t whole = bytes / unit + tenths / 10;
	tenths %= 10;
	if (whole == 1024) { /* 1023.95 and above */
		whole = 1;
		u++;
	}
	/* It fits, as the header says; a smaller buffer gets what fits. */
	if (tenths > 0)
		(void)str_format(buf, size, "%u.%u %s", (unsigned)whole, (unsigned)tenths, units[u]);
	else
		(void)str_format(buf, size, "%u %s", (unsigned)whole, units[u]);
	return buf;
}
