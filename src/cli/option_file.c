#include "cli/option_file.h"

#include <string.h>

#include "base/limits.h"
#include "kern/regular_file.h"

/* unicode.IsSpace for ASCII, whatever the locale. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int read_line(const char *what, const char *line, const char *file, size_t number, Arena *a,
		     StrList *ret, Err *e)
{
	while (is_space(*line))
		line++;
	if (*line == '\0' || *line == '#')
		return 0;
	if (*line == '=')
		return err_make(e, ERR_USAGE, 0, "%s file '%s', line %zu: no name before '='", what,
				file, number);
	for (const char *p = line; *p && *p != '='; p++)
		if (is_space(*p))
			return err_make(e, ERR_USAGE, 0,
					"%s file '%s', line %zu: white space in the name '%.*s'",
					what, file, number, (int)strcspn(line, "="), line);
	strlist_add(a, ret, line);
	return 0;
}

static int read_text(const char *what, const char *text, size_t len, const char *file, Arena *a,
		     StrList *ret, Err *e)
{
	static const char bom[3] = { '\xef', '\xbb', '\xbf' };
	size_t at = len >= sizeof bom && memcmp(text, bom, sizeof bom) == 0 ? sizeof bom : 0;
	for (size_t number = 1; at < len; number++) {
		const char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end ? (size_t)(end - line) : len - at;
		at += n + 1;
		if (memchr(line, '\0', n))
			return err_make(e, ERR_USAGE, 0, "%s file '%s', line %zu: holds a NUL byte",
					what, file, number);
		if (n > 0 && line[n - 1] == '\r')
			n--;
		TRY(read_line(what, arena_strndup(a, line, n), file, number, a, ret, e));
	}
	return 0;
}

int option_file_read(const char *what, const char *file, Arena *a, StrList *ret, Err *e)
{
	const char *text;
	size_t len;
	TRY(regular_file_read(file, arena_printf(a, "%s file '%s'", what, file),
			      LIMIT_ENV_FILE_BYTES, ERR_USAGE, a, &text, &len, e));
	return read_text(what, text, len, file, a, ret, e);
}
