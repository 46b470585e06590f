#include "cli/env_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"

/* unicode.IsSpace for ASCII, whatever the locale. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Takes away all entries for NAME. */
static void remove_name(StrList *l, const char *name)
{
	size_t len = strlen(name), kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (strncmp(l->items[i], name, len) != 0 || l->items[i][len] != '=')
			l->items[kept++] = l->items[i];
	l->count = kept;
}

/* Adds "NAME=VALUE" as it is, "NAME" with the caller's value. */
static void add(Arena *a, StrList *l, const char *entry)
{
	if (strchr(entry, '=')) {
		strlist_add(a, l, entry);
		return;
	}
	const char *value = getenv(entry);
	if (value)
		strlist_add(a, l, arena_printf(a, "%s=%s", entry, value));
	else
		remove_name(l, entry);
}

static int read_line(const char *line, const char *file, size_t number, Arena *a, StrList *ret, Err *e)
{
	while (is_space(*line))
		line++;
	if (*line == '\0' || *line == '#')
		return 0;
	if (*line == '=')
		return err_make(e, ERR_USAGE, 0, "env file '%s', line %zu: no name before '='",
				file, number);
	for (const char *p = line; *p && *p != '='; p++)
		if (is_space(*p))
			return err_make(e, ERR_USAGE, 0,
					"env file '%s', line %zu: white space in the name '%.*s'",
					file, number, (int)strcspn(line, "="), line);
	add(a, ret, line);
	return 0;
}

int env_list_read_text(const char *text, size_t len, const char *file, Arena *a, StrList *ret, Err *e)
{
	static const char bom[3] = { '\xef', '\xbb', '\xbf' };
	size_t at = len >= sizeof bom && memcmp(text, bom, sizeof bom) == 0 ? sizeof bom : 0;
	for (size_t number = 1; at < len; number++) {
		const char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end ? (size_t)(end - line) : len - at;
		at += n + 1;
		if (memchr(line, '\0', n))
			return err_make(e, ERR_USAGE, 0,
					"env file '%s', line %zu: holds a NUL byte", file, number);
		if (n > 0 && line[n - 1] == '\r')
			n--;
		TRY(read_line(arena_strndup(a, line, n), file, number, a, ret, e));
	}
	return 0;
}

static int read_file(const char *file, Arena *a, StrList *ret, Err *e)
{
	struct stat st;
	AUTO(fd_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open env file '%s'", file);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at env file '%s'", file);
	if (!S_ISREG(st.st_mode))
		return err_make(e, ERR_USAGE, 0, "env file '%s' is not a regular file", file);
	if (st.st_size > (off_t)LIMIT_ENV_FILE_BYTES)
		return err_make(e, ERR_USAGE, 0, "env file '%s' is larger than %u bytes", file,
				LIMIT_ENV_FILE_BYTES);

	size_t size = (size_t)st.st_size + 1; /* one more tells whether it has grown */
	char *text = arena_alloc(a, size);
	ssize_t len = fd_read_up_to(fd, text, size);
	if (len < 0)
		return err_sys(e, "read env file '%s'", file);
	if ((size_t)len == size)
		return err_make(e, ERR_USAGE, 0, "env file '%s' grew while it was read", file);
	return env_list_read_text(text, (size_t)len, file, a, ret, e);
}

int env_list_resolve(const StrList *files, const StrList *vars, Arena *a, StrList *ret, Err *e)
{
	StrList list = *ret; /* what the caller of this has put there is overridden */
	for (size_t i = 0; i < files->count; i++)
		TRY(read_file(files->items[i], a, &list, e));
	for (size_t i = 0; i < vars->count; i++) {
		const char *var = vars->items[i];
		if (*var == '\0' || *var == '=')
			return err_make(e, ERR_USAGE, 0,
					"invalid environment variable '%s': it has no name", var);
		add(a, &list, var);
	}
	*ret = list;
	return 0;
}

void env_list_add_caller(Arena *a, StrList *ret)
{
	for (char **v = environ; v && *v; v++)
		if (strchr(*v, '='))
			strlist_add(a, ret, *v);
}
