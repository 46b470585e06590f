/* http.h - one request of HTTP and its answer, many at a time, by libcurl's multi interface.   (fetch/, may include base fmt kern)
 *
 * Theory:    redirects, credentials and further tries are not for here: an Exchange ends with whatever came first. HTTP/1.1 alone: each blob has
 *            a connection of its own, so one whose reader is slow holds up none of the others, and waits in the kernel, not in our memory.
 * Input:     answers are HOSTILE: headers have LIMIT_HEADER_BYTES, bodies what the request says; a connection that is silent for a minute has ended
 *            (for ten, where something was sent).
 * Ownership: http_start() gives an Exchange that http_free() ends; what the request points to must live as long.
 */
#pragma once
#include <curl/curl.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "fetch/config.h"

typedef struct Http Http;
typedef struct Exchange Exchange;

/* Takes some of an answer's body, all of it or nothing. -EAGAIN: not now, http_resume() says when. Another error ends the exchange. */
typedef int HttpTake(void *context, const char *bytes, size_t size);

/* It has ended; called from http_work() alone. */
typedef void HttpDone(void *context, Exchange *x);

typedef struct HttpBody {
	const char *bytes; /* or, NULL: */
	int fd;            /* a file, */
	uint64_t offset;   /* from there */
	uint64_t size;
	bool is_once; /* to send it again is the caller's decision: some of it may have come */
} HttpBody;

typedef struct HttpRequest {
	const char *method, *url;
	Endpoint *endpoint;              /* whose certificates count */
	bool is_endpoints;               /* the url is of its origin */
	const char *username, *password; /* Basic; NULL: none */
	StrList headers;                 /* "Name: value" */
	HttpBody body;
	bool has_body;
	size_t answer_max; /* bytes of the answer that are kept */
	HttpTake *take;    /* gets the body of a 200 or 206 instead; may be NULL */
	HttpDone *done;
	void *context;
} HttpRequest;

typedef struct HttpAnswer {
	CURLcode code;                  /* CURLE_OK: there is an answer, whole */
	long status;                    /* 0: none */
	int sys;                        /* errno of a connection that failed, or 0 */
	bool is_too_large, was_refused; /* by us: its body or headers, by `take` */
	uint64_t length;                /* Content-Length, or UINT64_MAX */
	const char *body; /* what was not taken; ends with a NUL that is not counted */
	size_t size;
	char error[CURL_ERROR_SIZE];
} HttpAnswer;

/* Both outlive it. */
int http_new(const Config *c, Arena *a, Http **ret, Err *e);
void http_free_all(Http *h);

int http_start(Http *h, const HttpRequest *r, Arena *a, Exchange **ret, Err *e);
void http_free(Exchange *x); /* also one that is under way */
void http_resume(Exchange *x);

/* The answer, as far as it has come: in `take`, status and length stand already. */
const HttpAnswer *http_answer(Exchange *x);

/* The header of that name, the n-th of them from 0; NULL: there is none. Valid until http_free(). */
const char *http_header(Exchange *x, const char *name, size_t n);

/* Bytes of its body that have been sent. */
uint64_t http_sent(const Exchange *x);

/* What Retry-After says, be it seconds or a date; 0: nothing. */
uint64_t http_retry_after_ms(Exchange *x);

/* Does what can be done now, then waits: so many milliseconds at most, or until one of these descriptors is ready. */
int http_work(Http *h, Err *e);
int http_wait(Http *h, struct curl_waitfd *fds, size_t count, unsigned milliseconds, Err *e);
