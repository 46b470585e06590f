#include "engine/root_option.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* Where the open directory really is, by the kernel's own word. */
static int real_path(int fd, const char *text, Arena *a, const char **ret, Err *e)
{
	char link[64], path[PATH_MAX];
	TRY(str_format(link, sizeof link, "/proc/self/fd/%d", fd));
	ssize_t n = readlink(link, path, sizeof path);
	if (n < 0)
		return err_sys(e, "find the path of root directory '%s'", text);
	if ((size_t)n == sizeof path || path[0] != '/')
		return err_make(e, ERR_SPEC, 0,
				"root directory '%s': its path is too long or not reachable", text);
	*ret = arena_strndup(a, path, (size_t)n);
	return 0;
}

/* The host's root by identity, however it was written ("/", "/.", a bind of it at the same place). */
static int is_host_root(int fd, const char *path, Err *e)
{
	struct stat dir, root;
	if (strcmp(path, "/") == 0)
		return true;
	if (fstat(fd, &dir) < 0 || stat("/", &root) < 0)
		return err_sys(e, "compare the root directory '%s' with the host's", path);
	return dir.st_dev == root.st_dev && dir.st_ino == root.st_ino;
}

/* Takes the words after the last colon, if that is what they are. Returns the directory's name. */
static const char *words_take(const char *text, Arena *a, bool *ret_overlay, const char **ret_idmap)
{
	const char *colon = strrchr(text, ':'), *idmap = NULL;
	bool overlay = false;
	if (!colon)
		return text;
	StrList words = str_split(a, colon + 1, ',');
	for (size_t i = 0; i < words.count; i++) {
		const char *w = words.items[i];
		if (strcmp(w, "O") == 0 && !overlay)
			overlay = true;
		else if ((strcmp(w, "idmap") == 0 || str_starts(w, "idmap=")) && !idmap)
			idmap = w;
		else
			return text;
	}
	*ret_overlay = overlay;
	*ret_idmap = idmap;
	return arena_strndup(a, text, (size_t)(colon - text));
}

int root_option_open(const char *text, Arena *a, RootOption *ret, Err *e)
{
	bool overlay = false;
	const char *idmap = NULL, *path;
	const char *dir = words_take(text, a, &overlay, &idmap);
	if (!*dir)
		return err_make(e, ERR_USAGE, 0, "--rootfs: the directory's name is empty");
	AUTO(fd_close) int fd = openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "root directory '%s'", dir);
	TRY(real_path(fd, dir, a, &path, e));
	int host = is_host_root(fd, path, e);
	TRY(host);
	*ret = (RootOption){
		.kind = host      ? ROOT_HOST
			: overlay ? ROOT_OVERLAY
				  : ROOT_DIRECTORY,
		.path = host ? "/" : path,
		.idmap = idmap,
		.fd = TAKE_FD(fd),
	};
	return 0;
}
