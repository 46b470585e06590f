#include "fetch/config.h"

#include <curl/curl.h>
#include <dirent.h>
#include <string.h>

#include "base/limits.h"
#include "fmt/json.h"
#include "kern/regular_file.h"

DEFINE_AUTO(DIR *, closedir, NULL)

#define BUNDLE_MAX (8u << 20) /* a file of certificates; Debian's has 200 kB */
#define BACKOFF_MS 500u
#define SILENCE_S  60u

static int config_wrong(const char *key, Err *e, int r)
{
	return err_wrap(e, r, "the first packet: %s", key);
}

/* A string that may be missing; an empty one is as good as none. */
static int string_get(const JsonValue *v, const char *key, const char **ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	if (!m)
		return 0;
	int r = json_get_string(m, ret, e);
	if (r < 0)
		return config_wrong(key, e, r);
	if (!**ret)
		*ret = NULL;
	return 0;
}

static int bool_get(const JsonValue *v, const char *key, bool *ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	int r = m ? json_get_bool(m, ret, e) : 0;
	return r < 0 ? config_wrong(key, e, r) : 0;
}

static int number_get(const JsonValue *v, const char *key, unsigned *ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	uint64_t n = *ret;
	int r = m ? json_get_u64(m, 60000, &n, e) : 0;
	*ret = (unsigned)n;
	return r < 0 ? config_wrong(key, e, r) : 0;
}

static int list_first(const JsonValue *v, const char *key, const JsonValue **ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	*ret = NULL;
	int r = m ? json_expect_array(m, e) : 0;
	if (r < 0)
		return config_wrong(key, e, r);
	*ret = m ? m->as.list.first : NULL;
	return 0;
}

static int endpoint_read(const JsonValue *v, Arena *a, Endpoint *ret, Err *e)
{
	Endpoint p = { .verify = true };
	const JsonValue *file;
	TRY(string_get(v, "url", &p.url, e));
	TRY(bool_get(v, "mirror", &p.is_mirror, e));
	TRY(bool_get(v, "verify", &p.verify, e));
	TRY(bool_get(v, "fallback", &p.may_fall_back, e));
	TRY(string_get(v, "certificate", &p.certificate, e));
	TRY(string_get(v, "key", &p.key, e));
	TRY(string_get(v, "username", &p.username, e));
	TRY(string_get(v, "secret", &p.secret, e));
	TRY(string_get(v, "identity_token", &p.identity_token, e));
	TRY(string_get(v, "registry_token", &p.registry_token, e));
	TRY(list_first(v, "authorities", &file, e));
	for (; file; file = file->next) {
		const char *name;
		TRY(json_get_string(file, &name, e));
		strlist_add(a, &p.authorities, name);
	}
	p.host_url = p.url ? strstr(p.url, "://") : NULL;
	if (!p.host_url || !(str_starts(p.url, "https://") || str_starts(p.url, "http://")))
		return err_make(e, ERR_BUG, EPROTO, "the first packet names an endpoint '%s'",
				p.url ? p.url : "");
	p.host_url += strlen("://");
	*ret = p;
	return 0;
}

static int registry_read(const JsonValue *v, Arena *a, Registry *ret, Err *e)
{
	Registry r = { 0 };
	const JsonValue *m;
	TRY(string_get(v, "domain", &r.domain, e));
	TRY(list_first(v, "endpoints", &m, e));
	for (; m; m = m->next)
		TRY(endpoint_read(m, a, arena_push(a, &r.endpoints, &r.count, Endpoint), e));
	if (!r.domain || r.count == 0 || r.count > LIMIT_MIRRORS + 1 || r.endpoints[r.count - 1].is_mirror)
		return err_make(e, ERR_BUG, EPROTO, "the first packet has no endpoint for '%s'",
				r.domain ? r.domain : "");
	*ret = r;
	return 0;
}

int config_read(const char *text, size_t size, Arena *a, Config *ret, Err *e)
{
	Config c = { .agent = "mydocker", .backoff = BACKOFF_MS, .silence = SILENCE_S };
	const JsonValue *v, *m;
	int r = json_parse(text, size, a, &v, e);
	if (r < 0)
		return config_wrong("JSON", e, r);
	TRY(string_get(v, "agent", &c.agent, e));
	TRY(number_get(v, "backoff", &c.backoff, e));
	TRY(number_get(v, "silence", &c.silence, e));
	TRY(list_first(v, "registries", &m, e));
	for (; m; m = m->next)
		TRY(registry_read(m, a, arena_push(a, &c.registries, &c.count, Registry), e));
	*ret = c;
	return 0;
}

int config_find(const Config *c, const char *domain, Registry **ret, Err *e)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->registries[i].domain, domain)) {
			*ret = &c->registries[i];
			return 0;
		}
	return err_make(e, ERR_BUG, 0, "nothing was said of the registry '%s'", domain);
}

void endpoint_fall_back(Endpoint *p, Arena *a)
{
	p->url = arena_printf(a, "http://%s", p->host_url);
	p->host_url = p->url + strlen("http://");
	p->may_fall_back = false;
}

bool endpoint_is_http(const Endpoint *p)
{
	return str_starts(p->url, "http://");
}

bool authorities_are_hashed(void)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
	AUTO(closedir) DIR *d = curl->capath ? opendir(curl->capath) : NULL;
	const struct dirent *entry;
	while (d && (entry = readdir(d)))
		if (strlen(entry->d_name) == strlen("0123abcd.0") && str_ends(entry->d_name, ".0"))
			return true;
	return false;
}

/* The list is taken in place of the system's file of authorities. */
int endpoint_bundle(Endpoint *p, bool is_hashed, Arena *a, Err *e)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
	StrList files = { 0 };
	char *text = NULL;
	size_t size = 0;
	if (p->bundle || p->authorities.count == 0)
		return 0;
	if (curl->cainfo && !is_hashed)
		strlist_add(a, &files, curl->cainfo);
	for (size_t i = 0; i < p->authorities.count; i++)
		strlist_add(a, &files, p->authorities.items[i]);
	for (size_t i = 0; i < files.count; i++) {
		const char *part, *what = arena_printf(a, "certificates '%s'", files.items[i]);
		size_t len;
		int r = regular_file_read(files.items[i], what, BUNDLE_MAX, ERR_STATE, a, &part,
					  &len, e);
		if (r == -ENOENT && curl->cainfo && !is_hashed && i == 0)
			continue; /* a system without authorities */
		TRY(r);
		char *both = arena_alloc(a, size + len + 2);
		if (size > 0)
			memcpy(both, text, size);
		memcpy(both + size, part, len);
		both[size + len] = '\n'; /* where one file ends, a line must */
		text = both;
		size += len + 1;
	}
	p->bundle = text;
	p->bundle_size = size;
	return 0;
}
