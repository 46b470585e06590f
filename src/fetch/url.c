#include "fetch/url.h"

#include <curl/curl.h>
#include <string.h>

#include "base/limits.h"
#include "base/own.h"
#include "base/str.h"

DEFINE_AUTO(CURLU *, curl_url_cleanup, NULL)
DEFINE_AUTO(char *, curl_free, NULL)

int url_resolve(const char *base, const char *to, Arena *a, const char **ret, Err *e)
{
	AUTO(curl_url_cleanup) CURLU *u = curl_url();
	AUTO(curl_free) char *text = NULL;
	if (strlen(to) > LIMIT_URL || !str_is_printable(to))
		return err_make(e, ERR_STATE, 0, "%s sends us to no place that can be named",
				url_shown(base, a));
	if (!u || curl_url_set(u, CURLUPART_URL, base, 0) ||
	    curl_url_set(u, CURLUPART_URL, to, CURLU_DISALLOW_USER) ||
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) || curl_url_get(u, CURLUPART_URL, &text, 0) ||
	    !(str_starts(text, "http://") || str_starts(text, "https://")))
		return err_make(e, ERR_STATE, 0, "%s sends us to '%.100s', where we do not go",
				url_shown(base, a), url_shown(to, a));
	if (str_starts(base, "https://") && !str_starts(text, "https://"))
		return err_make(e, ERR_STATE, 0, "%s sends us to '%.100s', which is not encrypted",
				url_shown(base, a), url_shown(text, a));
	*ret = arena_strdup(a, text);
	return 0;
}

static bool part_is_same(CURLU *x, CURLU *y, CURLUPart part)
{
	AUTO(curl_free) char *of_x = NULL;
	AUTO(curl_free) char *of_y = NULL;
	return !curl_url_get(x, part, &of_x, CURLU_DEFAULT_PORT) &&
	       !curl_url_get(y, part, &of_y, CURLU_DEFAULT_PORT) && strcasecmp(of_x, of_y) == 0;
}

bool url_same_origin(const char *x, const char *y)
{
	AUTO(curl_url_cleanup) CURLU *of_x = curl_url();
	AUTO(curl_url_cleanup) CURLU *of_y = curl_url();
	return of_x && of_y && !curl_url_set(of_x, CURLUPART_URL, x, 0) &&
	       !curl_url_set(of_y, CURLUPART_URL, y, 0) && part_is_same(of_x, of_y, CURLUPART_SCHEME) &&
	       part_is_same(of_x, of_y, CURLUPART_HOST) && part_is_same(of_x, of_y, CURLUPART_PORT);
}

const char *url_escape(const char *text, Arena *a)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * strlen(text) + 1), *at = out;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    strchr("-._~", c)) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
		}
	}
	return out;
}

const char *url_add(const char *url, const char *name, const char *value, Arena *a)
{
	return arena_printf(a, "%s%c%s=%s", url, strchr(url, '?') ? '&' : '?', name,
			    url_escape(value, a));
}

const char *url_shown(const char *url, Arena *a)
{
	char *shown = arena_strndup(a, url, strcspn(url, "?#"));
	return str_mask_controls(shown);
}
