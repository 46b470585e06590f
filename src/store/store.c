#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "disk/json_file.h"
#include "kern/sys.h"
#include "kern/tree.h"

#define FOLDER         (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define LAYOUT         "oci-layout"
#define LAYOUT_VERSION "1.0.0" /* image-layout.md, "oci-layout file" */

void store_close(Store *s)
{
	int *const all[] = { &s->fd, &s->blobs, &s->layers, &s->images, &s->staging, &s->trash };
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		fd_close_auto(all[i]);
		*all[i] = FD_NONE;
	}
}

static int folder_open(int dir, const char *name, int *ret_fd, Err *e)
{
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make the folder %s of the store", name);
	*ret_fd = openat(dir, name, FOLDER);
	return *ret_fd < 0 ? err_sys(e, "open the folder %s of the store", name) : 0;
}

static int parents_make(const char *path, Arena *a, Err *e)
{
	char *p = arena_strdup(a, path);
	for (char *slash = strchr(p + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make the directory %s", p);
		*slash = '/';
	}
	return 0;
}

/* Data of the user's own: nobody else may have put something there. */
static int top_open(const char *path, Arena *a, int *ret_fd, Err *e)
{
	struct stat st;
	TRY(parents_make(path, a, e));
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make the store %s", path);
	AUTO(fd_close) int fd = open(path, FOLDER);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open the store %s", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return err_make(e, ERR_STATE, EPERM,
				"the store %s belongs to another user, or others may write to it",
				path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int layout_make(const Store *s, Arena *a, Err *e)
{
	AUTO(fd_close) int lock = FD_NONE;
	TRY(store_lock(s, STORE_REMOVES, &lock, e)); /* several may find it missing at once */
	if (faccessat(s->fd, LAYOUT, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_string(&w, "imageLayoutVersion", LAYOUT_VERSION);
	json_write_end(&w);
	return json_file_replace_synced(s->fd, LAYOUT, "." LAYOUT, &w, e);
}

static int layout_check(const Store *s, Arena *a, Err *e)
{
	char text[256];
	const JsonValue *v;
	const char *version;
	ssize_t n = fd_read_text_at(s->fd, LAYOUT, text, sizeof text);
	if (n == -ENOENT)
		return layout_make(s, a, e);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read " LAYOUT);
	TRY(json_parse(text, (size_t)n, a, &v, e));
	TRY(json_get_string(json_member(v, "imageLayoutVersion"), &version, e));
	if (!str_eq(version, LAYOUT_VERSION))
		return err_make(e, ERR_STATE, 0,
				"it is an image layout of version %s, this program knows " LAYOUT_VERSION,
				version);
	return 0;
}

int store_open(const char *path, Arena *a, Store *ret, Err *e)
{
	AUTO(store_close) Store s = STORE_NONE;
	s.path = path;
	s.as_user = geteuid() != 0;
	TRY(top_open(path, a, &s.fd, e));
	int r = layout_check(&s, a, e);
	if (r < 0)
		return err_wrap(e, r, "the store %s", path);
	TRY(folder_open(s.fd, "blobs", &s.blobs, e));
	TRY(folder_open(s.fd, "layers", &s.layers, e));
	TRY(folder_open(s.fd, "images", &s.images, e));
	TRY(folder_open(s.fd, "staging", &s.staging, e));
	TRY(folder_open(s.fd, "trash", &s.trash, e));
	*ret = s;
	s = STORE_NONE;
	return 0;
}

int store_lock(const Store *s, StoreUse use, int *ret_fd, Err *e)
{
	AUTO(fd_close) int fd = openat(s->fd, ".", FOLDER);
	if (fd < 0)
		return err_sys(e, "open the store %s", s->path);
	while (flock(fd, use == STORE_ADDS ? LOCK_SH : LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "lock the store %s", s->path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int store_throw_away(const Store *s, int dir, const char *name, Err *e)
{
	uint64_t number;
	char thrown[24];
	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		return err_sys(e, "get a random number");
	(void)str_format(thrown, sizeof thrown, "%016llx", (unsigned long long)number); /* it fits */
	if (renameat(dir, name, s->trash, thrown) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "move %s to the trash", name);
	return tree_remove_at(s->trash, thrown, e);
}
