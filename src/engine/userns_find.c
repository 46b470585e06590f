#include "engine/userns_find.h"

#include <unistd.h>

#include "base/log.h"
#include "runtime/claims.h"
#include "runtime/sweep.h"

/* How many ids there must be, unless that is said. */
static int size_find(const Userns *u, const RunContext *c, UsernsHost *h, Err *e)
{
	uint32_t highest;
	if (u->option.size > 0)
		return 0;
	TRY(user_find_highest_id(c->root_fd, c->arena, &highest, e));
	highest = c->user.uid > highest ? c->user.uid : highest;
	highest = c->user.gid > highest ? c->user.gid : highest;
	return userns_auto_size(highest, &h->auto_size, e);
}

/* Which ids others have. The dead give theirs back first. */
static int used_find(const char *state_dir, bool only_look, State *state, Arena *a, UsernsHost *h,
		     Err *e)
{
	if (only_look && access(state_dir, F_OK) < 0)
		return 0;
	TRY(state_open(state_dir, a, state, e));
	if (!only_look)
		sweep_all(state, NULL, log_warn, a);
	TRY(state_ids_lock(state, e));
	return claims_read(state, a, &h->used_uids, &h->used_gids, e);
}

int userns_find(const Userns *u, const char *state_dir, bool only_look, State *state, RunContext *c,
		Err *e)
{
	SubidFiles files;
	UsernsHost h = { .facts = c->facts, .files = &files };
	TRY(subid_files_read("", userns_needs_files(u, c->facts), c->arena, &files, e));
	if (userns_is_auto(u)) {
		TRY(size_find(u, c, &h, e));
		TRY(used_find(state_dir, only_look, state, c->arena, &h, e));
	}
	TRY(userns_choose(u, &h, c->arena, &c->ids, e));
	for (size_t i = 0; i < c->ids.warnings.count; i++)
		log_warn("%s", c->ids.warnings.items[i]);
	if (c->ids.idmap_root && !c->root_idmap)
		c->root_idmap = "idmap";
	return 0;
}
