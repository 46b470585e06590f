/* id_range.h - sets of user or group ids, as ranges.                                        (base/)
 *
 * Ownership: lists live in the arena that was given; functions make new lists and leave their arguments as they are.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct IdRange { /* start + size is at most 2^32-1, which is no id */
	uint32_t start, size;
} IdRange;

typedef struct IdRanges {
	IdRange *items;
	size_t count;
} IdRanges;

void id_ranges_add(Arena *a, IdRanges *r, uint32_t start, uint32_t size);
void id_ranges_sort(IdRanges *r); /* by start */
uint64_t id_ranges_total(const IdRanges *r);
bool id_ranges_has(const IdRanges *r, uint32_t id);

/* The first two ranges of a sorted list that share an id: true, and their places one after the other. */
bool id_ranges_find_overlap(const IdRanges *sorted, size_t *ret_first);

/* What of `from` is not in `without`, sorted; both may be in any order. */
IdRanges id_ranges_subtract(Arena *a, const IdRanges *from, const IdRanges *without);
