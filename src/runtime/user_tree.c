#include "runtime/user_tree.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/process.h"
#include "kern/tree.h"
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

/* The child, which holds every capability in its user namespace. Its maps are written when a byte comes. */
static _Noreturn void remove_when_told(int in, int out, const char *path)
{
	char told;
	fd_close(out);
	if (fd_read_up_to(in, &told, 1) == 1)
		(void)tree_remove(path, NULL); /* what stays is the parent's to name */
	_exit(0);
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
	int ends[2];
	ProcessEnd end;
	AUTO(fd_close) int pidfd = FD_NONE;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int in = ends[0];
	AUTO(fd_close) int out = ends[1];
	pid_t pid = process_clone(CLONE_NEWUSER, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0)
		remove_when_told(in, out, path);
	int r = maps_write(pid, uids, gids, a, e);
	if (r == 0)
		r = fd_write_all(out, "x", 1, "a pipe", e);
	fd_close(TAKE_FD(out));
	(void)process_wait(pidfd, &end, NULL); /* how it ended is seen by what it left */
	return r;
}

int user_tree_remove(const char *path, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e)
{
	int r = tree_remove(path, e);
	if ((r != -EACCES && r != -EPERM) || geteuid() == 0 || uids->count == 0)
		return r;
	TRY(remove_with_ids(path, uids, gids, a, e));
	return tree_remove(path, e); /* what is ours alone, above all the directory itself */
}
