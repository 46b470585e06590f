/* csv.h - one record of comma-separated values.                                    (fmt/, may include base)
 *
 * Pure. The dialect is that of Go's encoding/csv (RFC 4180), which docker and podman read --mount with: a field that begins with a
 * quotation mark ends with one and may hold commas; two of them inside stand for one.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Splits text into fields, copied into the arena. ERR_USAGE says what is wrong, without the text: callers add it. */
int csv_split(const char *text, Arena *a, StrList *ret, Err *e);
