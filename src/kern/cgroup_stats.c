#include "kern/cgroup_stats.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/num.h"

#define FILE_MOST (256u << 10) /* memory.stat of a machine with many nodes has some 10 KiB */

static int text_read(const char *dir, const char *file, Arena *a, char **ret)
{
	char path[4096];
	int r = str_format(path, sizeof path, "%s/%s", dir, file);
	char *text = arena_alloc(a, FILE_MOST); /* pages that stay untouched cost nothing */
	ssize_t n = r < 0 ? r : fd_read_text_at(AT_FDCWD, path, text, FILE_MOST);
	*ret = text;
	return n < 0 ? (int)n : 0;
}

int cgroup_stat_number(const char *dir, const char *file, uint64_t *ret)
{
	char path[4096], text[64];
	int r = str_format(path, sizeof path, "%s/%s", dir, file);
	ssize_t n = r < 0 ? r : fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return (int)n;
	*ret = UINT64_MAX;
	return strcmp(text, "max") == 0 ? 0 : num_parse_u64(text, UINT64_MAX, ret);
}

int cgroup_stat_lines(const char *dir, const char *file, Arena *a, StrList *ret)
{
	char *text;
	int r = text_read(dir, file, a, &text);
	if (r == 0 && *text)
		*ret = str_split(a, text, '\n');
	return r;
}

int cgroup_stat_key(const char *dir, const char *file, const char *key, uint64_t *ret)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList lines = { 0 };
	int r = cgroup_stat_lines(dir, file, &a, &lines);
	for (size_t i = 0; r == 0 && i < lines.count; i++) {
		const char *rest = str_after(lines.items[i], key);
		if (rest && *rest == ' ')
			return num_parse_u64(rest + 1, UINT64_MAX, ret);
	}
	return r < 0 ? r : -ENOENT;
}
