#include "oci/criu.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

const Opt oci_criu_opts[] = {
	OPT_FLAG(0, "auto-dedup", OciCriuOpts, auto_dedup, "Drop memory from images that newer ones have"),
	OPT_LIST(0, "empty-ns", OciCriuOpts, empty_ns, "NAMESPACE",
		 "Save and restore nothing of what is in it: network, of which that is so anyway"),
	OPT_FLAG(0, "ext-unix-sk", OciCriuOpts, ext_unix_sk,
		 "Allow Unix sockets whose other end is outside of the container"),
	OPT_FLAG(0, "file-locks", OciCriuOpts, file_locks, "Save and restore locks on files"),
	OPT_STR(0, "image-path", OciCriuOpts, image_path, "DIR",
		"The directory of the images (default: checkpoint in the working directory)"),
	OPT_FLAG(0, "lazy-pages", OciCriuOpts, lazy_pages,
		 "Leave memory where it is until it is used, userfaultfd(2)"),
	OPT_STR(0, "manage-cgroups-mode", OciCriuOpts, cgroups_mode, "MODE",
		"What to restore of control groups: soft (default), full, strict or ignore"),
	OPT_FLAG(0, "shell-job", OciCriuOpts, shell_job,
		 "Allow a session or terminal that is the caller's"),
	OPT_FLAG(0, "tcp-established", OciCriuOpts, tcp_established, "Allow established TCP connections"),
	OPT_FLAG(0, "tcp-skip-in-flight", OciCriuOpts, tcp_skip_in_flight,
		 "Pass over TCP connections that are not established yet"),
	OPT_STR(0, "work-path", OciCriuOpts, work_path, "DIR",
		"The directory of criu's log and other files (default: that of the images)"),
	OPT_END,
};

void oci_criu_close(OciCriu *c)
{
	fd_close_auto(&c->images_fd);
	fd_close_auto(&c->work_fd);
}

int oci_criu_check_user(const char *what, Err *e)
{
	if (geteuid() != 0)
		return err_make(e, ERR_STATE, EPERM,
				"%s needs root: criu looks into processes and makes them with given numbers",
				what);
	return 0;
}

const char *oci_criu_program(const OciGlobal *g)
{
	return g->criu && *g->criu ? g->criu : "criu";
}

const char *oci_criu_namespace_key(unsigned bit)
{
	switch (bit) {
	case SPEC_NS_NETWORK: return "extRootNetNS";
	case SPEC_NS_PID: return "extRootPidNS";
	default: return NULL;
	}
}

/* ---- directories ---- */

/* Tells whether the last of them was missing. */
static int dir_make(const char *path, bool *ret_made, Arena *a, Err *e)
{
	char *copy = arena_strdup(a, path);
	for (char *slash = copy; slash; slash = strchr(slash + 1, '/')) {
		char *end = strchr(slash + 1, '/');
		if (end)
			*end = '\0';
		*ret_made = mkdir(copy, 0700) == 0;
		if (!*ret_made && errno != EEXIST)
			return err_sys(e, "make the directory '%s'", copy);
		if (end)
			*end = '/';
	}
	return 0;
}

static int dir_open(const char *what, const char *path, bool make, Arena *a, int *ret_fd,
		    const char **ret_path, bool *ret_made, Err *e)
{
	char real[PATH_MAX];
	*ret_made = false;
	if (make)
		TRY(dir_make(path, ret_made, a, e));
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !realpath(path, real))
		return err_sys(e, "%s '%s'", what, path);
	*ret_path = arena_strdup(a, real);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Who is restored into a user namespace looks for images as its root, whose group this host knows: nobody else comes in. */
static int images_share(int fd, const SpecLinux *l, Err *e)
{
	for (size_t i = 0; i < l->gid_mappings_count; i++)
		if (l->gid_mappings[i].container_id == 0 &&
		    (fchown(fd, (uid_t)-1, l->gid_mappings[i].host_id) < 0 || fchmod(fd, 0710) < 0))
			return err_sys(e, "give the container's root a way into the images");
	return 0;
}

/* ---- options ---- */

static int cgroups_parse(const char *mode, CriuCgroups *ret, Err *e)
{
	static const struct {
		const char *name;
		CriuCgroups mode;
	} modes[] = { { "soft", CRIU_CGROUPS_SOFT },
		      { "full", CRIU_CGROUPS_FULL },
		      { "strict", CRIU_CGROUPS_STRICT },
		      { "ignore", CRIU_CGROUPS_IGNORE } };
	*ret = CRIU_CGROUPS_SOFT;
	for (size_t i = 0; mode && *mode && i < ARRAY_LEN(modes); i++) {
		*ret = modes[i].mode;
		if (strcmp(mode, modes[i].name) == 0)
			return 0;
	}
	if (mode && *mode)
		return err_make(e, ERR_USAGE, 0, "Invalid manage cgroups mode: '%s'", mode); /* runc's words */
	return 0;
}

static int empty_ns_check(const StrList *l, Err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i], "network") != 0)
			return err_make(e, ERR_USAGE, 0, "namespace \"%s\" is not supported",
					l->items[i]);
	return 0;
}

/* An empty annotation: no file but criu's own. */
static const char *config_file(const Spec *s)
{
	const char *file = spec_annotation(s, "org.criu.config");
	if (file)
		return *file ? file : NULL;
	return "/etc/criu/runc.conf"; /* where administrators have it; one that is not there is as good as an empty one */
}

int oci_criu_open(const OciCriuOpts *o, bool restores, const Spec *s, Arena *a, OciCriu *ret, Err *e)
{
	AUTO(oci_criu_close) OciCriu c = OCI_CRIU_NONE;
	bool made;
	const char *images = o->image_path && *o->image_path ? o->image_path : "checkpoint";
	c.options = (CriuOptions){
		.log_file = restores ? "restore.log" : "dump.log",
		.config_file = config_file(s),
		.tcp_established = o->tcp_established,
		.tcp_skip_in_flight = o->tcp_skip_in_flight,
		.ext_unix_sk = o->ext_unix_sk,
		.shell_job = o->shell_job,
		.file_locks = o->file_locks,
		.auto_dedup = o->auto_dedup,
		.lazy_pages = o->lazy_pages,
		.restores = restores,
		.empty_ns = CLONE_NEWNET, /* devices of a network are not ours: who has made them makes them again */
	};
	TRY(cgroups_parse(o->cgroups_mode, &c.options.cgroups, e));
	TRY(empty_ns_check(&o->empty_ns, e));
	TRY(dir_open("--image-path", images, !restores, a, &c.images_fd, &c.images, &made, e));
	if (made)
		TRY(images_share(c.images_fd, &s->linux_, e));
	c.work = c.images;
	if (o->work_path && *o->work_path)
		TRY(dir_open("--work-path", o->work_path, true, a, &c.work_fd, &c.work, &made, e));
	c.log = arena_printf(a, "%s/%s", c.work, c.options.log_file);
	c.options.images_fd = c.images_fd;
	c.options.work_fd = c.work_fd;
	*ret = TAKE(c, OCI_CRIU_NONE);
	return 0;
}

int oci_criu_reopen(OciCriu *c, Err *e)
{
	AUTO(fd_close) int images = openat(AT_FDCWD, c->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(fd_close) int work = openat(AT_FDCWD, c->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (images < 0 || work < 0)
		return err_sys(e, "open the images '%s' and '%s' again", c->images, c->work);
	oci_criu_close(c);
	c->options.images_fd = c->images_fd = TAKE_FD(images);
	c->options.work_fd = c->work_fd = TAKE_FD(work);
	return 0;
}

/* ---- what it can do ---- */

int oci_criu_check_version(const OciGlobal *g, unsigned version, const char *option, Arena *a, Err *e)
{
	CriuSession s = CRIU_SESSION_NONE;
	CriuResponse r;
	s.program = oci_criu_program(g);
	TRY(criu_session(&s, CRIU_VERSION, NULL, a, &r, e));
	if (r.version < version)
		return err_make(e, ERR_STATE, 0, "%s needs criu %u.%u or newer", option,
				version / 10000, version / 100 % 100);
	return 0;
}

int oci_criu_check_memory(const OciGlobal *g, bool tracks, bool lazy, Arena *a, Err *e)
{
	CriuSession s = CRIU_SESSION_NONE;
	CriuResponse r;
	if (!tracks && !lazy)
		return 0;
	s.program = oci_criu_program(g);
	TRY(criu_session(&s, CRIU_FEATURES, NULL, a, &r, e));
	if (tracks && !r.tracks_memory)
		return err_make(e, ERR_STATE, 0,
				"criu cannot tell here which memory has changed (CONFIG_MEM_SOFT_DIRTY), which --pre-dump and --parent-path need");
	if (lazy && !r.has_lazy_pages)
		return err_make(e, ERR_STATE, 0,
				"criu cannot hand out memory later here (userfaultfd), which --lazy-pages needs");
	return 0;
}
