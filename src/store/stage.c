#include "store/stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "disk/json_file.h"
#include "kern/tree.h"
#include "store/blob.h"

#define FOLDER       (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define META         "layer.json"
#define META_VERSION 1
#define NAME_SIZE    16

/* A sweep may meet it before it is locked, and removes it: *ret stays FD_NONE. */
static int folder_try(const Store *s, const char *name, int *ret, Err *e)
{
	if (mkdirat(s->staging, name, 0700) < 0)
		return err_sys(e, "make a folder in %s/staging", s->path);
	AUTO(fd_close) int fd = openat(s->staging, name, FOLDER);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open a folder in %s/staging", s->path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : err_sys(e, "lock a folder in %s/staging", s->path);
	if (faccessat(s->staging, name, F_OK, 0) == 0)
		*ret = TAKE_FD(fd);
	return 0;
}

int stage_new(const Store *s, Stage *ret, Err *e)
{
	Stage st = { .store = s, .fd = FD_NONE };
	while (st.fd < 0) {
		uint64_t number;
		if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
			return err_sys(e, "get a random number");
		(void)str_format(st.name, sizeof st.name, "%016llx", (unsigned long long)number); /* it fits */
		TRY(folder_try(s, st.name, &st.fd, e));
	}
	*ret = st;
	return 0;
}

void stage_throw_away(Stage *st)
{
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	if (st->fd < 0)
		return;
	if (store_throw_away(st->store, st->store->staging, st->name, &e) < 0)
		log_debug("%s", err_text(&e, text, sizeof text)); /* the next sweep has it */
	fd_close(TAKE_FD(st->fd));
}

static void names_of(unsigned number, char tree[static NAME_SIZE], char blob[static NAME_SIZE])
{
	(void)str_format(tree, NAME_SIZE, "layer%u", number); /* they fit */
	(void)str_format(blob, NAME_SIZE, "blob%u", number);
}

int stage_add_layer(Stage *st, StagedLayer *ret, Err *e)
{
	char layer[NAME_SIZE], blob[NAME_SIZE];
	names_of(st->made, layer, blob);
	if (mkdirat(st->fd, layer, 0700) < 0)
		return err_sys(e, "make a folder for a layer");
	AUTO(fd_close) int dir = openat(st->fd, layer, FOLDER);
	if (dir < 0 || mkdirat(dir, "tree", 0755) < 0)
		return err_sys(e, "make a folder for a layer's tree");
	AUTO(fd_close) int tree = openat(dir, "tree", FOLDER);
	if (tree < 0)
		return err_sys(e, "open the folder for a layer's tree");
	ret->blob = openat(st->fd, blob, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (ret->blob < 0)
		return err_sys(e, "make a file for a layer");
	ret->tree = TAKE_FD(tree);
	ret->number = st->made++;
	return 0;
}

/* ---- layer.json ---- */

static int meta_write(int dir, const LayerMeta *m, Arena *a, Err *e)
{
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_u64(&w, "version", META_VERSION);
	json_write_string(&w, "diff_id", m->diff_id.text);
	if (m->blob.algorithm != DIGEST_NONE) {
		json_write_string(&w, "blob", m->blob.text);
		json_write_u64(&w, "blob_size", m->blob_size);
		json_write_string(&w, "compression", m->compression);
	}
	json_write_u64(&w, "size", m->size);
	json_write_u64(&w, "content", m->content);
	json_write_u64(&w, "entries", m->entries);
	json_write_end(&w);
	return json_file_replace(dir, META, "." META, &w, e);
}

static int digest_member(const JsonValue *v, const char *key, Digest *ret, Err *e)
{
	const char *text = NULL;
	TRY(json_file_string(v, META, key, &text, e));
	if (text && digest_parse(text, ret) < 0)
		return err_make(e, ERR_STATE, 0, META ": %s is no digest", key);
	return 0;
}

int layer_meta_read(const Store *s, const Digest *diff_id, Arena *a, LayerMeta *ret, Err *e)
{
	char path[DIGEST_PATH_SIZE];
	const JsonValue *v;
	LayerMeta m = { .compression = "none" };
	digest_path(diff_id, path);
	AUTO(fd_close) int dir = openat(s->layers, path, FOLDER);
	if (dir < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, "open the layer %s", diff_id->text);
	TRY(json_file_read(dir, META, META_VERSION, a, &v, e));
	TRY(digest_member(v, "diff_id", &m.diff_id, e));
	TRY(digest_member(v, "blob", &m.blob, e));
	if (m.blob.algorithm != DIGEST_NONE)
		TRY(json_file_u64(v, META, "blob_size", UINT64_MAX, &m.blob_size, e));
	TRY(json_file_string(v, META, "compression", &m.compression, e));
	TRY(json_file_u64(v, META, "size", UINT64_MAX, &m.size, e));
	TRY(json_file_u64(v, META, "content", UINT64_MAX, &m.content, e));
	TRY(json_file_u64(v, META, "entries", UINT64_MAX, &m.entries, e));
	*ret = m;
	return 0;
}

bool layer_is_there(const Store *s, const Digest *diff_id)
{
	char path[DIGEST_PATH_SIZE];
	digest_path(diff_id, path);
	return faccessat(s->layers, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int layer_open(const Store *s, const Digest *diff_id, int *ret_fd, Err *e)
{
	char path[DIGEST_PATH_SIZE], tree[DIGEST_PATH_SIZE + 8];
	digest_path(diff_id, path);
	(void)str_format(tree, sizeof tree, "%s/tree", path); /* it fits */
	*ret_fd = openat(s->layers, tree, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *ret_fd < 0 ? err_sys(e, "open the layer %s", diff_id->text) : 0;
}

/* ---- the final names ---- */

static bool has_blob(const StagedDone *d)
{
	return d->keep_blob && d->meta.blob.algorithm != DIGEST_NONE;
}

static int blob_place(const Stage *st, const StagedDone *d, Err *e)
{
	char layer[NAME_SIZE], blob[NAME_SIZE], path[DIGEST_PATH_SIZE];
	names_of(d->number, layer, blob);
	digest_path(&d->meta.blob, path);
	TRY(digest_folder_make(st->store->blobs, &d->meta.blob, e));
	if (renameat(st->fd, blob, st->store->blobs, path) < 0)
		return err_sys(e, "put the blob %s in place", d->meta.blob.text);
	return 0;
}

/* A layer that somebody else has made meanwhile is the same one. */
static int layer_place(const Stage *st, const StagedDone *d, Err *e)
{
	char layer[NAME_SIZE], blob[NAME_SIZE], path[DIGEST_PATH_SIZE];
	names_of(d->number, layer, blob);
	digest_path(&d->meta.diff_id, path);
	TRY(digest_folder_make(st->store->layers, &d->meta.diff_id, e));
	if (renameat(st->fd, layer, st->store->layers, path) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		return err_sys(e, "put the layer %s in place", d->meta.diff_id.text);
	return 0;
}

static int meta_place(const Stage *st, const StagedDone *d, Arena *a, Err *e)
{
	char layer[NAME_SIZE], blob[NAME_SIZE];
	names_of(d->number, layer, blob);
	AUTO(fd_close) int dir = openat(st->fd, layer, FOLDER);
	if (dir < 0)
		return err_sys(e, "open a layer");
	return meta_write(dir, &d->meta, a, e);
}

/* The new names themselves: one call for each folder that has any. */
static int names_sync(int dir, const StagedDone *done, size_t count, bool of_blobs, Err *e)
{
	for (DigestAlgorithm algorithm = DIGEST_SHA256; algorithm <= DIGEST_SHA512; algorithm++)
		for (size_t i = 0; i < count; i++) {
			const Digest *d = of_blobs ? &done[i].meta.blob : &done[i].meta.diff_id;
			if (d->algorithm != algorithm || (of_blobs && !has_blob(&done[i])))
				continue;
			TRY(digest_folder_sync(dir, d, e));
			break;
		}
	return 0;
}

int stage_commit(Stage *st, const StagedDone *done, size_t count, Arena *a, Err *e)
{
	for (size_t i = 0; i < count; i++)
		TRY(meta_place(st, &done[i], a, e));
	if (count > 0 && syncfs(st->fd) < 0)
		return err_sys(e, "sync the store %s", st->store->path);
	for (size_t i = 0; i < count; i++)
		if (has_blob(&done[i]))
			TRY(blob_place(st, &done[i], e));
	TRY(names_sync(st->store->blobs, done, count, true, e));
	for (size_t i = 0; i < count; i++)
		TRY(layer_place(st, &done[i], e));
	return names_sync(st->store->layers, done, count, false, e);
}

/* ---- garbage ---- */

static void removed(int r, const Err *e)
{
	char text[sizeof e->msg + 64];
	if (r < 0)
		log_debug("%s", err_text(e, text, sizeof text));
}

/* A folder in staging is locked by who works in it; a file is there while its maker holds the store's lock. */
static void one_sweep(const Store *s, int dir, const char *name, bool nobody_adds)
{
	Err e = { 0 };
	AUTO(fd_close) int fd = openat(dir, name, FOLDER);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fd < 0 && (errno != ENOTDIR || !nobody_adds))
		return;
	removed(dir == s->trash ? tree_remove_at(dir, name, &e) : store_throw_away(s, dir, name, &e),
		&e);
}

static void all_sweep(const Store *s, int dir, bool nobody_adds)
{
	int again = openat(dir, ".", FOLDER);
	DIR *names = again < 0 ? NULL : fdopendir(again);
	if (!names)
		return;
	for (struct dirent *d; (d = readdir(names));)
		if (d->d_name[0] != '.')
			one_sweep(s, dir, d->d_name, nobody_adds);
	(void)closedir(names);
}

void stage_sweep(const Store *s)
{
	AUTO(fd_close) int fd = openat(s->fd, ".", FOLDER);
	bool nobody_adds = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
	all_sweep(s, s->staging, nobody_adds);
	all_sweep(s, s->trash, true);
}
