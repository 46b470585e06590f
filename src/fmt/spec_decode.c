#include <stdio.h>
#include <string.h>

#include "fmt/spec_rows.h"

#include "base/limits.h"

/* ---- ociVersion ---- */

static const char *skip_number(const char *s)
{
	const char *end = s + strspn(s, "0123456789");
	return end == s || (*s == '0' && end - s > 1) ? NULL : end;
}

/* Words of letters, digits and '-' with dots between them. */
static const char *skip_words(const char *s)
{
	for (;; s++) {
		size_t n = strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");
		if (n == 0)
			return NULL;
		s += n;
		if (*s != '.')
			return s;
	}
}

/* Semantic Versioning 2.0.0, clauses 2, 9 and 10. */
static bool is_semver(const char *s)
{
	for (int i = 0; i < 3; i++) {
		if (i > 0 && *s++ != '.')
			return false;
		s = skip_number(s);
		if (!s)
			return false;
	}
	if (*s == '-')
		s = skip_words(s + 1);
	if (s && *s == '+')
		s = skip_words(s + 1);
	return s && !*s;
}

static int decode_version(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Spec *s = base;
	(void)row;
	TRY(json_get_string(v, &s->oci_version, d->e));
	if (!is_semver(s->oci_version))
		return spec_fail(d, v, "must be a semantic version such as 1.3.0, not '%.40s'",
				 s->oci_version);
	if (!str_starts(s->oci_version, "1."))
		return spec_fail(d, v, "must be 1.x.y, not %.40s: no other major version is supported",
				 s->oci_version);
	return 0;
}

/* ---- root, host name, mounts ---- */

static const SpecRow root_rows[] = {
	SPEC_TEXT("path", SpecRoot, path, .flags = SPEC_REQUIRED),
	SPEC_BOOL("readonly", SpecRoot, readonly),
	SPEC_ROWS_END,
};

static int decode_host_name(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_text(d, v, base, row));
	const char *name = *(const char **)((char *)base + row->offset);
	if (name && strlen(name) > LIMIT_HOST_NAME)
		return spec_fail(d, v, "must have at most %u bytes, not %zu", LIMIT_HOST_NAME,
				 strlen(name));
	return 0;
}

static int decode_mount_uid_maps(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecMount *m = base;
	(void)row;
	return spec_decode_id_maps(d, v, &m->uid_mappings, &m->uid_mappings_count);
}

static int decode_mount_gid_maps(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecMount *m = base;
	(void)row;
	return spec_decode_id_maps(d, v, &m->gid_mappings, &m->gid_mappings_count);
}

static const SpecRow mount_rows[] = {
	SPEC_TEXT("destination", SpecMount, destination, .flags = SPEC_REQUIRED),
	SPEC_TEXT("type", SpecMount, type),
	SPEC_TEXT("source", SpecMount, source),
	SPEC_STRINGS("options", SpecMount, options),
	SPEC_ROW("uidMappings", decode_mount_uid_maps),
	SPEC_ROW("gidMappings", decode_mount_gid_maps),
	SPEC_ROWS_END,
};

static int finish_mount(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	SpecMount *m = item;
	(void)index;
	if (!m->uid_mappings_count != !m->gid_mappings_count)
		return spec_fail(d, v, "must have uidMappings and gidMappings, or neither");
	m->destination = path_clean(d->arena, m->destination); /* also makes a relative one absolute */
	return 0;
}

static int decode_mounts(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = {
		.rows = mount_rows,
		.size = sizeof(SpecMount),
		.max = LIMIT_MOUNTS,
		.check = finish_mount,
	};
	Spec *s = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &s->mounts, &s->mounts_count);
}

/* ---- annotations ---- */

static int decode_annotations(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Spec *s = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_object(v, d->e));
	SpecPair *items = arena_new_array(d->arena, v->count, SpecPair);
	for (const JsonValue *member = v->as.list.first; member; member = member->next, i++) {
		if (!*member->key)
			return spec_fail(d, member, "must not have an empty key");
		spec_enter(d, member->key, 0);
		TRY(json_get_string(member, &items[i].value, d->e));
		spec_leave(d);
		items[i].key = member->key;
	}
	s->annotations = items;
	s->annotations_count = i;
	return 0;
}

const char *spec_annotation(const Spec *s, const char *key)
{
	for (size_t i = 0; i < s->annotations_count; i++)
		if (strcmp(s->annotations[i].key, key) == 0)
			return s->annotations[i].value;
	return NULL;
}

/* ---- hooks ---- */

static const SpecRow hook_rows[] = {
	SPEC_PATH("path", SpecHook, path, .flags = SPEC_REQUIRED),
	SPEC_STRINGS("args", SpecHook, args),
	SPEC_STRINGS("env", SpecHook, env),
	SPEC_U32("timeout", SpecHook, timeout, INT32_MAX),
	SPEC_ROWS_END,
};

/* config.md: "If set, timeout MUST be greater than zero." */
static int finish_hook(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	const SpecHook *h = item;
	(void)index;
	if (h->timeout == 0 && json_member(v, "timeout"))
		return spec_fail(d, v, "has a timeout that is not greater than zero");
	return 0;
}

static int decode_hooks(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = {
		.rows = hook_rows, .size = sizeof(SpecHook), .max = LIMIT_HOOKS, .check = finish_hook
	};
	SpecHooks *hooks = (SpecHooks *)((char *)base + row->offset);
	return spec_decode_objects(d, v, &list, &hooks->items, &hooks->count);
}

#define HOOKS(name, kind) SPEC_ROW(name, decode_hooks, .offset = sizeof(SpecHooks) * (kind))
static const SpecRow hooks_rows[] = {
	HOOKS("prestart", SPEC_HOOK_PRESTART),
	HOOKS("createRuntime", SPEC_HOOK_CREATE_RUNTIME),
	HOOKS("createContainer", SPEC_HOOK_CREATE_CONTAINER),
	HOOKS("startContainer", SPEC_HOOK_START_CONTAINER),
	HOOKS("poststart", SPEC_HOOK_POSTSTART),
	HOOKS("poststop", SPEC_HOOK_POSTSTOP),
	SPEC_ROWS_END,
};

const char *spec_hook_kind_name(SpecHookKind kind)
{
	return hooks_rows[kind].key;
}

/* ---- what is not supported ---- */

static int refuse_platform(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	(void)base;
	(void)row;
	return spec_fail(d, v, "describes a container of another platform than Linux");
}

/* config.md */
static const SpecRow top_rows[] = {
	SPEC_ROW("ociVersion", decode_version, .flags = SPEC_REQUIRED),
	SPEC_ROW("freebsd", refuse_platform),
	SPEC_ROW("solaris", refuse_platform),
	SPEC_ROW("vm", refuse_platform),
	SPEC_ROW("windows", refuse_platform),
	SPEC_ROW("zos", refuse_platform),
	SPEC_OBJECT("root", offsetof(Spec, root), root_rows, .flags = SPEC_REQUIRED),
	SPEC_OBJECT("process", offsetof(Spec, process), spec_process_rows),
	SPEC_ROW("hostname", decode_host_name, .offset = SPEC_FIELD(Spec, hostname, const char *)),
	SPEC_ROW("domainname", decode_host_name, .offset = SPEC_FIELD(Spec, domainname, const char *)),
	SPEC_ROW("mounts", decode_mounts),
	SPEC_OBJECT("linux", offsetof(Spec, linux_), spec_linux_rows),
	SPEC_OBJECT("hooks", offsetof(Spec, hooks), hooks_rows),
	SPEC_ROW("annotations", decode_annotations),
	SPEC_ROWS_END,
};

/* ---- the whole ---- */

int spec_decode_process(const char *text, size_t len, Arena *a, SpecProcess *ret, Err *e)
{
	const JsonValue *root;
	SpecDecoder d = { .arena = a, .e = e, .null_is_absent = true };
	SpecProcess p = { 0 };

	TRY(json_parse(text, len, a, &root, e));
	int r = spec_decode_object(&d, root, spec_process_rows, &p);
	if (r < 0)
		return spec_name_key(&d, "process", e, r);
	*ret = p;
	return 0;
}

int spec_decode_mounts(const char *text, size_t len, Arena *a, SpecMount **ret, size_t *ret_count,
		       Err *e)
{
	const JsonValue *root;
	SpecDecoder d = { .arena = a, .e = e, .null_is_absent = true };
	Spec spec = { 0 };

	TRY(json_parse(text, len, a, &root, e));
	spec_enter(&d, "mounts", 0);
	int r = decode_mounts(&d, root, &spec, NULL);
	if (r < 0)
		return spec_name_key(&d, "mounts", e, r);
	*ret = spec.mounts;
	*ret_count = spec.mounts_count;
	return 0;
}

int spec_decode(const char *text, size_t len, Arena *a, Spec *ret, Err *e)
{
	const JsonValue *root;
	SpecDecoder d = { .arena = a, .e = e, .null_is_absent = true };
	Spec spec;

	if (len > LIMIT_CONFIG_BYTES)
		return err_make(e, ERR_SPEC, 0, "config.json has %zu bytes; at most %u are allowed",
				len, LIMIT_CONFIG_BYTES);
	TRY(json_parse(text, len, a, &root, e));
	spec_init(&spec);
	int r = spec_decode_object(&d, root, top_rows, &spec);
	if (r < 0)
		return spec_name_key(&d, "config.json", e, r);
	*ret = spec;
	return 0;
}
