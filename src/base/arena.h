/* arena.h - memory that is freed whole: one arena for each document and each plan.           (base/, used by all)
 *
 * Ownership: everything allocated from an arena belongs to it; pointers are valid until arena_done().
 * Limits:    the size of what is built is limited by limits on its input (limits.h), not here; when the system is out of memory the
 *            process says so and aborts. An abort is a crash like any other: what was recorded first is cleaned by the next command.
 * Not for:   anything after clone, and the shim: those do not allocate.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ArenaChunk ArenaChunk;
typedef struct Arena {
	ArenaChunk *chunks;
	char *next, *end;
	size_t used; /* bytes handed out, for tests and --debug */
} Arena;
#define ARENA_EMPTY ((Arena){ 0 })

/* Frees all; the arena is empty and usable again. */
void arena_done(Arena *a);
static inline void arena_done_auto(Arena *a)
{
	arena_done(a);
}

/* Takes room for `size` bytes at once, for a job whose size is known. Pages that stay untouched cost nothing. */
void arena_reserve(Arena *a, size_t size);

/* Zeroed memory, aligned for any type. Never NULL; size 0 gives a valid pointer. */
void *arena_alloc(Arena *a, size_t size);

/* A zeroed array; aborts when count * size overflows. */
void *arena_alloc_array(Arena *a, size_t count, size_t size);
#define arena_new(a, T)          ((T *)arena_alloc((a), sizeof(T)))
#define arena_new_array(a, n, T) ((T *)arena_alloc_array((a), (n), sizeof(T)))

char *arena_strdup(Arena *a, const char *s);
char *arena_strndup(Arena *a, const char *s, size_t len); /* copies len bytes and adds a NUL */
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(Arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Grows a list by one: returns the address of the new zeroed last element, moving *items in the arena when its capacity (a power
 * of two, derived from *count) is full. Use: *arena_push(a, &list.items, &list.count, Item) = (Item){ ... }; */
void *arena_grow(Arena *a, void **items, size_t *count, size_t size);
#define arena_push(a, items, count, T) \
	((T *)arena_grow((a), (void **)(1 ? (items) : (T **)0), (count), sizeof(T)))
