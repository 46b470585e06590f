#include "cli/security_option.h"

#include <string.h>
#include <strings.h>

#include "base/suggest.h"
#include "cli/opt_value.h"
#include "engine/selinux_label.h"

/* Reads the value of one word; "" is only given to rows without a value of their own. */
typedef int ReadFn(const char *value, Arena *a, RunRequest *r, Err *e);

static int read_apparmor(const char *value, Arena *a, RunRequest *r, Err *e)
{
	(void)a;
	(void)e;
	r->apparmor = value;
	return 0;
}

static int read_label(const char *value, Arena *a, RunRequest *r, Err *e)
{
	if (strcmp(value, "disable") == 0) {
		r->label_disable = true;
		return 0;
	}
	if (strcmp(value, "nested") == 0) {
		r->label_nested = true;
		return 0;
	}
	TRY(selinux_word_check(value, e));
	strlist_add(a, &r->selinux, value);
	return 0;
}

/* A list of paths with colons between them. */
static int read_paths(const char *name, const char *value, Arena *a, StrList *ret, Err *e)
{
	StrList paths = str_split(a, value, ':');
	for (size_t i = 0; i < paths.count; i++) {
		if (paths.items[i][0] != '/')
			return err_make(e, ERR_USAGE, 0, "--security-opt %s: '%s' is no absolute path",
					name, paths.items[i]);
		strlist_add(a, ret, paths.items[i]);
	}
	return 0;
}

static int read_mask(const char *value, Arena *a, RunRequest *r, Err *e)
{
	size_t before = r->mask.count;
	TRY(read_paths("mask", value, a, &r->mask, e));
	for (size_t i = before; i < r->mask.count; i++)
		if (strcmp(path_clean(a, r->mask.items[i]), "/") == 0)
			return err_make(e, ERR_USAGE, 0,
					"--security-opt mask: the root itself cannot be masked");
	return 0;
}

static int read_unmask(const char *value, Arena *a, RunRequest *r, Err *e)
{
	if (strcasecmp(value, "ALL") != 0)
		return read_paths("unmask", value, a, &r->unmask, e);
	strlist_add(a, &r->unmask, value);
	return 0;
}

/* A word that is on by itself, or says true or false. */
static int read_switch(const char *name, const char *value, bool *ret, Err *e)
{
	*ret = true;
	if (*value && opt_parse_bool(value, ret) < 0)
		return err_make(e, ERR_USAGE, 0, "--security-opt %s takes true or false, not '%s'",
				name, value);
	return 0;
}

static int read_no_new_privileges(const char *value, Arena *a, RunRequest *r, Err *e)
{
	(void)a;
	return read_switch("no-new-privileges", value, &r->no_new_privs, e);
}

static int read_proc_opts(const char *value, Arena *a, RunRequest *r, Err *e)
{
	(void)e;
	r->proc_opts = str_split(a, value, ',');
	return 0;
}

static int read_seccomp(const char *value, Arena *a, RunRequest *r, Err *e)
{
	(void)a;
	(void)e;
	r->seccomp = value;
	return 0;
}

static int read_systempaths(const char *value, Arena *a, RunRequest *r, Err *e)
{
	(void)a;
	if (strcmp(value, "unconfined") != 0)
		return err_make(e, ERR_USAGE, 0,
				"--security-opt systempaths takes unconfined, not '%s'", value);
	r->systempaths_unconfined = true;
	return 0;
}

static int read_writable_cgroups(const char *value, Arena *a, RunRequest *r, Err *e)
{
	(void)a;
	return read_switch("writable-cgroups", value, &r->writable_cgroups, e);
}

static const struct {
	const char *name;
	ReadFn *read;
	bool value_optional;
} rows[] = {
	{ "apparmor", read_apparmor, false },
	{ "label", read_label, false },
	{ "mask", read_mask, false },
	{ "no-new-privileges", read_no_new_privileges, true },
	{ "proc-opts", read_proc_opts, false },
	{ "seccomp", read_seccomp, false },
	{ "systempaths", read_systempaths, false },
	{ "unmask", read_unmask, false },
	{ "writable-cgroups", read_writable_cgroups, true },
};

static int unknown_word(const char *word, size_t len, Err *e)
{
	Suggest s = SUGGEST_FOR(word, len);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		suggest_try(&s, rows[i].name);
	return err_make(e, ERR_USAGE, 0, "unknown --security-opt '%s'%s%s%s", word,
			s.best ? ", did you mean " : "", s.best ? s.best : "", s.best ? "?" : "");
}

static int read_word(const char *word, Arena *a, RunRequest *r, Err *e)
{
	size_t len = strcspn(word, "=:");
	const char *value = word[len] ? word + len + 1 : "";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) != len || strncmp(rows[i].name, word, len) != 0)
			continue;
		if (!*value && (word[len] || !rows[i].value_optional))
			return err_make(e, ERR_USAGE, 0, "--security-opt %s has no value", rows[i].name);
		return rows[i].read(value, a, r, e);
	}
	return unknown_word(word, len, e);
}

int security_options_read(const StrList *words, Arena *a, RunRequest *r, Err *e)
{
	for (size_t i = 0; i < words->count; i++)
		TRY(read_word(words->items[i], a, r, e));
	return 0;
}
