#include "runtime/user_tree.h"

#include <unistd.h>

#include "kern/tree.h"
#include "kern/userns.h"
#include "runtime/facts.h"
#include "runtime/userns_maps.h"

/* The text for uid_map or gid_map: our own id, then the others, in any order. */
static const char *map_text(uint32_t own, const IdRanges *others, Arena *a)
{
	const IdRange own_range = { own, 1 };
	const IdRanges own_ranges = { (IdRange *)(uintptr_t)&own_range, 1 };
	IdRanges rest = id_ranges_subtract(a, others, &own_ranges);
	const char *text = arena_printf(a, "0 %u 1\n", own);
	uint32_t next = 1;
	for (size_t i = 0; i < rest.count; i++) {
		text = arena_printf(a, "%s%u %u %u\n", text, next, rest.items[i].start,
				    rest.items[i].size);
		next += rest.items[i].size;
	}
	return text;
}

static void remove_all(void *path)
{
	(void)tree_remove(path, NULL); /* what stays is the parent's to name */
}

static int maps_write(pid_t pid, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e)
{
	HostFacts f = { 0 };
	host_facts_id_helpers("", a, &f);
	if (!f.newuidmap)
		return err_make(e, ERR_STATE, EPERM, "%s", f.no_id_helpers);
	const UsernsMaps m = {
		.uid_map = map_text(geteuid(), uids, a),
		.gid_map = map_text(getegid(), gids, a),
		.newuidmap = f.newuidmap,
		.newgidmap = f.newgidmap,
	};
	return userns_maps_write(&m, pid, a, e);
}

static int remove_with_ids(const char *path, const IdRanges *uids, const IdRanges *gids, Arena *a,
			   Err *e)
{
	UsernsChild child;
	TRY(userns_child_make(remove_all, arena_strdup(a, path), &child, e));
	int r = maps_write(child.pid, uids, gids, a, e);
	int told = userns_child_end(&child, r == 0, r < 0 ? NULL : e);
	return r < 0 ? r : told;
}

int user_tree_remove(const char *path, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e)
{
	int r = tree_remove(path, e);
	if ((r != -EACCES && r != -EPERM) || geteuid() == 0 || uids->count == 0)
		return r;
	TRY(remove_with_ids(path, uids, gids, a, e));
	return tree_remove(path, e); /* what is ours alone, above all the directory itself */
}
