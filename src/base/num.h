/* num.h - numbers from text: whole string, in range, or an error.                           (base/)
 *
 * No sign, no white space, no empty string; decimal. All return 0, -EINVAL (not a number) or
 * -ERANGE, and make no message: the caller knows what the number is for. *ret is written on success only.
 */
#pragma once
#include <stdint.h>

int num_parse_u64(const char *s, uint64_t max, uint64_t *ret);
int num_parse_u32(const char *s, uint32_t max, uint32_t *ret);
int num_parse_i64(const char *s, int64_t *ret); /* one leading '-' is allowed */
