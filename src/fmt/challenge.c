#include "fmt/challenge.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

static bool is_token_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

static const char *skip_separators(const char *s)
{
	return s + strspn(s, " \t,");
}

static size_t token_length(const char *s)
{
	size_t n = 0;
	while (is_token_byte(s[n]))
		n++;
	return n;
}

/* The text between quotes; NULL: it has no end. */
static const char *quoted_read(const char *s, Arena *a, const char **ret)
{
	char *out = arena_alloc(a, strlen(s) + 1), *at = out;
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		*at++ = *s;
	}
	*ret = out;
	return *s ? s + 1 : NULL;
}

/* NAME "=" VALUE after a challenge's scheme, or NULL: what stands there is something else. */
static const char *parameter_read(const char *s, Arena *a, ChallengeParameter *ret)
{
	size_t n = token_length(s);
	const char *value = skip_space(s + n);
	if (n == 0 || *value != '=')
		return NULL;
	value = skip_space(value + 1);
	ret->name = arena_strndup(a, s, n);
	if (*value == '"')
		return quoted_read(value, a, &ret->value);
	n = token_length(value);
	ret->value = arena_strndup(a, value, n);
	value = skip_space(value + n);
	return n > 0 && (!*value || *value == ',') ? value : NULL;
}

/* A token68, such as "Negotiate YWJj==", has nothing that is asked for here. */
static const char *skip_token68(const char *s)
{
	const char *end = s + strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/");
	end = skip_space(end + strspn(end, "="));
	return *end == ',' || !*end ? end : s;
}

static const char *parameters_read(const char *s, Arena *a, Challenge *c)
{
	for (;;) {
		ChallengeParameter p;
		const char *at = skip_separators(s), *next = parameter_read(at, a, &p);
		if (!next)
			return at;
		if (c->count == CHALLENGE_PARAMETERS_MAX)
			return NULL;
		if (str_is_printable(p.value))
			*arena_push(a, &c->parameters, &c->count, ChallengeParameter) = p;
		s = next;
	}
}

void challenge_parse(const char *header, Arena *a, ChallengeList *l)
{
	const char *s = skip_separators(header);
	while (s && *s && l->count < CHALLENGES_MAX) {
		size_t n = token_length(s);
		if (n == 0 || (s[n] && !strchr(" \t,", s[n])))
			return;
		Challenge *c = arena_push(a, &l->items, &l->count, Challenge);
		c->scheme = arena_strndup(a, s, n);
		s += n;
		if (*s == ' ' || *s == '\t') {
			const char *first = skip_space(s);
			const char *end = skip_token68(first);
			s = end != first ? end : parameters_read(first, a, c);
		}
		if (s)
			s = skip_separators(s);
	}
}

const Challenge *challenge_find(const ChallengeList *l, const char *scheme)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcasecmp(l->items[i].scheme, scheme) == 0)
			return &l->items[i];
	return NULL;
}

const char *challenge_get(const Challenge *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcasecmp(c->parameters[i].name, name) == 0)
			return c->parameters[i].value;
	return NULL;
}
