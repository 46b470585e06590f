#include "runtime/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "kern/cgroup.h"
#include "kern/process.h"
#include "runtime/host_root.h"
#include "runtime/rdt.h"
#include "runtime/record.h"
#include "runtime/systemd.h"
#include "runtime/user_tree.h"

DEFINE_AUTO(DIR *, closedir, NULL)

#define KILL_MS 200 /* that a killed process has to end; commands wait for us */

/* The command's process, if it is still that one: same boot, same pid, same start time. */
static int process_end(int dir_fd, const Record *r, Arena *a, Err *e)
{
	RecordProcess p;
	uint64_t start = 0;
	char boot[BOOT_ID_SIZE];
	AUTO(fd_close) int pidfd = FD_NONE;
	TRY(boot_id(boot, e));
	if (strcmp(boot, r->boot_id) != 0)
		return 0; /* of another boot: it is gone, whoever has its number now */
	int n = record_read_process(dir_fd, a, &p, e);
	if (n < 0)
		return n == -ENOENT ? 0 : n; /* there was none yet, or the groups reach it */
	n = process_open(p.pid, &pidfd, e);
	if (n < 0)
		return n == -ESRCH ? 0 : n;
	n = process_start_time(p.pid, &start);
	if (n == 0 && start != p.start_time)
		return 0; /* somebody else has its number */
	if (n == 0)
		n = process_signal(pidfd, SIGKILL);
	if (n == -ESRCH)
		return 0;
	if (n < 0)
		return err_make(e, ERR_SYS, -n, "kill process %d", (int)p.pid);
	if (process_has_ended(pidfd, KILL_MS))
		return 0;
	return err_make(e, ERR_STATE, 0, "process %d is killed but hangs in the kernel", (int)p.pid);
}

static bool has_groups(const Record *r)
{
	for (size_t i = 0; i < r->groups.count; i++)
		if (access(r->groups.items[i], F_OK) == 0)
			return true;
	return false;
}

/* Without a group it is gone, or about to be, whether its systemd can still be asked or not: a user's ends with his last session. */
static int unit_end(const Record *r, Arena *a, Err *e)
{
	if (!r->unit)
		return 0;
	int n = systemd_stop_unit(r->is_user_unit, r->unit, a, e);
	return n < 0 && has_groups(r) ? n : 0;
}

static int groups_end(const Record *r, Arena *a, Err *e)
{
	int failed = 0;
	for (size_t i = 0; i < r->groups.count; i++) {
		int n = cgroup_kill(r->groups.items[i], e);
		failed = failed < 0 ? failed : n;
	}
	int stopped = unit_end(r, a, e);
	failed = failed < 0 ? failed : stopped;
	for (size_t i = 0; i < r->groups.count; i++) {
		int n = cgroup_remove(r->groups.items[i], e);
		failed = failed < 0 ? failed : n;
	}
	for (size_t i = r->parents.count; i > 0; i--) {
		int n = cgroup_remove_unused(r->parents.items[i - 1], e);
		failed = failed < 0 ? failed : n;
	}
	return failed;
}

static int overlay_end(const Record *r, Arena *a, Err *e)
{
	return r->overlay_dir ? user_tree_remove(r->overlay_dir, &r->uids, &r->gids, a, e) : 0;
}

static int name_end(State *s, const char *name, const char *id, Err *e)
{
	int n = state_name_give(s, name, id);
	return n < 0 ? err_make(e, ERR_SYS, -n, "give the name '%s' back", name) : 0;
}

/* The order is that of making, reversed; the directory with the record goes last, so that a sweep that is killed is swept again. */
static int container_end(State *s, ContainerDir *d, Arena *a, Err *e)
{
	Record r;
	int n = record_read(d->fd, a, &r, e);
	if (n < 0 && n != -ENOENT)
		return n;
	if (n == 0) {
		TRY(process_end(d->fd, &r, a, e));
		TRY(groups_end(&r, a, e));
		TRY(rdt_remove_recorded(&r, e));
		TRY(host_root_remove(r.host_root, r.host_root_below, a, e));
		TRY(overlay_end(&r, a, e));
		if (r.name)
			TRY(name_end(s, r.name, d->id, e));
	}
	return state_remove(s, d, e);
}

static int sweep(State *s, const char *id, SweepLog say, Arena *a)
{
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	AUTO(container_dir_close) ContainerDir d = CONTAINER_DIR_NONE;
	int r = state_lock(s, id, a, &d, &e);
	if (r == -ENOENT)
		return 0;
	if (r == -EBUSY)
		return r;
	if (r == 0)
		r = container_end(s, &d, a, &e);
	if (r < 0)
		say("clean up after container %.12s: %s", id, err_text(&e, text, sizeof text));
	else
		log_debug("cleaned up after container %.12s, whose engine had died", id);
	return r;
}

int sweep_one(State *s, const char *id, Arena *a)
{
	return sweep(s, id, log_warn, a);
}

void sweep_all(State *s, const char *own_id, SweepLog say, Arena *a)
{
	int fd = openat(s->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closedir) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		say("list %s/containers: %s", s->path, strerror(errno));
		fd_close_auto(&fd);
		return;
	}
	struct dirent *entry;
	while (errno = 0, (entry = readdir(d)))
		if (entry->d_name[0] != '.' && !str_eq(entry->d_name, own_id))
			(void)sweep(s, entry->d_name, say, a); /* says itself what failed */
	if (errno)
		say("list %s/containers: %s", s->path, strerror(errno));
}
