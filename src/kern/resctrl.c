#include "kern/resctrl.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define PATH_SIZE 4096
#define TEXT_SIZE 8192 /* of a schemata, which has a line for each resource */

/* ---- failures ---- */

/* The kernel explains the last call that failed, for people; "ok" when it was none of its own. The file is that of the root. */
static void reason_find(const char *dir, char *ret, size_t size)
{
	char at[PATH_SIZE], path[PATH_SIZE + 32];
	*ret = '\0';
	if (str_format(at, sizeof at, "%s", dir) < 0)
		return;
	for (char *slash; (slash = strrchr(at, '/')); *slash = '\0') {
		(void)str_format(path, sizeof path, "%s/info/last_cmd_status", at); /* it fits */
		if (fd_read_text_at(AT_FDCWD, path, ret, size) >= 0)
			break;
		*ret = '\0';
	}
	ret[strcspn(ret, "\n")] = '\0';
	if (strcmp(ret, "ok") == 0)
		*ret = '\0';
}

static int fail(const char *what, const char *dir, int number, Err *e)
{
	char reason[160];
	reason_find(dir, reason, sizeof reason);
	return err_make(e, ERR_SYS, number, "%s %s%s%s%s", what, dir, *reason ? " (" : "", reason,
			*reason ? ")" : "");
}

/* ---- groups ---- */

int resctrl_make(const char *dir, Err *e)
{
	if (mkdir(dir, 0755) == 0)
		return 1;
	return errno == EEXIST ? 0 : fail("make the group", dir, errno, e);
}

static int file_write(const char *dir, const char *file, const char *text, Err *e)
{
	char path[PATH_SIZE];
	TRY(str_format(path, sizeof path, "%s/%s", dir, file));
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n = fd < 0 ? -1 : write(fd, text, len);
	if (n < 0)
		return fail(strcmp(file, "tasks") == 0 ? "put a process into the group"
						       : "set the schemata of the group",
			    dir, errno, e);
	return (size_t)n == len ? 0 : err_make(e, ERR_SYS, EIO, "write %s", path);
}

int resctrl_set(const char *dir, const char *schemata, Err *e)
{
	return file_write(dir, "schemata", schemata, e);
}

int resctrl_join(const char *dir, pid_t pid, Err *e)
{
	char text[16];
	TRY(str_format(text, sizeof text, "%d", (int)pid));
	return file_write(dir, "tasks", text, e);
}

int resctrl_remove(const char *dir, Err *e)
{
	return rmdir(dir) == 0 || errno == ENOENT ? 0 : fail("remove the group", dir, errno, e);
}

/* ---- comparing ---- */

static char *trimmed(Arena *a, const char *text, size_t len)
{
	while (len > 0 && strchr(" \t", *text)) {
		text++;
		len--;
	}
	while (len > 0 && strchr(" \t", text[len - 1]))
		len--;
	return arena_strndup(a, text, len);
}

/* Numbers, to whatever base: those of caches are bit masks. */
static bool is_same_number(const char *x, const char *y)
{
	x += strspn(x, "0");
	y += strspn(y, "0");
	return strcasecmp(x, y) == 0;
}

/* The value of one domain in "0=ff;1=f0", or NULL. */
static const char *value_of(const char *domains, const char *id, Arena *a)
{
	StrList items = str_split(a, domains, ';');
	for (size_t i = 0; i < items.count; i++) {
		const char *equals = strchr(items.items[i], '=');
		if (equals &&
		    strcmp(trimmed(a, items.items[i], (size_t)(equals - items.items[i])), id) == 0)
			return trimmed(a, equals + 1, strlen(equals + 1));
	}
	return NULL;
}

static bool domains_agree(const char *have, const char *want, Arena *a)
{
	StrList items = str_split(a, want, ';');
	for (size_t i = 0; i < items.count; i++) {
		const char *item = trimmed(a, items.items[i], strlen(items.items[i]));
		const char *equals = strchr(item, '=');
		if (!*item)
			continue;
		const char *value = equals ? value_of(have, trimmed(a, item, (size_t)(equals - item)), a)
					   : NULL;
		if (!value || !is_same_number(value, trimmed(a, equals + 1, strlen(equals + 1))))
			return false;
	}
	return true;
}

/* What the lines say of a resource, "L3"; NULL: nothing. */
static const char *domains_of(const StrList *lines, const char *resource, Arena *a)
{
	for (size_t i = 0; i < lines->count; i++) {
		const char *colon = strchr(lines->items[i], ':');
		if (colon && strcmp(trimmed(a, lines->items[i], (size_t)(colon - lines->items[i])),
				    resource) == 0)
			return colon + 1;
	}
	return NULL;
}

bool resctrl_agrees(const char *have, const char *want, Arena *a, const char **ret_line)
{
	StrList mine = str_split(a, have, '\n'), asked = str_split(a, want, '\n');
	for (size_t i = 0; i < asked.count; i++) {
		const char *line = trimmed(a, asked.items[i], strlen(asked.items[i]));
		const char *colon = strchr(line, ':');
		if (!*line)
			continue;
		*ret_line = line;
		const char *domains = colon ? domains_of(&mine,
							 trimmed(a, line, (size_t)(colon - line)), a)
					    : NULL;
		if (!domains || !domains_agree(domains, colon + 1, a))
			return false;
	}
	return true;
}

int resctrl_compare(const char *dir, const char *schemata, Arena *a, Err *e)
{
	char path[PATH_SIZE], have[TEXT_SIZE];
	const char *line;
	TRY(str_format(path, sizeof path, "%s/schemata", dir));
	ssize_t n = fd_read_text_at(AT_FDCWD, path, have, sizeof have);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", path);
	if (resctrl_agrees(have, schemata, a, &line))
		return 0;
	return err_make(e, ERR_SPEC, EINVAL, "the group %s exists, and has other values than '%s'",
			dir, line);
}
