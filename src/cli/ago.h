/* ago.h - how long ago something was, as docker says it.                                          (cli/)
 *
 * Source:    go-units HumanDuration: "Less than a second", "5 seconds", "About a minute", "3 weeks"; what it calls an hour or a month.
 */
#pragma once
#include <stdint.h>

#include "base/arena.h"

/* Seconds since 1970 of RFC 3339's "2024-05-01T12:00:00.5Z" or "...+02:00"; fractions are dropped. -EINVAL: it is none. */
int ago_parse(const char *text, int64_t *ret);

/* "3 weeks ago"; "N/A" for an empty text or one that is no time, as docker has it. */
const char *ago_text(Arena *a, const char *created, int64_t now);
