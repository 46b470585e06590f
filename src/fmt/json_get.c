#include "fmt/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int compare_key(const void *key, const void *member)
{
	return strcmp(key, (*(const JsonValue *const *)member)->key);
}

const JsonValue *json_member(const JsonValue *value, const char *key)
{
	if (!value || value->type != JSON_OBJECT)
		return NULL;
	if (value->as.list.by_key) {
		const JsonValue *const *found = bsearch(key, value->as.list.by_key, value->count,
							sizeof(JsonValue *), compare_key);
		return found ? *found : NULL;
	}
	for (const JsonValue *m = value->as.list.first; m; m = m->next)
		if (strcmp(m->key, key) == 0)
			return m;
	return NULL;
}

const char *json_type_name(const JsonValue *v)
{
	/* clang-format off */
	static const char *const names[] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "a boolean",
		[JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};
	/* clang-format on */
	return names[v->type];
}

static int expect(const JsonValue *v, uint8_t type, const char *wanted, Err *e)
{
	if (!v)
		return err_make(e, ERR_SPEC, 0, "is missing");
	if (v->type != type)
		return err_make(e, ERR_SPEC, 0, "must be %s, not %s (line %u)", wanted,
				json_type_name(v), v->line);
	return 0;
}

int json_expect_array(const JsonValue *v, Err *e)
{
	return expect(v, JSON_ARRAY, "an array", e);
}

int json_expect_object(const JsonValue *v, Err *e)
{
	return expect(v, JSON_OBJECT, "an object", e);
}

int json_get_bool(const JsonValue *v, bool *ret, Err *e)
{
	TRY(expect(v, JSON_BOOL, "true or false", e));
	*ret = v->as.boolean;
	return 0;
}

int json_get_string(const JsonValue *v, const char **ret, Err *e)
{
	TRY(expect(v, JSON_STRING, "a string", e));
	*ret = v->as.string;
	return 0;
}

int json_get_number_text(const JsonValue *v, Arena *a, const char **ret, Err *e)
{
	TRY(expect(v, JSON_NUMBER, "a number", e));
	*ret = v->number != JSON_NUMBER_WHOLE
		       ? v->as.string
		       : arena_printf(a, "%s%" PRIu64, v->negative ? "-" : "", v->as.magnitude);
	return 0;
}

static int expect_whole(const JsonValue *v, Err *e)
{
	TRY(expect(v, JSON_NUMBER, "a whole number", e));
	if (v->number == JSON_NUMBER_REAL)
		return err_make(e, ERR_SPEC, 0,
				"must be a whole number, written without a fraction or an exponent (line %u)",
				v->line);
	return 0;
}

int json_get_u64(const JsonValue *v, uint64_t max, uint64_t *ret, Err *e)
{
	TRY(expect_whole(v, e));
	if (v->number == JSON_NUMBER_HUGE || v->as.magnitude > max ||
	    (v->negative && v->as.magnitude > 0))
		return err_make(e, ERR_SPEC, 0, "must be from 0 to %" PRIu64 " (line %u)", max, v->line);
	*ret = v->as.magnitude;
	return 0;
}

/* Whether the number is one of int64_t, and which. */
static bool to_i64(const JsonValue *v, int64_t *ret)
{
	if (v->number == JSON_NUMBER_HUGE || v->as.magnitude > (uint64_t)INT64_MAX + v->negative)
		return false;
	*ret = (int64_t)(v->negative ? 0 - v->as.magnitude : v->as.magnitude);
	return true;
}

int json_get_i64(const JsonValue *v, int64_t min, int64_t max, int64_t *ret, Err *e)
{
	int64_t n;
	TRY(expect_whole(v, e));
	if (!to_i64(v, &n) || n < min || n > max)
		return err_make(e, ERR_SPEC, 0, "must be from %" PRId64 " to %" PRId64 " (line %u)",
				min, max, v->line);
	*ret = n;
	return 0;
}
