#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "fmt/tar_parts.h"

/* One record: its key, and its value, which may hold anything but is followed by a NUL in place of the newline. */
typedef struct Record {
	const char *key, *value;
	size_t size; /* of the value */
} Record;

typedef struct PaxReader {
	TarExtra *x;
	Arena *arena;
	uint64_t offset; /* of the span whose size comes next: sparse 0.0 */
	bool has_offset;
} PaxReader;

static int fail(const Record *r, Err *e)
{
	return err_make(e, ERR_SPEC, 0, "the archive has a pax header with a wrong %.100s: '%.100s'",
			r->key, r->value);
}

static bool has_nul(const Record *r)
{
	return strlen(r->value) != r->size;
}

static int read_u64(const Record *r, uint64_t max, uint64_t *ret, Err *e)
{
	return has_nul(r) || num_parse_u64(r->value, max, ret) < 0 ? fail(r, e) : 0;
}

static int read_id(const Record *r, bool *ret_has, uint32_t *ret, Err *e)
{
	uint64_t n = 0;
	TRY(read_u64(r, UINT32_MAX - 1, &n, e));
	*ret = (uint32_t)n;
	*ret_has = true;
	return 0;
}

/* "1350244992.023960108", also before 1970: seconds and up to nine decimals that count, of however many. */
static int read_time(const Record *r, TarExtra *x, Err *e)
{
	char seconds[24];
	size_t len = strcspn(r->value, ".");
	uint32_t nsec = 0, unit = 100000000;
	const char *decimals = r->value + len + (r->value[len] == '.');
	if (has_nul(r) || len >= sizeof seconds || decimals[strspn(decimals, "0123456789")])
		return fail(r, e);
	memcpy(seconds, r->value, len);
	seconds[len] = '\0';
	if (num_parse_i64(seconds, &x->mtime) < 0 || x->mtime < -(INT64_C(1) << 40) ||
	    x->mtime > INT64_C(1) << 40) /* 35,000 years either way */
		return fail(r, e);
	for (; *decimals && unit > 0; decimals++, unit /= 10)
		nsec += (uint32_t)(*decimals - '0') * unit;
	if (*seconds == '-' && nsec > 0) { /* -1.25 is a quarter before -1 */
		x->mtime--;
		nsec = 1000000000 - nsec;
	}
	x->mtime_nsec = nsec;
	x->has_mtime = true;
	return 0;
}

static int read_text(const Record *r, const char **ret, Err *e)
{
	if (has_nul(r))
		return fail(r, e);
	*ret = r->size ? r->value : NULL; /* an empty one takes back what an earlier one has said */
	return 0;
}

static int add_xattr(PaxReader *p, const Record *r, const char *name, Err *e)
{
	TarExtra *x = p->x;
	if (!*name || strlen(name) > 255 || x->xattrs_count >= LIMIT_TAR_XATTRS) /* XATTR_NAME_MAX */
		return fail(r, e);
	if (r->size > 65536) /* XATTR_SIZE_MAX */
		return err_make(e, ERR_SPEC, E2BIG,
				"the archive has an extended attribute of %zu bytes, '%.100s'",
				r->size, name);
	*arena_push(p->arena, &x->xattrs, &x->xattrs_count,
		    TarXattr) = (TarXattr){ .name = name, .value = r->value, .size = r->size };
	return 0;
}

/* ---- sparse files ---- */

static int add_span(PaxReader *p, uint64_t offset, uint64_t size, const Record *r, Err *e)
{
	if (p->x->spans_count >= LIMIT_TAR_SPANS)
		return fail(r, e);
	*arena_push(p->arena, &p->x->spans, &p->x->spans_count,
		    TarSpan) = (TarSpan){ .offset = offset, .size = size };
	return 0;
}

/* 0.0: the one, then the other, again and again. */
static int read_offset(PaxReader *p, const Record *r, Err *e)
{
	if (p->has_offset)
		return fail(r, e);
	p->has_offset = p->x->is_sparse = true;
	return read_u64(r, INT64_MAX, &p->offset, e);
}

static int read_span_size(PaxReader *p, const Record *r, Err *e)
{
	uint64_t size = 0;
	if (!p->has_offset)
		return fail(r, e);
	p->has_offset = false;
	TRY(read_u64(r, INT64_MAX, &size, e));
	return add_span(p, p->offset, size, r, e);
}

/* 0.1: "offset,size,offset,size" */
static int read_map(PaxReader *p, const Record *r, Err *e)
{
	p->x->is_sparse = true;
	if (has_nul(r))
		return fail(r, e);
	if (r->size == 0)
		return 0;
	StrList parts = str_split(p->arena, r->value, ',');
	if (parts.count % 2 != 0)
		return fail(r, e);
	for (size_t i = 0; i < parts.count; i += 2) {
		uint64_t offset, size;
		if (num_parse_u64(parts.items[i], INT64_MAX, &offset) < 0 ||
		    num_parse_u64(parts.items[i + 1], INT64_MAX, &size) < 0)
			return fail(r, e);
		TRY(add_span(p, offset, size, r, e));
	}
	return 0;
}

static int read_real_size(TarExtra *x, const Record *r, Err *e)
{
	x->has_real_size = true;
	return read_u64(r, INT64_MAX, &x->real_size, e);
}

/* 1.0 is the only one that names itself. */
static int read_version(TarExtra *x, const Record *r, uint64_t expected, Err *e)
{
	uint64_t n = 0;
	TRY(read_u64(r, UINT32_MAX, &n, e));
	if (n != expected)
		return fail(r, e);
	x->is_sparse = x->has_map = true;
	return 0;
}

static int take_sparse(PaxReader *p, const Record *r, const char *key, Err *e)
{
	TarExtra *x = p->x;
	uint64_t count;
	if (str_eq(key, "name"))
		return read_text(r, &x->sparse_name, e);
	if (str_eq(key, "size") || str_eq(key, "realsize"))
		return read_real_size(x, r, e);
	if (str_eq(key, "map"))
		return read_map(p, r, e);
	if (str_eq(key, "offset"))
		return read_offset(p, r, e);
	if (str_eq(key, "numbytes"))
		return read_span_size(p, r, e);
	if (str_eq(key, "major"))
		return read_version(x, r, 1, e);
	if (str_eq(key, "minor"))
		return read_version(x, r, 0, e);
	if (str_eq(key, "numblocks")) {
		x->is_sparse = true; /* a map of no spans has no other word */
		return read_u64(r, LIMIT_TAR_SPANS, &count, e);
	}
	return fail(r, e);
}

/* ---- records ---- */

static int take(PaxReader *p, const Record *r, Err *e)
{
	TarExtra *x = p->x;
	const char *rest;
	if (str_eq(r->key, "path"))
		return read_text(r, &x->path, e);
	if (str_eq(r->key, "linkpath"))
		return read_text(r, &x->link, e);
	if (str_eq(r->key, "size")) {
		x->has_size = true;
		return read_u64(r, INT64_MAX, &x->size, e);
	}
	if (str_eq(r->key, "uid"))
		return read_id(r, &x->has_uid, &x->uid, e);
	if (str_eq(r->key, "gid"))
		return read_id(r, &x->has_gid, &x->gid, e);
	if (str_eq(r->key, "mtime"))
		return read_time(r, x, e);
	rest = str_after(r->key, "SCHILY.xattr.");
	if (rest)
		return add_xattr(p, r, rest, e);
	rest = str_after(r->key, "GNU.sparse.");
	return rest ? take_sparse(p, r, rest, e) : 0; /* others say what nobody here asks */
}

/* Cuts the next record off: "LENGTH KEY=VALUE\n", where the length counts all of it. */
static int cut(char **text, size_t *left, Record *ret, Err *e)
{
	size_t len = 0, digits = 0;
	for (; digits < *left && (*text)[digits] >= '0' && (*text)[digits] <= '9' && len <= *left;
	     digits++)
		len = len * 10 + (size_t)((*text)[digits] - '0');
	if (digits == 0 || len > *left || len < digits + 2 || (*text)[digits] != ' ' ||
	    (*text)[len - 1] != '\n')
		return err_make(e, ERR_SPEC, 0, "the archive has a pax header that is damaged");
	char *key = *text + digits + 1, *end = *text + len - 1;
	char *equal = memchr(key, '=', (size_t)(end - key));
	if (!equal || equal == key || memchr(key, '\0', (size_t)(equal - key)))
		return err_make(e, ERR_SPEC, 0, "the archive has a pax header that is damaged");
	*equal = *end = '\0';
	*ret = (Record){ .key = key, .value = equal + 1, .size = (size_t)(end - equal - 1) };
	*text += len;
	*left -= len;
	return 0;
}

int tar_pax_read(char *text, size_t size, TarExtra *x, Arena *a, Err *e)
{
	PaxReader p = { .x = x, .arena = a };
	Record r;
	while (size > 0) {
		TRY(cut(&text, &size, &r, e));
		TRY(take(&p, &r, e));
	}
	return 0;
}
