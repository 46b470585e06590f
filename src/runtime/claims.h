/* claims.h - which ids of the host the containers on record have for themselves.            (runtime/, may include base fmt kern)
 *
 * Runs in:   the engine, under state_ids_lock(), so that what it finds free stays free until its own record is written.
 * Theory:    there is no list of its own to disagree with the containers: a range is taken as long as a record names it, and free again
 *            when that record is gone, after a crash by the sweep.
 */
#pragma once
#include "base/id_range.h"
#include "runtime/state.h"

/* A record that is damaged, or is going right now, claims nothing: the sweep tells of it. */
int claims_read(State *s, Arena *a, IdRanges *ret_uids, IdRanges *ret_gids, Err *e);
