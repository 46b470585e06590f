#include "engine/volume_prepare.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/user_tree.h"

static int source_create(const SpecMount *m, Err *e)
{
	char p[PATH_MAX];
	TRY(str_format(p, sizeof p, "%s/", m->source));
	for (char *slash = strchr(p + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "mount on %s: make the source %s", m->destination, p);
		*slash = '/';
	}
	return 0;
}

/* podman's list: an owner that changed there would break the host. */
static bool is_of_the_system(const char *path)
{
	static const char *const dirs[] = {
		"/",      "/bin",     "/boot",    "/dev",     "/etc", "/home", "/lib",
		"/lib32", "/lib64",   "/libx32",  "/media",   "/mnt", "/opt",  "/proc",
		"/root",  "/run",     "/sbin",    "/srv",     "/sys", "/tmp",  "/usr",
		"/var",   "/var/lib", "/var/log", "/var/tmp",
	};
	static const char *const trees[] = { "/bin",     "/boot",      "/lib",     "/lib64",
					     "/proc",    "/sbin",      "/sys",     "/usr/bin",
					     "/usr/lib", "/usr/lib64", "/usr/sbin" };
	const char *home = getenv("HOME");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (strcmp(path, dirs[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		if (path_is_below(path, trees[i]))
			return true;
	return str_eq(path, "/etc/passwd") || str_eq(path, "/etc/shadow") ||
	       str_eq(path, "/etc/group") || path_is_below(path, "/etc/pki") ||
	       (home && str_eq(path, home));
}

static IdRanges ids_of_the_host(const SpecIdMap *maps, size_t count, Arena *a)
{
	IdRanges r = { 0 };
	for (size_t i = 0; i < count; i++)
		id_ranges_add(a, &r, maps[i].host_id, maps[i].size);
	return r;
}

static uint32_t host_id(const SpecIdMap *maps, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return maps[i].host_id + (id - maps[i].container_id);
	return id; /* without a user namespace; with one the plan has found it mapped */
}

static int source_chown(const Spec *s, const SpecMount *m, Arena *a, Err *e)
{
	const SpecLinux *l = &s->linux_;
	char link[32], path[PATH_MAX];
	uid_t uid = host_id(l->uid_mappings, l->uid_mappings_count, s->process.uid);
	gid_t gid = host_id(l->gid_mappings, l->gid_mappings_count, s->process.gid);
	AUTO(fd_close) int fd = openat(AT_FDCWD, m->source, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "mount on %s: source '%s'", m->destination, m->source);
	/* What it really is, whatever links led there: this very file is what is given away. */
	TRY(str_format(link, sizeof link, "/proc/self/fd/%d", fd));
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0)
		return err_sys(e, "mount on %s: find out what '%s' is", m->destination, m->source);
	path[n] = '\0';
	if (is_of_the_system(path))
		return err_make(e, ERR_USAGE, EPERM,
				"mount on %s: 'U' would give %s, which is the system's, to %u:%u",
				m->destination, path, uid, gid);
	IdRanges uids = ids_of_the_host(l->uid_mappings, l->uid_mappings_count, a);
	IdRanges gids = ids_of_the_host(l->gid_mappings, l->gid_mappings_count, a);
	int r = user_tree_chown(fd, uid, gid, &uids, &gids, a, e);
	return r < 0 ? err_wrap(e, r, "mount on %s: give %s to %u:%u", m->destination, path, uid, gid)
		     : 0;
}

/* The kernel's own words would not say which it is. */
static int layers_check(const SpecMount *m, Err *e)
{
	static const char *const keys[] = { "upperdir=", "workdir=" };
	struct stat st;
	for (size_t i = 0; i < m->options.count; i++)
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			const char *path = str_after(m->options.items[i], keys[k]);
			if (path && stat(path, &st) < 0)
				return err_sys(e, "mount on %s: %s", m->destination,
					       m->options.items[i]);
		}
	return 0;
}

int volumes_prepare(const Spec *s, Arena *a, Err *e)
{
	for (size_t i = 0; i < s->mounts_count; i++) {
		const SpecMount *m = &s->mounts[i];
		if (str_eq(m->type, "overlay"))
			TRY(layers_check(m, e));
		if (m->create_source)
			TRY(source_create(m, e));
		if (m->chown_source)
			TRY(source_chown(s, m, a, e));
	}
	return 0;
}
