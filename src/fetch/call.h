/* call.h - something asked of a registry, with all that it takes to be answered.             (fetch/, may include base fmt kern)
 *
 * Theory:    a Call is one exchange after the other until one counts: mirrors in turn, tokens and passwords as they are asked for, redirects, and
 *            further tries after errors that pass. Whose exchange has ended says what comes next (call.c: the story is call_answered()).
 * Secrets:   they go to the origin (scheme, host, port) of the endpoint that they are for, or to the token server which that has named, which
 *            must speak https if the registry does. Never along a redirect to another origin.
 * Ownership: a Call lives in its job, or its token, which must call_cancel() it before they end.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fetch/config.h"
#include "fetch/http.h"

#define CALL_TRIES 5u

typedef struct Call Call;
typedef struct Token Token;

typedef struct Session {
	Arena arena; /* of what lasts as long as the program */
	Config config;
	Http *http;
	Call *calls; /* that are under way */
	Token *tokens;
} Session;

typedef enum CallVerdict {
	CALL_ACCEPT,
	CALL_AGAIN,  /* it may be better next time */
	CALL_REFUSE, /* it will not */
} CallVerdict;

/* Looks at an answer whose status is not one that the call itself deals with; anything but CALL_ACCEPT comes with an error. */
typedef CallVerdict CallCheck(Call *c, Exchange *x, Err *e);
/* r < 0: it has failed, c->err says why; x is the last answer, NULL: there was none. It may be started again from here. */
typedef void CallDone(Call *c, Exchange *x, int r);

struct Call {
	/* What the job says. */
	Session *session;
	Arena *arena;
	Registry *registry;
	Endpoint *endpoint; /* this one alone; NULL: those of the registry */
	bool use_mirrors;
	StrList scopes; /* that a token must be good for */
	const char *method;
	const char *path; /* below the endpoint's url, or, NULL: */
	const char *url;  /* all of it */
	StrList headers;
	HttpBody body;
	bool has_body, is_for_token;
	const char *username, *password; /* of a call for a token */
	size_t answer_max;
	unsigned tries_max;                       /* 0: CALL_TRIES */
	unsigned delay;                           /* milliseconds before it begins */
	void (*prepare)(Call *c, HttpRequest *r); /* before each exchange; may be NULL */
	HttpTake *take;
	CallCheck *check; /* NULL: 2xx is accepted */
	CallDone *done;
	void *context;
	uint64_t progress; /* bytes that were of use, of all tries */

	/* What becomes of it. */
	Err err;
	const char *target; /* where the exchange goes */
	Call *next;         /* in session->calls */
	Exchange *exchange;
	const Token *waits_for;
	uint64_t wakes_at;      /* milliseconds; 0: it does not sleep */
	uint64_t progress_then; /* when tries began to count */
	size_t at_endpoint;
	unsigned tries, redirects, asked; /* asked: how often for credentials */
	unsigned token_used; /* the serial number of the token that was sent; 0: none */
	bool sent_basic, sent_token, went_back;
};

void call_start(Call *c);
void call_cancel(Call *c);

/* Those that sleep and whose time has come go on. Returns the milliseconds until the next one's, at most `most`. */
unsigned call_tick(Session *s, unsigned most);

/* The url of what the answer names, relative to where the call has gone. */
int call_follow(Call *c, const char *to, const char **ret, Err *e);

/* Of token.c: the one to send, or NULL; a call that was refused with this header waits for one. -EACCES: there will be none. */
const Token *token_for(Session *s, const Endpoint *p, const StrList *scopes);
const char *token_text(const Token *t);
unsigned token_serial(const Token *t);
int token_ask(Call *c, const char *realm, const char *service, const char *scope, Err *e);
void tokens_free(Session *s);

/* For token.c: there is one, or (r < 0) there is none. */
void call_token_came(Session *s, const Token *t, int r, const Err *e);

uint64_t now_ms(void);
