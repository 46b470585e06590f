#include "engine/subids.h"

#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "engine/user.h"
#include "kern/mountinfo.h"

/* Of any size: a host of a thousand users is no mistake. */
static int file_read(const char *root, const char *path, Arena *a, const char **ret, Err *e)
{
	char *text;
	int r = mountinfo_read(arena_printf(a, "%s%s", root, path), a, &text, e);
	*ret = r == -ENOENT ? "" : text;
	return r == -ENOENT ? 0 : r;
}

int subid_files_read(const char *root, unsigned what, Arena *a, SubidFiles *ret, Err *e)
{
	SubidFiles f = { "", "", "", "", "" };
	if (what & SUBID_FILES_RANGES) {
		TRY(file_read(root, "/etc/passwd", a, &f.passwd, e));
		TRY(file_read(root, "/etc/subuid", a, &f.subuid, e));
		TRY(file_read(root, "/etc/subgid", a, &f.subgid, e));
	}
	if (what & SUBID_FILES_MAPS) {
		TRY(file_read(root, "/proc/self/uid_map", a, &f.uid_map, e));
		TRY(file_read(root, "/proc/self/gid_map", a, &f.gid_map, e));
	}
	*ret = f;
	return 0;
}

const char *subids_user_name(const SubidFiles *f, uint32_t uid, Arena *a)
{
	return user_name_of(arena_strdup(a, f->passwd), uid);
}

/* "alice:100000:65536", which is known to be of whom we want. */
static int line_parse(const char *line, const StrList *fields, const char *file, Arena *a,
		      IdRanges *ret, Err *e)
{
	uint32_t start, size;
	if (fields->count != 3 || num_parse_u32(fields->items[1], UINT32_MAX, &start) < 0 ||
	    num_parse_u32(fields->items[2], UINT32_MAX, &size) < 0 || size == 0 ||
	    size > UINT32_MAX - start)
		return err_make(e, ERR_STATE, 0, "%s: '%s' is not of the form NAME:FIRST:COUNT",
				file, line);
	id_ranges_add(a, ret, start, size);
	return 0;
}

int subids_find(const char *text, const char *file, const char *name, const char *number, Arena *a,
		IdRanges *ret, Err *e)
{
	IdRanges found = { 0 };
	size_t i;
	StrList lines = str_split(a, text, '\n');
	for (i = 0; i < lines.count; i++) {
		StrList fields = str_split(a, lines.items[i], ':');
		if ((name && strcmp(fields.items[0], name) == 0) || strcmp(fields.items[0], number) == 0)
			TRY(line_parse(lines.items[i], &fields, file, a, &found, e));
	}
	id_ranges_sort(&found);
	if (id_ranges_find_overlap(&found, &i))
		return err_make(e, ERR_STATE, 0, "%s: the ranges %u:%u and %u:%u of '%s' overlap", file,
				found.items[i].start, found.items[i].size, found.items[i + 1].start,
				found.items[i + 1].size, name ? name : number);
	*ret = found;
	return 0;
}
