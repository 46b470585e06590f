#include "fetch/call.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/limits.h"
#include "fetch/url.h"
#include "fetch/words.h"
#include "fmt/challenge.h"

#define TRIES_TO_CONNECT 2u         /* what is not there is seldom there a second later */
#define PROGRESS_BYTES   (1u << 20) /* with so much more, tries count from one again */
#define BACKOFF_MAX      8000u
#define RETRY_MS_MAX     (LIMIT_RETRY_SECONDS * 1000ull)
#define ASKED_MAX        3u
#define ERROR_BYTES      (64u << 10) /* that are looked at of an answer which says why not */

static void call_send(Call *c);

uint64_t now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* it is always there */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- its ends ---- */

static void call_unlist(Call *c)
{
	for (Call **at = &c->session->calls; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	c->next = NULL;
	c->waits_for = NULL;
	c->wakes_at = 0;
}

void call_cancel(Call *c)
{
	if (!c->session)
		return;
	call_unlist(c);
	if (c->exchange)
		http_free(TAKE_PTR(c->exchange));
}

static void call_end(Call *c, int r)
{
	Exchange *x = TAKE_PTR(c->exchange);
	call_unlist(c);
	c->done(c, x, r);
	if (x)
		http_free(x);
}

static void call_begin(Call *c)
{
	Endpoint *p = c->endpoint;
	if (!p)
		p = &c->registry->endpoints[c->at_endpoint];
	c->target = c->url ? c->url : arena_printf(c->arena, "%s%s", p->url, c->path);
	c->redirects = 0;
	call_send(c);
}

/* What a mirror does not give, the next one or the registry itself may. */
static void call_fail(Call *c, int r)
{
	if (!c->endpoint && c->use_mirrors && c->at_endpoint + 1 < c->registry->count &&
	    !(c->exchange && http_answer(c->exchange)->was_refused)) {
		if (c->exchange)
			http_free(TAKE_PTR(c->exchange));
		c->at_endpoint++;
		c->tries = c->asked = 0;
		call_begin(c);
		return;
	}
	call_end(c, r);
}

static Endpoint *call_endpoint(const Call *c)
{
	return c->endpoint ? c->endpoint : &c->registry->endpoints[c->at_endpoint];
}

static bool call_has_mirror(const Call *c)
{
	return !c->endpoint && call_endpoint(c)->is_mirror;
}

/* ---- sending ---- */

static void credentials_add(Call *c, HttpRequest *r)
{
	Endpoint *p = call_endpoint(c);
	const Token *t = c->is_for_token ? NULL : token_for(c->session, p, &c->scopes);
	const char *bearer = c->is_for_token ? NULL : p->registry_token;
	c->sent_basic = c->sent_token = false;
	c->token_used = 0;
	if (c->is_for_token) {
		r->username = c->username;
		r->password = c->password;
		return;
	}
	if (!bearer && t) {
		bearer = token_text(t);
		c->token_used = token_serial(t);
	}
	c->sent_token = bearer != NULL;
	if (bearer)
		strlist_add(c->arena, &r->headers,
			    arena_printf(c->arena, "Authorization: Bearer %s", bearer));
	if (!bearer && p->wants_basic && p->username) {
		r->username = p->username;
		r->password = p->secret;
		c->sent_basic = true;
	}
}

static void call_answered(void *context, Exchange *x);

static void call_send(Call *c)
{
	Endpoint *p = call_endpoint(c);
	HttpRequest r = { .method = c->method,
			  .url = c->target,
			  .endpoint = p,
			  .body = c->body,
			  .has_body = c->has_body,
			  .answer_max = c->answer_max > ERROR_BYTES ? c->answer_max : ERROR_BYTES,
			  .take = c->take,
			  .done = call_answered,
			  .context = c };
	for (size_t i = 0; i < c->headers.count; i++)
		strlist_add(c->arena, &r.headers, c->headers.items[i]);
	if (c->prepare)
		c->prepare(c, &r);
	r.is_endpoints = url_same_origin(c->target, p->url);
	if (c->is_for_token ? url_same_origin(c->target, c->url) : r.is_endpoints)
		credentials_add(c, &r);
	int failed = http_start(c->session->http, &r, c->arena, &c->exchange, &c->err);
	if (failed < 0)
		call_end(c, failed);
}

void call_start(Call *c)
{
	bool is_first_mirror = c->use_mirrors && !c->endpoint;
	c->next = c->session->calls;
	c->session->calls = c;
	c->at_endpoint = is_first_mirror || c->endpoint ? 0 : c->registry->count - 1;
	c->tries = c->redirects = c->asked = 0;
	c->went_back = false;
	c->progress_then = c->progress;
	c->exchange = NULL;
	c->wakes_at = now_ms() + c->delay + 1; /* so that nobody is called back before this returns */
}

/* Starts of one try again, with nothing but the url. */
static void call_wake(Call *c)
{
	c->wakes_at = 0;
	call_begin(c);
}

unsigned call_tick(Session *s, unsigned most)
{
	uint64_t now = now_ms(), wait = most;
	for (Call *c = s->calls; c;) {
		if (c->wakes_at && c->wakes_at <= now) {
			call_wake(c);
			c = s->calls; /* the list may be another one now */
			continue;
		}
		if (c->wakes_at && c->wakes_at - now < wait)
			wait = c->wakes_at - now;
		c = c->next;
	}
	return (unsigned)wait;
}

/* ---- further tries ---- */

/* Half of it is by chance, so that those who were refused together do not come back together. */
static unsigned backoff(const Call *c)
{
	uint64_t wait = c->session->config.backoff;
	uint16_t chance = 0;
	(void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* without it all wait as long */
	for (unsigned i = 1; i < c->tries && wait < BACKOFF_MAX; i++)
		wait *= 2;
	if (wait > BACKOFF_MAX)
		wait = BACKOFF_MAX;
	return (unsigned)(wait / 2 + wait * chance / 65536);
}

/* Sleeps and tries again, or fails with the error that stands in c->err. */
static void call_again(Call *c, unsigned tries_max, uint64_t at_least, int r)
{
	if (c->progress - c->progress_then >= PROGRESS_BYTES) {
		c->progress_then = c->progress;
		c->tries = 0;
	}
	c->tries++;
	if (call_has_mirror(c) || c->tries >= tries_max || at_least > RETRY_MS_MAX) {
		call_fail(c, r);
		return;
	}
	uint64_t wait = backoff(c);
	http_free(TAKE_PTR(c->exchange));
	c->wakes_at = now_ms() + (at_least > wait ? at_least : wait) + 1;
}

static unsigned tries_of(const Call *c)
{
	return c->tries_max ? c->tries_max : CALL_TRIES;
}

static void call_busy(Call *c, Exchange *x)
{
	uint64_t wait = http_retry_after_ms(x);
	int r = words_of_answer(c, x, &c->err);
	if (wait > RETRY_MS_MAX)
		(void)err_wrap(&c->err, r, "the registry is busy for another %llu seconds",
			       (unsigned long long)wait / 1000);
	/* What was refused so was not even begun: it can be sent again, whatever it is. */
	call_again(c, http_answer(x)->status == 429 ? CALL_TRIES : tries_of(c), wait, r);
}

static bool falls_back(Call *c, CURLcode code)
{
	Endpoint *p = call_endpoint(c);
	if (c->is_for_token || !p->may_fall_back || p->has_answered || endpoint_is_http(p) ||
	    (code != CURLE_COULDNT_CONNECT && code != CURLE_SSL_CONNECT_ERROR &&
	     code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING && code != CURLE_SEND_ERROR))
		return false;
	endpoint_fall_back(p, &c->session->arena);
	return true;
}

static unsigned tries_after(const Call *c, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
		return TRIES_TO_CONNECT < tries_of(c) ? TRIES_TO_CONNECT : tries_of(c);
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT: return tries_of(c);
	default: return 0;
	}
}

static void call_broken(Call *c, Exchange *x)
{
	const HttpAnswer *answer = http_answer(x);
	if (answer->was_refused) { /* `take` has said why */
		call_fail(c, c->err.sys ? -(int)c->err.sys : -EIO);
		return;
	}
	if (falls_back(c, answer->code)) {
		http_free(TAKE_PTR(c->exchange));
		call_begin(c);
		return;
	}
	int r = words_of_failure(c, x, &c->err);
	call_again(c, tries_after(c, answer->code), 0, r);
}

/* ---- redirects ---- */

int call_follow(Call *c, const char *to, const char **ret, Err *e)
{
	return url_resolve(c->target, to, c->arena, ret, e);
}

static void call_redirect(Call *c, Exchange *x)
{
	const char *to = http_header(x, "Location", 0);
	long status = http_answer(x)->status;
	bool keeps_method = status == 307 || status == 308 || str_eq(c->method, "GET") ||
			    str_eq(c->method, "HEAD");
	int r = 0;
	if (!to || !keeps_method)
		r = err_make(&c->err, ERR_STATE, EPROTO, "%s %.200s: status %ld, which leads nowhere",
			     c->method, url_shown(c->target, c->arena), status);
	else if (++c->redirects > LIMIT_REDIRECTS)
		r = err_make(&c->err, ERR_STATE, ELOOP, "%.200s: more than %u redirects in a row",
			     url_shown(c->target, c->arena), LIMIT_REDIRECTS);
	if (r == 0)
		r = call_follow(c, to, &c->target, &c->err);
	if (r == 0 && c->is_for_token && c->has_body && !url_same_origin(c->url, c->target))
		r = err_make(&c->err, ERR_STATE, EPROTO,
			     "the token server %.150s sends us elsewhere with a secret: %.150s",
			     url_shown(c->url, c->arena), url_shown(c->target, c->arena));
	if (r < 0) {
		call_fail(c, r);
		return;
	}
	http_free(TAKE_PTR(c->exchange));
	call_send(c);
}

/* ---- credentials ---- */

static int call_ask_token(Call *c, const Challenge *bearer)
{
	Endpoint *p = call_endpoint(c);
	const char *realm = challenge_get(bearer, "realm"), *url;
	const Token *t = token_for(c->session, p, &c->scopes);
	if (p->registry_token && c->sent_token)
		return -EACCES;
	if (t && c->token_used == token_serial(t) && c->asked > 1)
		return -EACCES; /* made for this call, and not good enough */
	if (t && c->token_used != token_serial(t))
		return 0; /* another call has asked meanwhile */
	TRY(url_resolve(p->url, realm, c->arena, &url, &c->err));
	if (!str_starts(url, "https://") && !endpoint_is_http(p))
		return err_make(&c->err, ERR_STATE, 0, "the token server %.200s is not encrypted",
				url_shown(url, c->arena));
	return token_ask(c, url, challenge_get(bearer, "service"), challenge_get(bearer, "scope"),
			 &c->err);
}

/* 0: it is sent again, or waits for a token (then c->waits_for is set). */
static int call_authorize(Call *c, Exchange *x)
{
	ChallengeList list = { 0 };
	const char *header;
	Endpoint *p = call_endpoint(c);
	for (size_t i = 0; i < CHALLENGES_MAX && (header = http_header(x, "WWW-Authenticate", i)); i++)
		challenge_parse(header, c->arena, &list);
	const Challenge *bearer = challenge_find(&list, "Bearer");
	if (++c->asked > ASKED_MAX)
		return -EACCES;
	if (bearer && challenge_get(bearer, "realm"))
		return call_ask_token(c, bearer);
	if (!challenge_find(&list, "Basic") || c->sent_basic)
		return -EACCES;
	if (!p->username)
		return err_make(&c->err, ERR_STATE, EACCES, "no basic auth credentials");
	p->wants_basic = true;
	return 0;
}

static void call_unauthorized(Call *c, Exchange *x)
{
	c->err = (Err){ 0 };
	int r = call_authorize(c, x);
	if (r < 0) {
		if (c->err.kind == ERR_OK)
			r = words_of_answer(c, x, &c->err);
		c->err.sys = 0;
		call_fail(c, r);
		return;
	}
	http_free(TAKE_PTR(c->exchange));
	if (!c->waits_for)
		call_begin(c);
}

void call_token_came(Session *s, const Token *t, int r, const Err *e)
{
	for (Call *c = s->calls; c;) {
		if (c->waits_for != t) {
			c = c->next;
			continue;
		}
		c->waits_for = NULL;
		if (r < 0) {
			c->err = *e;
			call_fail(c, r);
		} else {
			call_begin(c);
		}
		c = s->calls; /* the list may be another one now */
	}
}

/* ---- the story of an answer ---- */

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool is_busy(long status)
{
	return status == 408 || status == 429 ||
	       (status >= 500 && status != 501 && status != 505 && status != 507);
}

static void call_judge(Call *c, Exchange *x)
{
	CallVerdict verdict = CALL_ACCEPT;
	long status = http_answer(x)->status;
	c->err = (Err){ 0 };
	if (c->check) {
		verdict = c->check(c, x, &c->err);
	} else if (status < 200 || status > 299) {
		verdict = CALL_REFUSE;
		(void)words_of_answer(c, x, &c->err); /* the verdict says that it is one */
	}
	int r = status == 404                    ? -ENOENT
		: status == 401 || status == 403 ? -EACCES
		: c->err.sys                     ? -(int)c->err.sys
						 : -EIO;
	if (verdict == CALL_ACCEPT)
		call_end(c, 0);
	else if (verdict == CALL_AGAIN)
		call_again(c, tries_of(c), 0, r);
	else
		call_fail(c, r);
}

static void call_answered(void *context, Exchange *x)
{
	Call *c = context;
	const HttpAnswer *answer = http_answer(x);
	Endpoint *p = call_endpoint(c);
	bool at_home = url_same_origin(c->target, c->is_for_token ? c->url : p->url);
	if (answer->status > 0 && at_home && !c->is_for_token)
		p->has_answered = true;
	if (answer->status > 0 && at_home && answer->status != 401)
		c->asked = 0; /* what we have sent was good enough */
	if (answer->code != CURLE_OK) {
		call_broken(c, x);
	} else if (answer->status == 401 && at_home && !c->is_for_token) {
		call_unauthorized(c, x);
	} else if (is_redirect(answer->status)) {
		call_redirect(c, x);
	} else if (answer->status == 403 && !at_home && !c->went_back && c->redirects > 0) {
		c->went_back = true; /* what the registry has signed is good for some time: it signs again */
		http_free(TAKE_PTR(c->exchange));
		call_begin(c);
	} else if (is_busy(answer->status)) {
		call_busy(c, x);
	} else {
		call_judge(c, x);
	}
}
