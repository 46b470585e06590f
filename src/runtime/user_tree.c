#include "runtime/user_tree.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/tree.h"
#include "kern/tree_chown.h"
#include "kern/userns.h"
#include "runtime/facts.h"
#include "runtime/userns_maps.h"

/* What a child is to do in the namespace. It shares this with us, to say how it went. */
typedef struct Job {
	int (*task)(const struct Job *job, Err *e);
	const char *path; /* for removing */
	int fd;           /* for giving away, with the owner as the namespace numbers him */
	uid_t uid;
	gid_t gid;
	bool is_done;
	int result;
	Err error;
} Job;

static int job_remove(const Job *job, Err *e)
{
	(void)e;
	(void)tree_remove(job->path, NULL); /* what stays is named outside */
	return 0;
}

static int job_chown(const Job *job, Err *e)
{
	return tree_chown(job->fd, job->uid, job->gid, e);
}

static void job_do(void *arg)
{
	Job *job = arg;
	job->result = job->task(job, &job->error);
	job->is_done = true;
}

/* The ids of the host that the namespace has, in its order: our own is its root. */
static IdRanges ids_in_order(uint32_t own, const IdRanges *all, Arena *a)
{
	IdRange own_range = { own, 1 };
	const IdRanges own_ranges = { &own_range, 1 };
	IdRanges others = id_ranges_subtract(a, all, &own_ranges), r = { 0 };
	id_ranges_add(a, &r, own, 1);
	for (size_t i = 0; i < others.count; i++)
		id_ranges_add(a, &r, others.items[i].start, others.items[i].size);
	return r;
}

/* The text for uid_map or gid_map. */
static const char *map_text(const IdRanges *ids, Arena *a)
{
	const char *text = "";
	uint32_t next = 0;
	for (size_t i = 0; i < ids->count; i++) {
		text = arena_printf(a, "%s%u %u %u\n", text, next, ids->items[i].start,
				    ids->items[i].size);
		next += ids->items[i].size;
	}
	return text;
}

/* The number that an id of the host has in the namespace; one that it lacks stays as it is, and is refused there. */
static uint32_t inner_id(const IdRanges *ids, uint32_t id)
{
	uint32_t next = 0;
	for (size_t i = 0; i < ids->count; i++) {
		if (id - ids->items[i].start < ids->items[i].size)
			return next + (id - ids->items[i].start);
		next += ids->items[i].size;
	}
	return id;
}

static int maps_write(pid_t pid, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e)
{
	HostFacts f = { 0 };
	host_facts_id_helpers("", a, &f);
	if (!f.newuidmap)
		return err_make(e, ERR_STATE, EPERM, "%s", f.no_id_helpers);
	const UsernsMaps m = {
		.uid_map = map_text(uids, a),
		.gid_map = map_text(gids, a),
		.newuidmap = f.newuidmap,
		.newgidmap = f.newgidmap,
	};
	return userns_maps_write(&m, pid, a, e);
}

static int do_in_namespace(Job *job, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e)
{
	UsernsChild child;
	TRY(userns_child_make(job_do, job, &child, e));
	int r = maps_write(child.pid, uids, gids, a, e);
	int told = userns_child_end(&child, r == 0, r < 0 ? NULL : e);
	TRY(r);
	TRY(told);
	if (!job->is_done)
		return err_make(e, ERR_STATE, ECONNRESET,
				"the process that does it with the container's ids ended too early");
	if (job->result < 0)
		*e = job->error;
	return job->result;
}

/* For who was refused, which e says already; refused is that error's number. */
static int do_with_ids(const Job *wanted, int refused, const IdRanges *uids, const IdRanges *gids,
		       Arena *a, Err *e)
{
	if ((refused != -EACCES && refused != -EPERM) || geteuid() == 0)
		return refused;
	const IdRanges own_uids = ids_in_order(geteuid(), uids, a);
	const IdRanges own_gids = ids_in_order(getegid(), gids, a);
	if (own_uids.count == 1 && own_gids.count == 1) /* nothing is gained */
		return refused;
	Job *job = mmap(NULL, sizeof *job, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job == MAP_FAILED)
		return err_sys(e, "get memory");
	*job = *wanted;
	job->uid = inner_id(&own_uids, wanted->uid);
	job->gid = inner_id(&own_gids, wanted->gid);
	int r = do_in_namespace(job, &own_uids, &own_gids, a, e);
	(void)munmap(job, sizeof *job);
	return r;
}

int user_tree_remove(const char *path, const IdRanges *uids, const IdRanges *gids, Arena *a, Err *e)
{
	const Job job = { .task = job_remove, .path = path, .fd = FD_NONE };
	int r = tree_remove(path, e);
	if (r == 0)
		return 0;
	TRY(do_with_ids(&job, r, uids, gids, a, e));
	return tree_remove(path, e); /* what is ours alone, above all the directory itself */
}

int user_tree_chown(int fd, uid_t uid, gid_t gid, const IdRanges *uids, const IdRanges *gids,
		    Arena *a, Err *e)
{
	const Job job = { .task = job_chown, .fd = fd, .uid = uid, .gid = gid };
	int r = tree_chown(fd, uid, gid, e);
	return r < 0 ? do_with_ids(&job, r, uids, gids, a, e) : 0;
}
