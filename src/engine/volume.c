#include "engine/volume.h"

#include <string.h>

#include "base/mount_words.h"
#include "engine/volume_words.h"

/* The host's path: absolute, or relative to cwd when it begins with a dot; another word would be the name of a volume. */
int volume_source(const char *src, const char *cwd, Arena *a, const char **ret, Err *e)
{
	if (src[0] == '/')
		*ret = src;
	else if (src[0] == '.')
		*ret = arena_printf(a, "%s/%s", cwd, src);
	else if (!*src)
		return err_make(e, ERR_USAGE, 0, "the source is empty");
	else
		return err_make(e, ERR_USAGE, 0,
				"named volumes are not there yet; for a directory begin with '/' or './'");
	return 0;
}

int volume_target(const char *dst, Arena *a, const char **ret, Err *e)
{
	if (dst[0] != '/')
		return err_make(e, ERR_USAGE, 0, "the target '%s' is not an absolute path", dst);
	*ret = path_clean(a, dst);
	if (strcmp(*ret, "/") == 0)
		return err_make(e, ERR_USAGE, 0, "the target cannot be '/'");
	return 0;
}

static int volume_fill(const char *text, const char *cwd, Arena *a, SpecMount *m, Err *e)
{
	StrList parts = str_split(a, text, ':');
	VolumeWords said = { 0 };

	if (parts.count == 1)
		return err_make(e, ERR_USAGE, 0,
				"anonymous volumes are not there yet; write SOURCE:TARGET");
	if (parts.count > 3)
		return err_make(e, ERR_USAGE, 0, "not of the form SOURCE:TARGET[:OPTIONS]");
	TRY(volume_target(parts.items[1], a, &m->destination, e));
	TRY(volume_source(parts.items[0], cwd, a, &m->source, e));
	StrList words = parts.count == 3 ? str_split(a, parts.items[2], ',') : (StrList){ 0 };
	for (size_t i = 0; i < words.count; i++)
		TRY(volume_word_add(&said, words.items[i], e));
	return volume_words_apply(&said, a, m, e);
}

int volume_parse(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e)
{
	SpecMount m = { .type = "bind" };
	int r = volume_fill(text, cwd, a, &m, e);
	if (r < 0)
		return err_wrap(e, r, "volume '%s'", text);
	*ret = m;
	return 0;
}

/* ---- tmpfs ---- */

void tmpfs_defaults_add(Arena *a, SpecMount *m)
{
	strlist_add(a, &m->options, "noexec");
	strlist_add(a, &m->options, "nosuid");
	if (strcmp(m->destination, "/dev") != 0) /* where device nodes are made, to be used */
		strlist_add(a, &m->options, "nodev");
}

/* What tmpfs(5) has, but for what belongs to a mount namespace's owner or to labels. */
static bool is_tmpfs_data(const char *word)
{
	static const char *const keys[] = { "size=", "nr_blocks=", "nr_inodes=", "mode=",
					    "uid=",  "gid=",       "mpol=",      "huge=" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_starts(word, keys[i]))
			return true;
	return strcmp(word, "noswap") == 0 || strcmp(word, "inode32") == 0 ||
	       strcmp(word, "inode64") == 0;
}

static bool is_tmpfs_word(const char *word)
{
	const MountWord *w = mount_word_find(word);
	if (!w)
		return is_tmpfs_data(word);
	switch (w->kind) {
	case MOUNT_WORD_BIND:
	case MOUNT_WORD_REMOUNT:
	case MOUNT_WORD_IDMAP: return false;
	case MOUNT_WORD_ATTR: return !w->recursive;
	default: return true;
	}
}

static int tmpfs_word_add(const char *word, Arena *a, SpecMount *m, Err *e)
{
	if (strcmp(word, "U") == 0)
		m->chown_source = true;
	else if (is_tmpfs_word(word))
		strlist_add(a, &m->options, word);
	else if (strcmp(word, "notmpcopyup") != 0) /* the default */
		return err_make(e, ERR_USAGE, 0, "unknown option '%s'", word);
	return 0;
}

static int tmpfs_fill(const char *text, Arena *a, SpecMount *m, Err *e)
{
	const char *colon = strchrnul(text, ':');
	TRY(volume_target(arena_strndup(a, text, (size_t)(colon - text)), a, &m->destination, e));
	tmpfs_defaults_add(a, m);
	StrList words = *colon ? str_split(a, colon + 1, ',') : (StrList){ 0 };
	for (size_t i = 0; i < words.count; i++)
		TRY(tmpfs_word_add(words.items[i], a, m, e));
	if (strlist_has(&words, "tmpcopyup") && strlist_has(&words, "notmpcopyup"))
		return err_make(e, ERR_USAGE, 0,
				"options 'tmpcopyup' and 'notmpcopyup' exclude each other");
	return 0;
}

int tmpfs_parse(const char *text, Arena *a, SpecMount *ret, Err *e)
{
	SpecMount m = { .type = "tmpfs", .source = "tmpfs" };
	int r = tmpfs_fill(text, a, &m, e);
	if (r < 0)
		return err_wrap(e, r, "tmpfs '%s'", text);
	*ret = m;
	return 0;
}
