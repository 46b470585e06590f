#include <string.h>

#include "base/limits.h"
#include "fmt/tar_parts.h"

/* ---- GNU's old form: in the header, and in blocks behind it ---- */

enum {
	HEADER_SPANS = 386, /* 4 of 24 bytes: offset and size, 12 each */
	HEADER_SPANS_COUNT = 4,
	HEADER_MORE = 482,
	HEADER_REAL_SIZE = 483,
	BLOCK_SPANS_COUNT = 21,
	BLOCK_MORE = 504,
	NUMBER_SIZE = 12,
};

static int fail(Err *e)
{
	return err_make(e, ERR_SPEC, 0, "the archive has a sparse file with a map that is damaged");
}

static int add(TarEntry *entry, Arena *a, TarSpan span, Err *e)
{
	if (entry->spans_count >= LIMIT_TAR_SPANS)
		return err_make(e, ERR_SPEC, E2BIG,
				"the archive has a sparse file of more than %u pieces",
				LIMIT_TAR_SPANS);
	*arena_push(a, &entry->spans, &entry->spans_count, TarSpan) = span;
	return 0;
}

static int take_spans(TarReader *t, const unsigned char *at, size_t count, TarEntry *entry, Err *e)
{
	for (size_t i = 0; i < count && at[0]; i++, at += (size_t)2 * NUMBER_SIZE) {
		TarSpan span;
		TRY(tar_number(at, NUMBER_SIZE, "offset", &span.offset, e));
		TRY(tar_number(at + NUMBER_SIZE, NUMBER_SIZE, "size", &span.size, e));
		TRY(add(entry, &t->arena, span, e));
	}
	return 0;
}

int tar_sparse_old(TarReader *t, const unsigned char *h, TarEntry *entry, Err *e)
{
	bool more = h[HEADER_MORE] != 0;
	entry->is_sparse = true;
	TRY(tar_number(h + HEADER_REAL_SIZE, NUMBER_SIZE, "size", &entry->size, e));
	TRY(take_spans(t, h + HEADER_SPANS, HEADER_SPANS_COUNT, entry, e));
	while (more) {
		const unsigned char *block = h;
		if (TRY(tar_block(t, &block, e)) == 0)
			return fail(e);
		TRY(take_spans(t, block, BLOCK_SPANS_COUNT, entry, e));
		more = block[BLOCK_MORE] != 0;
	}
	return 0;
}

/* ---- pax 1.0: decimal lines in front of the content, filled up to whole blocks ---- */

typedef struct MapReader {
	TarReader *t;
	const unsigned char *block;
	size_t at; /* in the block; its size: the next is due */
	uint64_t used;
} MapReader;

static int read_line(MapReader *m, uint64_t *ret, Err *e)
{
	uint64_t n = 0;
	for (unsigned digits = 0; digits < 20; digits++) {
		if (m->at == TAR_BLOCK_SIZE) {
			if (m->t->content < m->used + TAR_BLOCK_SIZE ||
			    TRY(tar_block(m->t, &m->block, e)) == 0)
				return fail(e);
			m->used += TAR_BLOCK_SIZE;
			m->at = 0;
		}
		unsigned char c = m->block[m->at++];
		if (c == '\n' && digits > 0) {
			*ret = n;
			return 0;
		}
		if (c < '0' || c > '9' || n > INT64_MAX / 10 - 1)
			return fail(e);
		n = n * 10 + (c - '0');
	}
	return fail(e);
}

int tar_sparse_map(TarReader *t, TarEntry *entry, Err *e)
{
	MapReader m = { .t = t, .at = TAR_BLOCK_SIZE };
	uint64_t count = 0;
	TRY(read_line(&m, &count, e));
	if (count > LIMIT_TAR_SPANS || entry->spans_count > 0)
		return fail(e);
	for (uint64_t i = 0; i < count; i++) {
		TarSpan span;
		TRY(read_line(&m, &span.offset, e));
		TRY(read_line(&m, &span.size, e));
		TRY(add(entry, &t->arena, span, e));
	}
	t->content -= m.used; /* read_line() has looked that there is as much */
	return 0;
}

int tar_sparse_check(const TarReader *t, const TarEntry *entry, Err *e)
{
	uint64_t end = 0, sum = 0;
	if (entry->size > INT64_MAX - TAR_BLOCK_SIZE)
		return fail(e);
	for (size_t i = 0; i < entry->spans_count; i++) {
		const TarSpan *s = &entry->spans[i];
		if (s->offset < end || s->offset > entry->size || s->size > entry->size - s->offset)
			return fail(e);
		end = s->offset + s->size;
		sum += s->size;
	}
	return sum == t->content ? 0 : fail(e);
}
