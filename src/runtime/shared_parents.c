#include "runtime/shared_parents.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "runtime/record.h"

DEFINE_AUTO(DIR *, closedir, NULL)

/* A record that cannot be read names nothing: the sweep warns of it. */
static void on_record_add(State *s, const char *id, Arena *a, StrList *list)
{
	Record r;
	AUTO(fd_close)
	int fd = openat(s->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || record_read(fd, a, &r, NULL) < 0)
		return;
	for (size_t i = 0; i < r.parents.count; i++)
		strlist_add(a, list, r.parents.items[i]);
}

/* The parents that any container has on record. */
static int on_record(State *s, Arena *a, StrList *ret, Err *e)
{
	int fd = openat(s->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closedir) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		int r = err_sys(e, "list %s/containers", s->path);
		fd_close_auto(&fd);
		return r;
	}
	struct dirent *entry;
	while (errno = 0, (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			on_record_add(s, entry->d_name, a, ret);
	return errno ? err_sys(e, "list %s/containers", s->path) : 0;
}

static void group_parents_add(const PlanGroup *g, const StrList *known, Arena *a, StrList *ret)
{
	for (const char *p = strchr(g->dir + strlen(g->top) + 1, '/'); p; p = strchr(p + 1, '/')) {
		const char *parent = arena_strndup(a, g->dir, (size_t)(p - g->dir));
		if (strlist_has(known, parent) || access(parent, F_OK) < 0)
			strlist_add(a, ret, parent);
	}
}

int shared_parents_find(State *s, const Plan *p, Arena *a, StrList *ret, Err *e)
{
	StrList known = { 0 }, found = { 0 };
	if (!p->remove_parents)
		return 0;
	TRY(on_record(s, a, &known, e));
	for (size_t i = 0; i < p->groups_count; i++)
		if (!p->groups[i].parents_stay)
			group_parents_add(&p->groups[i], &known, a, &found);
	*ret = found;
	return 0;
}
