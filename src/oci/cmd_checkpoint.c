/* runc's `checkpoint`: criu writes the container's processes into images; then it is gone, unless it is to run on. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "criu/mounts.h"
#include "criu/streams.h"
#include "kern/process.h"
#include "oci/criu.h"
#include "oci/remove.h"

#define END_MS 10000 /* that processes have to end which criu has killed */

typedef struct CheckpointOpts {
	OciCriuOpts criu;
	const char *parent_path, *status_fd, *page_server;
	bool leave_running, pre_dump;
} CheckpointOpts;

static const Opt opts_table[] = {
	OPT_FLAG(0, "leave-running", CheckpointOpts, leave_running, "Let the container run on"),
	OPT_STR(0, "page-server", CheckpointOpts, page_server, "ADDRESS:PORT",
		"Send memory to criu's page server there; with --lazy-pages, be one there"),
	OPT_STR(0, "parent-path", CheckpointOpts, parent_path, "DIR",
		"The images of an earlier --pre-dump, relative to the directory of these"),
	OPT_FLAG(0, "pre-dump", CheckpointOpts, pre_dump,
		 "Save memory alone and let the container run on, so that the checkpoint itself is short"),
	OPT_STR(0, "status-fd", CheckpointOpts, status_fd, "FD",
		"Write a zero byte to this descriptor when --lazy-pages waits for who takes memory"),
	OPT_END,
};

typedef struct Checkpoint {
	OciContainer c;
	OciCriu criu;
	Spec spec;
	int status_fd; /* the caller's; FD_NONE: none, or told */
} Checkpoint;

static void checkpoint_close_auto(Checkpoint *p)
{
	oci_container_close(&p->c);
	oci_criu_close(&p->criu);
}

/* Before anything of ours is opened, which might have that number. */
static int status_fd_check(const CheckpointOpts *o, int *ret, Err *e)
{
	uint32_t fd;
	if (!o->status_fd)
		return 0;
	if (strcmp(o->status_fd, "-1") == 0)
		return 0; /* runc's default */
	if (num_parse_u32(o->status_fd, INT32_MAX, &fd) < 0)
		return err_make(e, ERR_USAGE, 0, "invalid --status-fd argument '%s'", o->status_fd);
	int flags = fcntl((int)fd, F_GETFL);
	if (flags < 0)
		return err_sys(e, "invalid --status-fd argument %u", fd);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return err_make(e, ERR_USAGE, 0, "invalid --status-fd argument %u: not writable", fd);
	*ret = (int)fd;
	return 0;
}

static int page_server_parse(const char *text, Arena *a, CriuOptions *ret, Err *e)
{
	uint32_t port;
	if (!text || !*text)
		return 0;
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || !colon[1])
		return err_make(e, ERR_USAGE, 0,
				"Use --page-server ADDRESS:PORT to specify page server"); /* runc's words */
	if (num_parse_u32(colon + 1, 65535, &port) < 0 || port == 0)
		return err_make(e, ERR_USAGE, 0, "--page-server: Invalid port number '%s'", colon + 1);
	size_t len = (size_t)(colon - text);
	if (*text == '[' && colon[-1] == ']') /* an address of IPv6 */
		ret->page_address = arena_strndup(a, text + 1, len - 2);
	else
		ret->page_address = arena_strndup(a, text, len);
	ret->page_port = port;
	return 0;
}

static int parent_check(const char *parent, int images_fd, const char **ret, Err *e)
{
	struct stat st;
	if (!parent || !*parent)
		return 0;
	if (*parent == '/')
		return err_make(e, ERR_USAGE, 0, "--parent-path must be relative"); /* runc's words */
	if (fstatat(images_fd, parent, &st, 0) < 0)
		return err_sys(e, "invalid --parent-path: '%s'", parent);
	if (!S_ISDIR(st.st_mode))
		return err_make(e, ERR_USAGE, ENOTDIR, "invalid --parent-path: '%s'", parent);
	*ret = parent;
	return 0;
}

/* Namespaces that others have made and will make again. */
static int externals_add(Checkpoint *p, Arena *a, Err *e)
{
	static const struct {
		unsigned bit;
		const char *name;
	} kinds[] = { { SPEC_NS_NETWORK, "net" }, { SPEC_NS_PID, "pid" } };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct stat st;
		if (!p->spec.linux_.namespace_paths[__builtin_ctz(kinds[i].bit)])
			continue;
		const char *link = arena_printf(a, "/proc/%d/ns/%s", (int)p->c.pid, kinds[i].name);
		if (stat(link, &st) < 0)
			return err_sys(e, "look at %s", link);
		strlist_add(a, &p->criu.options.external,
			    arena_printf(a, "%s[%llu]:%s", kinds[i].name, (unsigned long long)st.st_ino,
					 oci_criu_namespace_key(kinds[i].bit)));
	}
	return 0;
}

static int options_fill(Checkpoint *p, const CheckpointOpts *o, Arena *a, Err *e)
{
	CriuOptions *c = &p->criu.options;
	TRY(page_server_parse(o->page_server, a, c, e));
	TRY(parent_check(o->parent_path, p->criu.images_fd, &c->parent_images, e));
	c->pid = (int)p->c.pid;
	c->root = p->spec.root.path;
	c->freeze_group = oci_container_freezer(&p->c);
	c->leave_running = o->leave_running;
	c->track_memory = c->parent_images || o->pre_dump;
	TRY(externals_add(p, a, e));
	if (o->pre_dump)
		return 0; /* memory alone */
	TRY(criu_mounts_of((int)p->c.pid, &p->spec, a, &c->mounts, e));
	return criu_streams_save((int)p->c.pid, p->criu.images_fd, a, &c->external, e);
}

static int told(void *arg, const CriuResponse *r, int fd, Err *e)
{
	Checkpoint *p = arg;
	(void)fd;
	log_debug("criu: %s", r->script);
	if (strcmp(r->script, "status-ready") != 0 || p->status_fd < 0)
		return 0;
	int n = fd_write_all(p->status_fd, "", 1, "--status-fd", e);
	fd_close(TAKE_FD(p->status_fd)); /* who reads it waits for its end, too */
	return n;
}

/* criu has killed it. Who runs it in the foreground removes it, too. */
static int remove_dumped(Checkpoint *p, Arena *a, Err *e)
{
	if (!process_has_ended(p->c.pidfd, END_MS))
		return err_make(e, ERR_STATE, 0,
				"process %d of container %s is in its images but has not ended",
				(int)p->c.pid, p->c.id);
	int r = oci_container_remove(&p->c, a, e);
	return r == -EBUSY ? 0 : r;
}

static int checkpoint(Checkpoint *p, const OciGlobal *g, const CheckpointOpts *o, Arena *a, Err *e)
{
	CriuSession s = CRIU_SESSION_NONE;
	CriuResponse r;
	s.program = oci_criu_program(g);
	s.log = p->criu.log;
	s.notify = told;
	s.arg = p;
	TRY(oci_criu_check_memory(g, p->criu.options.track_memory, o->criu.lazy_pages, a, e));
	TRY(criu_session(&s, o->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP, &p->criu.options, a, &r, e));
	return o->leave_running || o->pre_dump ? 0 : remove_dumped(p, a, e);
}

static int checkpoint_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const CheckpointOpts *o = opts;
	AUTO(checkpoint_close)
	Checkpoint p = { .c = OCI_CONTAINER_NONE, .criu = OCI_CRIU_NONE, .status_fd = FD_NONE };
	TRY(status_fd_check(o, &p.status_fd, e));
	TRY(oci_criu_check_user("checkpoint", e));
	TRY(oci_container_open(g, args->items[0], a, &p.c, e));
	if (p.c.status != OCI_RUNNING && p.c.status != OCI_PAUSED)
		return err_make(e, ERR_STATE, 0, "Container cannot be checkpointed in %s state",
				oci_status_name(p.c.status)); /* runc's words */
	TRY(oci_container_spec(&p.c, a, &p.spec, e));
	p.spec.root.path = p.c.rootfs; /* which is absolute */
	TRY(oci_criu_open(&o->criu, false, &p.spec, a, &p.criu, e));
	TRY(options_fill(&p, o, a, e));
	return checkpoint(&p, g, o, a, e);
}

const OciCmd oci_checkpoint = {
	.name = "checkpoint",
	.args = "ID",
	.summary = "Write a running container into images, from which it can be restored",
	.opts = { oci_criu_opts, opts_table },
	.opts_size = sizeof(CheckpointOpts),
	.min_args = 1,
	.max_args = 1,
	.run = checkpoint_main,
};
