#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "runtime/facts_parts.h"

DEFINE_AUTO(DIR *, closedir, NULL)

/* Gone meanwhile, or the root of a mount that lets nobody look (another user's FUSE, a server that is away): the container does without. */
static bool is_out_of_reach(int error)
{
	return error == ENOENT || error == EACCES || error == ENOTCONN || error == ESTALE;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const HostEntry *)a)->path, ((const HostEntry *)b)->path);
}

static int entry_add(const Probe *p, int at, const char *name, Err *e)
{
	struct stat st;
	char link[PATH_MAX];
	HostEntry entry = { .path = arena_printf(p->arena, "/%s", name) };
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return is_out_of_reach(errno) ? 0 : err_sys(e, "look at %s", entry.path);
	entry.is_dir = S_ISDIR(st.st_mode);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(at, name, link, sizeof link);
		if (n < 0)
			return is_out_of_reach(errno) ? 0 : err_sys(e, "read the link %s", entry.path);
		entry.link = arena_strndup(p->arena, link, (size_t)n);
	}
	if (entry.is_dir || S_ISREG(st.st_mode) || entry.link)
		*arena_push(p->arena, &p->facts->entries, &p->facts->entries_count, HostEntry) = entry;
	return 0;
}

static void find_mounts(HostFacts *f, const MountInfo *mounts, size_t count)
{
	for (size_t i = 0; i < f->entries_count; i++)
		for (size_t k = 0; k < count; k++)
			f->entries[i].has_mounts |= path_is_below(mounts[k].mountpoint,
								  f->entries[i].path) &&
						    strcmp(mounts[k].mountpoint, f->entries[i].path) != 0;
}

int probe_entries(const Probe *p, const MountInfo *mounts, size_t count, Err *e)
{
	AUTO(closedir) DIR *d = opendir(probe_path(p, "/"));
	if (!d)
		return err_sys(e, "list the host's root directory");
	HostFacts *f = p->facts;
	struct dirent *entry;
	while (errno = 0, (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			TRY(entry_add(p, dirfd(d), entry->d_name, e));
	if (errno)
		return err_sys(e, "list the host's root directory");
	if (f->entries_count > 0)
		qsort(f->entries, f->entries_count, sizeof *f->entries, by_path);
	find_mounts(f, mounts, count);
	return 0;
}
