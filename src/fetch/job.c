#include "fetch/job.h"

#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "fmt/reference.h"
#include "kern/memfd.h"

#define PROGRESS_MS 100

/* What stands in a URL as it is; the engine has read it by the grammar of references. */
static bool is_plain(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);
	return end &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "-._~/:@+=[]") == (size_t)(end - text) &&
	       !strstr(text, "..");
}

static int request_check(const FetchRequest *r, Err *e)
{
	if (is_plain(r->domain, sizeof r->domain) && is_plain(r->path, sizeof r->path) &&
	    is_plain(r->from, sizeof r->from) && is_plain(r->reference, sizeof r->reference) &&
	    memchr(r->media_type, '\0', sizeof r->media_type) && str_is_printable(r->media_type) &&
	    r->number != 0)
		return 0;
	return err_make(e, ERR_BUG, EPROTO, "a request is not of its form");
}

static void job_begin(Job *j)
{
	switch (j->request.verb) {
	case FETCH_MANIFEST:
	case FETCH_MANIFEST_HEAD: manifest_start(j); return;
	case FETCH_BLOB: blob_start(j); return;
	case FETCH_BLOB_HEAD: blob_head_start(j); return;
	case FETCH_TAGS: tags_start(j); return;
	case FETCH_UPLOAD: upload_start(j); return;
	case FETCH_MANIFEST_PUT: manifest_put_start(j); return;
	case FETCH_CHECK: check_start(j); return;
	default: break;
	}
	Err e;
	int r = err_make(&e, ERR_BUG, EPROTO, "there is no request %u", j->request.verb);
	job_end(j, r, &e);
}

Job *job_new(Session *s, const FetchRequest *request, int fd)
{
	Err e = { 0 };
	Job *j = calloc(1, sizeof *j);
	if (!j) {
		if (fd >= 0)
			fd_close(fd);
		return NULL;
	}
	j->session = s;
	j->request = *request;
	j->fd = fd;
	j->document = FD_NONE;
	j->reply.number = request->number;
	j->reply.size = FETCH_SIZE_UNKNOWN;
	int r = request_check(request, &e);
	if (r == 0)
		r = config_find(&s->config, request->domain, &j->registry, &e);
	if (r < 0)
		job_end(j, r, &e);
	else
		job_begin(j);
	return j;
}

void job_free(Job *j)
{
	call_cancel(&j->call);
	if (j->upload)
		free(j->upload->chunk);
	free(j->upload);
	free(j->sink);
	free(j->text);
	fd_close_auto(&j->fd);
	fd_close_auto(&j->document);
	arena_done(&j->arena);
	free(j);
}

void job_end(Job *j, int r, const Err *e)
{
	j->has_ended = true;
	j->wants = 0;
	j->reply.is_end = true;
	j->reply.done = j->at;
	j->reply.has_document = r == 0 && j->document >= 0;
	if (r < 0)
		j->reply.err = *e;
	if (r < 0 && j->reply.err.kind == ERR_OK)
		(void)err_make(&j->reply.err, ERR_BUG, -r, "a request failed without a reason");
}

bool job_progress_is_due(Job *j)
{
	uint64_t now = now_ms();
	if (j->has_ended || j->at == j->reply.done || now - j->told_ms < PROGRESS_MS)
		return false;
	j->told_ms = now;
	j->reply.done = j->at;
	return true;
}

Call job_call(Job *j, const char *method, const char *path, CallDone *done)
{
	return (Call){ .session = j->session,
		       .arena = &j->arena,
		       .registry = j->registry,
		       .method = method,
		       .path = path,
		       .done = done,
		       .context = j };
}

void job_scope(Job *j, Call *c, const char *path, const char *actions)
{
	strlist_add(&j->arena, &c->scopes, arena_printf(&j->arena, "repository:%s:%s", path, actions));
}

void job_call_start(Job *j, const Call *c)
{
	uint64_t progress = j->call.progress;
	j->call = *c;
	j->call.progress = progress;
	call_start(&j->call);
}

int job_document(Job *j, const char *text, size_t size, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	TRY(memfd_open("mydocker-fetched", false, &fd, e));
	TRY(fd_write_all(fd, text, size, "a document in memory", e));
	TRY(memfd_seal(fd, "mydocker-fetched", e));
	j->document = TAKE_FD(fd);
	return 0;
}

const char *job_name(Job *j, bool is_whole)
{
	Reference r = { .domain = j->request.domain, .path = j->request.path };
	if (is_whole && digest_parse(j->request.reference, &r.digest) < 0)
		r.tag = j->request.reference;
	return is_whole ? reference_familiar(&r, &j->arena) : reference_familiar_name(&r, &j->arena);
}

void job_end_pull(Job *j, int r)
{
	Err *e = &j->call.err;
	if (r == -EACCES && e->kind == ERR_STATE)
		r = err_wrap(e, r,
			     "pull access denied for %.100s, repository does not exist or may require 'docker login'",
			     job_name(j, false));
	job_end(j, r, e);
}
