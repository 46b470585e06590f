/* wire_build.h - how the parent makes a wire plan.                                       (wire/, may include base and kern)
 *
 * Runs in:   the parent; pure but for wire_seal().
 * Ownership: a WireBuild and the image live in the caller's arena; the sealed descriptor is the caller's.
 */
#pragma once
#include "base/arena.h"
#include "wire/wire.h"

typedef struct WireBuild {
	Arena *arena;
	WirePlan head; /* scalars are set here */
	char *strings;
	size_t strings_len, strings_cap;
#define WIRE_BUILD_MEMBER(name, type) \
	type *name;                   \
	size_t name##_count;
	WIRE_LISTS(WIRE_BUILD_MEMBER)
#undef WIRE_BUILD_MEMBER
} WireBuild;

void wire_build_init(WireBuild *b, Arena *a);
WireStr wire_add_str(WireBuild *b, const char *s); /* NULL gives 0 */
#define wire_add(b, list, type) (arena_push((b)->arena, &(b)->list, &(b)->list##_count, type))

/* Lays the image out in the arena. -E2BIG (ERR_SPEC) beyond LIMIT_WIRE_BYTES. */
int wire_finish(WireBuild *b, void **ret_image, size_t *ret_size, Err *e);

/* Writes an image to a new sealed memfd (close-on-exec). */
int wire_seal(const void *image, size_t size, int *ret_fd, Err *e);
