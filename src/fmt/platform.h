/* platform.h - what machine an image is for, and which of several images suits one.                 (fmt/, may include base)
 *
 * Ownership: strings are borrowed, or live in the arena.
 * Source:    image-spec image-index.md ("Platform Variants"); names are Go's, GOOS and GOARCH. Other names of the same machine (x86_64, aarch64,
 *            armhf), as docker's --platform takes them, become these.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct Platform {
	const char *os, *arch;
	const char *variant; /* NULL: none; of arm64 "v8" and of amd64 "v1" are none */
} Platform;

/* "linux/arm/v7", "linux/amd64", "arm64": an OS alone or an architecture alone takes the rest from `host`. ERR_USAGE. */
int platform_parse(const char *text, const Platform *host, Arena *a, Platform *ret, Err *e);

/* uname(2)'s machine as a platform: "x86_64" is linux/amd64. An unknown one keeps its name. */
Platform platform_of_machine(const char *machine);

/* The same platform with Go's names. */
Platform platform_normal(Platform p, Arena *a);

/* How well an image for `offered` runs on `wanted`: 0 not at all; else the higher the better. An ARM of version n runs what was made for
 * lower ones, down to 5; an amd64 of level n likewise. Both normal. */
unsigned platform_match(const Platform *wanted, const Platform *offered);

/* "linux/arm/v7" */
char *platform_text(const Platform *p, Arena *a);
