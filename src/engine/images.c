#include "engine/images.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/dirs.h"
#include "fmt/reference.h"
#include "store/blob.h"
#include "store/stage.h"

#define ID_SHORTEST 2 /* characters of an id that may stand for it */

/* ---- what is there ---- */

static int config_read(const Store *s, const Digest *d, Arena *a, ImageConfig *ret, Err *e)
{
	const char *text;
	size_t size;
	int r = blob_read(s, d, LIMIT_MANIFEST_BYTES, a, &text, &size, e);
	if (r == -ENOENT)
		return err_make(e, ERR_STATE, ENOENT, "the configuration %s", d->text);
	TRY(r);
	return image_config_decode(text, size, a, ret, e);
}

static int summary_read(const Store *s, const ImageRecord *record, Arena *a, ImageSummary *ret, Err *e)
{
	ImageConfig config;
	ImageSummary i = { .record = *record };
	TRY(config_read(s, &record->config, a, &config, e));
	i.created = config.created ? config.created : "";
	for (size_t n = 0; n < config.diff_ids_count; n++) {
		LayerMeta m;
		int r = layer_meta_read(s, &config.diff_ids[n], a, &m, e);
		if (r == -ENOENT)
			return err_make(e, ERR_STATE, ENOENT, "the layer %s", config.diff_ids[n].text);
		TRY(r);
		i.size += m.content;
	}
	*ret = i;
	return 0;
}

static void image_warn(const ImageRecord *r, const Err *why)
{
	char text[sizeof why->msg + 64];
	log_warn("the image %s is damaged: %s", r->reference, err_text(why, text, sizeof text));
}

static int store_find(const char *root_dir, Arena *a, Store *ret, Err *e)
{
	const char *root;
	TRY(dirs_root(root_dir, a, &root, e));
	return store_open(root, a, ret, e);
}

int image_list(const char *root_dir, Arena *a, ImageList *ret, Err *e)
{
	AUTO(store_close) Store store = STORE_NONE;
	ImageRecords all;
	*ret = (ImageList){ 0 };
	TRY(store_find(root_dir, a, &store, e));
	TRY(image_record_list(&store, a, &all, e));
	for (size_t i = 0; i < all.count; i++) {
		ImageSummary s;
		Err why = { 0 };
		if (summary_read(&store, &all.items[i], a, &s, &why) < 0)
			image_warn(&all.items[i], &why);
		else
			*arena_push(a, &ret->items, &ret->count, ImageSummary) = s;
	}
	return 0;
}

/* ---- which one is meant ---- */

static bool id_begins(const Digest *id, const char *text)
{
	const char *digits = str_starts(text, "sha256:") ? text + strlen("sha256:") : text;
	return strlen(digits) >= ID_SHORTEST && str_starts(digest_digits(id), digits);
}

typedef struct Meant {
	ImageRecords names; /* of one image */
	bool by_id;
} Meant;

/* A name comes before an id that looks like it, as docker has it. */
static int meant_find(const Store *s, const char *text, Arena *a, Meant *ret, Err *e)
{
	ImageRecords all;
	Reference name;
	*ret = (Meant){ 0 };
	TRY(image_record_list(s, a, &all, e));
	if (reference_parse(text, a, &name, NULL) == 0) {
		reference_add_tag(&name);
		const char *full = reference_text(&name, a);
		for (size_t i = 0; i < all.count; i++)
			if (str_eq(all.items[i].reference, full))
				*arena_push(a, &ret->names.items, &ret->names.count,
					    ImageRecord) = all.items[i];
	}
	ret->by_id = ret->names.count == 0;
	for (size_t i = 0; i < all.count && ret->by_id; i++) {
		if (!id_begins(&all.items[i].config, text))
			continue;
		if (ret->names.count > 0 &&
		    !digest_equal(&ret->names.items[0].config, &all.items[i].config))
			return err_make(e, ERR_USAGE, 0,
					"several images have an id that begins with %s", text);
		*arena_push(a, &ret->names.items, &ret->names.count, ImageRecord) = all.items[i];
	}
	return ret->names.count > 0 ? 0 : err_make(e, ERR_NOT_FOUND, 0, "No such image: %s", text);
}

int image_tag(const char *root_dir, const char *image, const char *name, Arena *a, Err *e)
{
	AUTO(store_close) Store store = STORE_NONE;
	AUTO(fd_close) int lock = FD_NONE;
	Reference to;
	Meant m;
	TRY(reference_parse(name, a, &to, e));
	if (to.digest.algorithm != DIGEST_NONE)
		return err_make(e, ERR_USAGE, 0, "refusing to create a tag with a digest reference");
	reference_add_tag(&to);
	TRY(store_find(root_dir, a, &store, e));
	TRY(store_lock(&store, STORE_ADDS, &lock, e));
	TRY(meant_find(&store, image, a, &m, e));
	ImageRecord r = m.names.items[0];
	r.reference = reference_text(&to, a);
	return image_record_put(&store, &r, a, e);
}

/* ---- removing ---- */

/* What the images that stay need. One that cannot be read may need anything: then nothing is removed but names. */
typedef struct Needed {
	StrList blobs, layers; /* digests */
} Needed;

static int needed_by(const Store *s, const ImageRecord *r, Arena *a, Needed *n, Err *e)
{
	const char *text;
	size_t size;
	ImageManifest manifest;
	ImageConfig config;
	int found = blob_read(s, &r->manifest, LIMIT_MANIFEST_BYTES, a, &text, &size, e);
	if (found == -ENOENT)
		return err_make(e, ERR_STATE, ENOENT, "the manifest of %s", r->reference);
	TRY(found);
	TRY(image_manifest_decode(text, size, a, &manifest, e));
	TRY(config_read(s, &r->config, a, &config, e));
	strlist_add(a, &n->blobs, arena_strdup(a, r->manifest.text));
	strlist_add(a, &n->blobs, arena_strdup(a, r->config.text));
	for (size_t i = 0; i < manifest.layers_count; i++)
		strlist_add(a, &n->blobs, arena_strdup(a, manifest.layers[i].digest.text));
	for (size_t i = 0; i < config.diff_ids_count; i++)
		strlist_add(a, &n->layers, arena_strdup(a, config.diff_ids[i].text));
	return 0;
}

static bool has(const StrList *l, const char *text)
{
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->items[i], text))
			return true;
	return false;
}

/* One folder of digests of an algorithm: what nobody needs goes. */
static int folder_sweep(const Store *s, int top, const char *algorithm, const StrList *needed,
			Arena *a, StrList *deleted, Err *e)
{
	int again = openat(top, algorithm, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (again < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open the folder %s of the store", algorithm);
	DIR *names = fdopendir(again);
	int r = names ? 0 : err_sys(e, "list the folder %s of the store", algorithm);
	for (struct dirent *d; r == 0 && (d = readdir(names));) {
		const char *digest = arena_printf(a, "%s:%s", algorithm, d->d_name);
		if (d->d_name[0] == '.' || has(needed, digest))
			continue;
		r = store_throw_away(s, again, d->d_name, e);
		if (deleted)
			strlist_add(a, deleted, digest);
	}
	if (names)
		(void)closedir(names);
	return r;
}

static int garbage_remove(const Store *s, Arena *a, StrList *deleted, Err *e)
{
	static const char *const algorithms[] = { "sha256", "sha512" };
	ImageRecords all;
	Needed needed = { 0 };
	TRY(image_record_list(s, a, &all, e));
	if (all.unread > 0)
		return err_make(e, ERR_STATE, 0,
				"its layers stay: another image, whose record cannot be read, may need them");
	for (size_t i = 0; i < all.count; i++)
		TRY(needed_by(s, &all.items[i], a, &needed, e));
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		TRY(folder_sweep(s, s->blobs, algorithms[i], &needed.blobs, a, NULL, e));
		TRY(folder_sweep(s, s->layers, algorithms[i], &needed.layers, a, deleted, e));
	}
	return 0;
}

int image_remove(const char *root_dir, const char *image, bool force, Arena *a, ImageRemoved *ret,
		 Err *e)
{
	AUTO(store_close) Store store = STORE_NONE;
	AUTO(fd_close) int lock = FD_NONE;
	Meant m;
	*ret = (ImageRemoved){ 0 };
	TRY(store_find(root_dir, a, &store, e));
	TRY(store_lock(&store, STORE_REMOVES, &lock, e));
	TRY(meant_find(&store, image, a, &m, e));
	if (m.by_id && m.names.count > 1 && !force)
		return err_make(e, ERR_STATE, 0,
				"unable to delete %s (must be forced) - image is referenced in multiple repositories",
				arena_strndup(a, digest_digits(&m.names.items[0].config), 12));
	for (size_t i = 0; i < m.names.count; i++) {
		int r = image_record_remove(&store, m.names.items[i].reference, a, e);
		if (r < 0 && r != -ENOENT)
			return r;
		strlist_add(a, &ret->untagged, m.names.items[i].reference);
	}
	return garbage_remove(&store, a, &ret->deleted, e);
}
