#include "fetch/words.h"

#include <string.h>

#include "fetch/url.h"
#include "fmt/json.h"

/* "MANIFEST_UNKNOWN" -> "manifest unknown" */
static char *code_words(const char *code, Arena *a)
{
	char *words = arena_strdup(a, code);
	for (char *c = words; *c; c++)
		*c = (char)(*c == '_' ? ' ' : *c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
	return words;
}

/* NULL: the answer is not of the form. */
static const char *document_words(const HttpAnswer *answer, Arena *a)
{
	const JsonValue *v, *m;
	const char *code = "", *message = "";
	if (answer->size == 0 || json_parse(answer->body, answer->size, a, &v, NULL) < 0)
		return NULL;
	m = json_member(v, "errors");
	if (m && m->type == JSON_ARRAY && m->as.list.first) {
		v = m->as.list.first;
		(void)json_get_string(json_member(v, "code"), &code, NULL); /* either may be missing */
		(void)json_get_string(json_member(v, "message"), &message, NULL);
	} else { /* of token servers */
		(void)json_get_string(json_member(v, "details"), &message, NULL);
		(void)json_get_string(json_member(v, "message"), &message, NULL);
	}
	code = code_words(code, a);
	if (!*code && !*message)
		return NULL;
	if (!*message || strcasecmp(code, message) == 0 || !*code)
		return *code ? code : message;
	return arena_printf(a, "%s: %s", code, message);
}

static ErrKind status_kind(long status, int *ret_sys)
{
	*ret_sys = status == 404                    ? ENOENT
		   : status == 401 || status == 403 ? EACCES
		   : status == 429                  ? EAGAIN
		   : status == 408 || status >= 500 ? EIO
						    : EPROTO;
	return status == 404 ? ERR_NOT_FOUND : ERR_STATE;
}

int words_of_answer(Call *c, Exchange *x, Err *e)
{
	const HttpAnswer *answer = http_answer(x);
	const char *words = document_words(answer, c->arena);
	int sys;
	ErrKind kind = status_kind(answer->status, &sys);
	if (!words && answer->status == 401)
		words = "unauthorized: authentication required";
	if (!words && answer->status == 403)
		words = "denied: requested access to the resource is denied";
	if (!words && answer->status == 429)
		words = "toomanyrequests: too many requests";
	if (!words)
		words = arena_printf(c->arena, "%s %.200s: status %ld", c->method,
				     url_shown(c->target, c->arena), answer->status);
	(void)err_make(e, kind, 0, "%.300s", str_mask_controls(arena_strdup(c->arena, words)));
	return -sys;
}

int words_of_failure(Call *c, Exchange *x, Err *e)
{
	const HttpAnswer *answer = http_answer(x);
	const char *shown = url_shown(c->target, c->arena);
	char *error = str_mask_controls(arena_strdup(c->arena, answer->error));
	if (answer->is_too_large)
		return err_make(e, ERR_SPEC, EFBIG, "%s %.200s: the answer is too large", c->method,
				shown);
	if (answer->code == CURLE_PEER_FAILED_VERIFICATION)
		return err_make(e, ERR_SYS, 0,
				"%s %.150s: the server cannot be trusted: %.150s (an authority of its own belongs in "
				"/etc/docker/certs.d/HOST/ca.crt)",
				c->method, shown, error);
	(void)err_make(e, ERR_SYS, answer->sys, "%s %.200s: %.200s", c->method, shown, error);
	return -(answer->sys ? answer->sys : EIO);
}
