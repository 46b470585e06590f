#include "engine/layout_source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/str.h"
#include "fmt/json.h"
#include "kern/sys.h"

#define INSIDE (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

static int file_open(const LayoutSource *l, const char *name, uint64_t *ret_size, int *ret_fd, Err *e)
{
	struct stat st;
	AUTO(fd_close)
	int fd = sys_openat2(l->fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, INSIDE);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s in %s", name, l->path);
	if (!S_ISREG(st.st_mode))
		return err_make(e, ERR_SPEC, 0, "%s in %s is no file", name, l->path);
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int text_read(const LayoutSource *l, const char *name, Arena *a, ImageDocument *ret, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	uint64_t size;
	TRY(file_open(l, name, &size, &fd, e));
	if (size > LIMIT_MANIFEST_BYTES)
		return err_make(e, ERR_SPEC, EFBIG, "%s in %s", name, l->path);
	char *text = arena_alloc(a, size + 1);
	ssize_t n = fd_read_up_to(fd, text, size);
	if (n < 0)
		return err_sys(e, "read %s in %s", name, l->path);
	*ret = (ImageDocument){ .text = text, .size = (size_t)n };
	return 0;
}

static const char *blob_name(const Digest *d, Arena *a)
{
	return arena_printf(a, "blobs/%s/%s", digest_algorithm_name(d->algorithm), digest_digits(d));
}

static int layout_document(void *context, const Descriptor *d, Arena *a, ImageDocument *ret, Err *e)
{
	TRY(text_read(context, blob_name(&d->digest, a), a, ret, e));
	ret->media_type = d->media_type;
	ret->digest = d->digest;
	return 0;
}

static int layout_blob(void *context, const Descriptor *d, int *ret_fd, Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	uint64_t size;
	return file_open(context, blob_name(&d->digest, &a), &size, ret_fd, e);
}

/* Without a name there has to be one image, or one index of several platforms. */
static int manifest_choose(const LayoutSource *l, const ImageIndex *index, const Descriptor **ret,
			   Err *e)
{
	const Descriptor *found = NULL;
	for (size_t i = 0; i < index->manifests_count; i++) {
		const Descriptor *d = &index->manifests[i];
		if (l->name && !str_eq(d->ref_name, l->name))
			continue;
		if (found)
			return err_make(e, ERR_USAGE, 0,
					"%s has more than one image%s%s: name one, oci:DIR:NAME",
					l->path, l->name ? " of the name " : "",
					l->name ? l->name : "");
		found = d;
	}
	if (!found)
		return err_make(e, ERR_NOT_FOUND, 0, "%s has no image%s%s", l->path,
				l->name ? " of the name " : "", l->name ? l->name : "");
	*ret = found;
	return 0;
}

static int layout_top(void *context, Arena *a, ImageDocument *ret, Err *e)
{
	LayoutSource *l = context;
	ImageDocument text;
	ImageIndex index;
	const Descriptor *d;
	TRY(text_read(l, "index.json", a, &text, e));
	int r = image_index_decode(text.text, text.size, a, &index, e);
	if (r < 0)
		return err_wrap(e, r, "index.json in %s", l->path);
	TRY(manifest_choose(l, &index, &d, e));
	return layout_document(l, d, a, ret, e);
}

static int version_check(const LayoutSource *l, Arena *a, Err *e)
{
	ImageDocument text;
	const JsonValue *v;
	const char *version;
	TRY(text_read(l, "oci-layout", a, &text, e));
	int r = json_parse(text.text, text.size, a, &v, e);
	if (r == 0)
		r = json_get_string(json_member(v, "imageLayoutVersion"), &version, e);
	if (r < 0)
		return err_wrap(e, r, "oci-layout in %s", l->path);
	if (!str_eq(version, "1.0.0"))
		return err_make(e, ERR_SPEC, ENOTSUP, "%s is an image layout of version %s",
				l->path, version);
	return 0;
}

/* The name begins behind the first colon; a directory with one in its path cannot be named, as everywhere else. */
int layout_source_open(const char *text, Arena *a, LayoutSource *ret, Err *e)
{
	AUTO(layout_source_close) LayoutSource l = LAYOUT_SOURCE_NONE;
	size_t size = strcspn(text, ":");
	l.path = arena_strndup(a, text, size);
	l.name = text[size] && text[size + 1] ? arena_strdup(a, text + size + 1) : NULL;
	l.fd = open(l.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l.fd < 0)
		return err_sys(e, "open the image layout %s", l.path);
	TRY(version_check(&l, a, e));
	*ret = TAKE(l, LAYOUT_SOURCE_NONE);
	return 0;
}

void layout_source_close(LayoutSource *l)
{
	fd_close_auto(&l->fd);
	*l = LAYOUT_SOURCE_NONE;
}

ImageSource layout_source(LayoutSource *l)
{
	return (ImageSource){
		.context = l, .top = layout_top, .document = layout_document, .blob = layout_blob
	};
}
