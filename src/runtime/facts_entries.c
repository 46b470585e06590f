#include <dirent.h>
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

static const char *link_text(int at, const char *name, Arena *a)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(at, name, text, sizeof text);
	return n > 0 && (size_t)n < sizeof text ? arena_strndup(a, text, (size_t)n) : NULL;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const HostEntry *)a)->path, ((const HostEntry *)b)->path);
}

/* Of a file system that does not tell the type (DT_UNKNOWN) an entry is asked itself; one that is just gone is left out. */
static void entry_add(const Probe *p, int at, const char *name)
{
	struct stat st;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	HostEntry entry = { .path = arena_printf(p->arena, "/%s", name), .is_dir = S_ISDIR(st.st_mode) };
	if (S_ISLNK(st.st_mode))
		entry.link = link_text(at, name, p->arena);
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode) || entry.link)
		*arena_push(p->arena, &p->facts->entries, &p->facts->entries_count, HostEntry) = entry;
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
			entry_add(p, dirfd(d), entry->d_name);
	if (errno)
		return err_sys(e, "list the host's root directory");
	if (f->entries_count > 0)
		qsort(f->entries, f->entries_count, sizeof *f->entries, by_path);
	find_mounts(f, mounts, count);
	return 0;
}
