#include "engine/user.h"

#include <stdbool.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/str.h"
#include "kern/path.h"

#define ID_MAX    (UINT32_MAX - 1) /* 2^32-1 means "no id" */
#define ID_NOBODY 65534

/* The text of a file in the root, "" when there is none. Pages of the buffer that stay untouched cost nothing. */
static int root_file_read(int root_fd, const char *path, Arena *a, char **ret, Err *e)
{
	char *text = arena_alloc(a, LIMIT_PASSWD_BYTES + 1);
	ssize_t n = path_read_in_root(root_fd, path, text, LIMIT_PASSWD_BYTES + 1, e);
	if (n == -ENOENT || n == -ENOTDIR)
		text[0] = '\0';
	else
		TRY(n);
	*ret = text;
	return 0;
}

/* Cuts the next line off *text and splits it at colons in place. Returns the number of fields, 0 at the end. */
static size_t line_next(char **text, char **fields, size_t max)
{
	while (**text) {
		char *line = *text, *end = strchrnul(line, '\n');
		*text = *end ? end + 1 : end;
		*end = '\0';
		if (*line == '\0' || *line == '#' || *line == ':')
			continue;
		size_t n = 0;
		while (n < max) {
			fields[n++] = line;
			char *colon = strchr(line, ':');
			if (!colon)
				break;
			*colon = '\0';
			line = colon + 1;
		}
		return n;
	}
	return 0;
}

typedef struct PasswdEntry {
	bool found;
	const char *name, *home;
	uint32_t uid, gid;
} PasswdEntry;

/* The first entry with this name, or, when name is NULL, with this uid. Lines that make no sense are passed over. */
static PasswdEntry passwd_find(char *text, const char *name, uint32_t uid)
{
	char *f[7];
	size_t n;
	while ((n = line_next(&text, f, ARRAY_LEN(f))) > 0) {
		PasswdEntry p = { .found = true, .name = f[0] };
		if (n < 6 || num_parse_u32(f[2], ID_MAX, &p.uid) < 0 ||
		    num_parse_u32(f[3], ID_MAX, &p.gid) < 0)
			continue;
		p.home = f[5];
		if (name ? strcmp(f[0], name) == 0 : p.uid == uid)
			return p;
	}
	return (PasswdEntry){ 0 };
}

static int user_find(int root_fd, const char *text, Arena *a, PasswdEntry *ret, Err *e)
{
	char *passwd;
	uint32_t uid = 0;
	int number = *text ? num_parse_u32(text, ID_MAX, &uid) : 0;
	if (number == -ERANGE)
		return err_make(e, ERR_SPEC, 0, "user '%s': beyond the last user id, %u", text, ID_MAX);
	TRY(root_file_read(root_fd, "/etc/passwd", a, &passwd, e));
	*ret = passwd_find(passwd, number == 0 ? NULL : text, uid);
	if (!ret->found && number < 0)
		return err_make(e, ERR_SPEC, 0,
				"unknown user '%s': no such name in the container's /etc/passwd", text);
	if (!ret->found)
		*ret = (PasswdEntry){ .uid = uid };
	return 0;
}

static bool member_of(const char *members, const char *name)
{
	size_t len = strlen(name);
	for (const char *m = members;; m++) {
		const char *end = strchrnul(m, ',');
		if ((size_t)(end - m) == len && memcmp(m, name, len) == 0)
			return true;
		if (!*end)
			return false;
		m = end;
	}
}

static int group_find(char *text, const char *name, uint32_t *ret, Err *e)
{
	char *f[4];
	size_t n;
	int number = num_parse_u32(name, ID_MAX, ret);
	if (number == 0)
		return 0;
	if (number == -ERANGE)
		return err_make(e, ERR_SPEC, 0, "group '%s': beyond the last group id, %u", name,
				ID_MAX);
	while ((n = line_next(&text, f, ARRAY_LEN(f))) > 0)
		if (n >= 3 && strcmp(f[0], name) == 0 && num_parse_u32(f[2], ID_MAX, ret) == 0)
			return 0;
	return err_make(e, ERR_SPEC, 0,
			"unknown group '%s': no such name in the container's /etc/group", name);
}

static int groups_of(char *text, const char *name, Arena *a, User *u, Err *e)
{
	char *f[4];
	size_t n, count = 0;
	uint32_t *gids = NULL, gid;
	while ((n = line_next(&text, f, ARRAY_LEN(f))) > 0) {
		if (n < 4 || num_parse_u32(f[2], ID_MAX, &gid) < 0 || !member_of(f[3], name))
			continue;
		if (count == LIMIT_GROUPS)
			return err_make(e, ERR_SPEC, 0,
					"user '%s' is in more than %u groups of the container's /etc/group",
					name, LIMIT_GROUPS);
		*arena_push(a, &gids, &count, uint32_t) = gid;
	}
	u->groups = gids;
	u->groups_count = count;
	return 0;
}

int user_lookup(int root_fd, const char *text, Arena *a, User *ret, Err *e)
{
	StrList parts = str_split(a, text ? text : "", ':');
	PasswdEntry entry;
	char *group_text;

	if (parts.count > 2 || (parts.count == 2 && !*parts.items[1]))
		return err_make(e, ERR_SPEC, 0, "user '%s': not of the form USER[:GROUP]", text);
	TRY(user_find(root_fd, parts.items[0], a, &entry, e));
	User u = { .uid = entry.uid,
		   .gid = entry.gid,
		   .home = entry.home && *entry.home ? entry.home : "/" };
	if (parts.count == 2 || entry.found)
		TRY(root_file_read(root_fd, "/etc/group", a, &group_text, e));
	if (parts.count == 2)
		TRY(group_find(group_text, parts.items[1], &u.gid, e));
	else if (entry.found)
		TRY(groups_of(group_text, entry.name, a, &u, e));
	*ret = u;
	return 0;
}

int user_find_groups(int root_fd, const StrList *names, Arena *a, const uint32_t **ret_gids,
		     size_t *ret_count, Err *e)
{
	uint32_t *gids = NULL, gid;
	size_t count = 0;
	for (size_t i = 0; i < names->count; i++) {
		char *text; /* a copy for each: looking cuts it to pieces */
		if (count == LIMIT_GROUPS)
			return err_make(e, ERR_SPEC, 0, "more than %u supplementary groups",
					LIMIT_GROUPS);
		TRY(root_file_read(root_fd, "/etc/group", a, &text, e));
		TRY(group_find(text, names->items[i], &gid, e));
		*arena_push(a, &gids, &count, uint32_t) = gid;
	}
	*ret_gids = gids;
	*ret_count = count;
	return 0;
}

const char *user_name_of(char *passwd, uint32_t uid)
{
	PasswdEntry p = passwd_find(passwd, NULL, uid);
	return p.found ? p.name : NULL;
}

static void highest(const char *text, uint32_t *ret)
{
	uint32_t id;
	if (num_parse_u32(text, ID_MAX, &id) == 0 && id != ID_NOBODY && id > *ret)
		*ret = id;
}

static bool is_nobody(const char *name)
{
	return strcmp(name, "nobody") == 0 || strcmp(name, "nogroup") == 0;
}

int user_find_highest_id(int root_fd, Arena *a, uint32_t *ret, Err *e)
{
	char *passwd, *group, *f[7];
	size_t n;
	*ret = 0;
	TRY(root_file_read(root_fd, "/etc/passwd", a, &passwd, e));
	TRY(root_file_read(root_fd, "/etc/group", a, &group, e));
	while ((n = line_next(&passwd, f, ARRAY_LEN(f))) > 0) {
		if (n < 6 || is_nobody(f[0]))
			continue;
		highest(f[2], ret);
		highest(f[3], ret);
	}
	while ((n = line_next(&group, f, ARRAY_LEN(f))) > 0)
		if (n >= 3 && !is_nobody(f[0]))
			highest(f[2], ret);
	return 0;
}
