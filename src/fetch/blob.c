/* A blob, from a registry into a descriptor, whose reader may be slower; and whether there is one. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/num.h"
#include "fetch/job.h"
#include "fetch/words.h"

/* ---- where it goes ---- */

static int sink_write(Job *j, const char *bytes, size_t size, size_t *ret_size, Err *e)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = write(j->fd, bytes + done, size - done);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno == EPIPE)
			return err_make(e, ERR_STATE, EPIPE, "nobody reads the blob any more");
		if (n < 0 && errno != EINTR)
			return err_sys(e, "write the blob %.80s", j->request.reference);
		if (n > 0)
			done += (size_t)n;
	}
	*ret_size = done;
	return 0;
}

/* Returns how much still waits. */
static int sink_flush(Job *j, Err *e)
{
	Sink *s = j->sink;
	size_t done;
	TRY(sink_write(j, s->waiting + s->at, s->size - s->at, &done, e));
	s->at += done;
	if (s->at == s->size)
		s->at = s->size = 0;
	j->wants = s->size ? POLLOUT : 0;
	return (int)(s->size - s->at);
}

static int sink_take(Job *j, const char *bytes, size_t size, Err *e)
{
	Sink *s = j->sink;
	size_t done;
	TRY(sink_write(j, bytes, size, &done, e));
	if (done < size) {
		memcpy(s->waiting, bytes + done, size - done); /* libcurl gives no more than this holds */
		s->size = size - done;
		j->wants = POLLOUT;
	}
	return 0;
}

/* ---- what comes ---- */

/* "bytes 100-199/200"; the total may be "*". */
static int content_range(Exchange *x, uint64_t *ret_first, uint64_t *ret_total)
{
	char text[80];
	const char *header = http_header(x, "Content-Range", 0);
	const char *range = header ? str_after(header, "bytes ") : NULL;
	*ret_total = FETCH_SIZE_UNKNOWN;
	if (!range || str_format(text, sizeof text, "%s", range) < 0)
		return -EINVAL;
	char *slash = strchr(text, '/'), *dash = strchr(text, '-');
	if (!slash || !dash || dash > slash)
		return -EINVAL;
	*slash = *dash = '\0';
	if (!str_eq(slash + 1, "*") && num_parse_u64(slash + 1, UINT64_MAX - 1, ret_total) < 0)
		return -EINVAL;
	return num_parse_u64(text, UINT64_MAX, ret_first);
}

static int length_wrong(Job *j, uint64_t is, Err *e)
{
	return err_make(e, ERR_SPEC, 0, "the registry has %llu bytes for the blob %.80s, which has %llu",
			(unsigned long long)is, j->request.reference,
			(unsigned long long)j->request.size);
}

/* Where the answer's first byte belongs. A registry that does not know ranges sends all of it again. */
static int blob_place(Job *j, Err *e)
{
	const HttpAnswer *answer = http_answer(j->call.exchange);
	uint64_t size = j->request.size, first = 0, total = answer->length;
	if (answer->status == 206) {
		if (content_range(j->call.exchange, &first, &total) < 0 || first != j->at)
			return err_make(e, ERR_SPEC, EPROTO,
					"the registry sends another part of the blob %.80s than it was asked for",
					j->request.reference);
		if (total == FETCH_SIZE_UNKNOWN && answer->length != UINT64_MAX)
			total = first + answer->length;
	}
	j->skip = answer->status == 206 ? 0 : j->at;
	j->is_placed = true;
	if (size != FETCH_SIZE_UNKNOWN && total != FETCH_SIZE_UNKNOWN && total != size)
		return length_wrong(j, total, e);
	return 0;
}

static int blob_take(void *context, const char *bytes, size_t size)
{
	Job *j = ((Call *)context)->context;
	Err *e = &j->call.err;
	uint64_t most = j->request.size == FETCH_SIZE_UNKNOWN ? LIMIT_LAYER_BYTES : j->request.size;
	if (j->sink->size > 0) {
		int waiting = TRY(sink_flush(j, e));
		if (waiting > 0)
			return -EAGAIN;
	}
	if (!j->is_placed)
		TRY(blob_place(j, e));
	size_t known = size < j->skip ? size : (size_t)j->skip;
	if (size - known > most - j->at)
		return err_make(e, ERR_SPEC, EFBIG, "the blob %.80s is longer than %llu bytes",
				j->request.reference, (unsigned long long)most);
	TRY(sink_take(j, bytes + known, size - known, e));
	j->skip -= known;
	j->at += size - known;
	j->call.progress = j->at - j->request.offset;
	return 0;
}

static void blob_prepare(Call *c, HttpRequest *r)
{
	Job *j = c->context;
	j->is_placed = false;
	j->skip = 0;
	if (j->at > 0)
		strlist_add(&j->arena, &r->headers,
			    arena_printf(&j->arena, "Range: bytes=%llu-", (unsigned long long)j->at));
}

static CallVerdict blob_check(Call *c, Exchange *x, Err *e)
{
	Job *j = c->context;
	long status = http_answer(x)->status;
	if (status != 200 && status != 206) {
		(void)words_of_answer(c, x, e); /* the verdict says that it is one */
		return CALL_REFUSE;
	}
	if (!j->is_placed && blob_place(j, e) < 0) /* it has no bytes */
		return CALL_REFUSE;
	if (j->request.size != FETCH_SIZE_UNKNOWN && j->at < j->request.size) {
		(void)err_make(e, ERR_SPEC, 0, "the blob %.80s ends after %llu of %llu bytes",
			       j->request.reference, (unsigned long long)j->at,
			       (unsigned long long)j->request.size);
		return CALL_AGAIN;
	}
	return CALL_ACCEPT;
}

/* ---- the job ---- */

static void blob_end(Job *j)
{
	j->reply.size = j->at;
	(void)str_format(j->reply.digest, sizeof j->reply.digest, "%s", j->request.reference); /* it fits */
	job_end(j, 0, NULL);
}

static void blob_ready(Job *j)
{
	int r = sink_flush(j, &j->call.err);
	if (r < 0) {
		call_cancel(&j->call);
		job_end(j, r, &j->call.err);
	} else if (r == 0 && j->is_whole) {
		blob_end(j);
	} else if (r == 0 && j->call.exchange) {
		http_resume(j->call.exchange);
	}
}

static void blob_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	if (r == -ENOENT)
		r = err_wrap(&c->err, r, "blob %.80s of %.150s", j->request.reference,
			     job_name(j, false));
	j->is_whole = r == 0;
	if (r < 0)
		job_end_pull(j, r);
	else if (j->sink->size == 0)
		blob_end(j);
}

static int blob_prepare_sink(Job *j, Err *e)
{
	struct stat st;
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return err_make(e, ERR_BUG, EBADF, "a blob without a descriptor to write to");
	int flags = fcntl(j->fd, F_GETFL);
	if (!S_ISREG(st.st_mode) && (flags < 0 || fcntl(j->fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return err_sys(e, "make a descriptor non-blocking");
	j->sink = calloc(1, sizeof *j->sink);
	if (!j->sink)
		return err_sys(e, "make room for a blob");
	if (j->request.size != FETCH_SIZE_UNKNOWN &&
	    (j->request.size > LIMIT_LAYER_BYTES || j->request.offset > j->request.size))
		return err_make(e, ERR_SPEC, EFBIG, "the blob %.80s has %llu bytes",
				j->request.reference, (unsigned long long)j->request.size);
	return 0;
}

static Call blob_call(Job *j, const char *method, CallDone *done)
{
	const char *path = arena_printf(&j->arena, "/v2/%s/blobs/%s", j->request.path,
					j->request.reference);
	Call c = job_call(j, method, path, done);
	strlist_add(&j->arena, &c.headers, "Accept-Encoding: identity");
	job_scope(j, &c, j->request.path, "pull");
	return c;
}

void blob_start(Job *j)
{
	Err e = { 0 };
	int r = blob_prepare_sink(j, &e);
	if (r < 0) {
		job_end(j, r, &e);
		return;
	}
	j->at = j->reply.done = j->request.offset;
	j->ready = blob_ready;
	if (j->at == j->request.size) {
		blob_end(j);
		return;
	}
	Call c = blob_call(j, "GET", blob_done);
	c.use_mirrors = true;
	c.prepare = blob_prepare;
	c.take = blob_take;
	c.check = blob_check;
	job_call_start(j, &c);
}

/* ---- whether there is one ---- */

static void head_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	const HttpAnswer *answer = x ? http_answer(x) : NULL;
	j->reply.status = answer ? (uint16_t)answer->status : 0;
	if (r == 0 && answer)
		j->reply.size = answer->length;
	job_end(j, r == -ENOENT ? 0 : r, &c->err);
}

void blob_head_start(Job *j)
{
	Call c = blob_call(j, "HEAD", head_done);
	job_call_start(j, &c);
}
