#include "cli/defaults.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

/* Where the walk through the files stands: in an object whose members are options. */
typedef struct Scope {
	Defaults *d;
	const DefaultsFile *file;
	const StrList *without;
	const char *command; /* NULL: the global options */
	const Opt *const *tables;
	void *opts;
	bool record; /* these are the options of this call, not only checked */
	Arena *arena;
	Err *e;
} Scope;

/* Those that belong to one call or one container. */
static const char *const never[] = {
	"config", "no-default", "version", /* global */
	"name",   "cidfile",    "pidfile", "preserve-fd", "preserve-fds",
};

static const Cmd *find_command(const char *name)
{
	for (size_t i = 0; i < cmds_count; i++)
		if (cmds[i]->group != CMD_HIDDEN && strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	return NULL;
}

/* "run.memory", "state" */
static const char *key_path(const Scope *s, const JsonValue *m)
{
	return s->command ? arena_printf(s->arena, "%s.%s", s->command, m->key) : m->key;
}

static int at_line(const Scope *s, const JsonValue *m, int r)
{
	return err_wrap(s->e, r, "configuration file '%s', line %u", s->file->path, m->line);
}

#define fail(s, m, ...) at_line((s), (m), err_make((s)->e, ERR_SPEC, 0, __VA_ARGS__))

/* Whether --no-default or a null in a later file says that this does not count. */
static bool is_taken_away(const Scope *s, const JsonValue *m, const char *path)
{
	if (strlist_has(s->without, path) || (s->command && strlist_has(s->without, s->command)))
		return true;
	for (const DefaultsFile *f = s->file + 1; f < s->d->files + s->d->count; f++) {
		const JsonValue *object = s->command ? json_member(f->root, s->command) : f->root;
		const JsonValue *same = json_member(object, m->key);
		if ((object && object->type == JSON_NULL) || (same && same->type == JSON_NULL))
			return true;
	}
	return false;
}

/* ---- one option ---- */

/* Errors of the values themselves are those of the command line; here they are the file's and not the caller's. */
static int set(const Scope *s, const Opt *o, const JsonValue *m, const char *path, const char *value)
{
	int r = opt_set(o, path, value, s->arena, s->opts, s->e);
	if (r < 0)
		return fail(s, m, "%s", arena_strdup(s->arena, s->e->msg));
	if (s->record)
		*arena_push(s->arena, &s->d->used, &s->d->used_count, DefaultsUsed) = (DefaultsUsed){
			.opt = o, .global = !s->command, .value = value, .path = s->file->path, .line = m->line
		};
	return 0;
}

static int set_text(const Scope *s, const Opt *o, const JsonValue *v, const char *path)
{
	const char *text;
	if (v->type == JSON_STRING)
		return set(s, o, v, path, v->as.string);
	if (v->type != JSON_NUMBER)
		return fail(s, v, "%s takes %s, not %s", path,
			    o->kind == OPT_KIND_LIST ? "strings" : "a string or a number",
			    json_type_name(v));
	TRY(json_get_number_text(v, s->arena, &text, s->e));
	return set(s, o, v, path, text);
}

static int set_list(const Scope *s, const Opt *o, const JsonValue *m, const char *path)
{
	if (m->type != JSON_ARRAY)
		return fail(s, m, "%s takes an array of strings, not %s", path, json_type_name(m));
	for (const JsonValue *v = m->as.list.first; v; v = v->next)
		TRY(set_text(s, o, v, path));
	return 0;
}

static int unknown_key(const Scope *s, const JsonValue *m)
{
	Suggest near = SUGGEST_FOR(m->key, strlen(m->key));
	const char *path = key_path(s, m);
	for (size_t t = 0; t < OPT_TABLES; t++)
		for (const Opt *o = s->tables[t]; o && o->kind != OPT_KIND_END; o++)
			suggest_try(&near, o->name);
	for (size_t i = 0; !s->command && i < cmds_count; i++)
		if (cmds[i]->group != CMD_HIDDEN)
			suggest_try(&near, cmds[i]->name);
	if (!near.best)
		return fail(s, m, "there is no option %s", path);
	return fail(s, m, "there is no option %s, did you mean %s%s%s?", path,
		    s->command ? s->command : "", s->command ? "." : "", near.best);
}

static int apply_option(const Scope *s, const JsonValue *m)
{
	const Opt *o = opt_find_name(s->tables, m->key, strlen(m->key));
	const char *path = key_path(s, m);
	if (!o)
		return unknown_key(s, m);
	if (opt_check_there(o, path, s->e) < 0)
		return fail(s, m, "%s", arena_strdup(s->arena, s->e->msg));
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (strcmp(o->name, never[i]) == 0)
			return fail(s, m, "option %s has no default", path);
	if (m->type == JSON_NULL || is_taken_away(s, m, path))
		return 0;
	if (o->kind == OPT_KIND_LIST)
		return set_list(s, o, m, path);
	if (o->kind != OPT_KIND_FLAG)
		return set_text(s, o, m, path);
	if (m->type != JSON_BOOL)
		return fail(s, m, "%s takes true or false, not %s", path, json_type_name(m));
	return set(s, o, m, path, m->as.boolean ? "true" : "false");
}

/* ---- the files ---- */

/* The options of a command. Those of another one than what runs go into a structure that nobody looks at. */
static int apply_command(const Scope *global, const Cmd *cmd, const JsonValue *object,
			 const Cmd *running, void *opts)
{
	Scope s = *global;
	s.command = cmd->name;
	s.tables = cmd->opts;
	s.record = cmd == running;
	s.opts = opts;
	if (cmd != running) {
		s.opts = arena_alloc(s.arena, cmd->opts_size);
		if (cmd->opts_init)
			cmd->opts_init(s.opts);
	}
	for (const JsonValue *m = object->as.list.first; m; m = m->next)
		TRY(apply_option(&s, m));
	return 0;
}

/* "ps" may be a command that is not there yet. */
static int unknown_command(const Scope *s, const JsonValue *m)
{
	char *argv[] = { (char *)m->key };
	const Cmd *found;
	if (cmd_find(1, argv, &found, s->e) < 0)
		return fail(s, m, "%s", arena_strdup(s->arena, s->e->msg));
	return unknown_key(s, m);
}

int defaults_apply(Defaults *d, const StrList *without, const Cmd *cmd, CliGlobal *global,
		   void *opts, Arena *a, Err *e)
{
	Scope s = { .d = d,
		    .without = without,
		    .tables = cli_global_tables,
		    .opts = global,
		    .record = true,
		    .arena = a,
		    .e = e };
	for (s.file = d->files; s.file < d->files + d->count; s.file++)
		for (const JsonValue *m = s.file->root->as.list.first; m; m = m->next) {
			const Cmd *named = find_command(m->key);
			bool is_option = opt_find_name(s.tables, m->key, strlen(m->key)) != NULL;
			if (m->type == JSON_OBJECT && !named && !is_option)
				return unknown_command(&s, m);
			if (m->type == JSON_OBJECT && named)
				TRY(apply_command(&s, named, m, cmd, opts));
			else if (!named || is_option)
				TRY(apply_option(&s, m));
			else if (m->type != JSON_NULL)
				return fail(&s, m,
					    "%s takes an object with the command's options, not %s",
					    m->key, json_type_name(m));
		}
	return 0;
}

/* ---- the command line ---- */

int defaults_check_keys(const StrList *keys, Err *e)
{
	for (size_t i = 0; i < keys->count; i++) {
		const char *key = keys->items[i], *dot = strchr(key, '.');
		char name[32] = "";
		const Cmd *cmd = find_command(key);
		if (dot && (size_t)(dot - key) < sizeof name) {
			(void)snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
			cmd = find_command(name);
		}
		bool is_option = dot ? cmd && opt_find_name(cmd->opts, dot + 1, strlen(dot + 1))
				     : opt_find_name(cli_global_tables, key, strlen(key)) != NULL;
		if (!is_option && (dot || !cmd))
			return err_make(e, ERR_USAGE, 0,
					"--no-default takes keys such as run.memory or debug; there is no '%s'",
					key);
	}
	return 0;
}

/* ---- errors ---- */

static bool is_given(const OptGiven *given, const Opt *o)
{
	for (size_t i = 0; i < given->count; i++)
		if (given->rows[i]->offset == o->offset && given->rows[i]->kind == o->kind)
			return true; /* the same row, or another name for the same thing */
	return false;
}

/* Whether the message has the option as a word: "--cpus" is not in "--cpuset-cpus". */
static bool names_option(const char *msg, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = strstr(msg, "--"); at; at = strstr(at + 1, "--"))
		if (strncmp(at + 2, name, len) == 0 && at[2 + len] != '-' &&
		    !isalnum((unsigned char)at[2 + len]))
			return true;
	return false;
}

static bool is_about(const char *msg, const DefaultsUsed *u, bool given)
{
	char quoted[256]; /* "volume 'a:b'" */
	const char *end = u->opt->kind == OPT_KIND_LIST ? "'" : "";
	bool fits = str_format(quoted, sizeof quoted, "%s '%s%s", u->opt->name, u->value, end) >= 0;
	if (given)
		return fits && u->opt->kind == OPT_KIND_LIST && strstr(msg, quoted);
	return names_option(msg, u->opt->name) || (fits && strstr(msg, quoted));
}

int defaults_explain(const Defaults *d, const DefaultsGiven *given, int r, Err *e)
{
	if (e->kind != ERR_USAGE && e->kind != ERR_SPEC)
		return r;
	for (size_t i = 0; i < d->used_count; i++) {
		const DefaultsUsed *u = &d->used[i];
		if (is_about(e->msg, u, is_given(u->global ? &given->global : &given->own, u->opt)))
			return err_wrap(e, r, "configuration file '%s', line %u", u->path, u->line);
	}
	return r;
}
