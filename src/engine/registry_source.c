#include "engine/registry_source.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/limits.h"
#include "kern/memfd.h"

static int manifest_get(RegistrySource *r, const Digest *digest, Arena *a, ImageDocument *ret, Err *e)
{
	Reference asked = *r->reference;
	FetchManifest m;
	if (digest)
		asked.digest = *digest;
	TRY(fetch_manifest(r->fetch, &asked, false, a, &m, e));
	*ret = (ImageDocument){ .text = m.text,
				.size = m.size,
				.media_type = *m.media_type ? m.media_type : NULL,
				.digest = asked.digest };
	return 0;
}

static int registry_top(void *context, Arena *a, ImageDocument *ret, Err *e)
{
	return manifest_get(context, NULL, a, ret, e);
}

/* A configuration is a blob to registries. */
static int registry_config_get(RegistrySource *r, const Descriptor *d, Arena *a, ImageDocument *ret,
			       Err *e)
{
	uint32_t number;
	FetchEvent end;
	AUTO(fd_close) int fd = FD_NONE;
	TRY(memfd_open("config", false, &fd, e));
	TRY(fetch_blob_begin(r->fetch, r->reference, &d->digest, d->size, 0, fd, &number, e));
	TRY(fetch_wait(r->fetch, number, &end, e));
	fetch_event_done(&end);
	char *text = arena_alloc(a, d->size + 1);
	if (pread(fd, text, d->size, 0) != (ssize_t)d->size)
		return err_sys(e, "read the configuration");
	*ret = (ImageDocument){
		.text = text, .size = d->size, .media_type = d->media_type, .digest = d->digest
	};
	return 0;
}

static int registry_document(void *context, const Descriptor *d, Arena *a, ImageDocument *ret, Err *e)
{
	bool is_manifest = d->media == MEDIA_MANIFEST || d->media == MEDIA_INDEX;
	return is_manifest ? manifest_get(context, &d->digest, a, ret, e)
			   : registry_config_get(context, d, a, ret, e);
}

static int registry_blob(void *context, const Descriptor *d, int *ret_fd, Err *e)
{
	RegistrySource *r = context;
	RegistryBlob b = { .digest = d->digest };
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int ours = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	TRY(fetch_blob_begin(r->fetch, r->reference, &d->digest, d->size, 0, theirs, &b.number, e));
	*arena_push(r->arena, &r->blobs, &r->count, RegistryBlob) = b;
	*ret_fd = TAKE_FD(ours);
	return 0;
}

static int registry_listen(void *context, Err *e)
{
	RegistrySource *r = context;
	FetchEvent x;
	TRY(fetch_next(r->fetch, &x, e));
	for (size_t i = 0; i < r->count && x.reply.is_end; i++)
		if (r->blobs[i].number == x.reply.number) {
			r->blobs[i].ended = true;
			r->blobs[i].err = x.reply.err;
		}
	fetch_event_done(&x);
	return 0;
}

/* Its pipe has ended, or nobody reads it any more: either way it ends, too. */
static int registry_blob_failed(void *context, const Descriptor *d, Err *e)
{
	RegistrySource *r = context;
	RegistryBlob *b = NULL;
	for (size_t i = 0; i < r->count; i++)
		if (digest_equal(&r->blobs[i].digest, &d->digest))
			b = &r->blobs[i];
	if (!b)
		return 0;
	while (!b->ended)
		TRY(registry_listen(r, e));
	if (b->err.kind == ERR_OK || b->err.sys == EPIPE)
		return 0; /* the reader's reason it is */
	return err_make(e, b->err.kind, b->err.sys, "%s", b->err.msg);
}

ImageSource registry_source(RegistrySource *r)
{
	return (ImageSource){
		.context = r,
		.top = registry_top,
		.document = registry_document,
		.blob = registry_blob,
		.watch = r->fetch->talk_fd,
		.listen = registry_listen,
		.blob_failed = registry_blob_failed,
	};
}
