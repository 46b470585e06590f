#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "engine/dirs.h"
#include "kern/userns.h"
#include "oci/device_defaults.h"
#include "oci/notify.h"
#include "oci/oci.h"
#include "oci/process.h"
#include "runtime/hooks.h"
#include "runtime/userns_of.h"

#define ID_MAX 1024 /* runc's */

int oci_id_check(const char *id, Err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	size_t len = strlen(id);
	if (len == 0 || len > ID_MAX || id[strspn(id, letters)] || strcmp(id, ".") == 0 ||
	    strcmp(id, "..") == 0)
		return err_make(e, ERR_USAGE, 0, "invalid container ID format: '%s'", id);
	return 0;
}

/* runc's rule: root of a user namespace, whom podman runs us as, is the user still, unless he calls himself root. */
static const char *user_dir(Arena *a)
{
	const char *dir = getenv("XDG_RUNTIME_DIR"), *user = getenv("USER");
	if (!dir || *dir != '/' || geteuid() != 0 || userns_is_first() ||
	    (user && strcmp(user, "root") == 0))
		return NULL;
	return arena_printf(a, "%s/" OCI_PROGRAM, dir);
}

int oci_state_dir(const OciGlobal *g, Arena *a, const char **ret, Err *e)
{
	const char *dir = g->root ? g->root : user_dir(a);
	TRY(dirs_state(dir, a, ret, e));
	if (!dir)
		*ret = arena_printf(a, "%s-runtime", *ret);
	return 0;
}

unsigned oci_facts_wanted(const Spec *s)
{
	bool labels = s->process.apparmor_profile || s->process.selinux_label || s->linux_.mount_label;
	return (labels ? FACTS_LABELS : 0) | (s->linux_.intel_rdt.given ? FACTS_RESCTRL : 0);
}

unsigned oci_listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint32_t who, n;
	if (!pid || !count || num_parse_u32(pid, INT32_MAX, &who) < 0 || (pid_t)who != getpid() ||
	    num_parse_u32(count, 1024, &n) < 0)
		return 0;
	return n;
}

/* As who is started by systemd finds it; the command is the first process of its namespace, or does not look. */
static void listen_fds_pass_on(SpecProcess *p, Arena *a)
{
	unsigned n = oci_listen_fds();
	if (n == 0)
		return;
	strlist_add(a, &p->env, arena_printf(a, "LISTEN_FDS=%u", n));
	strlist_add(a, &p->env, "LISTEN_PID=1");
}

int oci_keep_list(unsigned count, Arena *a, const int **ret, Err *e)
{
	int *fds = NULL;
	size_t n = 0;
	for (unsigned i = 0; i < count; i++) {
		if (fcntl(3 + (int)i, F_GETFD) < 0)
			return err_make(e, ERR_USAGE, 0,
					"--preserve-fds %u: descriptor %u is not open", count, 3 + i);
		*arena_push(a, &fds, &n, int) = 3 + (int)i;
	}
	*ret = fds;
	return 0;
}

/* Of the root as it is; what is mounted over its /etc comes later. */
static int process_finish(OciPlan *p, Arena *a, Err *e)
{
	AUTO(fd_close)
	int root = openat(AT_FDCWD, p->bundle.spec.root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "root.path: '%s'", p->bundle.spec.root.path);
	listen_fds_pass_on(&p->bundle.spec.process, a);
	oci_process_finish(&p->bundle.spec.process, root, a);
	return 0;
}

void oci_plan_close(OciPlan *p)
{
	systemd_close(&p->systemd);
}

bool oci_has_user_systemd(const OciGlobal *g, const HostFacts *f)
{
	if (str_eq(g->rootless, "true") || str_eq(g->rootless, "false"))
		return g->rootless[0] == 't';
	return f->euid != 0 || !host_facts_has_root(f);
}

static int manager_find(const OciGlobal *g, OciPlan *p, Arena *a, Err *e)
{
	if (!g->by_systemd)
		return 0;
	TRY(systemd_open(oci_has_user_systemd(g, &p->facts), a, &p->systemd, e));
	return systemd_facts(&p->systemd, a, &p->facts, e);
}

int oci_plan(const OciGlobal *g, const OciBundle *from, const char *id, unsigned keep_fds, Arena *a,
	     OciPlan *ret, Err *e)
{
	AUTO(oci_plan_close) OciPlan p = OCI_PLAN_NONE;
	const int *kept;
	TRY(oci_keep_list(keep_fds, a, &kept, e));
	TRY(bundle_read(from->dir ? from->dir : ".", from->config, a, &p.bundle, e));
	p.id = id ? id : strrchr(p.bundle.dir, '/') + 1;
	TRY(oci_id_check(p.id, e));
	TRY(oci_state_dir(g, a, &p.state_dir, e));
	const char *userns = p.bundle.spec.linux_.namespace_paths[__builtin_ctz(SPEC_NS_USER)];
	if (userns)
		TRY(userns_of(userns, &p.bundle.spec.linux_, a, e));
	TRY(host_facts_probe("", oci_facts_wanted(&p.bundle.spec), a, &p.facts, e));
	TRY(manager_find(g, &p, a, e));
	TRY(process_finish(&p, a, e));
	oci_device_defaults(&p.bundle.spec.linux_, a);
	p.bundle.spec.linux_.no_cgroups = g->no_cgroups;
	oci_notify_plan(&p.bundle.spec, arena_printf(a, "%s/containers/%s", p.state_dir, p.id), a);
	p.hook_state = runtime_hooks_state(p.id, p.bundle.dir, &p.bundle.spec, a);
	const PlanInput in = {
		.container_id = p.id,
		.scratch_dir = arena_printf(a, "%s/containers/%s", p.state_dir, p.id),
		.hook_state = p.hook_state,
		.keep_fds = kept,
		.keep_fds_count = keep_fds,
	};
	int r = runtime_plan(&p.bundle.spec, &p.facts, &in, a, &p.plan, e);
	if (r < 0) { /* again, with what only an explanation needs */
		host_facts_add_controllers("", a, &p.facts);
		r = runtime_plan(&p.bundle.spec, &p.facts, &in, a, &p.plan, e);
	}
	if (r < 0)
		return err_wrap(e, r, "%s", p.bundle.file);
	for (size_t i = 0; i < p.plan.warnings.count; i++)
		log_warn("%s", p.plan.warnings.items[i]);
	if (p.plan.wire.filter_count > 0) /* runc's words, and its number: there TSYNC is not counted */
		log_debug("seccomp filter flags: %u",
			  p.plan.wire.head.seccomp_flags & ~(unsigned)SECCOMP_FILTER_FLAG_TSYNC);
	*ret = TAKE(p, OCI_PLAN_NONE);
	return 0;
}
