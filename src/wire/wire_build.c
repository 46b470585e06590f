#include "wire/wire_build.h"

#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "build_id.h"
#include "kern/memfd.h"
#include "wire/layout.h"

void wire_build_init(WireBuild *b, Arena *a)
{
	*b = (WireBuild){ .arena = a, .strings_len = 1, .strings_cap = 4096 };
	b->strings = arena_alloc(a, b->strings_cap); /* offset 0 is the empty string that means "none" */
	memcpy(b->head.magic, WIRE_MAGIC, sizeof b->head.magic);
	memcpy(b->head.build_id, BUILD_ID, sizeof BUILD_ID);
	b->head.root_fd = b->head.idmap_fd = b->head.timeline_fd = b->head.start_fd =
		b->head.hook_output_fd = b->head.hook_error_fd = FD_NONE;
}

WireStr wire_add_str(WireBuild *b, const char *s)
{
	if (!s)
		return 0;
	size_t len = strlen(s) + 1;
	if (b->strings_cap - b->strings_len < len) {
		size_t cap = b->strings_cap;
		while (cap - b->strings_len < len)
			cap *= 2;
		char *bigger = arena_alloc(b->arena, cap);
		memcpy(bigger, b->strings, b->strings_len);
		b->strings = bigger;
		b->strings_cap = cap;
	}
	size_t at = b->strings_len;
	memcpy(b->strings + at, s, len);
	b->strings_len += len;
	return at <= UINT32_MAX ? (WireStr)at : UINT32_MAX; /* too long a plan is refused by wire_finish() */
}

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

int wire_finish(WireBuild *b, void **ret_image, size_t *ret_size, Err *e)
{
	size_t size = sizeof(WirePlan);
#define LIST_SIZE(name, type) size += align8(b->name##_count * sizeof(type));
	WIRE_LISTS(LIST_SIZE)
#undef LIST_SIZE
	size += b->strings_len;
	if (size > LIMIT_WIRE_BYTES)
		return err_make(e, ERR_SPEC, E2BIG,
				"arguments, environment and mounts need %zu bytes, more than the %u allowed",
				size, LIMIT_WIRE_BYTES);

	char *image = arena_alloc(b->arena, size);
	size_t at = sizeof(WirePlan);
#define LIST_COPY(name, type)                                                                    \
	b->head.name = (WireList){ .offset = (uint32_t)at, .count = (uint32_t)b->name##_count }; \
	if (b->name##_count > 0)                                                                 \
		memcpy(image + at, b->name, b->name##_count * sizeof(type));                     \
	at += align8(b->name##_count * sizeof(type));
	WIRE_LISTS(LIST_COPY)
#undef LIST_COPY
	memcpy(image + at, b->strings, b->strings_len);
	b->head.strings_offset = (uint32_t)at;
	b->head.strings_size = (uint32_t)b->strings_len;
	b->head.size = (uint32_t)size;
	memcpy(image, &b->head, sizeof b->head);
	*ret_image = image;
	*ret_size = size;
	return 0;
}

int wire_seal(const void *image, size_t size, int *ret_fd, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	TRY(memfd_open("mydocker-plan", false, &fd, e));
	TRY(fd_write_all(fd, image, size, "the wire plan", e));
	TRY(memfd_seal(fd, "mydocker-plan", e));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
