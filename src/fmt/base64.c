#include "fmt/base64.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char padding = '=';

const char *base64_encode(Arena *a, const void *bytes, size_t size)
{
	const unsigned char *in = bytes;
	char *text = arena_alloc(a, (size + 2) / 3 * 4 + 1), *at = text;
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		unsigned group = (unsigned)in[i] << 16 | (left > 1 ? in[i + 1] : 0u) << 8 |
				 (left > 2 ? in[i + 2] : 0u);
		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = (char)(left > 1 ? digits[group >> 6 & 63] : padding);
		*at++ = (char)(left > 2 ? digits[group & 63] : padding);
	}
	return text;
}

int base64_decode(Arena *a, const char *text, const char **ret, size_t *ret_size)
{
	size_t len = strlen(text), size = 0;
	unsigned group = 0, bits = 0;
	for (int n = 0; n < 2 && len > 0 && text[len - 1] == padding; n++)
		len--;
	if (len % 4 == 1)
		return -EINVAL;
	char *out = arena_alloc(a, len / 4 * 3 + 3);
	for (size_t i = 0; i < len; i++) {
		const char *digit = strchr(digits, text[i]); /* no NUL is among the len */
		if (!digit)
			return -EINVAL;
		group = group << 6 | (unsigned)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[size++] = (char)(group >> bits & 255);
		}
	}
	out[size] = '\0';
	*ret = out;
	*ret_size = size;
	return 0;
}
