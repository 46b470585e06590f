#include "engine/image_take.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/str.h"
#include "engine/unpack.h"
#include "store/blob.h"
#include "store/stage.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define INDEX_DEPTH  4 /* indexes in indexes */
#define TRIES        3 /* of a store whose layers are removed meanwhile */

typedef struct Taking {
	const Store *store;
	const ImageSource *source;
	const ImageTake *take;
	Arena *arena;
	ImageDocument manifest_text, config_text;
	ImageManifest manifest;
	ImageConfig config;
	ImageRecord record;
} Taking;

typedef struct Work { /* one layer on its way */
	size_t layer;
	StagedLayer staged;
	Unpack unpack;
} Work;

/* ---- documents ---- */

static int document_verify(const ImageDocument *d, const Digest *expected, Err *e)
{
	Digest is;
	digest_sum(expected->algorithm, d->text, d->size, &is);
	return digest_equal(&is, expected) ? 0
					   : err_make(e, ERR_SPEC, 0, "the document %s came as %s",
						      expected->text, is.text);
}

static int document_get(const Taking *t, const Descriptor *d, ImageDocument *ret, Err *e)
{
	if (d->size > LIMIT_MANIFEST_BYTES)
		return err_make(e, ERR_SPEC, EFBIG, "the document %s of %llu bytes", d->digest.text,
				(unsigned long long)d->size);
	TRY(t->source->document(t->source->context, d, t->arena, ret, e));
	if (ret->size != d->size)
		return err_make(e, ERR_SPEC, 0, "the document %s has %zu bytes, not %llu",
				d->digest.text, ret->size, (unsigned long long)d->size);
	ret->digest = d->digest;
	return document_verify(ret, &d->digest, e);
}

/* Under the digest that others name it by. */
static int document_keep(const Taking *t, const ImageDocument *d, Digest *ret, Err *e)
{
	DigestAlgorithm algorithm = d->digest.algorithm == DIGEST_NONE ? DIGEST_SHA256
								       : d->digest.algorithm;
	return blob_put(t->store, algorithm, d->text, d->size, ret, e);
}

static int kind_of(const ImageDocument *d, ImageMedia *ret, Err *e)
{
	TRY(image_document_kind(d->text, d->size, ret, e));
	ImageMedia said = d->media_type ? image_media(d->media_type) : MEDIA_UNKNOWN;
	if (said != MEDIA_UNKNOWN && said != *ret)
		return err_make(e, ERR_SPEC, 0, "a document of type %s is something else",
				d->media_type);
	if (*ret == MEDIA_SCHEMA_1)
		return err_make(e, ERR_SPEC, ENOTSUP,
				"the image is in docker's format from before 2016 (schema 1), which nothing here reads");
	return 0;
}

/* From an index, or one in it, to the manifest for the platform. */
static int manifest_find(Taking *t, ImageDocument *d, Err *e)
{
	for (unsigned depth = 0; depth <= INDEX_DEPTH; depth++) {
		ImageMedia kind;
		ImageIndex index;
		TRY(kind_of(d, &kind, e));
		if (kind == MEDIA_MANIFEST)
			return 0;
		TRY(image_index_decode(d->text, d->size, t->arena, &index, e));
		const Descriptor *best = image_index_select(&index, &t->take->platform);
		if (!best)
			return err_make(e, ERR_NOT_FOUND, 0,
					"no matching manifest for %s in the manifest list entries",
					platform_text(&t->take->platform, t->arena));
		TRY(document_get(t, best, d, e));
		d->media_type = best->media_type;
	}
	return err_make(e, ERR_SPEC, 0, "the image is behind more than %d indexes", INDEX_DEPTH);
}

static int documents_get(Taking *t, Err *e)
{
	ImageDocument *d = &t->manifest_text, *config = &t->config_text;
	TRY(t->source->top(t->source->context, t->arena, d, e));
	if (d->digest.algorithm != DIGEST_NONE)
		TRY(document_verify(d, &d->digest, e));
	TRY(manifest_find(t, d, e));
	TRY(image_manifest_decode(d->text, d->size, t->arena, &t->manifest, e));
	TRY(document_get(t, &t->manifest.config, config, e));
	TRY(image_config_decode(config->text, config->size, t->arena, &t->config, e));
	if (t->config.diff_ids_count != t->manifest.layers_count)
		return err_make(e, ERR_SPEC, 0, "the image has %zu layers and tells of %zu",
				t->manifest.layers_count, t->config.diff_ids_count);
	return 0;
}

/* ---- layers ---- */

static void tell(const Taking *t, size_t layer, const char *what)
{
	if (t->take->on_layer)
		t->take->on_layer(t->take->context, layer, &t->manifest.layers[layer], what);
}

/* An image may have the same layer twice: it is made once. */
static bool is_wanted(const Taking *t, size_t layer)
{
	const Digest *id = &t->config.diff_ids[layer];
	for (size_t i = 0; i < layer; i++)
		if (digest_equal(&t->config.diff_ids[i], id))
			return false;
	return !layer_is_there(t->store, id);
}

static int layer_start(const Taking *t, Stage *stage, size_t layer, Work *ret, Err *e)
{
	const Descriptor *d = &t->manifest.layers[layer];
	AUTO(fd_close) int blob = FD_NONE;
	TRY(stage_add_layer(stage, &ret->staged, e));
	AUTO(fd_close) int tree = ret->staged.tree;
	AUTO(fd_close) int copy = ret->staged.blob;
	TRY(t->source->blob(t->source->context, d, &blob, e));
	const UnpackRequest r = {
		.blob = blob,
		.tree = tree,
		.copy = t->take->keep_blobs ? copy : FD_NONE,
		.as_user = t->store->as_user,
		.digest = &d->digest,
		.diff_id = &t->config.diff_ids[layer],
		.size = d->size,
	};
	ret->layer = layer;
	return unpack_start(&r, t->arena, &ret->unpack, e);
}

static int layer_finish(const Taking *t, Work *w, StagedDone *ret, Err *e)
{
	UnpackReply r;
	int n = unpack_finish(&w->unpack, &r, e);
	unpack_close(&w->unpack);
	if (n < 0 && t->source->blob_failed)
		TRY(t->source->blob_failed(t->source->context, &t->manifest.layers[w->layer],
					   e)); /* the first reason is the true one */
	if (n < 0)
		return err_wrap(e, n, "layer %zu (%.19s)", w->layer,
				t->manifest.layers[w->layer].digest.text);
	*ret = (StagedDone){
		.number = w->staged.number,
		.keep_blob = t->take->keep_blobs,
		.meta = { .diff_id = r.diff_id,
			  .blob = r.blob,
			  .blob_size = r.blob_size,
			  .size = r.diff_size,
			  .content = r.content,
			  .entries = r.entries,
			  .compression = arena_strdup(t->arena, r.compression) },
	};
	tell(t, w->layer, "Pull complete");
	return 0;
}

/* Until one of them has something to say; the source is listened to meanwhile. */
static int work_await(const Taking *t, const Work *works, size_t count, size_t *ret, Err *e)
{
	struct pollfd *p = arena_new_array(t->arena, count + 1, struct pollfd);
	for (size_t i = 0; i < count; i++)
		p[i] = (struct pollfd){ .fd = works[i].unpack.reply, .events = POLLIN };
	p[count] = (struct pollfd){ .fd = t->source->listen ? t->source->watch : FD_NONE,
				    .events = POLLIN };
	for (;;) {
		if (poll(p, count + 1, -1) < 0) {
			if (errno != EINTR)
				return err_sys(e, "wait for the layers");
			continue;
		}
		for (size_t i = 0; i < count; i++)
			if (p[i].revents) {
				*ret = i;
				return 0;
			}
		TRY(t->source->listen(t->source->context, e));
	}
}

static size_t cpus(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

/* ret_done: those that are complete, also when one has failed. */
static int layers_make(const Taking *t, Stage *stage, StagedDone *ret_done, size_t *ret_count, Err *e)
{
	size_t most = cpus(), busy = 0, next = 0;
	Work *works = arena_new_array(t->arena, most, Work);
	int r = 0;
	*ret_count = 0;
	while (r >= 0 && (busy > 0 || next < t->manifest.layers_count)) {
		if (busy < most && next < t->manifest.layers_count) {
			if (is_wanted(t, next)) {
				works[busy].unpack = UNPACK_NONE;
				r = layer_start(t, stage, next, &works[busy], e);
				busy += r >= 0;
			} else {
				tell(t, next, "Already exists");
			}
			next++;
			continue;
		}
		size_t i;
		r = work_await(t, works, busy, &i, e);
		if (r < 0)
			break;
		r = layer_finish(t, &works[i], &ret_done[*ret_count], e);
		*ret_count += r >= 0;
		works[i] = works[--busy];
	}
	while (busy > 0)
		unpack_close(&works[--busy].unpack);
	return r;
}

static int layers_get(const Taking *t, Err *e)
{
	AUTO(stage_throw_away) Stage stage = STAGE_NONE;
	StagedDone *done = arena_new_array(t->arena, t->manifest.layers_count, StagedDone);
	size_t count;
	TRY(stage_new(t->store, &stage, e));
	int r = layers_make(t, &stage, done, &count, e);
	int n = stage_commit(&stage, done, count, t->arena, r < 0 ? NULL : e);
	return r < 0 ? r : n;
}

static bool has_all_layers(const Taking *t)
{
	for (size_t i = 0; i < t->config.diff_ids_count; i++)
		if (!layer_is_there(t->store, &t->config.diff_ids[i]))
			return false;
	return true;
}

/* Somebody may have removed what was there when it was looked for. */
static int record_make(Taking *t, bool *ret_made, Err *e)
{
	AUTO(fd_close) int lock = FD_NONE;
	TRY(store_lock(t->store, STORE_ADDS, &lock, e));
	*ret_made = has_all_layers(t);
	if (!*ret_made)
		return 0;
	TRY(document_keep(t, &t->config_text, &t->record.config, e));
	TRY(document_keep(t, &t->manifest_text, &t->record.manifest, e));
	t->record.size = t->manifest_text.size;
	t->record.media_type = t->manifest_text.media_type ? t->manifest_text.media_type : OCI_MANIFEST;
	t->record.reference = t->take->reference;
	t->record.pulled = (uint64_t)time(NULL);
	return image_record_put(t->store, &t->record, t->arena, e);
}

int image_take(const Store *s, const ImageSource *source, const ImageTake *take, Arena *a,
	       ImageRecord *ret, Err *e)
{
	Taking t = { .store = s, .source = source, .take = take, .arena = a };
	stage_sweep(s);
	TRY(documents_get(&t, e));
	for (int i = 0; i < TRIES; i++) {
		bool made;
		if (!has_all_layers(&t))
			TRY(layers_get(&t, e));
		TRY(record_make(&t, &made, e));
		if (made) {
			*ret = t.record;
			return 0;
		}
	}
	return err_make(e, ERR_STATE, 0, "the layers of %s are removed as fast as they come",
			take->reference);
}
