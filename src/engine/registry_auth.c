/* Files with credentials, as docker and podman write them, and the helpers that they name. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "engine/credential_program.h"
#include "engine/registry_config.h"
#include "fmt/base64.h"
#include "fmt/json.h"
#include "fmt/json_write.h"
#include "kern/regular_file.h"

static const char *env(const char *name)
{
	const char *value = getauxval(AT_SECURE) ? NULL : getenv(name);
	return value && *value ? value : NULL;
}

/* ---- which files ---- */

static const char *docker_file(Arena *a)
{
	const char *dir = env("DOCKER_CONFIG"), *home = env("HOME");
	if (dir)
		return arena_printf(a, "%s/config.json", dir);
	return home ? arena_printf(a, "%s/.docker/config.json", home) : NULL;
}

/* The one file that was asked for, or NULL. */
static const char *asked_file(const RegistryOptions *o)
{
	return o->auth_file ? o->auth_file : env("REGISTRY_AUTH_FILE");
}

static StrList auth_files(const RegistryOptions *o, Arena *a)
{
	StrList l = { 0 };
	const char *asked = asked_file(o), *runtime = env("XDG_RUNTIME_DIR"), *docker = docker_file(a);
	if (asked) {
		strlist_add(a, &l, asked);
		return l;
	}
	if (runtime)
		strlist_add(a, &l, arena_printf(a, "%s/containers/auth.json", runtime));
	if (docker)
		strlist_add(a, &l, docker);
	return l;
}

/* NULL: there is none. */
static int auth_read(const char *path, Arena *a, const JsonValue **ret, Err *e)
{
	const char *text, *what = arena_printf(a, "credentials '%s'", path);
	size_t len;
	*ret = NULL;
	int r = regular_file_read(path, what, LIMIT_AUTH_BYTES, ERR_STATE, a, &text, &len, e);
	if (r == -ENOENT || r == -ENOTDIR || (r == 0 && len == 0)) {
		if (e)
			*e = (Err){ 0 };
		return 0;
	}
	TRY(r);
	r = json_parse(text, len, a, ret, e);
	if (r >= 0)
		r = json_expect_object(*ret, e);
	return r < 0 ? err_wrap(e, r, "%s", what) : 0;
}

/* ---- which credentials ---- */

/* By what they may be kept, the closest first. */
static StrList keys_of(const char *domain, const char *path, Arena *a)
{
	StrList l = { 0 };
	char *whole = path ? arena_printf(a, "%s/%s", domain, path) : arena_strdup(a, domain);
	for (;;) {
		strlist_add(a, &l, arena_strdup(a, whole));
		char *slash = strrchr(whole, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	if (str_eq(domain, "docker.io")) {
		strlist_add(a, &l, "index.docker.io");
		strlist_add(a, &l, "registry-1.docker.io");
	}
	return l;
}

/* "https://index.docker.io/v1/" -> "index.docker.io"; what has no scheme may name part of a registry. */
static const char *key_bare(const char *key, Arena *a)
{
	const char *rest = str_after(key, "https://");
	rest = rest ? rest : str_after(key, "http://");
	if (rest)
		return arena_strndup(a, rest, strcspn(rest, "/"));
	size_t len = strlen(key);
	if (str_ends(key, "/v1/") || str_ends(key, "/v2/"))
		len -= strlen("/v1/");
	while (len > 0 && key[len - 1] == '/')
		len--;
	return arena_strndup(a, key, len);
}

/* The member that is kept by the closest of these keys. */
static const JsonValue *keyed(const JsonValue *v, const StrList *keys, Arena *a)
{
	if (!v || v->type != JSON_OBJECT)
		return NULL;
	for (size_t i = 0; i < keys->count; i++)
		for (const JsonValue *m = v->as.list.first; m; m = m->next)
			if (str_eq(key_bare(m->key, a), keys->items[i]))
				return m;
	return NULL;
}

static const char *server_of(const char *domain)
{
	return str_eq(domain, "docker.io") ? REGISTRY_INDEX_KEY : domain;
}

/* NULL: none is named. */
static const char *helper_of(const JsonValue *v, const StrList *keys, Arena *a)
{
	const char *name = NULL;
	if (json_get_string(keyed(json_member(v, "credHelpers"), keys, a), &name, NULL) == 0 && *name)
		return name;
	if (json_get_string(json_member(v, "credsStore"), &name, NULL) == 0 && *name)
		return name;
	return NULL;
}

static int helper_ask(const char *helper, const char *domain, Arena *a, RegistryLogin *ret)
{
	const char *username, *secret;
	char text[1024];
	Err e = { 0 };
	int r = credential_program_get(helper, server_of(domain), a, &username, &secret, &e);
	if (r < 0 && r != -ENOENT)
		log_warn("%s; going on without credentials for %s", err_text(&e, text, sizeof text),
			 domain);
	if (r < 0)
		return r;
	if (str_eq(username, "<token>"))
		ret->identity_token = secret;
	else
		*ret = (RegistryLogin){ .username = username, .secret = secret };
	return 0;
}

static int text_get(const JsonValue *entry, const char *key, const char **ret, Err *e)
{
	const JsonValue *m = json_member(entry, key);
	if (!m || m->type == JSON_NULL)
		return 0;
	int r = json_get_string(m, ret, e);
	if (r == 0 && !**ret)
		*ret = NULL;
	return r < 0 ? err_wrap(e, r, "%s", key) : 0;
}

/* "auth" is base64 of NAME:PASSWORD; "username" and "password" are older. */
static int entry_read(const JsonValue *entry, Arena *a, RegistryLogin *ret, Err *e)
{
	RegistryLogin l = { 0 };
	const char *auth = NULL, *plain;
	size_t size;
	TRY(text_get(entry, "identitytoken", &l.identity_token, e));
	TRY(text_get(entry, "registrytoken", &l.registry_token, e));
	TRY(text_get(entry, "username", &l.username, e));
	TRY(text_get(entry, "password", &l.secret, e));
	TRY(text_get(entry, "auth", &auth, e));
	if (auth) {
		int r = base64_decode(a, auth, &plain, &size);
		const char *colon = r == 0 ? strchr(plain, ':') : NULL;
		if (!colon || colon == plain || strlen(plain) != size)
			return err_make(e, ERR_STATE, 0,
					"auth is not base64 of a name, ':' and a password");
		l.username = arena_strndup(a, plain, (size_t)(colon - plain));
		l.secret = colon[1] ? arena_strdup(a, colon + 1) : NULL;
	}
	if (l.username && !l.secret && !l.identity_token)
		l.username = NULL; /* a name alone opens nothing */
	*ret = l;
	return 0;
}

static bool login_is_empty(const RegistryLogin *l)
{
	return !l->username && !l->identity_token && !l->registry_token;
}

static int file_find(const char *file, const char *domain, const StrList *keys, Arena *a,
		     RegistryLogin *ret, Err *e)
{
	const JsonValue *v, *entry;
	TRY(auth_read(file, a, &v, e));
	const char *helper = helper_of(v, keys, a);
	if (helper && helper_ask(helper, domain, a, ret) == 0)
		return 0;
	entry = keyed(json_member(v, "auths"), keys, a);
	int r = entry ? entry_read(entry, a, ret, e) : 0;
	return r < 0 ? err_wrap(e, r, "credentials '%s', of %s", file, domain) : 0;
}

int registry_login_find(const RegistryOptions *o, const char *domain, const char *path, Arena *a,
			RegistryLogin *ret, Err *e)
{
	RegistryLogin l = { 0 };
	StrList files = auth_files(o, a), keys = keys_of(domain, path, a);
	for (size_t i = 0; i < files.count && login_is_empty(&l); i++)
		TRY(file_find(files.items[i], domain, &keys, a, &l, e));
	*ret = l;
	return 0;
}

/* ---- changing them ---- */

static int value_copy(JsonWriter *w, const char *key, const JsonValue *v, Err *e)
{
	switch (v->type) {
	case JSON_NULL: json_write_null(w, key); return 0;
	case JSON_BOOL: json_write_bool(w, key, v->as.boolean); return 0;
	case JSON_STRING: json_write_string(w, key, v->as.string); return 0;
	case JSON_NUMBER:
		if (v->number != JSON_NUMBER_WHOLE || (v->negative && v->as.magnitude > INT64_MAX))
			return err_make(e, ERR_STATE, 0,
					"line %u: a number that cannot be kept as it is", v->line);
		if (v->negative)
			json_write_i64(w, key, -(int64_t)v->as.magnitude);
		else
			json_write_u64(w, key, v->as.magnitude);
		return 0;
	default: break;
	}
	if (v->type == JSON_OBJECT)
		json_write_object(w, key);
	else
		json_write_array(w, key);
	for (const JsonValue *m = v->as.list.first; m; m = m->next)
		TRY(value_copy(w, m->key, m, e));
	json_write_end(w);
	return 0;
}

static void entry_write(JsonWriter *w, const char *key, const RegistryLogin *l, Arena *a)
{
	json_write_object(w, key);
	if (l->username) {
		const char *plain = arena_printf(a, "%s:%s", l->username, l->secret ? l->secret : "");
		json_write_string(w, "auth", base64_encode(a, plain, strlen(plain)));
	}
	if (l->identity_token)
		json_write_string(w, "identitytoken", l->identity_token);
	json_write_end(w);
}

/* All entries but those by these keys, then the new one. */
static int auths_write(JsonWriter *w, const JsonValue *auths, const StrList *keys, const char *key,
		       const RegistryLogin *l, Arena *a, Err *e)
{
	json_write_object(w, "auths");
	for (const JsonValue *m = auths && auths->type == JSON_OBJECT ? auths->as.list.first : NULL;
	     m; m = m->next)
		if (!strlist_has(keys, key_bare(m->key, a)))
			TRY(value_copy(w, m->key, m, e));
	if (l)
		entry_write(w, key, l, a);
	json_write_end(w);
	return 0;
}

/* l: NULL, there is to be none. */
static int auth_text(const JsonValue *v, const char *domain, const RegistryLogin *l, Arena *a,
		     const char **ret, Err *e)
{
	JsonWriter w = json_writer(a, true);
	StrList keys = keys_of(domain, NULL, a);
	json_write_object(&w, NULL);
	for (const JsonValue *m = v ? v->as.list.first : NULL; m; m = m->next)
		if (!str_eq(m->key, "auths"))
			TRY(value_copy(&w, m->key, m, e));
	TRY(auths_write(&w, json_member(v, "auths"), &keys, server_of(domain), l, a, e));
	json_write_end(&w);
	*ret = json_write_done(&w, NULL);
	return 0;
}

/* A link to a file elsewhere stays one. */
static const char *file_behind(const char *path, Arena *a)
{
	char resolved[PATH_MAX];
	return realpath(path, resolved) ? arena_strdup(a, resolved) : path;
}

/* A new file, nobody else's; who it belonged to is kept, as with the HOME of sudo's caller. */
static int beside_make(const char *beside, const char *path, int *ret_fd, Err *e)
{
	struct stat st;
	(void)unlink(beside); /* of one who had our number and died */
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "make %s", beside);
	if (fchmod(fd, 0600) < 0 ||
	    (geteuid() == 0 && stat(path, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)) {
		int r = err_sys(e, "keep the owner of %s", path);
		(void)unlink(beside); /* the error is told already */
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int file_write(const char *path, const char *text, Arena *a, Err *e)
{
	const char *beside = arena_printf(a, "%s.%d.new", path, (int)getpid());
	const char *slash = strrchr(path, '/');
	const char *dir = slash == path ? "/"
			  : slash       ? arena_strndup(a, path, (size_t)(slash - path))
					: ".";
	AUTO(fd_close) int fd = FD_NONE;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make the directory %s", dir);
	AUTO(fd_close) int parent = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return err_sys(e, "open the directory %s", dir);
	TRY(beside_make(beside, path, &fd, e));
	int r = fd_write_all(fd, text, strlen(text), beside, e);
	if (r == 0 && fsync(fd) < 0)
		r = err_sys(e, "write %s", beside);
	if (r == 0 && renameat(AT_FDCWD, beside, AT_FDCWD, path) < 0)
		r = err_sys(e, "put %s in place", path);
	if (r < 0)
		(void)unlink(beside); /* the error is told already */
	else if (fsync(parent) < 0)
		r = err_sys(e, "sync %s", dir);
	return r;
}

static int file_to_change(const RegistryOptions *o, Arena *a, const char **ret, Err *e)
{
	const char *file = asked_file(o);
	if (!file)
		file = docker_file(a);
	if (!file)
		return err_make(e, ERR_STATE, 0,
				"HOME does not say where credentials are kept; --authfile FILE does");
	*ret = file_behind(file, a);
	return 0;
}

int registry_login_keep(const RegistryOptions *o, const char *domain, const RegistryLogin *login,
			Arena *a, const char **ret_where, Err *e)
{
	const JsonValue *v;
	const char *file, *text;
	StrList keys = keys_of(domain, NULL, a);
	RegistryLogin kept = *login;
	TRY(file_to_change(o, a, &file, e));
	TRY(auth_read(file, a, &v, e));
	const char *helper = helper_of(v, &keys, a);
	if (helper) {
		bool is_token = login->identity_token != NULL;
		TRY(credential_program_store(helper, server_of(domain),
					     is_token ? "<token>" : login->username,
					     is_token ? login->identity_token : login->secret, a, e));
		kept = (RegistryLogin){ 0 }; /* that there are some stands in the file all the same */
	}
	TRY(auth_text(v, domain, &kept, a, &text, e));
	TRY(file_write(file, text, a, e));
	*ret_where = file;
	return 0;
}

int registry_login_forget(const RegistryOptions *o, const char *domain, Arena *a, bool *ret_was, Err *e)
{
	const JsonValue *v;
	const char *file, *text;
	StrList keys = keys_of(domain, NULL, a);
	TRY(file_to_change(o, a, &file, e));
	TRY(auth_read(file, a, &v, e));
	const char *helper = helper_of(v, &keys, a);
	bool was = keyed(json_member(v, "auths"), &keys, a) != NULL;
	if (helper) {
		int r = credential_program_erase(helper, server_of(domain), a, e);
		if (r < 0 && r != -ENOENT)
			return r;
		was |= r == 0;
	}
	if (v && keyed(json_member(v, "auths"), &keys, a)) {
		TRY(auth_text(v, domain, NULL, a, &text, e));
		TRY(file_write(file, text, a, e));
	}
	*ret_was = was;
	return 0;
}
