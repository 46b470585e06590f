#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fmt/spec_rows.h"

#include "base/limits.h"

int spec_fail(SpecDecoder *d, const JsonValue *v, const char *fmt, ...)
{
	char what[320];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap); /* a cut message is still a message */
	va_end(ap);
	return err_make(d->e, ERR_SPEC, 0, "%s (line %u)", what, v->line);
}

void spec_enter(SpecDecoder *d, const char *key, size_t index)
{
	if (d->depth < ARRAY_LEN(d->path)) {
		d->path[d->depth].key = key;
		d->path[d->depth].index = index;
	}
	d->depth++;
}

void spec_leave(SpecDecoder *d)
{
	d->depth--;
}

/* Writes the decoder's path ("process.rlimits[3].type") into buf, cut where it does not fit. */
static void format_path(const SpecDecoder *d, const char *whole, char *buf, size_t size)
{
	size_t len = 0;
	(void)str_format(buf, size, "%s", d->depth ? "" : whole); /* a literal that fits */
	for (unsigned i = 0; i < d->depth && i < ARRAY_LEN(d->path) && len < size; i++) {
		int n;
		if (d->path[i].key)
			n = snprintf(buf + len, size - len, "%s%s", i ? "." : "", d->path[i].key);
		else
			n = snprintf(buf + len, size - len, "[%zu]", d->path[i].index);
		len += n > 0 ? (size_t)n : 0;
	}
}

/* Puts the path in front of the message. Unlike err_wrap() without a colon: the messages are sentences about it. */
int spec_name_key(const SpecDecoder *d, const char *whole, Err *e, int r)
{
	char path[256];
	if (!e)
		return r;
	Err old = *e;
	format_path(d, whole, path, sizeof path);
	return err_raise(e, old.kind, old.sys, old.where, "%s %s", path, old.msg);
}

int spec_decode_object(SpecDecoder *d, const JsonValue *v, const SpecRow *rows, void *base)
{
	TRY(json_expect_object(v, d->e));
	for (const SpecRow *row = rows; row->key; row++) {
		const JsonValue *member = json_member(v, row->key);
		if (member && member->type == JSON_NULL && d->null_is_absent)
			member = NULL;
		if (!member && !(row->flags & SPEC_REQUIRED))
			continue;
		spec_enter(d, row->key, 0);
		if (!member)
			return spec_fail(d, v, "is missing");
		TRY(row->decode(d, member, base, row));
		spec_leave(d);
	}
	return 0;
}

int spec_decode_objects(SpecDecoder *d, const JsonValue *v, const SpecList *list, void *ret_items,
			size_t *ret_count)
{
	TRY(json_expect_array(v, d->e));
	if (list->max > 0 && v->count > list->max)
		return spec_fail(d, v, "must have at most %zu elements, not %u", list->max, v->count);
	char *items = arena_alloc_array(d->arena, v->count, list->size);
	size_t i = 0;
	for (const JsonValue *element = v->as.list.first; element; element = element->next, i++) {
		char *item = items + i * list->size;
		spec_enter(d, NULL, i);
		if (list->init)
			memcpy(item, list->init, list->size);
		TRY(spec_decode_object(d, element, list->rows, item));
		if (list->check)
			TRY(list->check(d, element, item, i));
		spec_leave(d);
	}
	memcpy(ret_items, &items, sizeof items); /* the caller's pointer, of whatever type */
	*ret_count = i;
	return 0;
}

static void *field_of(void *base, const SpecRow *row)
{
	return (char *)base + row->offset;
}

int spec_row_bool(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	return json_get_bool(v, field_of(base, row), d->e);
}

int spec_row_u64(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	return json_get_u64(v, row->max, field_of(base, row), d->e);
}

int spec_row_u32(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	uint64_t n;
	TRY(json_get_u64(v, row->max, &n, d->e));
	*(uint32_t *)field_of(base, row) = (uint32_t)n;
	return 0;
}

int spec_row_i64(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	int64_t n;
	TRY(json_get_i64(v, row->min, (int64_t)row->max, &n, d->e));
	if (n != 0 || !(row->flags & SPEC_ZERO_IS_UNSET))
		*(int64_t *)field_of(base, row) = n;
	return 0;
}

int spec_row_text(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *s;
	TRY(json_get_string(v, &s, d->e));
	if (!*s && (row->flags & SPEC_REQUIRED))
		return spec_fail(d, v, "must not be empty");
	*(const char **)field_of(base, row) = *s ? s : NULL;
	return 0;
}

static int get_path(SpecDecoder *d, const JsonValue *v, const char **ret)
{
	TRY(json_get_string(v, ret, d->e));
	if (**ret != '/')
		return spec_fail(d, v, "must be an absolute path, not '%.100s'", *ret);
	return 0;
}

int spec_row_path(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	return get_path(d, v, field_of(base, row));
}

static int get_any(SpecDecoder *d, const JsonValue *v, const char **ret)
{
	return json_get_string(v, ret, d->e);
}

static int get_list(SpecDecoder *d, const JsonValue *v, StrList *ret,
		    int (*get)(SpecDecoder *, const JsonValue *, const char **))
{
	TRY(json_expect_array(v, d->e));
	StrList l = { 0 }; /* to which others may add */
	for (const JsonValue *element = v->as.list.first; element; element = element->next) {
		const char *item;
		spec_enter(d, NULL, l.count);
		TRY(get(d, element, &item));
		spec_leave(d);
		strlist_add(d->arena, &l, item);
	}
	*ret = l;
	return 0;
}

int spec_row_strings(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	return get_list(d, v, field_of(base, row), get_any);
}

int spec_row_paths(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	return get_list(d, v, field_of(base, row), get_path);
}

int spec_row_object(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	return spec_decode_object(d, v, row->rows, field_of(base, row));
}

/* Which of the values that may ask for nothing v is; 0 when none. */
static unsigned nothing_of(const JsonValue *v)
{
	switch (v->type) {
	case JSON_BOOL: return v->as.boolean ? 0 : SPEC_FALSE;
	case JSON_NUMBER:
		if (v->number != JSON_NUMBER_WHOLE)
			return 0;
		if (v->as.magnitude == 0)
			return SPEC_ZERO;
		return v->negative && v->as.magnitude == 1 ? SPEC_MINUS_1 : 0;
	case JSON_STRING: return *v->as.string ? 0 : SPEC_EMPTY_STRING;
	case JSON_ARRAY: return v->count ? 0 : SPEC_EMPTY_ARRAY;
	case JSON_OBJECT: return v->count ? 0 : SPEC_EMPTY_OBJECT;
	default: return 0;
	}
}

int spec_row_not_yet(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	(void)base;
	if (row->nothing & nothing_of(v))
		return 0;
	return spec_fail(d, v, "is not supported yet");
}
