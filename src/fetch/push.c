/* What is written to registries: blobs, in one piece or in chunks, and manifests.
 * Source: distribution-spec "Push": POST, PUT, PATCH, "Resuming an upload", "Mounting a blob from another repository". */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/num.h"
#include "fetch/job.h"
#include "fetch/url.h"

#define CHUNK_BYTES  (4u << 20) /* of a source that can only be read once */
#define CHUNK_MAX    (64u << 20)
#define PIECE_BYTES  (64u << 20) /* of a file, from which any part can be sent again */
#define FAILURES_MAX 8u          /* of one upload, however far it has come meanwhile */
#define OCTET_STREAM "Content-Type: application/octet-stream"

static void upload_post(Job *j);
static void upload_go_on(Job *j);
static void upload_failed(Call *c, Exchange *x, int r);

static Call upload_call(Job *j, const char *method, CallDone *done)
{
	Call c = job_call(j, method, NULL, done);
	c.url = j->upload->location;
	c.tries_max = 1; /* what went wrong is found out by asking the session */
	job_scope(j, &c, j->request.path, "pull,push");
	if (j->request.from[0])
		job_scope(j, &c, j->request.from, "pull");
	return c;
}

/* Each answer may name another place for the next request. */
static int location_take(Job *j, Exchange *x, Err *e)
{
	const char *to = http_header(x, "Location", 0);
	return to ? call_follow(&j->call, to, &j->upload->location, e) : 0;
}

static void upload_end(Job *j)
{
	Upload *u = j->upload;
	j->at = j->reply.size = u->at;
	job_end(j, u->failed, &u->err);
}

/* ---- an upload that comes to nothing is taken back ---- */

static void abort_done(Call *c, Exchange *x, int r)
{
	(void)x;
	(void)r; /* the registry does it by itself, some day */
	upload_end(c->context);
}

static void upload_abort(Job *j, int r, const Err *e)
{
	j->upload->failed = r;
	j->upload->err = e ? *e : (Err){ 0 };
	if (!j->upload->location) {
		upload_end(j);
		return;
	}
	Call c = upload_call(j, "DELETE", abort_done);
	job_call_start(j, &c);
}

/* ---- sending ---- */

static void upload_closed(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	if (r < 0) {
		upload_failed(c, x, r);
		return;
	}
	j->upload->at += j->upload->sent;
	j->upload->failed = 0;
	upload_end(j);
}

/* The last request, with what is left, or without a body. */
static void upload_close(Job *j, uint64_t size)
{
	Upload *u = j->upload;
	Call c = upload_call(j, "PUT", upload_closed);
	c.url = url_add(u->location, "digest", j->reply.digest, &j->arena);
	c.has_body = true;
	c.body = (HttpBody){
		.bytes = size ? NULL : "", .fd = j->fd, .offset = u->at, .size = size, .is_once = size > 0
	};
	u->sent = size;
	strlist_add(&j->arena, &c.headers, OCTET_STREAM);
	job_call_start(j, &c);
}

static void patch_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	if (r == 0)
		r = location_take(j, x, &c->err);
	if (r < 0) {
		upload_failed(c, x, r);
		return;
	}
	j->upload->at += j->upload->sent;
	j->at = j->upload->at;
	upload_go_on(j);
}

static void upload_patch(Job *j, HttpBody body)
{
	Upload *u = j->upload;
	Call c = upload_call(j, "PATCH", patch_done);
	c.has_body = true;
	c.body = body;
	c.body.is_once = true;
	u->sent = body.size;
	strlist_add(&j->arena, &c.headers, OCTET_STREAM);
	strlist_add(&j->arena, &c.headers,
		    arena_printf(&j->arena, "Content-Range: %llu-%llu", (unsigned long long)u->at,
				 (unsigned long long)(u->at + body.size - 1)));
	job_call_start(j, &c);
}

/* ---- a source that can only be read once ---- */

static void sum_end(Job *j)
{
	unsigned char bytes[SHA256_BYTES];
	Digest d;
	if (j->reply.digest[0])
		return;
	sha256_final(&j->upload->sum, bytes);
	digest_from_bytes(DIGEST_SHA256, bytes, &d);
	(void)str_format(j->reply.digest, sizeof j->reply.digest, "%s", d.text); /* it fits */
}

/* Until the chunk is full or there is no more. -EAGAIN: there is none now. */
static int chunk_fill(Job *j, Err *e)
{
	Upload *u = j->upload;
	while (u->chunk_size < u->chunk_room && !u->is_read) {
		ssize_t n = read(j->fd, u->chunk + u->chunk_size, u->chunk_room - u->chunk_size);
		if (n < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read what is to be uploaded");
		if (!j->reply.digest[0])
			sha256_update(&u->sum, u->chunk + u->chunk_size, (size_t)n);
		u->chunk_size += (size_t)n;
		u->is_read = n == 0;
	}
	return 0;
}

static void stream_go_on(Job *j)
{
	Upload *u = j->upload;
	Err e = { 0 };
	if (u->at == u->chunk_start + u->chunk_size) {
		u->chunk_start = u->at;
		u->chunk_size = 0;
	}
	int r = chunk_fill(j, &e);
	j->wants = r == -EAGAIN ? POLLIN : 0;
	if (r == -EAGAIN)
		return;
	uint64_t all = u->chunk_start + u->chunk_size;
	if (r == 0 && u->is_read && j->request.size != FETCH_SIZE_UNKNOWN && all != j->request.size)
		r = err_make(&e, ERR_SPEC, 0, "what is to be uploaded has %llu bytes, not %llu",
			     (unsigned long long)all, (unsigned long long)j->request.size);
	if (r < 0) {
		upload_abort(j, r, &e);
	} else if (u->at < all) {
		upload_patch(j, (HttpBody){ .bytes = u->chunk + (u->at - u->chunk_start),
					    .size = all - u->at });
	} else {
		sum_end(j);
		upload_close(j, 0);
	}
}

static void upload_go_on(Job *j)
{
	Upload *u = j->upload;
	uint64_t left = j->request.size - u->at;
	if (u->is_stream)
		stream_go_on(j);
	else if (u->failures == 0 && u->at == 0)
		upload_close(j, left);
	else if (left > 0)
		upload_patch(j, (HttpBody){ .fd = j->fd,
					    .offset = u->at,
					    .size = left < PIECE_BYTES           ? left
						    : PIECE_BYTES > u->chunk_min ? PIECE_BYTES
						    : u->chunk_min < left        ? u->chunk_min
										 : left });
	else
		upload_close(j, 0);
}

/* ---- trouble: how far has it come ---- */

/* "0-N", N being the last byte; one without any says "0-0", too. Returns false where that cannot be. */
static bool range_read(Exchange *x, const Job *j, uint64_t *ret)
{
	const char *range = http_header(x, "Range", 0);
	uint64_t last;
	const char *text = range ? str_after(range, "bytes=") : NULL;
	text = text ? text : range;
	text = text ? str_after(text, "0-") : NULL;
	if (!text || num_parse_u64(text, UINT64_MAX - 1, &last) < 0)
		return false;
	*ret = last > 0 ? last + 1 : 0;
	const Upload *u = j->upload;
	return u->is_stream ? *ret >= u->chunk_start && *ret <= u->chunk_start + u->chunk_size
			    : *ret <= j->request.size;
}

static void status_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	Upload *u = j->upload;
	uint64_t at;
	if (r == 0 && location_take(j, x, &c->err) == 0 && range_read(x, j, &at)) {
		u->at = at;
		upload_go_on(j);
	} else if (!u->is_stream || u->chunk_start == 0) { /* anew: all of it is still to be had */
		u->at = 0;
		u->location = NULL;
		upload_post(j);
	} else {
		upload_abort(j, u->failed, &u->err);
	}
}

static bool is_final(Exchange *x, int r)
{
	long status = x ? http_answer(x)->status : 0;
	return r == -EACCES || status == 400 || status == 413 ||
	       (x && http_answer(x)->code == CURLE_ABORTED_BY_CALLBACK);
}

static void upload_failed(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	Upload *u = j->upload;
	u->failed = r;
	u->err = c->err;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	u->failures++;
	if (is_final(x, r) || u->failures >= FAILURES_MAX) {
		Err e = c->err;
		upload_abort(j, r, &e);
		return;
	}
	Call status = upload_call(j, "GET", status_done);
	status.tries_max = 0;
	status.delay = j->session->config.backoff * (u->failures < 8 ? u->failures : 8);
	job_call_start(j, &status);
}

/* ---- its begin ---- */

static int chunk_room(Job *j, Exchange *x, Err *e)
{
	Upload *u = j->upload;
	const char *min = http_header(x, "OCI-Chunk-Min-Length", 0);
	if (min && num_parse_u64(min, CHUNK_MAX, &u->chunk_min) < 0)
		return err_make(e, ERR_STATE, EPROTO, "the registry wants chunks of %.40s bytes", min);
	if (!u->is_stream || u->chunk)
		return 0;
	u->chunk_room = u->chunk_min > CHUNK_BYTES ? u->chunk_min : CHUNK_BYTES;
	u->chunk = malloc(u->chunk_room);
	return u->chunk ? 0 : err_sys(e, "make room for a chunk");
}

static void post_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	Upload *u = j->upload;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	if (r == 0 && j->reply.status == 201) { /* mounted */
		j->reply.was_there = true;
		u->failed = 0;
		upload_end(j);
		return;
	}
	if (r == 0 && !http_header(x, "Location", 0))
		r = err_make(&c->err, ERR_STATE, EPROTO, "the registry names no place for an upload");
	if (r == 0)
		r = location_take(j, x, &c->err);
	if (r == 0)
		r = chunk_room(j, x, &c->err);
	u->failed = 0;
	if (r < 0 || j->fd < 0) {
		Err e = c->err;
		upload_abort(j, r, &e);
	} else {
		upload_go_on(j);
	}
}

static void upload_post(Job *j)
{
	const char *path = arena_printf(&j->arena, "/v2/%s/blobs/uploads/", j->request.path);
	Call c = upload_call(j, "POST", post_done);
	c.tries_max = 0;
	if (j->request.from[0] && j->upload->failures == 0) {
		path = url_add(path, "mount", j->request.reference, &j->arena);
		path = url_add(path, "from", j->request.from, &j->arena);
	}
	c.url = NULL;
	c.path = path;
	c.has_body = true;
	c.body.bytes = "";
	job_call_start(j, &c);
}

static int upload_check(Job *j, Err *e)
{
	struct stat st;
	Digest d;
	Upload *u = j->upload;
	bool is_known = digest_parse(j->request.reference, &d) == 0;
	if (j->fd < 0)
		return is_known && j->request.from[0]
			       ? 0
			       : err_make(e, ERR_BUG, EBADF, "an upload of nothing");
	int flags = fcntl(j->fd, F_GETFL);
	if (flags < 0 || fstat(j->fd, &st) < 0)
		return err_sys(e, "look at what is to be uploaded");
	u->is_stream = !S_ISREG(st.st_mode) || j->request.size == FETCH_SIZE_UNKNOWN || !is_known;
	if (!S_ISREG(st.st_mode) && fcntl(j->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "make a descriptor non-blocking");
	if (is_known)
		(void)str_format(j->reply.digest, sizeof j->reply.digest, "%s", d.text); /* it fits */
	return 0;
}

void upload_start(Job *j)
{
	Err e = { 0 };
	j->upload = calloc(1, sizeof *j->upload);
	int r = j->upload ? upload_check(j, &e) : err_sys(&e, "make room for an upload");
	if (r < 0) {
		job_end(j, r, &e);
		return;
	}
	sha256_init(&j->upload->sum);
	j->ready = stream_go_on;
	upload_post(j);
}

/* ---- a manifest ---- */

static void manifest_put_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	const char *digest = x ? http_header(x, "Docker-Content-Digest", 0) : NULL;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	if (r == 0 && digest && str_starts(digest, "sha256:") && !str_eq(digest, j->reply.digest))
		r = err_make(&c->err, ERR_STATE, EPROTO,
			     "the registry calls the manifest %.80s, which is %s", digest,
			     j->reply.digest);
	job_end(j, r, &c->err);
}

static int manifest_read(Job *j, const char **ret, size_t *ret_size, Err *e)
{
	Digest d;
	struct stat st;
	if (j->fd < 0 || fstat(j->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_make(e, ERR_BUG, EBADF, "a manifest without a file that holds it");
	if (st.st_size > (off_t)LIMIT_MANIFEST_BYTES)
		return err_make(e, ERR_SPEC, EFBIG, "the manifest is larger than %u bytes",
				LIMIT_MANIFEST_BYTES);
	char *text = arena_alloc(&j->arena, (size_t)st.st_size + 1);
	ssize_t n = pread(j->fd, text, (size_t)st.st_size, 0);
	if (n != (ssize_t)st.st_size)
		return err_make(e, ERR_SYS, n < 0 ? errno : EIO, "read the manifest");
	digest_sum(DIGEST_SHA256, text, (size_t)n, &d);
	(void)str_format(j->reply.digest, sizeof j->reply.digest, "%s", d.text); /* it fits */
	j->reply.size = (uint64_t)n;
	*ret = text;
	*ret_size = (size_t)n;
	return 0;
}

void manifest_put_start(Job *j)
{
	Err e = { 0 };
	const char *text, *path = arena_printf(&j->arena, "/v2/%s/manifests/%s", j->request.path,
					       j->request.reference);
	size_t size;
	int r = manifest_read(j, &text, &size, &e);
	if (r < 0) {
		job_end(j, r, &e);
		return;
	}
	Call c = job_call(j, "PUT", path, manifest_put_done);
	c.has_body = true;
	c.body = (HttpBody){ .bytes = text, .size = size };
	strlist_add(&j->arena, &c.headers,
		    arena_printf(&j->arena, "Content-Type: %s", j->request.media_type));
	job_scope(j, &c, j->request.path, "pull,push");
	job_call_start(j, &c);
}
