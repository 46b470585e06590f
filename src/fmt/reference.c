#include "fmt/reference.h"

#include <string.h>

#include "base/limits.h"
#include "base/str.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Each of these returns the first character that does not belong to the part, or NULL when there is no such part at s. */

static const char *skip_one(const char *s, const char *set)
{
	size_t n = strspn(s, set);
	return n ? s + n : NULL;
}

/* Letters and digits, and hyphens that are not at an end. */
static const char *skip_label(const char *s)
{
	const char *end = skip_one(s, LOWER UPPER DIGITS "-");
	return end && *s != '-' && end[-1] != '-' ? end : NULL;
}

static const char *skip_host(const char *s)
{
	if (*s == '[') { /* an IPv6 address, by its characters alone */
		s = skip_one(s + 1, "abcdefABCDEF" DIGITS ":");
		return s && *s == ']' ? s + 1 : NULL;
	}
	s = skip_label(s);
	while (s && *s == '.')
		s = skip_label(s + 1);
	return s;
}

static const char *skip_domain(const char *s)
{
	s = skip_host(s);
	return s && *s == ':' ? skip_one(s + 1, DIGITS) : s;
}

bool reference_is_domain(const char *text)
{
	const char *end = skip_domain(text);
	return end && *end == '\0';
}

/* What may stand between two words of a path's part: '.', '_', "__", or hyphens. */
static const char *skip_separator(const char *s)
{
	if (*s == '.')
		return s + 1;
	if (*s == '_')
		return s + (s[1] == '_' ? 2 : 1);
	return skip_one(s, "-");
}

static const char *skip_path_part(const char *s)
{
	const char *end = skip_one(s, LOWER DIGITS);
	for (const char *next = end; next;) {
		next = skip_separator(end);
		next = next ? skip_one(next, LOWER DIGITS) : NULL;
		end = next ? next : end;
	}
	return end;
}

static const char *skip_path(const char *s)
{
	s = skip_path_part(s);
	while (s && *s == '/')
		s = skip_path_part(s + 1);
	return s;
}

static const char *skip_tag(const char *s)
{
	if (*s == '.' || *s == '-')
		return NULL;
	const char *end = skip_one(s, LOWER UPPER DIGITS "_.-");
	return end && end - s <= (ptrdiff_t)LIMIT_TAG ? end : NULL;
}

/* Docker's rule for what is a registry: it has a dot or a port, or an upper case letter, or is "localhost". */
static bool is_domain(const char *s, size_t len)
{
	if (len == strlen("localhost") && memcmp(s, "localhost", len) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return true;
	return false;
}

static int parse_digest(const char *text, Reference *r, Err *e)
{
	int n = digest_parse(text, &r->digest);
	if (n == -ENOTSUP)
		return err_make(e, ERR_USAGE, 0, "unsupported digest algorithm: '%.100s'", text);
	return n < 0 ? err_make(e, ERR_USAGE, 0, "invalid reference format: '%.100s' is no digest", text)
		     : 0;
}

/* After the name: [:TAG][@DIGEST] and nothing else. */
static int parse_end(const char *s, const char *text, Arena *a, Reference *r, Err *e)
{
	if (*s == ':') {
		const char *end = skip_tag(s + 1);
		if (!end)
			return err_make(e, ERR_USAGE, 0,
					"invalid reference format: '%.100s' has no valid tag", text);
		r->tag = arena_strndup(a, s + 1, (size_t)(end - s - 1));
		s = end;
	}
	if (*s == '@')
		return parse_digest(s + 1, r, e);
	return *s ? err_make(e, ERR_USAGE, 0, "invalid reference format: '%.200s'", text) : 0;
}

static int path_fail(const char *path, const char *text, Err *e)
{
	size_t len = strcspn(path, ":@");
	size_t upper = strcspn(path, UPPER);
	return err_make(e, ERR_USAGE, 0, "invalid reference format%s: '%.200s'",
			upper < len ? ": repository name must be lowercase" : "", text);
}

int reference_parse(const char *text, Arena *a, Reference *ret, Err *e)
{
	Reference r = { .domain = REFERENCE_DEFAULT_DOMAIN };
	const char *path = text;
	size_t first = strcspn(text, "/");
	if (!*text)
		return err_make(e, ERR_USAGE, 0, "invalid reference format: the name is empty");
	if (strlen(text) == 64 && strspn(text, DIGITS "abcdef") == 64)
		return err_make(e, ERR_USAGE, 0,
				"invalid repository name (%s), cannot specify 64-byte hexadecimal strings",
				text);
	if (text[first] && is_domain(text, first)) {
		if (skip_domain(text) != text + first)
			return err_make(e, ERR_USAGE, 0,
					"invalid reference format: '%.*s' is no registry's address",
					(int)(first < 200 ? first : 200), text);
		r.domain = arena_strndup(a, text, first);
		path = text + first + 1;
	}
	const char *end = skip_path(path);
	if (!end || !strchr(":@", *end)) /* finds the NUL, too */
		return path_fail(path, text, e);
	r.path = arena_strndup(a, path, (size_t)(end - path));
	if (str_eq(r.domain, "index.docker.io"))
		r.domain = REFERENCE_DEFAULT_DOMAIN;
	if (str_eq(r.domain, REFERENCE_DEFAULT_DOMAIN) && !strchr(r.path, '/'))
		r.path = arena_printf(a, "library/%s", r.path);
	if (strlen(r.domain) + 1 + strlen(r.path) > LIMIT_REPOSITORY)
		return err_make(e, ERR_USAGE, 0,
				"invalid reference format: the name of the repository must not have more than %u characters",
				LIMIT_REPOSITORY);
	TRY(parse_end(end, text, a, &r, e));
	*ret = r;
	return 0;
}

void reference_add_tag(Reference *r)
{
	if (!r->tag && r->digest.algorithm == DIGEST_NONE)
		r->tag = REFERENCE_DEFAULT_TAG;
}

static char *with_end(const Reference *r, const char *name, Arena *a)
{
	return arena_printf(a, "%s%s%s%s%s", name, r->tag ? ":" : "", r->tag ? r->tag : "",
			    r->digest.algorithm ? "@" : "", r->digest.text);
}

char *reference_text(const Reference *r, Arena *a)
{
	return with_end(r, arena_printf(a, "%s/%s", r->domain, r->path), a);
}

char *reference_familiar_name(const Reference *r, Arena *a)
{
	if (!str_eq(r->domain, REFERENCE_DEFAULT_DOMAIN))
		return arena_printf(a, "%s/%s", r->domain, r->path);
	const char *short_path = str_after(r->path, "library/");
	return arena_strdup(a, short_path && !strchr(short_path, '/') ? short_path : r->path);
}

char *reference_familiar(const Reference *r, Arena *a)
{
	return with_end(r, reference_familiar_name(r, a), a);
}
