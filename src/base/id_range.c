#include "base/id_range.h"

#include <stdlib.h>
#include <string.h>

void id_ranges_add(Arena *a, IdRanges *r, uint32_t start, uint32_t size)
{
	if (size > 0)
		*arena_push(a, &r->items, &r->count, IdRange) = (IdRange){ start, size };
}

static int by_start(const void *a, const void *b)
{
	const IdRange *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

void id_ranges_sort(IdRanges *r)
{
	if (r->count > 0)
		qsort(r->items, r->count, sizeof *r->items, by_start);
}

uint64_t id_ranges_total(const IdRanges *r)
{
	uint64_t total = 0;
	for (size_t i = 0; i < r->count; i++)
		total += r->items[i].size;
	return total;
}

bool id_ranges_has(const IdRanges *r, uint32_t id)
{
	for (size_t i = 0; i < r->count; i++)
		if (id >= r->items[i].start && id - r->items[i].start < r->items[i].size)
			return true;
	return false;
}

static uint64_t end_of(const IdRange *r)
{
	return (uint64_t)r->start + r->size;
}

bool id_ranges_find_overlap(const IdRanges *sorted, size_t *ret_first)
{
	for (size_t i = 0; i + 1 < sorted->count; i++)
		if (end_of(&sorted->items[i]) > sorted->items[i + 1].start) {
			*ret_first = i;
			return true;
		}
	return false;
}

static IdRanges sorted_copy(Arena *a, const IdRanges *r)
{
	IdRanges copy = { .items = arena_new_array(a, r->count, IdRange), .count = r->count };
	if (r->count > 0)
		memcpy(copy.items, r->items, r->count * sizeof *r->items);
	id_ranges_sort(&copy);
	return copy;
}

IdRanges id_ranges_subtract(Arena *a, const IdRanges *from, const IdRanges *without)
{
	IdRanges whole = sorted_copy(a, from), holes = sorted_copy(a, without), left = { 0 };
	for (size_t i = 0; i < whole.count; i++) {
		uint64_t at = whole.items[i].start, end = end_of(&whole.items[i]);
		for (size_t k = 0; k < holes.count && at < end; k++) {
			const IdRange *hole = &holes.items[k];
			uint64_t hole_end = end_of(hole);
			if (hole_end <= at || hole->start >= end)
				continue;
			if (hole->start > at)
				id_ranges_add(a, &left, (uint32_t)at, (uint32_t)(hole->start - at));
			at = hole_end;
		}
		if (at < end)
			id_ranges_add(a, &left, (uint32_t)at, (uint32_t)(end - at));
	}
	return left;
}
