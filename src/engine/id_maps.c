#include "engine/id_maps.h"

#include "runtime/facts.h"

/* What continues the last map on both sides makes it longer. */
static void map_add(Arena *a, IdMaps *m, uint32_t container, uint32_t host, uint32_t size)
{
	SpecIdMap *last = m->count > 0 ? &m->items[m->count - 1] : NULL;
	if (size == 0)
		return;
	if (last && last->container_id + last->size == container && last->host_id + last->size == host)
		last->size += size;
	else
		*arena_push(a, &m->items, &m->count, SpecIdMap) = (SpecIdMap){ container, host, size };
}

/* Ids container, container+1, ... are those from position `from` of the ranges on; as many as there are, at most `most`. */
static void ranges_map(Arena *a, IdMaps *m, const IdRanges *r, uint64_t from, uint32_t container,
		       uint64_t most)
{
	for (size_t i = 0; i < r->count && most > 0; i++) {
		uint32_t size = r->items[i].size;
		if (from >= size) {
			from -= size;
			continue;
		}
		uint32_t n = size - (uint32_t)from;
		if (n > most)
			n = (uint32_t)most;
		if (n > UINT32_MAX - container)
			n = UINT32_MAX - container;
		map_add(a, m, container, r->items[i].start + (uint32_t)from, n);
		container += n;
		most -= n;
		from = 0;
	}
}

IdMaps id_maps_of_ranges(const IdRanges *ranges, Arena *a)
{
	IdMaps m = { 0 };
	ranges_map(a, &m, ranges, 0, 0, UINT64_MAX);
	return m;
}

IdMaps id_maps_root_is(uint32_t own, const IdRanges *ranges, Arena *a)
{
	return id_maps_keep(own, 0, ranges, 0, a);
}

IdMaps id_maps_keep(uint32_t own, uint32_t inside, const IdRanges *ranges, uint32_t size, Arena *a)
{
	IdMaps m = { 0 };
	uint64_t others = id_ranges_total(ranges);
	if (size > 0 && others > size - 1)
		others = size - 1;
	uint64_t below = others < inside ? others : inside;
	ranges_map(a, &m, ranges, 0, 0, below);
	map_add(a, &m, inside, own, 1);
	ranges_map(a, &m, ranges, below, inside + 1, others - below);
	return m;
}

IdMaps id_maps_identity(const char *own_map, uint32_t size, Arena *a)
{
	IdMaps m = { 0 };
	size_t count;
	const SpecIdMap *own = id_map_parse(own_map, a, &count);
	for (size_t i = 0; i < count; i++) {
		uint32_t first = own[i].container_id;
		if (size > 0 && first >= size)
			continue;
		uint32_t most = size > 0 ? size - first : UINT32_MAX;
		/* each line for itself: what is mapped has to lie in one line of the namespace above */
		*arena_push(a, &m.items, &m.count,
			    SpecIdMap) = (SpecIdMap){ first, first,
						      own[i].size < most ? own[i].size : most };
	}
	return m;
}

/* One piece if there is one; else from the lowest on. */
static IdRanges choose_pieces(const IdRanges *free_ids, uint64_t need)
{
	for (size_t i = 0; i < free_ids->count; i++)
		if (free_ids->items[i].size >= need)
			return (IdRanges){ &free_ids->items[i], 1 };
	return *free_ids;
}

bool id_maps_auto(const IdRanges *free_ids, const IdMaps *forced, uint32_t size, Arena *a,
		  IdMaps *ret, uint64_t *ret_free)
{
	IdRanges all = { 0 }, inside = { 0 }, outside = id_maps_host_ids(forced, a);
	IdMaps m = { 0 };
	id_ranges_add(a, &all, 0, size);
	for (size_t i = 0; i < forced->count; i++)
		id_ranges_add(a, &inside, forced->items[i].container_id, forced->items[i].size);
	IdRanges wanted = id_ranges_subtract(a, &all, &inside);
	IdRanges there = id_ranges_subtract(a, free_ids, &outside);
	uint64_t need = id_ranges_total(&wanted), at = 0;
	*ret_free = id_ranges_total(&there);
	if (*ret_free < need)
		return false;
	IdRanges pieces = choose_pieces(&there, need);
	for (size_t i = 0; i < wanted.count; i++) {
		ranges_map(a, &m, &pieces, at, wanted.items[i].start, wanted.items[i].size);
		at += wanted.items[i].size;
	}
	for (size_t i = 0; i < forced->count; i++)
		map_add(a, &m, forced->items[i].container_id, forced->items[i].host_id,
			forced->items[i].size);
	*ret = m;
	return true;
}

bool id_maps_are_identity(const IdMaps *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->items[i].container_id != m->items[i].host_id)
			return false;
	return true;
}

IdRanges id_maps_host_ids(const IdMaps *m, Arena *a)
{
	IdRanges r = { 0 };
	for (size_t i = 0; i < m->count; i++)
		id_ranges_add(a, &r, m->items[i].host_id, m->items[i].size);
	return r;
}

IdRanges id_maps_own_ids(const IdMaps *m, Arena *a)
{
	IdRanges r = { 0 };
	for (size_t i = 0; i < m->count; i++)
		if (m->items[i].container_id != m->items[i].host_id)
			id_ranges_add(a, &r, m->items[i].host_id, m->items[i].size);
	return r;
}
