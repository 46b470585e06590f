#include "engine/volume.h"

#include <string.h>

static int volume_option_add(const char *text, const char *word, Arena *a, SpecMount *m, Err *e)
{
	static const char *const later[] = { "rshared",   "rslave",    "rprivate", "shared",
					     "slave",     "private",   "U",        "O",
					     "idmap",     "nocopy",    "copy",     "cached",
					     "delegated", "consistent" };
	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
		if (strlist_has(&m->options, "ro") || strlist_has(&m->options, "rw"))
			return err_make(e, ERR_USAGE, 0, "volume '%s': one of 'ro' and 'rw', once",
					text);
		strlist_add(a, &m->options, word);
		return 0;
	}
	if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (strcmp(word, later[i]) == 0)
			return err_make(e, ERR_USAGE, 0,
					"volume '%s': option '%s' is not there yet", text, word);
	return err_make(e, ERR_USAGE, 0, "volume '%s': unknown option '%s'", text, word);
}

/* The host's path: absolute, or relative to cwd when it begins with a dot; another word would be the name of a volume. */
static int volume_source(const char *text, const char *src, const char *cwd, Arena *a,
			 const char **ret, Err *e)
{
	if (src[0] == '/')
		*ret = src;
	else if (src[0] == '.')
		*ret = arena_printf(a, "%s/%s", cwd, src);
	else if (!*src)
		return err_make(e, ERR_USAGE, 0, "volume '%s': the source is empty", text);
	else
		return err_make(e, ERR_USAGE, 0,
				"volume '%s': named volumes are not there yet; for a directory begin with '/' or './'",
				text);
	return 0;
}

int volume_parse(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e)
{
	StrList parts = str_split(a, text, ':');
	SpecMount m = { .type = "bind" };

	if (parts.count == 1)
		return err_make(e, ERR_USAGE, 0,
				"volume '%s': anonymous volumes are not there yet; write SOURCE:TARGET",
				text);
	if (parts.count > 3)
		return err_make(e, ERR_USAGE, 0,
				"volume '%s': not of the form SOURCE:TARGET[:OPTIONS]", text);
	if (parts.items[1][0] != '/')
		return err_make(e, ERR_USAGE, 0, "volume '%s': the target '%s' is not an absolute path",
				text, parts.items[1]);
	m.destination = path_clean(a, parts.items[1]);
	if (strcmp(m.destination, "/") == 0)
		return err_make(e, ERR_USAGE, 0, "volume '%s': the target cannot be '/'", text);
	TRY(volume_source(text, parts.items[0], cwd, a, &m.source, e));
	strlist_add(a, &m.options, "rbind");
	strlist_add(a, &m.options, "rprivate");
	StrList words = parts.count == 3 ? str_split(a, parts.items[2], ',') : (StrList){ 0 };
	for (size_t i = 0; i < words.count; i++)
		TRY(volume_option_add(text, words.items[i], a, &m, e));
	*ret = m;
	return 0;
}

int tmpfs_parse(const char *text, Arena *a, SpecMount *ret, Err *e)
{
	const char *colon = strchrnul(text, ':');
	const char *path = arena_strndup(a, text, (size_t)(colon - text));
	SpecMount m = { .type = "tmpfs", .source = "tmpfs" };

	if (path[0] != '/')
		return err_make(e, ERR_USAGE, 0, "tmpfs '%s': '%s' is not an absolute path", text, path);
	m.destination = path_clean(a, path);
	if (strcmp(m.destination, "/") == 0)
		return err_make(e, ERR_USAGE, 0, "tmpfs '%s': the target cannot be '/'", text);
	strlist_add(a, &m.options, "noexec");
	strlist_add(a, &m.options, "nosuid");
	if (strcmp(m.destination, "/dev") != 0) /* where device nodes are made, to be used */
		strlist_add(a, &m.options, "nodev");
	StrList words = *colon ? str_split(a, colon + 1, ',') : (StrList){ 0 };
	for (size_t i = 0; i < words.count; i++) {
		if (strcmp(words.items[i], "bind") == 0 || strcmp(words.items[i], "rbind") == 0 ||
		    !*words.items[i])
			return err_make(e, ERR_USAGE, 0, "tmpfs '%s': unknown option '%s'", text,
					words.items[i]);
		strlist_add(a, &m.options, words.items[i]);
	}
	*ret = m;
	return 0;
}
