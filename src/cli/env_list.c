#include "cli/env_list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/option_file.h"

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

static int add_file(const char *file, Arena *a, StrList *list, Err *e)
{
	StrList lines = { 0 };
	TRY(option_file_read("env", file, a, &lines, e));
	for (size_t i = 0; i < lines.count; i++)
		add(a, list, lines.items[i]);
	return 0;
}

int env_list_resolve(const StrList *files, const StrList *vars, Arena *a, StrList *ret, Err *e)
{
	StrList list = *ret; /* what the caller of this has put there is overridden */
	for (size_t i = 0; i < files->count; i++)
		TRY(add_file(files->items[i], a, &list, e));
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
