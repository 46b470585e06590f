#include "engine/mount_option.h"

#include <string.h>

#include "engine/volume.h"
#include "engine/volume_words.h"
#include "fmt/csv.h"
#include "fmt/size.h"

enum { /* bits of Key.types */
       BIND = 1 << 0,
       TMPFS = 1 << 1,
       RAMFS = 1 << 2,
       DEVPTS = 1 << 3,
       IN_MEMORY = TMPFS | RAMFS,
       ALL = BIND | TMPFS | RAMFS | DEVPTS,
};

static const struct {
	const char *name;
	unsigned bit;
} types[] = { { "bind", BIND }, { "tmpfs", TMPFS }, { "ramfs", RAMFS }, { "devpts", DEVPTS } };

/* What one --mount comes to. */
typedef struct Reading {
	const char *cwd, *type_name, *source;
	unsigned type;
	VolumeWords words;     /* of a bind, and "ro" or "noexec" of the others */
	const char *copy_up;   /* the key */
	const char *recursion; /* bind-recursive's value */
	StrList data;          /* for the file system */
	StrList keys;          /* those that were there, by their first names */
	Arena *arena;
	SpecMount *mount;
	Err *e;
} Reading;

typedef struct Key Key;
typedef int KeyFn(Reading *r, const Key *k, const char *value);

struct Key {
	const char *name;  /* as it is written */
	const char *first; /* of several names for one thing the first, else NULL */
	unsigned types;
	enum {
		NO_VALUE,
		BOOLEAN,
		MAY_HAVE_VALUE,
		NEEDS_VALUE
	} takes; /* BOOLEAN: fn is called when it is true */
	KeyFn *fn;
};

/* ---- what the keys do ---- */

static int bad_value(const Reading *r, const Key *k, const char *value, const char *want)
{
	return err_make(r->e, ERR_USAGE, 0, "%s=%s: not %s", k->name, value, want);
}

static int set_nothing(Reading *r, const Key *k, const char *value)
{
	(void)r;
	(void)k;
	(void)value;
	return 0; /* the type, which was read before; and false */
}

static int set_source(Reading *r, const Key *k, const char *value)
{
	(void)k;
	return volume_source(value, r->cwd, r->arena, &r->source, r->e);
}

static int set_target(Reading *r, const Key *k, const char *value)
{
	(void)k;
	return volume_target(value, r->arena, &r->mount->destination, r->e);
}

/* A key that is the word itself. */
static int set_word(Reading *r, const Key *k, const char *value)
{
	(void)value;
	return volume_word_add(&r->words, k->first ? k->first : k->name, r->e);
}

/* rw=false is ro, whereas ro=false is what there is by default. */
static int set_writable(Reading *r, const Key *k, const char *value)
{
	bool no = value && (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0);
	if (value && !no && strcasecmp(value, "true") != 0 && strcmp(value, "1") != 0)
		return bad_value(r, k, value, "true or false");
	return volume_word_add(&r->words, no ? "ro" : "rw", r->e);
}

static int set_propagation(Reading *r, const Key *k, const char *value)
{
	static const char *const known[] = { "private",  "shared",  "slave",  "unbindable",
					     "rprivate", "rshared", "rslave", "runbindable" };
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcasecmp(value, known[i]) == 0)
			return volume_word_add(&r->words, known[i], r->e);
	return bad_value(r, k, value, "[r]private, [r]shared, [r]slave or [r]unbindable");
}

static int set_not_recursive(Reading *r, const Key *k, const char *value)
{
	(void)k;
	(void)value;
	return volume_word_add(&r->words, "bind", r->e);
}

static int set_recursion(Reading *r, const Key *k, const char *value)
{
	static const char *const known[] = { "enabled", "disabled", "writable", "readonly" };
	for (size_t i = 0; i < ARRAY_LEN(known) && !r->recursion; i++)
		if (strcmp(value, known[i]) == 0)
			r->recursion = known[i];
	if (!r->recursion)
		return bad_value(r, k, value, "enabled, disabled, writable or readonly");
	r->words.top_only = str_eq(r->recursion, "writable");
	return volume_word_add(&r->words, str_eq(r->recursion, "disabled") ? "bind" : "rbind", r->e);
}

static int set_create(Reading *r, const Key *k, const char *value)
{
	(void)k;
	(void)value;
	r->mount->create_source = true;
	return 0;
}

static int set_consistency(Reading *r, const Key *k, const char *value)
{
	static const char *const known[] = { "default", "consistent", "cached", "delegated" };
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcasecmp(value, known[i]) == 0)
			return 0; /* for Macs */
	return bad_value(r, k, value, "consistent, cached or delegated");
}

static int set_label(Reading *r, const Key *k, const char *value)
{
	if (strcmp(value, "shared") != 0 && strcmp(value, "private") != 0)
		return bad_value(r, k, value, "shared or private");
	return volume_word_add(&r->words, *value == 's' ? "z" : "Z", r->e);
}

static int set_idmap(Reading *r, const Key *k, const char *value)
{
	(void)k;
	if (value && strcmp(value, "false") == 0)
		return 0;
	if (!value || strcmp(value, "true") == 0)
		return volume_word_add(&r->words, "idmap", r->e);
	return volume_word_add(&r->words, arena_printf(r->arena, "idmap=%s", value), r->e);
}

static int set_copy_up(Reading *r, const Key *k, const char *value)
{
	(void)value;
	if (r->copy_up)
		return err_make(r->e, ERR_USAGE, 0, "keys '%s' and '%s' exclude each other",
				r->copy_up, k->name);
	r->copy_up = k->name;
	return 0;
}

static int set_size(Reading *r, const Key *k, const char *value)
{
	uint64_t bytes;
	if (size_parse_bytes(value, &bytes) < 0)
		return bad_value(r, k, value, "a size such as 512m");
	if (bytes > 0) /* docker's "not given" */
		strlist_add(r->arena, &r->data,
			    arena_printf(r->arena, "size=%llu", (unsigned long long)bytes));
	return 0;
}

static int set_mode(Reading *r, const Key *k, const char *value)
{
	size_t digits = strspn(value, "01234567");
	if (value[digits] || strlen(value + strspn(value, "0")) > 4)
		return bad_value(r, k, value, "an octal mode such as 1777");
	strlist_add(r->arena, &r->data, arena_printf(r->arena, "mode=%s", value));
	return 0;
}

/* devpts' own options have the kernel's names. */
static int set_data(Reading *r, const Key *k, const char *value)
{
	strlist_add(r->arena, &r->data,
		    value ? arena_printf(r->arena, "%s=%s", k->name, value) : k->name);
	return 0;
}

static int set_later(Reading *r, const Key *k, const char *value)
{
	(void)value;
	return err_make(r->e, ERR_USAGE, 0, "key '%s' is not there yet", k->name);
}

/* ---- the table ---- */

/* clang-format off */
static const Key keys[] = {
	{ "type", NULL, ALL, NEEDS_VALUE, set_nothing },
	{ "source", NULL, BIND, NEEDS_VALUE, set_source },
	{ "src", "source", BIND, NEEDS_VALUE, set_source },
	{ "target", NULL, ALL, NEEDS_VALUE, set_target },
	{ "destination", "target", ALL, NEEDS_VALUE, set_target },
	{ "dst", "target", ALL, NEEDS_VALUE, set_target },
	{ "ro", NULL, BIND | IN_MEMORY, BOOLEAN, set_word },
	{ "readonly", "ro", BIND | IN_MEMORY, BOOLEAN, set_word },
	{ "rw", NULL, BIND | IN_MEMORY, MAY_HAVE_VALUE, set_writable },
	{ "exec", NULL, BIND | IN_MEMORY, NO_VALUE, set_word },
	{ "noexec", NULL, BIND | IN_MEMORY, NO_VALUE, set_word },
	{ "suid", NULL, BIND | IN_MEMORY, NO_VALUE, set_word },
	{ "nosuid", NULL, BIND | IN_MEMORY, NO_VALUE, set_word },
	{ "dev", NULL, BIND | IN_MEMORY, NO_VALUE, set_word },
	{ "nodev", NULL, BIND | IN_MEMORY, NO_VALUE, set_word },
	{ "consistency", NULL, ALL, NEEDS_VALUE, set_consistency },

	{ "bind-propagation", NULL, BIND, NEEDS_VALUE, set_propagation },
	{ "private", NULL, BIND, NO_VALUE, set_word },
	{ "rprivate", NULL, BIND, NO_VALUE, set_word },
	{ "shared", NULL, BIND, NO_VALUE, set_word },
	{ "rshared", NULL, BIND, NO_VALUE, set_word },
	{ "slave", NULL, BIND, NO_VALUE, set_word },
	{ "rslave", NULL, BIND, NO_VALUE, set_word },
	{ "unbindable", NULL, BIND, NO_VALUE, set_word },
	{ "runbindable", NULL, BIND, NO_VALUE, set_word },
	{ "bind-nonrecursive", NULL, BIND, BOOLEAN, set_not_recursive },
	{ "bind-recursive", NULL, BIND, NEEDS_VALUE, set_recursion },
	{ "bind-create-src", NULL, BIND, BOOLEAN, set_create },
	{ "relabel", NULL, BIND, NEEDS_VALUE, set_label },
	{ "z", NULL, BIND, NO_VALUE, set_word },
	{ "Z", NULL, BIND, NO_VALUE, set_word },
	{ "idmap", NULL, BIND, MAY_HAVE_VALUE, set_idmap },
	{ "U", NULL, BIND | TMPFS, BOOLEAN, set_word },
	{ "chown", "U", BIND | TMPFS, BOOLEAN, set_word },
	{ "no-dereference", NULL, BIND, NO_VALUE, set_later },

	{ "tmpfs-size", NULL, TMPFS, NEEDS_VALUE, set_size },
	{ "tmpfs-mode", NULL, TMPFS, NEEDS_VALUE, set_mode },
	{ "tmpcopyup", NULL, TMPFS, NO_VALUE, set_copy_up },
	{ "notmpcopyup", NULL, TMPFS, NO_VALUE, set_copy_up },
	{ "noswap", NULL, TMPFS, NO_VALUE, set_data },

	{ "uid", NULL, DEVPTS, NEEDS_VALUE, set_data },
	{ "gid", NULL, DEVPTS, NEEDS_VALUE, set_data },
	{ "mode", NULL, DEVPTS, NEEDS_VALUE, set_data },
	{ "ptmxmode", NULL, DEVPTS, NEEDS_VALUE, set_data },
	{ "max", NULL, DEVPTS, NEEDS_VALUE, set_data },
	{ "newinstance", NULL, DEVPTS, NO_VALUE, set_nothing }, /* all of them are */
};
/* clang-format on */

static const Key *key_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(name, keys[i].name) == 0)
			return &keys[i];
	return NULL;
}

/* ---- reading ---- */

static int key_unknown(const Reading *r, const char *name)
{
	static const char *const of_others[] = { "volume-", "image-", "cluster-", "subpath" };
	for (size_t i = 0; i < ARRAY_LEN(of_others); i++)
		if (str_starts(name, of_others[i]))
			return err_make(r->e, ERR_USAGE, 0, "key '%s' does not go with type=%s",
					name, r->type_name);
	return err_make(r->e, ERR_USAGE, 0, "unknown key '%s'", name);
}

static int key_check(Reading *r, const Key *k, const char *value)
{
	const char *first = k->first ? k->first : k->name;
	if (!(k->types & r->type))
		return err_make(r->e, ERR_USAGE, 0, "key '%s' does not go with type=%s", k->name,
				r->type_name);
	if (strlist_has(&r->keys, first))
		return err_make(r->e, ERR_USAGE, 0, "key '%s' is there twice", k->name);
	strlist_add(r->arena, &r->keys, first);
	if (value && k->takes == NO_VALUE)
		return err_make(r->e, ERR_USAGE, 0, "key '%s' takes no value", k->name);
	if (!value && k->takes == NEEDS_VALUE)
		return err_make(r->e, ERR_USAGE, 0, "key '%s' needs a value", k->name);
	if (value && !*value)
		return err_make(r->e, ERR_USAGE, 0, "key '%s' has an empty value", k->name);
	return 0;
}

static int field_read(Reading *r, const char *field)
{
	const char *equals = strchr(field, '=');
	const char *name = equals ? arena_strndup(r->arena, field, (size_t)(equals - field)) : field;
	const char *value = equals ? equals + 1 : NULL;
	const Key *k = key_find(name);
	if (!k)
		return key_unknown(r, name);
	TRY(key_check(r, k, value));
	if (k->takes != BOOLEAN || !value || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
		return k->fn(r, k, value);
	if (strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0)
		return bad_value(r, k, value, "true or false");
	return 0;
}

static int type_refused(const Reading *r, const char *name)
{
	static const struct {
		const char *name, *why;
	} known[] = {
		{ "volume", "volumes with a name are not there yet; for a directory use type=bind" },
		{ "image", "mounting an image is not there yet" },
		{ "artifact", "mounting an artifact is not there yet" },
		{ "glob", "it is not there yet; give each path a --mount of its own" },
		{ "npipe", "named pipes are Windows's" },
		{ "cluster", "cluster volumes need a swarm, which mydocker does not have" },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcasecmp(name, known[i].name) == 0)
			return err_make(r->e, ERR_USAGE, 0, "type=%s: %s", known[i].name, known[i].why);
	return err_make(r->e, ERR_USAGE, 0,
			"unknown type '%s' (bind, tmpfs, ramfs and devpts are there)", name);
}

/* First of all the type, wherever it stands: it decides which keys there are. */
static int type_read(Reading *r, const StrList *fields)
{
	const char *name = NULL;
	for (size_t i = 0; i < fields->count && !name; i++)
		name = str_after(fields->items[i], "type=");
	if (!name)
		return err_make(r->e, ERR_USAGE, 0,
				"key 'type' is missing; docker's default, volume, is not there yet");
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcasecmp(name, types[i].name) == 0) {
			r->type = types[i].bit;
			r->type_name = types[i].name;
			return 0;
		}
	return type_refused(r, name);
}

/* All the way down is how "readonly" is meant anyway, but who says so wants it without exception: what is mounted on the host later and
 * comes in would be one. */
static int recursion_check(const Reading *r)
{
	const char *propagation = r->words.said[VOLUME_PROPAGATION];
	bool down = str_eq(r->recursion, "readonly");
	if (!down && !str_eq(r->recursion, "writable"))
		return 0;
	if (!str_eq(r->words.said[VOLUME_ACCESS], "ro"))
		return err_make(r->e, ERR_USAGE, 0, "bind-recursive=%s needs 'readonly', too",
				r->recursion);
	if (down && propagation && strcmp(propagation, "rprivate") != 0)
		return err_make(r->e, ERR_USAGE, 0,
				"bind-recursive=readonly and bind-propagation=%s exclude each other",
				propagation);
	return 0;
}

static int bind_finish(Reading *r)
{
	if (!r->source)
		return err_make(r->e, ERR_USAGE, 0, "key 'source' is missing");
	r->mount->source = r->source;
	TRY(recursion_check(r));
	return volume_words_apply(&r->words, r->arena, r->mount, r->e);
}

static void fs_finish(Reading *r)
{
	const VolumeTopic topics[] = { VOLUME_ACCESS, VOLUME_EXEC, VOLUME_SUID, VOLUME_DEV };
	SpecMount *m = r->mount;
	m->source = r->type_name;
	if (r->type == DEVPTS)
		m->options = str_split(r->arena, "nosuid,noexec,newinstance", ',');
	else
		tmpfs_defaults_add(r->arena, m);
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		if (r->words.said[topics[i]])
			strlist_add(r->arena, &m->options, r->words.said[topics[i]]);
	for (size_t i = 0; i < r->data.count; i++)
		strlist_add(r->arena, &m->options, r->data.items[i]);
	if (str_eq(r->copy_up, "tmpcopyup"))
		strlist_add(r->arena, &m->options, r->copy_up);
	m->chown_source = r->words.said[VOLUME_OWNER] != NULL;
}

static int mount_read(Reading *r, const char *text)
{
	StrList fields;
	TRY(csv_split(text, r->arena, &fields, r->e));
	TRY(type_read(r, &fields));
	r->mount->type = r->type_name;
	for (size_t i = 0; i < fields.count; i++)
		TRY(field_read(r, fields.items[i]));
	if (!r->mount->destination)
		return err_make(r->e, ERR_USAGE, 0, "key 'target' is missing");
	if (r->type == BIND)
		return bind_finish(r);
	fs_finish(r);
	return 0;
}

int mount_option_parse(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e)
{
	SpecMount m = { 0 };
	Reading r = { .cwd = cwd, .arena = a, .mount = &m, .e = e };
	int failed = mount_read(&r, text);
	if (failed < 0)
		return err_wrap(e, failed, "--mount '%s'", text);
	*ret = m;
	return 0;
}
