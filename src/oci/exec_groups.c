#include "oci/exec_groups.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kern/cgroup_members.h"
#include "kern/mountinfo.h"

/* The hierarchy that a directory is in. */
static const HostCgroup *hierarchy_of(const HostFacts *f, const char *dir)
{
	for (size_t i = 0; i < f->cgroups_count; i++)
		if (path_is_below(dir, f->cgroups[i].mountpoint))
			return &f->cgroups[i];
	return NULL;
}

static bool hands_controllers_on(const char *dir, Arena *a)
{
	char text[512];
	const char *file = arena_printf(a, "%s/cgroup.subtree_control", dir);
	return fd_read_text_at(AT_FDCWD, file, text, sizeof text) > 0;
}

/* The "0::PATH" of /proc/PID/cgroup. */
static const char *group_of_init(const OciContainer *c, const HostCgroup *h, Arena *a)
{
	char *text;
	const char *file = arena_printf(a, "/proc/%d/cgroup", (int)c->pid);
	if (mountinfo_read(file, a, &text, NULL) < 0)
		return NULL;
	for (char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		const char *path = str_after(line, "0::");
		if (path)
			return arena_printf(a, "%s%.*s", h->mountpoint, (int)(end - path), path);
	}
	return NULL;
}

static const char *own_group(const OciContainer *c, const HostFacts *f, const char *dir, Arena *a)
{
	const HostCgroup *h = hierarchy_of(f, dir);
	const char *other = h && h->is_v2 && hands_controllers_on(dir, a) ? group_of_init(c, h, a)
									  : NULL;
	return other && path_is_below(other, dir) ? other : dir;
}

/* "cpu,memory:PATH" asks for the hierarchies that have these controllers, "PATH" for all. */
static bool is_for(const char *asked, const HostCgroup *h, Arena *a)
{
	const char *colon = strchr(asked, ':');
	if (!colon)
		return true;
	if (!h)
		return false;
	StrList words = str_split(a, arena_strndup(a, asked, (size_t)(colon - asked)), ',');
	StrList has = str_split(a, h->controllers, h->is_v2 ? ' ' : ',');
	for (size_t i = 0; i < words.count; i++)
		if (strlist_has(&has, words.items[i]))
			return true;
	return false;
}

static bool is_known(const HostFacts *f, const char *controller, Arena *a)
{
	for (size_t i = 0; i < f->cgroups_count; i++) {
		StrList has = str_split(a, f->cgroups[i].controllers, f->cgroups[i].is_v2 ? ' ' : ',');
		if (strlist_has(&has, controller))
			return true;
	}
	return false;
}

/* runc's words, here and below. */
static int check(const char *asked, const HostFacts *f, Arena *a, Err *e)
{
	const char *colon = strchr(asked, ':');
	StrList parts = str_split(a, colon ? colon + 1 : asked, '/');
	if (strlist_has(&parts, ".."))
		return err_make(e, ERR_USAGE, 0, "bad sub cgroup path: %s is not a sub cgroup path",
				asked);
	if (!colon)
		return 0;
	StrList words = str_split(a, arena_strndup(a, asked, (size_t)(colon - asked)), ',');
	for (size_t i = 0; i < words.count; i++)
		if (!is_known(f, words.items[i], a))
			return err_make(e, ERR_USAGE, 0, "unknown controller %s in --cgroup %s",
					words.items[i], asked);
	return 0;
}

static int check_there(const char *dir, Err *e)
{
	if (access(dir, F_OK) == 0)
		return 0;
	if (errno == ENOENT)
		return err_make(e, ERR_NOT_FOUND, 0,
				"error adding pid of the process to cgroups: %s/cgroup.procs: no such file or directory",
				dir);
	return err_sys(e, "look at the group %s", dir);
}

int oci_exec_groups(const OciContainer *c, const HostFacts *f, const StrList *asked, Arena *a,
		    StrList *ret, Err *e)
{
	StrList dirs = { 0 };
	for (size_t k = 0; k < asked->count; k++)
		TRY(check(asked->items[k], f, a, e));
	for (size_t i = 0; i < c->record.groups.count; i++) {
		const char *own = c->record.groups.items[i], *dir = own_group(c, f, own, a);
		const HostCgroup *h = hierarchy_of(f, own);
		for (size_t k = 0; k < asked->count; k++) {
			const char *colon = strchr(asked->items[k], ':');
			const char *path = path_clean(a, colon ? colon + 1 : asked->items[k]);
			if (is_for(asked->items[k], h, a))
				dir = strcmp(path, "/") == 0 ? own : arena_printf(a, "%s%s", own, path);
		}
		if (asked->count > 0)
			TRY(check_there(dir, e));
		strlist_add(a, &dirs, dir);
	}
	*ret = dirs;
	return 0;
}
