/* userns_find.h - the ids of a container on this very host: userns_choose() with all that it needs.   (engine/)
 *
 * Runs in:   the engine, before anything is made, but for --userns auto: its ids are part of the plan, and nobody else may choose until
 *            they are on record. It opens the state directory, clears away what dead engines have left, and holds state_ids_lock().
 */
#pragma once
#include "engine/spec_fill.h"
#include "runtime/state.h"

/* Fills in c->ids, and c->root_idmap where these are to show in the root's files, too. With only_look nothing is made or cleared
 * away. *state is open afterwards where it had to be; who writes the record calls state_ids_unlock() then. */
int userns_find(const Userns *u, const char *state_dir, bool only_look, State *state, RunContext *c,
		Err *e);
