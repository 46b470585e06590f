#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNK_MIN ((size_t)64 << 10)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define ALIGNMENT _Alignof(max_align_t)

struct ArenaChunk {
	ArenaChunk *older;
	_Alignas(max_align_t) char data[];
};

static _Noreturn void out_of_memory(size_t size)
{
	char text[64];
	int len = snprintf(text, sizeof text, "mydocker: out of memory: %zu bytes\n", size);
	/* Not by stdio, whose stderr would come into init with this file. Nowhere is left to say that it failed. */
	ssize_t written = write(STDERR_FILENO, text, (size_t)len);
	(void)written;
	abort();
}

void arena_done(Arena *a)
{
	for (ArenaChunk *c = a->chunks; c;) {
		ArenaChunk *older = c->older;
		free(c);
		c = older;
	}
	*a = ARENA_EMPTY;
}

static void chunk_add(Arena *a, size_t size)
{
	size_t room = size > CHUNK_MIN ? size : CHUNK_MIN;
	ArenaChunk *c = calloc(1, sizeof(ArenaChunk) + room);
	if (!c)
		out_of_memory(room);
	if (room == CHUNK_MIN) /* most of it will be used: one call is cheaper than so many page faults */
		(void)madvise((void *)((uintptr_t)c->data & ~(uintptr_t)4095), CHUNK_MIN,
			      MADV_POPULATE_WRITE); /* for speed alone; Linux 5.14 */
	c->older = a->chunks;
	a->chunks = c;
	a->next = c->data;
	a->end = c->data + room;
}

void arena_reserve(Arena *a, size_t size)
{
	if (!a->chunks || (size_t)(a->end - a->next) < size)
		chunk_add(a, size);
}

void *arena_alloc(Arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!a->chunks || (size_t)(a->end - a->next) < size)
		chunk_add(a, size);
	void *p = a->next;
	a->next += size;
	a->used += size;
	return p;
}

void *arena_alloc_array(Arena *a, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory(SIZE_MAX);
	return arena_alloc(a, total);
}

char *arena_strndup(Arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);
	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(Arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(Arena *a, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		out_of_memory(0);
	char *s = arena_alloc(a, (size_t)n + 1);
	(void)vsnprintf(s, (size_t)n + 1, fmt, ap); /* measured just above */
	return s;
}

char *arena_printf(Arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

void *arena_grow(Arena *a, void **items, size_t *count, size_t size)
{
	size_t n = *count;
	if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
		void *bigger = arena_alloc_array(a, n < 4 ? 4 : 2 * n, size);
		if (n > 0)
			memcpy(bigger, *items, n * size);
		*items = bigger;
	}
	*count = n + 1;
	return (char *)*items + n * size;
}
