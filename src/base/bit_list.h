/* bit_list.h - lists of small numbers such as "0-3,7" as a set of bits.                             (base/, used by all)
 *
 * Source: cpuset(7) "List format"; as runc reads them: white space around an element and elements without a number are passed over.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Sets the bits that the list names, in words of 64; all are cleared first. Returns how many words hold one, from the first on. -EINVAL:
 * no such list, or none in it; -ERANGE: a number that has no bit in count words. */
int bit_list_parse(const char *list, uint64_t *words, size_t count);
