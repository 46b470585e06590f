#include "store/layer_tree.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"
#include "store/layer_tree_parts.h"

/* ---- metadata ---- */

struct timespec layer_time_of(const TarEntry *entry)
{
	return (struct timespec){ .tv_sec = entry->mtime, .tv_nsec = entry->mtime_nsec };
}

/* Those that overlayfs takes for its own would let a layer hide or redirect what others have. */
static bool is_overlayfs_own(const char *name)
{
	return str_starts(name, "trusted.overlay.") || str_starts(name, "user.overlay.");
}

int layer_xattrs_set(Layer *l, int fd, const char *path, const TarEntry *entry, Err *e)
{
	for (size_t i = 0; i < entry->xattrs_count; i++) {
		const TarXattr *x = &entry->xattrs[i];
		if (is_overlayfs_own(x->name))
			continue;
		if ((path ? lsetxattr(path, x->name, x->value, x->size, 0)
			  : fsetxattr(fd, x->name, x->value, x->size, 0)) == 0)
			continue;
		if (str_eq(x->name, "security.capability") || (errno != ENOTSUP && errno != EPERM))
			return err_sys(e, "set the extended attribute %s", x->name);
		l->counts.xattrs_lost++;
	}
	return 0;
}

/* chown(2) takes set-id bits and capabilities away, so it comes first. */
int layer_metadata_set(Layer *l, int fd, const TarEntry *entry, Err *e)
{
	if (fchown(fd, entry->uid, entry->gid) < 0)
		return err_sys(e, "give it to %u:%u", entry->uid, entry->gid);
	if (fchmod(fd, entry->mode) < 0)
		return err_sys(e, "set its mode");
	return layer_xattrs_set(l, fd, NULL, entry, e);
}

/* The same for what is not to be opened; the folder is nobody else's meanwhile. */
static int node_metadata_set(Layer *l, int dir, const char *name, const TarEntry *entry, Err *e)
{
	const struct timespec both[2] = { layer_time_of(entry), layer_time_of(entry) };
	if (fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "give it to %u:%u", entry->uid, entry->gid);
	if (entry->type != TAR_SYMLINK && fchmodat(dir, name, entry->mode, 0) < 0)
		return err_sys(e, "set its mode");
	if (entry->xattrs_count > 0) { /* there is no lsetxattrat(2) before Linux 6.13, and no /proc here */
		if (fchdir(dir) < 0)
			return err_sys(e, "enter its folder");
		TRY(layer_xattrs_set(l, FD_NONE, name, entry, e));
	}
	if (utimensat(dir, name, both, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "set its time");
	return 0;
}

/* ---- files ---- */

static int bytes_count(Layer *l, size_t size, Err *e)
{
	if (size > l->options->max_bytes - l->counts.bytes)
		return err_make(e, ERR_SPEC, EFBIG, "the layer has more than %llu bytes",
				(unsigned long long)l->options->max_bytes);
	l->counts.bytes += size;
	return 0;
}

static int piece_write(int fd, const unsigned char *bytes, size_t size, uint64_t offset, Err *e)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, bytes, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "write");
		bytes += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* The content comes in pieces as the source has them, of a sparse file span after span: each byte goes to its place. */
static int content_write(Layer *l, int fd, const TarEntry *entry, Err *e)
{
	const TarSpan whole = { .offset = 0, .size = entry->size };
	const TarSpan *spans = entry->is_sparse ? entry->spans : &whole;
	size_t span = 0, size;
	uint64_t done = 0; /* of this span */
	const unsigned char *bytes;
	for (;;) {
		TRY(tar_content(l->tar, &bytes, &size, e));
		if (size == 0)
			return 0;
		TRY(bytes_count(l, size, e));
		while (size > 0) {
			while (done == spans[span].size) { /* as many bytes come as all spans have */
				span++;
				done = 0;
			}
			uint64_t left = spans[span].size - done;
			size_t n = size < left ? size : (size_t)left;
			TRY(piece_write(fd, bytes, n, spans[span].offset + done, e));
			done += n;
			bytes += n;
			size -= n;
		}
	}
}

static int file_try(int dir, const char *name)
{
	return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int file_open(Layer *l, int dir, const char *name, int *ret_fd, Err *e)
{
	bool hidden;
	int fd = file_try(dir, name);
	if (fd < 0 && errno == EEXIST) {
		TRY(layer_make_room(l, dir, name, &hidden, e));
		fd = file_try(dir, name);
	}
	if (fd < 0)
		return err_sys(e, "make the file");
	*ret_fd = fd;
	return 0;
}

static int file_make(Layer *l, int dir, const char *name, const TarEntry *entry, Err *e)
{
	const struct timespec both[2] = { layer_time_of(entry), layer_time_of(entry) };
	AUTO(fd_close) int fd = FD_NONE;
	TRY(file_open(l, dir, name, &fd, e));
	TRY(content_write(l, fd, entry, e));
	if (entry->is_sparse && ftruncate(fd, (off_t)entry->size) < 0)
		return err_sys(e, "set its size");
	TRY(layer_metadata_set(l, fd, entry, e));
	return futimens(fd, both) < 0 ? err_sys(e, "set its time") : 0;
}

/* ---- all else ---- */

static mode_t type_of(TarType type)
{
	switch (type) {
	case TAR_CHAR: return S_IFCHR;
	case TAR_BLOCK: return S_IFBLK;
	case TAR_FIFO: return S_IFIFO;
	default: assert(false); return 0;
	}
}

static int node_try(int dir, const char *name, const TarEntry *entry)
{
	if (entry->type == TAR_SYMLINK)
		return symlinkat(entry->link, dir, name);
	return mknodat(dir, name, type_of(entry->type) | entry->mode,
		       makedev(entry->major, entry->minor));
}

static int node_make(Layer *l, int dir, const char *name, const TarEntry *entry, Err *e)
{
	bool hidden;
	bool device = entry->type == TAR_CHAR || entry->type == TAR_BLOCK;
	if (device && l->options->as_user)
		return err_make(e, ERR_SPEC, EPERM, "an ordinary user can make no device node (%u:%u)",
				entry->major, entry->minor);
	if (node_try(dir, name, entry) < 0) {
		if (errno != EEXIST)
			return err_sys(e, "make it");
		TRY(layer_make_room(l, dir, name, &hidden, e));
		if (node_try(dir, name, entry) < 0)
			return err_sys(e, "make it");
	}
	return node_metadata_set(l, dir, name, entry, e);
}

static int link_try(const Layer *l, const LayerPath *to, int dir, const char *name, Err *e)
{
	struct stat st;
	AUTO(fd_close) int from = FD_NONE;
	TRY(layer_folder_find(l, to->parent, &from, e));
	if (fstatat(from, to->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? err_make(e, ERR_SPEC, ENOENT,
						  "nothing before it in the archive is there")
				       : err_sys(e, "look at it");
	if (S_ISDIR(st.st_mode) || layer_is_whiteout(&st))
		return err_make(e, ERR_SPEC, 0, "it is no file");
	if (linkat(from, to->name, dir, name, 0) == 0)
		return 0;
	return errno == EEXIST ? -EEXIST : err_sys(e, "make the link");
}

static int link_place(Layer *l, int dir, const char *name, const TarEntry *entry, Err *e)
{
	LayerPath to;
	bool hidden;
	TRY(layer_path_parse(entry->link, &to, e));
	if (to.kind != LAYER_NAME_FILE)
		return err_make(e, ERR_SPEC, 0, "it is no file");
	int r = link_try(l, &to, dir, name, e);
	if (r != -EEXIST)
		return r;
	TRY(layer_make_room(l, dir, name, &hidden, e));
	return link_try(l, &to, dir, name, e);
}

static int link_make(Layer *l, int dir, const char *name, const TarEntry *entry, Err *e)
{
	int r = link_place(l, dir, name, entry, e);
	return r < 0 ? err_wrap(e, r, "hard link to '%.200s'", entry->link) : 0;
}

/* ---- whiteouts ---- */

/* What this layer has stays; of a folder, nothing is seen below it. */
static int whiteout_make(Layer *l, int dir, const char *name, Err *e)
{
	struct stat st;
	if (mknodat(dir, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, "make a whiteout");
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "look at what is there");
	if (!S_ISDIR(st.st_mode))
		return 0;
	AUTO(fd_close) int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open a folder");
	return layer_folder_set_opaque(l, fd, e);
}

/* ---- the archive ---- */

static int file_place(Layer *l, const LayerPath *p, const TarEntry *entry, Err *e)
{
	int dir;
	if (entry->type == TAR_DIRECTORY)
		return layer_folder_make(l, p, entry, e);
	if (p->kind == LAYER_NAME_ROOT)
		return err_make(e, ERR_SPEC, 0, "the root is no folder");
	TRY(layer_folder_open(l, p->parent, &dir, e));
	switch (entry->type) {
	case TAR_FILE: return file_make(l, dir, p->name, entry, e);
	case TAR_HARD_LINK: return link_make(l, dir, p->name, entry, e);
	default: return node_make(l, dir, p->name, entry, e);
	}
}

static int entry_place(Layer *l, const TarEntry *entry, Err *e)
{
	LayerPath p;
	int dir;
	TRY(layer_path_parse(entry->path, &p, e));
	switch (p.kind) {
	case LAYER_NAME_IGNORED: return 0;
	case LAYER_NAME_WHITEOUT:
		TRY(layer_folder_open(l, p.parent, &dir, e));
		return whiteout_make(l, dir, p.name, e);
	case LAYER_NAME_OPAQUE:
		TRY(layer_folder_open(l, p.parent, &dir, e));
		return layer_folder_set_opaque(l, dir, e);
	default: return file_place(l, &p, entry, e);
	}
}

static int entries_place(Layer *l, Err *e)
{
	for (;;) {
		TarEntry entry;
		int r = tar_next(l->tar, &entry, e);
		TRY(r);
		if (r == 0)
			return layer_folder_times(l, e);
		if (l->counts.entries++ == l->options->max_entries)
			return err_make(e, ERR_SPEC, EFBIG, "the layer has more than %llu entries",
					(unsigned long long)l->options->max_entries);
		r = entry_place(l, &entry, e);
		if (r < 0)
			return err_wrap(e, r, "'%.200s'", entry.path);
	}
}

int layer_tree_make(TarReader *t, int root, const LayerTreeOptions *o, LayerTreeCounts *ret, Err *e)
{
	Layer l = { .tar = t, .root = root, .options = o, .at_fd = FD_NONE };
	int r = entries_place(&l, e);
	if (l.at_fd >= 0)
		fd_close(l.at_fd);
	arena_done(&l.arena);
	TRY(r);
	*ret = l.counts;
	return 0;
}
