#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "base/num.h"
#include "base/str.h"
#include "kern/mountinfo.h"
#include "runtime/facts.h"

/* The caller's PATH has no say: these programs are trusted with what they print and what they leave undone. */
static const char *const places[] = { "/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin" };

/* Set-user-ID, or with a capability of its own, as some distributions have it; and not on a mount that takes both away. */
static const char *why_powerless(const char *path, const struct stat *st, Arena *a)
{
	struct statvfs fs;
	if (!(st->st_mode & S_ISUID) && getxattr(path, "security.capability", NULL, 0) <= 0)
		return arena_printf(a, "%s is not set-user-ID root (chmod u+s, as the package has it)",
				    path);
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return arena_printf(a, "%s is on a file system mounted nosuid", path);
	return NULL;
}

static const char *find(const char *root, const char *name, Arena *a, const char **ret_why)
{
	struct stat st;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *path = arena_printf(a, "%s%s/%s", root, places[i], name);
		if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		*ret_why = why_powerless(path, &st, a);
		return *ret_why ? NULL : path;
	}
	*ret_why = arena_printf(a, "the program %s is not installed (package uidmap or shadow-utils)",
				name);
	return NULL;
}

void host_facts_id_helpers(const char *root, Arena *a, HostFacts *f)
{
	const char *why = NULL;
	f->newuidmap = find(root, "newuidmap", a, &why);
	if (f->newuidmap)
		f->newgidmap = find(root, "newgidmap", a, &why);
	if (!why && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		why = "newuidmap needs privilege, which this process may not gain (no_new_privs)";
	if (why)
		f->newuidmap = f->newgidmap = NULL;
	f->no_id_helpers = why;
}

SpecIdMap *id_map_parse(const char *text, Arena *a, size_t *ret_count)
{
	SpecIdMap *items = NULL;
	StrList lines = str_split(a, text, '\n');
	*ret_count = 0;
	for (size_t i = 0; i < lines.count; i++) {
		uint32_t numbers[3];
		size_t n = 0;
		StrList words = str_split(a, lines.items[i], ' ');
		for (size_t k = 0; k < words.count && n < ARRAY_LEN(numbers); k++)
			if (num_parse_u32(words.items[k], UINT32_MAX, &numbers[n]) == 0)
				n++;
		if (n == ARRAY_LEN(numbers))
			*arena_push(a, &items, ret_count,
				    SpecIdMap) = (SpecIdMap){ numbers[0], numbers[1], numbers[2] };
	}
	return items;
}

int host_facts_id_maps(const char *root, Arena *a, HostFacts *f, Err *e)
{
	char *uids, *gids;
	TRY(mountinfo_read(arena_printf(a, "%s/proc/self/uid_map", root), a, &uids, e));
	TRY(mountinfo_read(arena_printf(a, "%s/proc/self/gid_map", root), a, &gids, e));
	f->uid_map = id_map_parse(uids, a, &f->uid_map_count);
	f->gid_map = id_map_parse(gids, a, &f->gid_map_count);
	return 0;
}
