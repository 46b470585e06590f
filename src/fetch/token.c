/* Bearer tokens: one for each endpoint and what it is to be good for, asked for once however many calls wait for it.
 * Source: distribution's docs/spec/auth/token.md and oauth.md. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "fetch/call.h"
#include "fetch/url.h"
#include "fetch/words.h"
#include "fmt/json.h"

#define SECONDS_DEFAULT 60u /* that a token is good for, where nobody says */
#define SECONDS_MAX     (24u * 3600ul)
#define MARGIN_MS       5000u /* before its end, in which it is not used any more */
#define TOKENS_MAX      1024u

struct Token {
	Token *next;
	const Endpoint *endpoint;
	const char *key; /* the scopes */
	char *text;      /* NULL: none yet */
	uint64_t expires;
	unsigned serial;
	bool is_asking, no_post;
	Arena arena; /* of what is asked */
	const char *realm, *service;
	StrList scopes;
	Call call;
};

static const char *key_of(const StrList *scopes, Arena *a)
{
	const char *key = "";
	for (size_t i = 0; i < scopes->count; i++)
		key = arena_printf(a, "%s%s%s", key, i ? " " : "", scopes->items[i]);
	return key;
}

static Token *token_find(const Session *s, const Endpoint *p, const StrList *scopes)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const char *key = key_of(scopes, &a);
	for (Token *t = s->tokens; t; t = t->next)
		if (t->endpoint == p && str_eq(t->key, key))
			return t;
	return NULL;
}

const Token *token_for(Session *s, const Endpoint *p, const StrList *scopes)
{
	Token *t = token_find(s, p, scopes);
	return t && t->text && now_ms() < t->expires ? t : NULL;
}

const char *token_text(const Token *t)
{
	return t->text;
}

unsigned token_serial(const Token *t)
{
	return t->serial;
}

static void token_forget(Token *t)
{
	if (t->text)
		explicit_bzero(t->text, strlen(t->text));
	free(TAKE_PTR(t->text));
}

void tokens_free(Session *s)
{
	while (s->tokens) {
		Token *t = s->tokens;
		s->tokens = t->next;
		call_cancel(&t->call);
		token_forget(t);
		arena_done(&t->arena);
	}
}

/* ---- the answer ---- */

static int answer_read(Call *c, Exchange *x, const char **ret, uint64_t *ret_seconds, Err *e)
{
	const HttpAnswer *answer = http_answer(x);
	const JsonValue *v, *m;
	const char *text = NULL, *shown = url_shown(c->target, c->arena);
	uint64_t seconds = SECONDS_DEFAULT;
	int r = json_parse(answer->body ? answer->body : "", answer->size, c->arena, &v, e);
	if (r < 0)
		return err_wrap(e, r, "the token server %.200s", shown);
	m = json_member(v, "token");
	if (!m || m->type != JSON_STRING || !*m->as.string)
		m = json_member(v, "access_token");
	(void)json_get_string(m, &text, NULL); /* NULL is looked at */
	(void)json_get_u64(json_member(v, "expires_in"), UINT32_MAX, &seconds, NULL); /* else the default */
	if (!text || !*text || strpbrk(text, " \t") || !str_is_printable(text))
		return err_make(e, ERR_STATE, EPROTO, "the token server %.200s gives no token", shown);
	*ret = text;
	*ret_seconds = seconds < SECONDS_DEFAULT
			       ? SECONDS_DEFAULT /* token.md: less is for old clients */
		       : seconds > SECONDS_MAX ? SECONDS_MAX
					       : seconds;
	return 0;
}

static void token_begin(Token *t);

static bool wants_no_post(const Token *t, Exchange *x)
{
	long status = x ? http_answer(x)->status : 0;
	return str_eq(t->call.method, "POST") && (status == 404 || status == 405 || status == 401);
}

static void token_done(Call *c, Exchange *x, int r)
{
	Token *t = c->context;
	const char *text;
	uint64_t seconds;
	if (r < 0 && wants_no_post(t, x)) {
		t->no_post = true;
		token_begin(t);
		return;
	}
	if (r == 0)
		r = answer_read(c, x, &text, &seconds, &c->err);
	if (r == 0) {
		t->text = strdup(text);
		t->expires = now_ms() + seconds * 1000 - MARGIN_MS;
		t->serial++;
		if (!t->text)
			r = err_make(&c->err, ERR_SYS, ENOMEM, "keep a token");
	}
	t->is_asking = false;
	call_token_came(c->session, t, r, &c->err);
}

/* ---- the question ---- */

static const char *form_add(const char *form, const char *name, const char *value, Arena *a)
{
	return arena_printf(a, "%s%s%s=%s", form, *form ? "&" : "", name, url_escape(value, a));
}

/* A user of the registry, with what stands for his password. */
static void question_get(Token *t, Call *c)
{
	const Endpoint *p = t->endpoint;
	c->method = "GET";
	c->url = t->realm;
	if (t->service)
		c->url = url_add(c->url, "service", t->service, &t->arena);
	for (size_t i = 0; i < t->scopes.count; i++)
		c->url = url_add(c->url, "scope", t->scopes.items[i], &t->arena);
	if (!p->username)
		return;
	c->url = url_add(c->url, "account", p->username, &t->arena);
	c->username = p->username;
	c->password = p->secret ? p->secret : p->identity_token;
}

static void question_post(Token *t, Call *c)
{
	Arena *a = &t->arena;
	const char *form = form_add("", "grant_type", "refresh_token", a);
	if (t->service)
		form = form_add(form, "service", t->service, a);
	form = form_add(form, "client_id", "mydocker", a);
	if (t->scopes.count > 0)
		form = form_add(form, "scope", key_of(&t->scopes, a), a);
	form = form_add(form, "refresh_token", t->endpoint->identity_token, a);
	c->method = "POST";
	c->url = t->realm;
	c->has_body = true;
	c->body = (HttpBody){ .bytes = form, .size = strlen(form) };
	strlist_add(a, &c->headers, "Content-Type: application/x-www-form-urlencoded");
}

static void token_begin(Token *t)
{
	Call c = { .session = t->call.session,
		   .arena = &t->arena,
		   .endpoint = t->call.endpoint,
		   .is_for_token = true,
		   .answer_max = LIMIT_TOKEN_BYTES,
		   .done = token_done,
		   .context = t };
	if (t->endpoint->identity_token && !t->no_post)
		question_post(t, &c);
	else
		question_get(t, &c);
	t->call = c;
	call_start(&t->call);
}

/* "repository:NAME" of "repository:NAME:pull,push" */
static bool is_about_the_same(const char *x, const char *y)
{
	const char *end = strrchr(x, ':');
	return end && strncmp(x, y, (size_t)(end - x + 1)) == 0;
}

/* A registry may know a repository by another name than we do, and then says so. */
static void scopes_fill(Token *t, const StrList *ours, const char *theirs)
{
	t->scopes = (StrList){ 0 };
	for (size_t i = 0; i < ours->count; i++) {
		strlist_add(&t->arena, &t->scopes, ours->items[i]);
		if (theirs && is_about_the_same(ours->items[i], theirs))
			theirs = NULL;
	}
	if (theirs && *theirs)
		strlist_add(&t->arena, &t->scopes, arena_strdup(&t->arena, theirs));
}

int token_ask(Call *c, const char *realm, const char *service, const char *scope, Err *e)
{
	Session *s = c->session;
	Endpoint *p = c->endpoint ? c->endpoint : &c->registry->endpoints[c->at_endpoint];
	Token *t = token_find(s, p, &c->scopes);
	size_t count = 0;
	for (const Token *other = s->tokens; other; other = other->next)
		count++;
	if (!t && count == TOKENS_MAX)
		return err_make(e, ERR_STATE, EMFILE, "tokens for more than %u repositories",
				TOKENS_MAX);
	if (!t) {
		t = arena_new(&s->arena, Token);
		*t = (Token){ .next = s->tokens, .endpoint = p, .key = key_of(&c->scopes, &s->arena) };
		s->tokens = t;
	}
	c->waits_for = t;
	if (t->is_asking)
		return 0;
	token_forget(t);
	arena_done(&t->arena);
	t->is_asking = true;
	t->realm = arena_strdup(&t->arena, realm);
	t->service = service ? arena_strdup(&t->arena, service) : NULL;
	scopes_fill(t, &c->scopes, scope);
	t->call = (Call){ .session = s, .endpoint = p };
	token_begin(t);
	return 0;
}
