/* The files themselves: which there are, whose they are, and their JSON. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/defaults.h"
#include "engine/dirs.h"
#include "kern/userns.h"

typedef enum Place {
	PLACE_SYSTEM, /* of /etc and of HOME: read because of where they lie; they may be missing, and must be root's or ours */
	PLACE_OWN,
	PLACE_ASKED, /* named by --config: the caller's own business */
} Place;

/* user_namespaces(7): who has no id in this user namespace shows as this one. */
#define ID_OVERFLOW 65534

/* In a user namespace without him, the host's root has no id. In /etc a file without known owner is his. */
static bool is_hosts_root(uid_t uid, Place place)
{
	return place == PLACE_SYSTEM && uid == ID_OVERFLOW && !userns_is_first();
}

/* Who can write these files decides what containers may do: anybody but root and ourselves is refused. HOME may be that of the
 * caller of sudo, which then says so here. */
static int check_owner(const struct stat *st, Place place, const char *path, Err *e)
{
	if (st->st_uid != 0 && st->st_uid != geteuid() && !is_hosts_root(st->st_uid, place))
		return err_make(e, ERR_STATE, 0,
				"configuration file '%s' belongs to user %u, not to root%s; --config FILE uses it all the same",
				path, st->st_uid, geteuid() == 0 ? "" : " or you");
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_make(e, ERR_STATE, 0,
				"configuration file '%s' can be written by others (mode %04o): chmod go-w takes that away",
				path, st->st_mode & 07777);
	return 0;
}

static int read_open(int fd, Place place, const char *path, Arena *a, const JsonValue **ret, Err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at configuration file '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_make(e, ERR_STATE, 0, "configuration file '%s' is not a regular file", path);
	if (place != PLACE_ASKED)
		TRY(check_owner(&st, place, path, e));
	if (st.st_size > (off_t)LIMIT_DEFAULTS_BYTES)
		return err_make(e, ERR_STATE, 0, "configuration file '%s' is larger than %u bytes",
				path, LIMIT_DEFAULTS_BYTES);

	size_t size = (size_t)st.st_size + 1; /* one more tells whether it has grown */
	char *text = arena_alloc(a, size);
	ssize_t len = fd_read_up_to(fd, text, size);
	if (len < 0)
		return err_sys(e, "read configuration file '%s'", path);
	if ((size_t)len == size)
		return err_make(e, ERR_STATE, 0, "configuration file '%s' grew while it was read", path);

	int r = json_parse(text, (size_t)len, a, ret, e);
	if (r >= 0)
		r = json_expect_object(*ret, e);
	return r < 0 ? err_wrap(e, r, "configuration file '%s'", path) : 0;
}

/* Whether it is only that we cannot look there, as with HOME=/root in the environment of an ordinary user. */
static bool is_out_of_reach(const char *path)
{
	struct stat st;
	return stat(path, &st) < 0 && errno == EACCES;
}

static int add_file(Place place, const char *path, Arena *a, Defaults *d, Err *e)
{
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && place != PLACE_ASKED && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_sys(e, "open configuration file '%s'", path);

	DefaultsFile file = { .path = path };
	TRY(read_open(fd, place, path, a, &file.root, e));
	log_debug("defaults of options come from %s", path);
	d->files[d->count++] = file;
	return 0;
}

int defaults_read(const char *asked, Arena *a, Defaults *ret, Err *e)
{
	if (asked)
		return *asked ? add_file(PLACE_ASKED, asked, a, ret, e) : 0;

	const char *own = dirs_user_config(a);
	TRY(add_file(PLACE_SYSTEM, "/etc/mydocker/config.json", a, ret, e));
	int r = own ? add_file(PLACE_OWN, own, a, ret, e) : 0;
	return r == -EACCES && is_out_of_reach(own) ? 0 : r;
}
