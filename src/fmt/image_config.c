#include "fmt/image.h"

#include <string.h>

#include "base/limits.h"
#include "fmt/spec_rows.h"

/* ---- "config" ---- */

/* Go's set: an object whose values are empty objects. */
static int decode_set(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	StrList *l = (StrList *)((char *)base + row->offset);
	TRY(json_expect_object(v, d->e));
	for (const JsonValue *member = v->as.list.first; member; member = member->next)
		strlist_add(d->arena, l, member->key);
	return 0;
}

static int decode_labels(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	ImageConfig *c = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_object(v, d->e));
	c->labels = arena_new_array(d->arena, v->count, ImageLabel);
	for (const JsonValue *member = v->as.list.first; member; member = member->next, i++) {
		c->labels[i].key = member->key;
		spec_enter(d, member->key, 0);
		TRY(json_get_string(member, &c->labels[i].value, d->e));
		spec_leave(d);
	}
	c->labels_count = i;
	return 0;
}

static const SpecRow healthcheck_rows[] = {
	SPEC_STRINGS("Test", ImageHealthcheck, test),
	SPEC_I64("Interval", ImageHealthcheck, interval, 0),
	SPEC_I64("Timeout", ImageHealthcheck, timeout, 0),
	SPEC_I64("StartPeriod", ImageHealthcheck, start_period, 0),
	SPEC_I64("StartInterval", ImageHealthcheck, start_interval, 0),
	SPEC_U32("Retries", ImageHealthcheck, retries, INT32_MAX),
	SPEC_ROWS_END,
};

static int decode_healthcheck(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	ImageConfig *c = base;
	(void)row;
	c->healthcheck.given = true;
	return spec_decode_object(d, v, healthcheck_rows, &c->healthcheck);
}

static const SpecRow process_rows[] = {
	SPEC_TEXT("User", ImageConfig, user),
	SPEC_TEXT("WorkingDir", ImageConfig, working_dir),
	SPEC_TEXT("StopSignal", ImageConfig, stop_signal),
	SPEC_STRINGS("Env", ImageConfig, env),
	SPEC_STRINGS("Entrypoint", ImageConfig, entrypoint),
	SPEC_STRINGS("Cmd", ImageConfig, cmd),
	SPEC_STRINGS("Shell", ImageConfig, shell),
	SPEC_STRINGS("OnBuild", ImageConfig, on_build),
	SPEC_ROW("ExposedPorts", decode_set, .offset = SPEC_FIELD(ImageConfig, exposed_ports, StrList)),
	SPEC_ROW("Volumes", decode_set, .offset = SPEC_FIELD(ImageConfig, volumes, StrList)),
	SPEC_ROW("Labels", decode_labels),
	SPEC_ROW("Healthcheck", decode_healthcheck),
	SPEC_ROWS_END,
};

/* ---- layers ---- */

static int decode_root_type(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *type;
	(void)base;
	(void)row;
	TRY(json_get_string(v, &type, d->e));
	return str_eq(type, "layers") ? 0 : spec_fail(d, v, "must be 'layers', not '%.64s'", type);
}

static int decode_diff_ids(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	ImageConfig *c = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_array(v, d->e));
	if (v->count > LIMIT_LAYERS)
		return spec_fail(d, v, "must have at most %u elements, not %u", LIMIT_LAYERS, v->count);
	c->diff_ids = arena_new_array(d->arena, v->count, Digest);
	for (const JsonValue *element = v->as.list.first; element; element = element->next, i++) {
		const char *text;
		spec_enter(d, NULL, i);
		TRY(json_get_string(element, &text, d->e));
		if (digest_parse(text, &c->diff_ids[i]) < 0)
			return spec_fail(d, element, "is no digest that is supported: '%.100s'", text);
		spec_leave(d);
	}
	c->diff_ids_count = i;
	return 0;
}

static const SpecRow root_rows[] = {
	SPEC_ROW("type", decode_root_type, .flags = SPEC_REQUIRED),
	SPEC_ROW("diff_ids", decode_diff_ids, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static const SpecRow history_rows[] = {
	SPEC_TEXT("created", ImageHistory, created),
	SPEC_TEXT("created_by", ImageHistory, created_by),
	SPEC_TEXT("author", ImageHistory, author),
	SPEC_TEXT("comment", ImageHistory, comment),
	SPEC_BOOL("empty_layer", ImageHistory, empty_layer),
	SPEC_ROWS_END,
};

static int decode_history(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = history_rows,
				       .size = sizeof(ImageHistory),
				       .max = LIMIT_HISTORY };
	ImageConfig *c = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &c->history, &c->history_count);
}

/* ---- the whole ---- */

static const SpecRow top_rows[] = {
	SPEC_ROW("os", spec_row_text, .offset = SPEC_FIELD(ImageConfig, platform.os, const char *),
		 .flags = SPEC_REQUIRED),
	SPEC_ROW("architecture", spec_row_text,
		 .offset = SPEC_FIELD(ImageConfig, platform.arch, const char *), .flags = SPEC_REQUIRED),
	SPEC_ROW("variant", spec_row_text,
		 .offset = SPEC_FIELD(ImageConfig, platform.variant, const char *)),
	SPEC_TEXT("created", ImageConfig, created),
	SPEC_TEXT("author", ImageConfig, author),
	SPEC_OBJECT("config", 0, process_rows),
	SPEC_OBJECT("rootfs", 0, root_rows, .flags = SPEC_REQUIRED),
	SPEC_ROW("history", decode_history),
	SPEC_ROWS_END,
};

int image_config_decode(const char *text, size_t len, Arena *a, ImageConfig *ret, Err *e)
{
	const JsonValue *root;
	SpecDecoder d = { .arena = a, .e = e, .null_is_absent = true };
	ImageConfig c = { 0 };
	if (len > LIMIT_CONFIG_BYTES)
		return err_make(e, ERR_SPEC, 0,
				"the image's configuration has %zu bytes; at most %u are allowed",
				len, LIMIT_CONFIG_BYTES);
	TRY(json_parse(text, len, a, &root, e));
	int r = spec_decode_object(&d, root, top_rows, &c);
	if (r < 0)
		return spec_name_key(&d, "the image's configuration", e, r);
	c.platform = platform_normal(c.platform, a);
	*ret = c;
	return 0;
}
