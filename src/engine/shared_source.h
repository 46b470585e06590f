/* shared_source.h - may a volume share mounts with the host as it was asked to?                (engine/)
 *
 * Runs in:   the engine, before anything is made. Looks at the host's mounts, but only for a volume that wants to.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* A volume that is "shared" must lie on a shared mount of the host, one that is "slave" on a shared one or a slave: else nothing would come
 * in or go out. Out of a user namespace nothing goes at all. ERR_USAGE says what to do. A source that is missing is not looked at. */
int shared_source_check(const SpecMount *m, bool in_userns, Arena *a, Err *e);
