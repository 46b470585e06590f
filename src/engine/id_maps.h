/* id_maps.h - which id of the container is which id of the host: the shapes that --userns asks for.   (engine/)
 *
 * Pure: ranges in, maps out; they live in the arena. User and group ids are made alike, one after the other.
 */
#pragma once
#include <stdbool.h>

#include "base/id_range.h"
#include "fmt/spec.h"

typedef struct IdMaps {
	SpecIdMap *items;
	size_t count;
} IdMaps;

/* 0, 1, 2 ... of the container are the ids of the ranges in their order. */
IdMaps id_maps_of_ranges(const IdRanges *ranges, Arena *a);

/* 0 is own, 1, 2 ... are those of the ranges. */
IdMaps id_maps_root_is(uint32_t own, const IdRanges *ranges, Arena *a);

/* `inside` is own; around it, from 0 on, are those of the ranges. At most `size` ids in all, unless that is 0. */
IdMaps id_maps_keep(uint32_t own, uint32_t inside, const IdRanges *ranges, uint32_t size, Arena *a);

/* The ids of a map of this process (text of /proc/self/uid_map) as they are; those below size, unless that is 0. */
IdMaps id_maps_identity(const char *own_map, uint32_t size, Arena *a);

/* `forced`, and the rest of the ids below size from what is free; in one piece where there is one. false: *ret_free ids are free,
 * which are too few. */
bool id_maps_auto(const IdRanges *free_ids, const IdMaps *forced, uint32_t size, Arena *a,
		  IdMaps *ret, uint64_t *ret_free);

bool id_maps_are_identity(const IdMaps *m);
IdRanges id_maps_host_ids(const IdMaps *m, Arena *a);
/* Without those that are the same inside and outside: these keep nobody apart. */
IdRanges id_maps_own_ids(const IdMaps *m, Arena *a);
