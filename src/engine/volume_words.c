#include "engine/volume_words.h"

#include <string.h>

typedef struct Word {
	const char *word; /* one that ends with '=' is followed by a value */
	VolumeTopic topic;
} Word;

static const Word words[] = {
	{ "ro", VOLUME_ACCESS },
	{ "rro", VOLUME_ACCESS },
	{ "rw", VOLUME_ACCESS },
	{ "z", VOLUME_LABEL },
	{ "Z", VOLUME_LABEL },
	{ "private", VOLUME_PROPAGATION },
	{ "rprivate", VOLUME_PROPAGATION },
	{ "shared", VOLUME_PROPAGATION },
	{ "rshared", VOLUME_PROPAGATION },
	{ "slave", VOLUME_PROPAGATION },
	{ "rslave", VOLUME_PROPAGATION },
	{ "unbindable", VOLUME_PROPAGATION },
	{ "runbindable", VOLUME_PROPAGATION },
	{ "exec", VOLUME_EXEC },
	{ "noexec", VOLUME_EXEC },
	{ "suid", VOLUME_SUID },
	{ "nosuid", VOLUME_SUID },
	{ "dev", VOLUME_DEV },
	{ "nodev", VOLUME_DEV },
	{ "bind", VOLUME_RECURSION },
	{ "rbind", VOLUME_RECURSION },
	{ "nocopy", VOLUME_COPY },
	{ "consistent", VOLUME_CONSISTENCY },
	{ "cached", VOLUME_CONSISTENCY },
	{ "delegated", VOLUME_CONSISTENCY },
	{ "U", VOLUME_OWNER },
	{ "idmap", VOLUME_IDMAP },
	{ "idmap=", VOLUME_IDMAP },
	{ "O", VOLUME_OVERLAY },
	{ "upperdir=", VOLUME_UPPER },
	{ "workdir=", VOLUME_WORK },
};

static const Word *word_find(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *rest = str_after(text, words[i].word);
		if (rest && (*rest == '\0' || str_ends(words[i].word, "=")))
			return &words[i];
	}
	return NULL;
}

int volume_word_add(VolumeWords *w, const char *word, Err *e)
{
	const Word *known = word_find(word);
	if (strcmp(word, "copy") == 0)
		return err_make(e, ERR_USAGE, 0, "option 'copy' is for volumes with a name");
	if (!known || (str_ends(known->word, "=") && strcmp(word, known->word) == 0))
		return err_make(e, ERR_USAGE, 0, "unknown option '%s'", word);
	const char **said = &w->said[known->topic];
	if (*said && strcmp(*said, word) == 0)
		return err_make(e, ERR_USAGE, 0, "option '%s' is there twice", word);
	if (*said)
		return err_make(e, ERR_USAGE, 0, "options '%s' and '%s' exclude each other", *said,
				word);
	*said = word;
	return 0;
}

static bool says(const VolumeWords *w, VolumeTopic topic, const char *word)
{
	return w->said[topic] && strcmp(w->said[topic], word) == 0;
}

static int exclusive(const VolumeWords *w, VolumeTopic a, VolumeTopic b, Err *e)
{
	if (w->said[a] && w->said[b])
		return err_make(e, ERR_USAGE, 0, "options '%s' and '%s' exclude each other",
				w->said[a], w->said[b]);
	return 0;
}

/* What forbids something is about all that is mounted below, too; what permits it, about the volume itself: what the host has forbidden
 * below it stays so. */
static void add_permission(const VolumeWords *w, VolumeTopic topic, bool recursive, Arena *a,
			   SpecMount *m)
{
	const char *word = w->said[topic];
	if (word && str_starts(word, "no") && recursive)
		word = arena_printf(a, "r%s", word);
	if (word)
		strlist_add(a, &m->options, word);
}

/* Overlay takes these as parts of one text, in which colons separate layers. */
static const char *layer_option(Arena *a, const char *key, const char *path)
{
	char *out = arena_alloc(a, 2 * strlen(path) + 1), *p = out;
	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			*p++ = '\\';
		*p++ = *path;
	}
	return arena_printf(a, "%s=%s", key, out);
}

/* "O": a layer over the source takes what is written, and goes with the container; or it is the caller's and stays. */
static int overlay_apply(const VolumeWords *w, Arena *a, SpecMount *m, Err *e)
{
	const char *upper = w->said[VOLUME_UPPER], *work = w->said[VOLUME_WORK];
	if (!w->said[VOLUME_OVERLAY])
		return err_make(e, ERR_USAGE, 0, "option '%s' needs 'O'", upper ? upper : work);
	for (VolumeTopic t = 0; t < VOLUME_TOPICS; t++) {
		bool fits = t == VOLUME_OVERLAY || t == VOLUME_OWNER || t == VOLUME_UPPER ||
			    t == VOLUME_WORK;
		if (!fits)
			TRY(exclusive(w, t, VOLUME_OVERLAY, e));
	}
	if (!upper != !work)
		return err_make(e, ERR_USAGE, 0, "options 'upperdir' and 'workdir' need each other");
	m->type = "overlay";
	m->throw_away = !upper;
	m->chown_source = w->said[VOLUME_OWNER] != NULL;
	if (!upper)
		return 0;
	strlist_add(a, &m->options, layer_option(a, "lowerdir", m->source));
	strlist_add(a, &m->options, upper);
	strlist_add(a, &m->options, work);
	return 0;
}

int volume_words_apply(const VolumeWords *w, Arena *a, SpecMount *m, Err *e)
{
	bool recursive = !says(w, VOLUME_RECURSION, "bind");
	bool read_only = w->said[VOLUME_ACCESS] && !says(w, VOLUME_ACCESS, "rw");

	TRY(exclusive(w, VOLUME_OWNER, VOLUME_IDMAP, e)); /* ids would be translated twice */
	if (w->said[VOLUME_OVERLAY] || w->said[VOLUME_UPPER] || w->said[VOLUME_WORK])
		return overlay_apply(w, a, m, e);
	strlist_add(a, &m->options, recursive ? "rbind" : "bind");
	strlist_add(a, &m->options,
		    w->said[VOLUME_PROPAGATION] ? w->said[VOLUME_PROPAGATION] : "rprivate");
	if (read_only)
		strlist_add(a, &m->options, recursive && !w->top_only ? "rro" : "ro");
	add_permission(w, VOLUME_EXEC, recursive, a, m);
	add_permission(w, VOLUME_SUID, recursive, a, m);
	add_permission(w, VOLUME_DEV, recursive, a, m);
	if (w->said[VOLUME_IDMAP])
		strlist_add(a, &m->options, w->said[VOLUME_IDMAP]);
	m->chown_source = w->said[VOLUME_OWNER] != NULL;
	return 0;
}
