#include "store/image_record.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "disk/json_file.h"

#define VERSION    1
#define DIGITS     64
#define INDEX      "index.json"
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"

static void name_of(const char *reference, char ret[static DIGITS + 1])
{
	Digest d;
	digest_sum(DIGEST_SHA256, reference, strlen(reference), &d);
	memcpy(ret, digest_digits(&d), DIGITS + 1);
}

static int digest_read(const JsonValue *v, const char *file, const char *key, Digest *ret, Err *e)
{
	const char *text = NULL;
	TRY(json_file_string(v, file, key, &text, e));
	if (!text || digest_parse(text, ret) < 0)
		return err_make(e, ERR_STATE, 0, "%s: %s is no digest", file, key);
	return 0;
}

static int record_read_named(const Store *s, const char *name, Arena *a, ImageRecord *ret, Err *e)
{
	const JsonValue *v;
	ImageRecord r = { 0 };
	TRY(json_file_read(s->images, name, VERSION, a, &v, e));
	TRY(json_file_string(v, name, "reference", &r.reference, e));
	TRY(json_file_string(v, name, "media_type", &r.media_type, e));
	if (!r.reference || !r.media_type)
		return err_make(e, ERR_STATE, 0, "%s has no reference or no media type", name);
	TRY(digest_read(v, name, "manifest", &r.manifest, e));
	TRY(digest_read(v, name, "config", &r.config, e));
	TRY(json_file_u64(v, name, "size", UINT64_MAX, &r.size, e));
	TRY(json_file_u64(v, name, "pulled", UINT64_MAX, &r.pulled, e));
	*ret = r;
	return 0;
}

int image_record_get(const Store *s, const char *reference, Arena *a, ImageRecord *ret, Err *e)
{
	char name[DIGITS + 1];
	name_of(reference, name);
	return record_read_named(s, name, a, ret, e);
}

static int by_reference(const void *a, const void *b)
{
	return strcmp(((const ImageRecord *)a)->reference, ((const ImageRecord *)b)->reference);
}

int image_record_list(const Store *s, Arena *a, ImageRecords *ret, Err *e)
{
	ImageRecords all = { 0 };
	int again = openat(s->images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = again < 0 ? NULL : fdopendir(again);
	if (!names)
		return err_sys(e, "list the images of %s", s->path);
	for (struct dirent *d; (d = readdir(names));) {
		Err why = { 0 };
		char text[sizeof why.msg + 64];
		ImageRecord r;
		if (strlen(d->d_name) != DIGITS)
			continue;
		int n = record_read_named(s, d->d_name, a, &r, &why);
		if (n == 0)
			*arena_push(a, &all.items, &all.count, ImageRecord) = r;
		else if (n != -ENOENT) { /* removed meanwhile */
			all.unread++;
			log_warn("an image's record in %s cannot be read: %s", s->path,
				 err_text(&why, text, sizeof text));
		}
	}
	(void)closedir(names);
	if (all.count > 0)
		qsort(all.items, all.count, sizeof *all.items, by_reference);
	*ret = all;
	return 0;
}

/* ---- the layout's index ---- */

static void index_entry(JsonWriter *w, const ImageRecord *r)
{
	json_write_object(w, NULL);
	json_write_string(w, "mediaType", r->media_type);
	json_write_string(w, "digest", r->manifest.text);
	json_write_u64(w, "size", r->size);
	json_write_object(w, "annotations");
	json_write_string(w, "org.opencontainers.image.ref.name", r->reference);
	json_write_end(w);
	json_write_end(w);
}

/* With the records locked. */
static int index_write(const Store *s, Arena *a, Err *e)
{
	ImageRecords all;
	TRY(image_record_list(s, a, &all, e));
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_u64(&w, "schemaVersion", 2);
	json_write_string(&w, "mediaType", INDEX_TYPE);
	json_write_array(&w, "manifests");
	for (size_t i = 0; i < all.count; i++)
		index_entry(&w, &all.items[i]);
	json_write_end(&w);
	json_write_end(&w);
	return json_file_replace_synced(s->fd, INDEX, "." INDEX, &w, e);
}

static int records_lock(const Store *s, int *ret_fd, Err *e)
{
	AUTO(fd_close) int fd = openat(s->images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the images of %s", s->path);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "lock the images of %s", s->path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int image_record_put(const Store *s, const ImageRecord *r, Arena *a, Err *e)
{
	AUTO(fd_close) int lock = FD_NONE;
	char name[DIGITS + 1];
	JsonWriter w = json_writer(a, false);
	name_of(r->reference, name);
	json_write_object(&w, NULL);
	json_write_u64(&w, "version", VERSION);
	json_write_string(&w, "reference", r->reference);
	json_write_string(&w, "manifest", r->manifest.text);
	json_write_string(&w, "media_type", r->media_type);
	json_write_u64(&w, "size", r->size);
	json_write_string(&w, "config", r->config.text);
	json_write_u64(&w, "pulled", r->pulled);
	json_write_end(&w);
	TRY(records_lock(s, &lock, e));
	TRY(json_file_replace_synced(s->images, name, ".new", &w, e));
	return index_write(s, a, e);
}

int image_record_remove(const Store *s, const char *reference, Arena *a, Err *e)
{
	AUTO(fd_close) int lock = FD_NONE;
	char name[DIGITS + 1];
	name_of(reference, name);
	TRY(records_lock(s, &lock, e));
	if (unlinkat(s->images, name, 0) < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, "remove the name %s", reference);
	return index_write(s, a, e);
}
