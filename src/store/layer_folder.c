#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"
#include "kern/sys.h"
#include "kern/tree.h"
#include "store/layer_tree_parts.h"

#define INSIDE (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)
#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

bool layer_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

int layer_folder_set_opaque(const Layer *l, int fd, Err *e)
{
	const char *name = l->options->as_user ? "user.overlay.opaque" : "trusted.overlay.opaque";
	return fsetxattr(fd, name, "y", 1, 0) < 0 ? err_sys(e, "set %s", name) : 0;
}

static int name_open(int dir, const char *name)
{
	return openat(dir, name, FOLDER | O_NOFOLLOW);
}

int layer_make_room(Layer *l, int dir, const char *name, bool *ret_hidden, Err *e)
{
	struct stat st;
	*ret_hidden = false;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at what is there");
	*ret_hidden = layer_is_whiteout(&st);
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir, name, 0) < 0 ? err_sys(e, "remove what is there") : 0;
	TRY(tree_remove_at(dir, name, e));
	if (l->at_fd >= 0 && dir != l->at_fd) { /* it may have been in there */
		fd_close(TAKE_FD(l->at_fd));
		l->at[0] = '\0';
	}
	return 0;
}

/* A folder that was hidden shows nothing of the layers below. */
static int name_make(Layer *l, int dir, const char *name, bool *ret_is_new, int *ret_fd, Err *e)
{
	bool hidden = false;
	*ret_is_new = mkdirat(dir, name, 0755) == 0;
	if (!*ret_is_new) {
		struct stat st;
		if (errno != EEXIST)
			return err_sys(e, "make a folder");
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, "look at what is there");
		if (!S_ISDIR(st.st_mode)) {
			TRY(layer_make_room(l, dir, name, &hidden, e));
			if (mkdirat(dir, name, 0755) < 0)
				return err_sys(e, "make a folder");
			*ret_is_new = true;
		}
	}
	AUTO(fd_close) int fd = name_open(dir, name);
	if (fd < 0)
		return err_sys(e, "open a folder");
	if (hidden)
		TRY(layer_folder_set_opaque(l, fd, e));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* A part of a path on the way to an entry. Only a whiteout may make place for it. */
static int way_open(Layer *l, int dir, const char *name, int *ret_fd, Err *e)
{
	struct stat st;
	bool is_new;
	*ret_fd = name_open(dir, name);
	if (*ret_fd >= 0)
		return 0;
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return err_sys(e, "open '%s'", name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !layer_is_whiteout(&st))
		return err_make(e, ERR_SPEC, ENOTDIR, "'%s' on its way is %s", name,
				S_ISLNK(st.st_mode) ? "a symbolic link" : "no folder");
	return name_make(l, dir, name, &is_new, ret_fd, e);
}

static int way_make(Layer *l, const char *path, int *ret_fd, Err *e)
{
	char part[NAME_MAX + 1];
	AUTO(fd_close) int dir = FD_NONE;
	for (const char *at = path; *at;) {
		size_t size = strcspn(at, "/");
		memcpy(part, at, size); /* layer_path_parse() has looked at it */
		part[size] = '\0';
		int next = FD_NONE;
		TRY(way_open(l, dir < 0 ? l->root : dir, part, &next, e));
		if (dir >= 0)
			fd_close(TAKE_FD(dir));
		dir = next;
		at += size + (at[size] == '/');
	}
	*ret_fd = TAKE_FD(dir);
	return 0;
}

int layer_folder_find(const Layer *l, const char *path, int *ret_fd, Err *e)
{
	int fd = sys_openat2(l->root, *path ? path : ".", FOLDER, 0, INSIDE);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_make(e, ERR_SPEC, ENOENT, "there is no folder '%s'", path);
	if (fd < 0 && (errno == ELOOP || errno == EXDEV))
		return err_make(e, ERR_SPEC, 0, "the way to '%s' is a symbolic link", path);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	*ret_fd = fd;
	return 0;
}

int layer_folder_open(Layer *l, const char *path, int *ret_fd, Err *e)
{
	if (!*path) {
		*ret_fd = l->root;
		return 0;
	}
	if (l->at_fd < 0 || !str_eq(path, l->at)) {
		int fd = sys_openat2(l->root, path, FOLDER, 0, INSIDE);
		if (fd < 0)
			TRY(way_make(l, path, &fd, e));
		if (l->at_fd >= 0)
			fd_close(l->at_fd);
		l->at_fd = fd;
		memcpy(l->at, path, strlen(path) + 1);
	}
	*ret_fd = l->at_fd;
	return 0;
}

static void time_note(Layer *l, const LayerPath *p, const TarEntry *entry)
{
	const char *path = *p->parent ? arena_printf(&l->arena, "%s/%s", p->parent, p->name)
				      : arena_strdup(&l->arena, p->name);
	*arena_push(&l->arena, &l->times, &l->times_count,
		    FolderTime) = (FolderTime){ .path = path, .mtime = layer_time_of(entry) };
}

int layer_folder_make(Layer *l, const LayerPath *p, const TarEntry *entry, Err *e)
{
	AUTO(fd_close) int made = FD_NONE;
	int dir, fd = l->root;
	bool is_new;
	if (p->kind != LAYER_NAME_ROOT) {
		TRY(layer_folder_open(l, p->parent, &dir, e));
		TRY(name_make(l, dir, p->name, &is_new, &made, e));
		fd = made;
	}
	TRY(layer_metadata_set(l, fd, entry, e));
	time_note(l, p, entry);
	return 0;
}

/* A folder may have become something else since; then the time is not its own. */
int layer_folder_times(Layer *l, Err *e)
{
	for (size_t i = 0; i < l->times_count; i++) {
		const FolderTime *f = &l->times[i];
		const struct timespec both[2] = { f->mtime, f->mtime };
		AUTO(fd_close)
		int fd = sys_openat2(l->root, *f->path ? f->path : ".", FOLDER, 0, INSIDE);
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			continue;
		if (fd < 0 || futimens(fd, both) < 0)
			return err_sys(e, "set the time of '%s'", f->path);
	}
	return 0;
}
