#include "engine/registry_config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "fmt/json.h"
#include "kern/regular_file.h"
#include "kern/userns.h"

DEFINE_AUTO(DIR *, closedir, NULL)

#define ID_OVERFLOW 65534 /* user_namespaces(7): who has no id here */
#define HUB_HOST    "registry-1.docker.io"

static const char *home(void)
{
	const char *value = getauxval(AT_SECURE) ? NULL : getenv("HOME");
	return value && value[0] == '/' ? value : NULL;
}

static const char *config_home(Arena *a)
{
	const char *value = getauxval(AT_SECURE) ? NULL : getenv("XDG_CONFIG_HOME");
	if (value && value[0] == '/')
		return value;
	return home() ? arena_printf(a, "%s/.config", home()) : NULL;
}

/* ---- hosts ---- */

/* Of "HOST:PORT", "[::1]:5000", "https://HOST/path". */
static const char *host_of(const char *place, Arena *a)
{
	const char *scheme = strstr(place, "://");
	place = scheme ? scheme + strlen("://") : place;
	if (*place == '[')
		return arena_strndup(a, place + 1, strcspn(place + 1, "]"));
	return arena_strndup(a, place, strcspn(place, ":/"));
}

static const char *host_and_port(const char *url, Arena *a)
{
	const char *scheme = strstr(url, "://");
	url = scheme ? scheme + strlen("://") : url;
	return arena_strndup(a, url, strcspn(url, "/"));
}

/* The bytes of an address, as IPv6 has them. */
static bool address_read(const char *host, unsigned char ret[16])
{
	unsigned char four[4];
	if (inet_pton(AF_INET6, host, ret) == 1)
		return true;
	if (inet_pton(AF_INET, host, four) != 1)
		return false;
	memset(ret, 0, 10);
	memset(ret + 10, 0xff, 2);
	memcpy(ret + 12, four, sizeof four);
	return true;
}

static bool is_local(const char *host)
{
	unsigned char address[16];
	static const unsigned char one[16] = { [15] = 1 };
	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (!address_read(host, address))
		return false;
	return memcmp(address, one, sizeof one) == 0 ||
	       (address[10] == 0xff && address[11] == 0xff && address[12] == 127 && address[0] == 0);
}

/* "10.0.0.0/8" */
static bool is_in_network(const char *host, const char *network, Arena *a)
{
	unsigned char x[16], y[16];
	uint32_t bits;
	const char *slash = strchr(network, '/');
	const char *base = slash ? arena_strndup(a, network, (size_t)(slash - network)) : "";
	if (!slash || !address_read(host, x) || !address_read(base, y) ||
	    num_parse_u32(slash + 1, 128, &bits) < 0)
		return false;
	if (!strchr(base, ':'))
		bits = bits > 32 ? 128 : bits + 96;
	for (uint32_t i = 0; i < bits; i++)
		if ((x[i / 8] ^ y[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static bool is_named(const StrList *l, const char *host_port, Arena *a)
{
	const char *host = host_of(host_port, a);
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->items[i], host_port) || str_eq(l->items[i], host) ||
		    is_in_network(host, l->items[i], a))
			return true;
	return false;
}

/* ---- registries.json ---- */

typedef struct HostConfig {
	StrList mirrors, insecure;
} HostConfig;

static int strings_read(const JsonValue *v, const char *key, Arena *a, StrList *ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	const char *text;
	int r = m ? json_expect_array(m, e) : 0;
	for (m = m && r == 0 ? m->as.list.first : NULL; m && r == 0; m = m->next) {
		r = json_get_string(m, &text, e);
		if (r == 0)
			strlist_add(a, ret, text);
	}
	return r < 0 ? err_wrap(e, r, "%s", key) : 0;
}

/* A key that is not known is a mistake, such as a key in the wrong file. */
static int keys_check(const JsonValue *v, Err *e)
{
	TRY(json_expect_object(v, e));
	for (const JsonValue *m = v->as.list.first; m; m = m->next)
		if (!str_eq(m->key, "registry-mirrors") && !str_eq(m->key, "insecure-registries"))
			return err_make(e, ERR_STATE, 0,
					"line %u: '%.80s' is not known; there are registry-mirrors and insecure-registries",
					m->line, m->key);
	return 0;
}

/* Who can write this file decides whose word counts: the same rule as for configuration files with defaults. */
static int owner_check(const char *path, Err *e)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return 0; /* to read it will say why */
	bool is_hosts_root = st.st_uid == ID_OVERFLOW && !userns_is_first();
	if (st.st_uid != 0 && st.st_uid != geteuid() && !is_hosts_root)
		return err_make(e, ERR_STATE, 0, "configuration '%s' belongs to user %u, not to root%s",
				path, st.st_uid, geteuid() == 0 ? "" : " or you");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_make(e, ERR_STATE, 0,
				"configuration '%s' can be written by others (mode %04o): chmod go-w takes that away",
				path, st.st_mode & 07777);
	return 0;
}

static int host_config_add(const char *path, bool must_be, Arena *a, HostConfig *h, Err *e)
{
	const char *text, *what = arena_printf(a, "configuration '%s'", path);
	const JsonValue *v;
	size_t len;
	if (!must_be)
		TRY(owner_check(path, e));
	int r = regular_file_read(path, what, LIMIT_DEFAULTS_BYTES, ERR_STATE, a, &text, &len, e);
	if (!must_be && (r == -ENOENT || r == -ENOTDIR || r == -EACCES)) {
		if (e)
			*e = (Err){ 0 };
		return 0;
	}
	TRY(r);
	r = json_parse(text, len, a, &v, e);
	if (r >= 0)
		r = keys_check(v, e);
	if (r >= 0)
		r = strings_read(v, "registry-mirrors", a, &h->mirrors, e);
	if (r >= 0)
		r = strings_read(v, "insecure-registries", a, &h->insecure, e);
	if (r >= 0 && h->mirrors.count > LIMIT_MIRRORS)
		r = err_make(e, ERR_STATE, 0, "more than %u mirrors", LIMIT_MIRRORS);
	return r < 0 ? err_wrap(e, r, "%s", what) : 0;
}

static int host_config(const RegistryOptions *o, Arena *a, HostConfig *ret, Err *e)
{
	*ret = (HostConfig){ 0 };
	if (o->config_file)
		return host_config_add(o->config_file, true, a, ret, e);
	TRY(host_config_add("/etc/mydocker/registries.json", false, a, ret, e));
	if (config_home(a))
		TRY(host_config_add(arena_printf(a, "%s/mydocker/registries.json", config_home(a)),
				    false, a, ret, e));
	return 0;
}

/* ---- certificates ---- */

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The files of a directory that may not be there, by name. */
static int names_read(const char *dir, Arena *a, StrList *ret, Err *e)
{
	AUTO(closedir) DIR *d = opendir(dir);
	const struct dirent *entry;
	if (!d)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : err_sys(e, "open the directory %s", dir);
	while ((errno = 0, entry = readdir(d)))
		strlist_add(a, ret, arena_strdup(a, entry->d_name));
	if (errno)
		return err_sys(e, "read the directory %s", dir);
	if (ret->count > 0)
		qsort(ret->items, ret->count, sizeof *ret->items, by_name);
	return 0;
}

/* docker's rule: NAME.crt is an authority, NAME.cert a certificate of ours with its NAME.key. */
static int certs_add(const char *dir, Arena *a, RegistryPlace *p, Err *e)
{
	StrList names = { 0 };
	TRY(names_read(dir, a, &names, e));
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i], *path = arena_printf(a, "%s/%s", dir, name);
		if (str_ends(name, ".crt"))
			strlist_add(a, &p->authorities, path);
		if (!str_ends(name, ".cert") || p->certificate)
			continue;
		const char *key = arena_printf(a, "%.*skey", (int)(strlen(name) - strlen("cert")), name);
		if (!strlist_has(&names, key))
			return err_make(e, ERR_STATE, 0, "%s: there is no %s for this certificate",
					path, key);
		p->certificate = path;
		p->key = arena_printf(a, "%s/%s", dir, key);
	}
	return 0;
}

static int place_certs(const RegistryOptions *o, RegistryPlace *p, Arena *a, Err *e)
{
	const char *host = host_and_port(p->url, a), *config = config_home(a);
	if (o->certs_dir)
		return certs_add(o->certs_dir, a, p, e);
	if (config) {
		TRY(certs_add(arena_printf(a, "%s/containers/certs.d/%s", config, host), a, p, e));
		TRY(certs_add(arena_printf(a, "%s/docker/certs.d/%s", config, host), a, p, e));
	}
	TRY(certs_add(arena_printf(a, "/etc/containers/certs.d/%s", host), a, p, e));
	TRY(certs_add(arena_printf(a, "/etc/docker/certs.d/%s", host), a, p, e));
	if (str_eq(host, HUB_HOST))
		return certs_add("/etc/docker/certs.d/docker.io", a, p, e);
	return 0;
}

/* ---- places ---- */

/* docker: what is insecure may have any certificate, or speak http. Who is on this host may speak http alone. */
static int place_make(const RegistryOptions *o, const HostConfig *h, const char *url, Arena *a,
		      RegistryPlace *ret, Err *e)
{
	RegistryPlace p = { .url = url };
	const char *host = host_and_port(url, a);
	bool insecure = o->tls == REGISTRY_TLS_ANYTHING ||
			(o->tls == REGISTRY_TLS_DEFAULT && is_named(&h->insecure, host, a));
	p.verify = !insecure;
	p.may_fall_back = insecure || (o->tls == REGISTRY_TLS_DEFAULT && is_local(host_of(host, a)));
	TRY(place_certs(o, &p, a, e));
	*ret = p;
	return 0;
}

static int mirror_url(const char *text, Arena *a, const char **ret, Err *e)
{
	char *url = arena_printf(a, "%s%s", strstr(text, "://") ? "" : "https://", text);
	size_t host = (size_t)(strstr(url, "://") - url) + strlen("://"), len = strlen(url);
	while (len > host && url[len - 1] == '/')
		url[--len] = '\0';
	if (!(str_starts(url, "https://") || str_starts(url, "http://")) || strpbrk(url, "@?# ") ||
	    !*host_of(url, a) || !str_is_printable(url))
		return err_make(e, ERR_STATE, 0, "the mirror '%.100s' is no URL of http or https", text);
	*ret = url;
	return 0;
}

int registry_config(const RegistryOptions *o, const char *domain, const char *path, Arena *a,
		    RegistryConfig *ret, Err *e)
{
	bool is_hub = str_eq(domain, "docker.io");
	HostConfig h;
	TRY(host_config(o, a, &h, e));
	RegistryConfig c = { .domain = domain };
	for (size_t i = 0; is_hub && i < h.mirrors.count; i++) {
		const char *url;
		TRY(mirror_url(h.mirrors.items[i], a, &url, e));
		RegistryPlace *p = arena_push(a, &c.places, &c.count, RegistryPlace);
		TRY(place_make(o, &h, url, a, p, e));
		p->is_mirror = true;
		TRY(registry_login_find(o, host_and_port(url, a), NULL, a, &p->login, e));
	}
	RegistryPlace *p = arena_push(a, &c.places, &c.count, RegistryPlace);
	TRY(place_make(o, &h, arena_printf(a, "https://%s", is_hub ? HUB_HOST : domain), a, p, e));
	TRY(registry_login_find(o, domain, path, a, &p->login, e));
	*ret = c;
	return 0;
}
