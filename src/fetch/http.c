#include "fetch/http.h"

#include <string.h>
#include <unistd.h>

#include "base/limits.h"

#define CONNECT_SECONDS 20L
#define THINK_TIMES     10L /* as long may who was given something be silent: he may have to copy it */
#define BUFFER_BYTES    (128L << 10) /* that are read at once */

struct Http {
	CURLM *multi;
	const Config *config;
	Arena *arena;
	bool is_hashed; /* authorities_are_hashed() */
};

struct Exchange {
	Http *http;
	CURL *easy;
	struct curl_slist *headers;
	HttpRequest request;
	HttpAnswer answer;
	char *body;
	size_t room, header_bytes;
	uint64_t sent;
};

int http_new(const Config *c, Arena *a, Http **ret, Err *e)
{
	Http *h = arena_new(a, Http);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(h->multi = curl_multi_init()))
		return err_make(e, ERR_SYS, ENOMEM, "make libcurl ready");
	h->config = c;
	h->arena = a;
	h->is_hashed = authorities_are_hashed();
	*ret = h;
	return 0;
}

void http_free_all(Http *h)
{
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
}

/* ---- what libcurl calls ---- */

static size_t on_header(char *line, size_t one, size_t size, void *context)
{
	Exchange *x = context;
	(void)line;
	(void)one;
	x->header_bytes += size;
	x->answer.is_too_large = x->header_bytes > LIMIT_HEADER_BYTES;
	return x->answer.is_too_large ? 0 : size;
}

static void answer_look(Exchange *x)
{
	curl_off_t length = -1;
	if (x->answer.status > 0)
		return;
	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->answer.status);
	(void)curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	x->answer.length = length >= 0 ? (uint64_t)length : UINT64_MAX;
}

/* What is longer than wanted of an error's text is passed over; of anything else it is an end. */
static size_t body_keep(Exchange *x, const char *bytes, size_t size)
{
	HttpAnswer *a = &x->answer;
	size_t left = x->request.answer_max - a->size, kept = size < left ? size : left;
	if (kept < size && a->status < 300) {
		a->is_too_large = true;
		return 0;
	}
	if (x->room - a->size < kept + 1) {
		size_t room = 2 * (a->size + kept) + 1024;
		char *more = realloc(x->body, room);
		if (!more)
			return 0;
		x->body = more;
		x->room = room;
	}
	if (kept > 0)
		memcpy(x->body + a->size, bytes, kept);
	a->size += kept;
	x->body[a->size] = '\0';
	a->body = x->body;
	return size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
	Exchange *x = context;
	(void)one;
	answer_look(x);
	if (!x->request.take || (x->answer.status != 200 && x->answer.status != 206))
		return body_keep(x, bytes, size);
	int r = x->request.take(x->request.context, bytes, size);
	if (r == -EAGAIN)
		return CURL_WRITEFUNC_PAUSE;
	x->answer.was_refused = r < 0;
	return r < 0 ? 0 : size;
}

static size_t on_send(char *buf, size_t one, size_t room, void *context)
{
	Exchange *x = context;
	const HttpBody *b = &x->request.body;
	uint64_t left = b->size - x->sent;
	size_t size = one * room < left ? one * room : (size_t)left;
	ssize_t n = (ssize_t)size;
	if (b->bytes)
		memcpy(buf, b->bytes + x->sent, size);
	else if (size > 0)
		n = pread(b->fd, buf, size, (off_t)(b->offset + x->sent));
	if (n < 0 || (n == 0 && size > 0))
		return CURL_READFUNC_ABORT; /* the file is shorter than was said */
	x->sent += (uint64_t)n;
	return (size_t)n;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
	Exchange *x = context;
	/* libcurl would do so by itself where a connection that was used before has ended. */
	if (x->request.body.is_once && x->sent > 0)
		return CURL_SEEKFUNC_FAIL;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->request.body.size)
		return CURL_SEEKFUNC_FAIL;
	x->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- a request ---- */

static int add_header(Exchange *x, const char *line)
{
	struct curl_slist *more = curl_slist_append(x->headers, line);
	if (!more)
		return -ENOMEM;
	x->headers = more;
	return 0;
}

/* Any option may fail for want of memory, and a wrong one is a bug: so they are counted. */
#define SET(option, value) (wrong |= curl_easy_setopt(x->easy, (option), (value)) != CURLE_OK)

static bool set_connection(Exchange *x)
{
	Endpoint *p = x->request.endpoint;
	struct curl_blob bundle = { .data = (void *)(uintptr_t)p->bundle, .len = p->bundle_size };
	long silence = (long)x->http->config->silence;
	bool wrong = false;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, silence * (x->request.has_body ? THINK_TIMES : 1));
	SET(CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, p->verify ? 1L : 0L);
	SET(CURLOPT_SSL_VERIFYHOST, p->verify ? 2L : 0L);
	if (x->http->is_hashed)
		SET(CURLOPT_CAINFO, NULL);
	if (p->bundle)
		SET(CURLOPT_CAINFO_BLOB, &bundle);
	if (x->request.is_endpoints && p->certificate) {
		SET(CURLOPT_SSLCERT, p->certificate);
		SET(CURLOPT_SSLKEY, p->key ? p->key : p->certificate);
	}
	return !wrong;
}

static bool set_body(Exchange *x)
{
	bool wrong = false;
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->request.body.size);
	SET(CURLOPT_READFUNCTION, on_send);
	SET(CURLOPT_READDATA, x);
	SET(CURLOPT_SEEKFUNCTION, on_seek);
	SET(CURLOPT_SEEKDATA, x);
	return !wrong;
}

static bool set_request(Exchange *x)
{
	const HttpRequest *r = &x->request;
	bool wrong = false;
	SET(CURLOPT_URL, r->url);
	SET(CURLOPT_USERAGENT, x->http->config->agent);
	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_ERRORBUFFER, x->answer.error);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (r->has_body)
		wrong |= !set_body(x);
	if (str_eq(r->method, "HEAD"))
		SET(CURLOPT_NOBODY, 1L);
	else
		SET(CURLOPT_CUSTOMREQUEST, r->method);
	if (r->username) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, r->username);
		SET(CURLOPT_PASSWORD, r->password ? r->password : "");
	}
	wrong |= add_header(x, "Expect:") < 0; /* not all registries answer that */
	for (size_t i = 0; i < r->headers.count; i++)
		wrong |= add_header(x, r->headers.items[i]) < 0;
	SET(CURLOPT_HTTPHEADER, x->headers);
	return !wrong && set_connection(x);
}

int http_start(Http *h, const HttpRequest *r, Arena *a, Exchange **ret, Err *e)
{
	TRY(endpoint_bundle(r->endpoint, h->is_hashed, h->arena, e));
	Exchange *x = arena_new(a, Exchange);
	*x = (Exchange){ .http = h, .request = *r };
	x->answer.length = UINT64_MAX;
	x->easy = curl_easy_init();
	if (!x->easy || !set_request(x) || curl_multi_add_handle(h->multi, x->easy) != CURLM_OK) {
		http_free(x);
		return err_make(e, ERR_SYS, ENOMEM, "ask %s", r->endpoint->url);
	}
	*ret = x;
	return 0;
}

void http_free(Exchange *x)
{
	if (x->easy) {
		(void)curl_multi_remove_handle(x->http->multi, x->easy); /* one that was not added is as good */
		curl_easy_cleanup(x->easy);
	}
	curl_slist_free_all(x->headers);
	free(x->body);
	*x = (Exchange){ .http = x->http };
}

void http_resume(Exchange *x)
{
	(void)curl_easy_pause(x->easy, CURLPAUSE_CONT); /* what fails here is the exchange's end, which is told */
}

const HttpAnswer *http_answer(Exchange *x)
{
	answer_look(x);
	return &x->answer;
}

const char *http_header(Exchange *x, const char *name, size_t n)
{
	struct curl_header *h;
	return curl_easy_header(x->easy, name, n, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

uint64_t http_sent(const Exchange *x)
{
	return x->sent;
}

uint64_t http_retry_after_ms(Exchange *x)
{
	curl_off_t seconds = 0;
	(void)curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &seconds); /* else it stays 0 */
	if (seconds < 0)
		return 0;
	return seconds < UINT32_MAX ? (uint64_t)seconds * 1000 : (uint64_t)UINT32_MAX * 1000;
}

/* ---- all of them ---- */

static void exchange_end(Exchange *x, CURLcode code)
{
	long number = 0;
	answer_look(x);
	(void)curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &number);
	x->answer.code = code;
	x->answer.sys = (int)number;
	if (code != CURLE_OK && !x->answer.error[0])
		(void)str_format(x->answer.error, sizeof x->answer.error, "%s",
				 curl_easy_strerror(code)); /* it fits */
	x->request.done(x->request.context, x);
}

int http_work(Http *h, Err *e)
{
	int running, left;
	const CURLMsg *m;
	if (curl_multi_perform(h->multi, &running) != CURLM_OK)
		return err_make(e, ERR_SYS, ENOMEM, "libcurl cannot go on");
	while ((m = curl_multi_info_read(h->multi, &left))) {
		char *x = NULL;
		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x) == CURLE_OK && x)
			exchange_end((Exchange *)(void *)x, m->data.result);
	}
	return 0;
}

int http_wait(Http *h, struct curl_waitfd *fds, size_t count, unsigned milliseconds, Err *e)
{
	CURLMcode code = curl_multi_poll(h->multi, fds, (unsigned)count, (int)milliseconds, NULL);
	return code == CURLM_OK ? 0 : err_make(e, ERR_SYS, ENOMEM, "wait for registries");
}
