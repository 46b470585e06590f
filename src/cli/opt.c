#include "cli/opt.h"

#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "cli/opt_value.h"

typedef struct Parser {
	const OptSet *set;
	int argc, at; /* argv[at] is the next one */
	char **argv;
	Arena *arena;
	void *opts;
	OptRest *rest;
	Err *err;
} Parser;

const Opt *opt_find_name(const Opt *const *tables, const char *name, size_t len)
{
	for (size_t t = 0; t < OPT_TABLES && len > 0; t++) /* a heading's name is empty */
		for (const Opt *o = tables[t]; o && o->kind != OPT_KIND_END; o++)
			if (strncmp(o->name, name, len) == 0 && o->name[len] == '\0')
				return o;
	return NULL;
}

const Opt *opt_find_letter(const Opt *const *tables, char letter)
{
	for (size_t t = 0; t < OPT_TABLES; t++)
		for (const Opt *o = tables[t]; o && o->kind != OPT_KIND_END; o++)
			if (o->letter == letter && letter != '\0')
				return o;
	return NULL;
}

static int set_flag(bool *member, const char *given, const char *value, Err *e)
{
	bool on = true;
	if (value && opt_parse_bool(value, &on) < 0)
		return err_make(e, ERR_USAGE, 0, "option %s takes true or false, not '%s'", given,
				value);
	*member = on;
	return 0;
}

int opt_set(const Opt *o, const char *given, const char *value, Arena *a, void *opts, Err *e)
{
	void *member = (char *)opts + o->offset;
	int64_t number;
	switch ((OptKind)o->kind) {
	case OPT_KIND_FLAG: return set_flag(member, given, value, e);
	case OPT_KIND_STR: *(const char **)member = value; return 0;
	case OPT_KIND_WORD: *(const char **)member = value ? value : o->parse.word; return 0;
	case OPT_KIND_LIST: strlist_add(a, member, value); return 0;
	case OPT_KIND_int64_t: {
		int r = o->parse.of_int64_t(value, &number, e);
		if (r < 0)
			return err_wrap(e, r, "invalid value '%s' for %s", value, given);
		*(int64_t *)member = number;
		return 0;
	}
	case OPT_KIND_LATER:
	case OPT_KIND_REFUSED:
	case OPT_KIND_GROUP:
	case OPT_KIND_END: break;
	}
	return err_make(e, ERR_BUG, 0, "option %s has a row of kind %d", given, o->kind);
}

static int store(Parser *p, const Opt *o, const char *given, const char *value)
{
	TRY(opt_set(o, given, value, p->arena, p->opts, p->err));
	if (p->set->given)
		*arena_push(p->arena, &p->set->given->rows, &p->set->given->count, const Opt *) = o;
	return 0;
}

int opt_check_there(const Opt *o, const char *given, Err *e)
{
	if (o->kind == OPT_KIND_LATER)
		return err_make(e, ERR_USAGE, 0, "option %s is not there yet", given);
	if (o->kind == OPT_KIND_REFUSED)
		return err_make(e, ERR_USAGE, 0, "option %s %s", given, o->help);
	return 0;
}

/* Whether the option takes the next argument when no value stands behind '='. */
static bool needs_value(const Opt *o)
{
	return o->arg && o->kind != OPT_KIND_WORD;
}

/* The value that follows an option as an argument of its own, whatever it looks like. */
static int take_value(Parser *p, const Opt *o, const char *given, const char **ret)
{
	if (p->at >= p->argc)
		return err_make(p->err, ERR_USAGE, 0, "option %s needs a value (%s)", given, o->arg);
	*ret = p->argv[p->at++];
	return 0;
}

static int unknown_name(Parser *p, const char *name, size_t len)
{
	Suggest s = SUGGEST_FOR(name, len);
	for (size_t t = 0; t < OPT_TABLES; t++)
		for (const Opt *o = p->set->tables[t]; o && o->kind != OPT_KIND_END; o++)
			suggest_try(&s, o->name);
	suggest_try(&s, "help");
	if (s.best)
		return err_make(p->err, ERR_USAGE, 0, "unknown option --%.*s, did you mean --%s?",
				(int)len, name, s.best);
	return err_make(p->err, ERR_USAGE, 0, "unknown option --%.*s", (int)len, name);
}

/* --name, --name=value, --name value */
static int parse_long(Parser *p, const char *arg, size_t dashes)
{
	const char *name = arg + dashes, *equals = strchr(name, '='),
		   *value = equals ? equals + 1 : NULL;
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	if (len == 0 || *name == '-')
		return err_make(p->err, ERR_USAGE, 0, "'%s' is not an option", arg);

	const Opt *o = opt_find_name(p->set->tables, name, len);
	if (!o && len == 4 && memcmp(name, "help", 4) == 0) {
		if (value && opt_parse_bool(value, &p->rest->help) < 0)
			return err_make(p->err, ERR_USAGE, 0,
					"option --help takes true or false, not '%s'", value);
		p->rest->help |= !value;
		return 0;
	}
	if (!o)
		return unknown_name(p, name, len);

	const char *given = arena_printf(p->arena, "--%s", o->name);
	TRY(opt_check_there(o, given, p->err));
	if (needs_value(o) && !value)
		TRY(take_value(p, o, given, &value));
	return store(p, o, given, value);
}

/* -t, -ti, -t=false, -m100m, -m=100m, -m 100m */
static int parse_cluster(Parser *p, const char *arg)
{
	for (const char *at = arg + 1; *at; at++) {
		const Opt *o = opt_find_letter(p->set->tables, *at);
		if (!o && *at == 'h') {
			p->rest->help = true;
			return 0;
		}
		if (!o && arg[2] == '\0')
			return err_make(p->err, ERR_USAGE, 0, "unknown option %s", arg);
		if (!o)
			return err_make(p->err, ERR_USAGE, 0, "unknown option -%c in %s", *at, arg);

		char given[3] = { '-', *at, '\0' };
		const char *value = at[1] == '=' ? at + 2 : at + 1;
		if (opt_check_there(o, given, NULL) < 0)
			return opt_check_there(o, arena_printf(p->arena, "%s (--%s)", given, o->name),
					       p->err);
		if (!needs_value(o) && at[1] != '=') {
			TRY(store(p, o, given, NULL));
			continue;
		}
		if (at[1] == '\0')
			TRY(take_value(p, o, given, &value));
		return store(p, o, given, value);
	}
	return 0;
}

static bool is_long(const OptSet *set, const char *arg)
{
	size_t len = strcspn(arg + 1, "=");
	return set->one_dash && len > 1 && opt_find_name(set->tables, arg + 1, len);
}

int opt_parse(const OptSet *set, int argc, char **argv, Arena *a, void *opts, OptRest *ret, Err *e)
{
	OptRest rest = { 0 };
	Parser p = {
		.set = set, .argc = argc, .argv = argv, .arena = a, .opts = opts, .rest = &rest, .err = e
	};
	bool ended = false;
	while (p.at < argc && !rest.help) {
		const char *arg = argv[p.at++];
		bool is_option = !ended && arg[0] == '-' && arg[1] != '\0';
		if (is_option && strcmp(arg, "--") == 0) {
			ended = true;
		} else if (is_option && arg[1] == '-') {
			TRY(parse_long(&p, arg, 2));
		} else if (is_option && is_long(set, arg)) {
			TRY(parse_long(&p, arg, 1));
		} else if (is_option) {
			TRY(parse_cluster(&p, arg));
		} else if (set->stop_at_first_arg) {
			p.at--;
			break;
		} else {
			strlist_add(a, &rest.args, arg);
		}
	}
	if (set->stop_at_first_arg && p.at < argc)
		rest.args = (StrList){ .items = (const char **)argv + p.at,
				       .count = (size_t)(argc - p.at) };
	*ret = rest;
	return 0;
}
