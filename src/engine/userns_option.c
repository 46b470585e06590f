#include "engine/userns_option.h"

#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "engine/idmap_option.h"

static const struct {
	const char *name;
	UsernsMode mode;
} modes[] = {
	{ "host", USERNS_HOST }, { "private", USERNS_PRIVATE }, { "keep-id", USERNS_KEEP_ID },
	{ "auto", USERNS_AUTO }, { "nomap", USERNS_NOMAP },
};

const char *userns_mode_name(UsernsMode m)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (modes[i].mode == m)
			return modes[i].name;
	return modes[0].name;
}

static int mode_find(const char *name, UsernsMode *ret, Err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(name, modes[i].name) == 0) {
			*ret = modes[i].mode;
			return 0;
		}
	if (strcmp(name, "ns") == 0 || strcmp(name, "container") == 0)
		return err_make(e, ERR_USAGE, 0,
				"--userns %s: joining a namespace is not there yet", name);
	return err_make(e, ERR_USAGE, 0,
			"--userns '%s': must be host, private, keep-id, auto or nomap", name);
}

static int id_parse(const char *word, const char *text, uint32_t least, uint32_t *ret, Err *e)
{
	if (num_parse_u32(text, UINT32_MAX - 1, ret) < 0 || *ret < least)
		return err_make(e, ERR_USAGE, 0, "--userns: '%s' is no number from %u to %u", word,
				least, UINT32_MAX - 1);
	return 0;
}

/* "size=8192", "uid=0", "uidmapping=0:1000:1" */
static int word_parse(const char *word, Arena *a, UsernsOption *o, Err *e)
{
	const char *value;
	bool keep_id = o->mode == USERNS_KEEP_ID, is_auto = o->mode == USERNS_AUTO;
	if ((keep_id || is_auto) && (value = str_after(word, "size=")))
		return id_parse(word, value, 1, &o->size, e);
	if (keep_id && (value = str_after(word, "uid="))) {
		o->has_uid = true;
		return id_parse(word, value, 0, &o->uid, e);
	}
	if (keep_id && (value = str_after(word, "gid="))) {
		o->has_gid = true;
		return id_parse(word, value, 0, &o->gid, e);
	}
	if (is_auto && (value = str_after(word, "uidmapping=")))
		return idmap_option_parse("--userns auto:uidmapping", value, a,
					  arena_push(a, &o->uid_maps, &o->uid_maps_count, SpecIdMap),
					  e);
	if (is_auto && (value = str_after(word, "gidmapping=")))
		return idmap_option_parse("--userns auto:gidmapping", value, a,
					  arena_push(a, &o->gid_maps, &o->gid_maps_count, SpecIdMap),
					  e);
	return err_make(e, ERR_USAGE, 0, "--userns: unknown option '%s'", word);
}

int userns_option_parse(const char *text, Arena *a, UsernsOption *ret, Err *e)
{
	UsernsOption o = { .mode = text ? USERNS_HOST : USERNS_DEFAULT };
	if (text && *text) {
		const char *colon = strchr(text, ':');
		const char *name = colon ? arena_strndup(a, text, (size_t)(colon - text)) : text;
		TRY(mode_find(name, &o.mode, e));
		StrList words = colon ? str_split(a, colon + 1, ',') : (StrList){ 0 };
		for (size_t i = 0; i < words.count; i++)
			TRY(word_parse(words.items[i], a, &o, e));
	}
	*ret = o;
	return 0;
}
