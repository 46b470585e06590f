/* runc's `exec`: another process in a container that runs. It is described by a file, or by options over what the container's own is. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/log.h"
#include "base/num.h"
#include "engine/id_files.h"
#include "kern/path.h"
#include "kern/wait_loop.h"
#include "oci/console.h"
#include "oci/container.h"
#include "oci/exec_groups.h"
#include "oci/log.h"
#include "oci/make.h"
#include "oci/process.h"

#define FAIL_CODE    255 /* runc's, for what is not the command's */
#define STREAM_BYTES (1u << 20)

typedef struct ExecOpts {
	OciConsole console;
	const char *process, *cwd, *user, *pid_file, *process_label, *apparmor;
	StrList env, additional_gids, caps, cgroups;
	bool terminal, detach, no_new_privileges, ignore_paused;
	int64_t preserve_fds;
} ExecOpts;

static const Opt opts_table[] = {
	OPT_LIST('g', "additional-gids", ExecOpts, additional_gids, "GID",
		 "A further group of the process"),
	OPT_STR(0, "apparmor", ExecOpts, apparmor, "PROFILE", "The AppArmor profile of the process"),
	OPT_LIST('c', "cap", ExecOpts, caps, "CAPABILITY", "A further capability of the process"),
	OPT_LIST(0, "cgroup", ExecOpts, cgroups, "[CONTROLLERS:]PATH",
		 "Start the process in this group below the container's"),
	OCI_CONSOLE_OPTS(ExecOpts, console),
	OPT_STR(0, "cwd", ExecOpts, cwd, "DIR", "The working directory in the container"),
	OPT_FLAG('d', "detach", ExecOpts, detach, "Do not wait for the process's end"),
	OPT_LIST('e', "env", ExecOpts, env, "NAME=VALUE", "A further environment variable"),
	OPT_FLAG(0, "ignore-paused", ExecOpts, ignore_paused,
		 "Also in a paused container, where the process begins once that goes on"),
	OPT_FLAG(0, "no-new-privs", ExecOpts, no_new_privileges,
		 "The process gains no privileges by what it executes"),
	OPT_STR(0, "pid-file", ExecOpts, pid_file, "FILE", "Write the number of the process there"),
	OPT_PARSE(0, "preserve-fds", ExecOpts, preserve_fds, int64_t, "N", oci_fd_count_parse,
		  "Pass on so many descriptors from 3 on"),
	OPT_STR('p', "process", ExecOpts, process, "FILE",
		"The description of the process, as \"process\" in config.json"),
	OPT_STR(0, "process-label", ExecOpts, process_label, "LABEL", "The SELinux label of the process"),
	OPT_FLAG('t', "tty", ExecOpts, terminal, "With a terminal of its own"),
	OPT_STR('u', "user", ExecOpts, user, "UID[:GID]", "The user of the process"),
	OPT_END,
};

/* ---- the process ---- */

static int user_read(const char *text, SpecProcess *p, Arena *a, Err *e)
{
	StrList parts = str_split(a, text, ':');
	if (parts.count > 2 || num_parse_u32(parts.items[0], UINT32_MAX - 1, &p->uid) < 0 ||
	    (parts.count == 2 && num_parse_u32(parts.items[1], UINT32_MAX - 1, &p->gid) < 0))
		return err_make(e, ERR_USAGE, 0, "--user '%s': not of the form UID[:GID]", text);
	return 0;
}

static int groups_read(const StrList *l, SpecProcess *p, Arena *a, Err *e)
{
	size_t had = p->additional_gids_count;
	uint32_t *gids = arena_new_array(a, had + l->count, uint32_t);
	if (had > 0)
		memcpy(gids, p->additional_gids, had * sizeof *gids);
	for (size_t i = 0; i < l->count; i++)
		if (num_parse_u32(l->items[i], UINT32_MAX - 1, &gids[had + i]) < 0)
			return err_make(e, ERR_USAGE, 0,
					"--additional-gids '%s': not the number of a group",
					l->items[i]);
	p->additional_gids = gids;
	p->additional_gids_count = had + l->count;
	return 0;
}

/* Not the inheritable set, and so not the ambient one, and a name that is none is passed over: as runc. */
static void caps_read(const StrList *l, SpecProcess *p)
{
	for (size_t i = 0; i < l->count; i++) {
		int cap = cap_from_name(l->items[i]);
		if (cap < 0) {
			log_warn("--cap '%s': unknown capability ignored", l->items[i]);
			continue;
		}
		uint64_t bit = UINT64_C(1) << cap;
		p->capabilities.bounding |= bit;
		p->capabilities.effective |= bit;
		p->capabilities.permitted |= bit;
		p->has_capabilities = true;
	}
}

/* The container's own process with other words. */
static int process_by_options(const ExecOpts *o, const StrList *args, SpecProcess *p, Arena *a, Err *e)
{
	p->args = (StrList){ .items = args->items + 1, .count = args->count - 1 };
	if (p->args.count == 0)
		return err_make(e, ERR_USAGE, 0, "process args cannot be empty");
	p->terminal = o->terminal;
	p->console_height = p->console_width = 0;
	if (o->cwd)
		p->cwd = o->cwd;
	for (size_t i = 0; i < o->env.count; i++)
		strlist_add(a, &p->env, o->env.items[i]);
	if (o->user)
		TRY(user_read(o->user, p, a, e));
	TRY(groups_read(&o->additional_gids, p, a, e));
	caps_read(&o->caps, p);
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	if (o->process_label)
		p->selinux_label = o->process_label;
	p->no_new_privileges = p->no_new_privileges || o->no_new_privileges;
	return 0;
}

static void scheduling_default(SpecProcess *p, const SpecProcess *container)
{
	const SpecCpuAffinity *cpus = &p->exec_cpu_affinity;
	if (!p->scheduler.given)
		p->scheduler = container->scheduler;
	if (!p->io_priority.io_class)
		p->io_priority = container->io_priority;
	if (cpus->initial_count == 0 && cpus->final_count == 0 && container->exec_cpu_affinity.given)
		p->exec_cpu_affinity = container->exec_cpu_affinity;
}

/* Also what a shell makes of <(...). */
static int stream_read(const char *path, Arena *a, const char **ret_text, size_t *ret_len, Err *e)
{
	char *text = arena_alloc(a, STREAM_BYTES);
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : fd_read_up_to(fd, text, STREAM_BYTES);
	if (len < 0)
		return err_sys(e, "read '%s'", path);
	if (len == STREAM_BYTES)
		return err_make(e, ERR_SPEC, 0, "%s: has more than %u bytes", path, STREAM_BYTES);
	*ret_text = text;
	*ret_len = (size_t)len;
	return 0;
}

/* What it does not say is as in the container's own: runc's rule. */
static int process_by_file(const char *path, SpecProcess *container, Arena *a, Err *e)
{
	const char *text;
	size_t len;
	SpecProcess p;
	TRY(stream_read(path, a, &text, &len, e));
	int r = spec_decode_process(text, len, a, &p, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	if (!p.has_capabilities) {
		p.capabilities = container->capabilities;
		p.has_capabilities = container->has_capabilities;
	}
	if (p.rlimits_count == 0) {
		p.rlimits = container->rlimits;
		p.rlimits_count = container->rlimits_count;
	}
	p.apparmor_profile = p.apparmor_profile ? p.apparmor_profile : container->apparmor_profile;
	p.selinux_label = p.selinux_label ? p.selinux_label : container->selinux_label;
	if (!p.has_oom_score_adj && container->has_oom_score_adj) {
		p.oom_score_adj = container->oom_score_adj;
		p.has_oom_score_adj = true;
	}
	scheduling_default(&p, container);
	if (!p.has_umask) {
		p.umask = container->umask;
		p.has_umask = container->has_umask;
	}
	*container = p;
	return 0;
}

/* ---- the container ---- */

typedef struct Exec {
	const ExecOpts *o;
	OciContainer c;
	Spec spec;
	HostFacts facts;
	Plan plan;
	PidFile pid_file;
	Container process;
	Arena *arena;
} Exec;

static void exec_close_auto(Exec *x)
{
	container_close(&x->process);
	pid_file_close(&x->pid_file);
	oci_container_close(&x->c);
}

static int check_status(const Exec *x, Err *e)
{
	switch (x->c.status) {
	case OCI_STOPPED: return err_make(e, ERR_STATE, 0, "cannot exec in a stopped container");
	case OCI_CREATING:
		return err_make(e, ERR_STATE, 0, "cannot exec in a container that is being created");
	case OCI_PAUSED:
		if (!x->o->ignore_paused)
			return err_make(e, ERR_STATE, 0,
					"cannot exec in a paused container (use --ignore-paused to override)");
		return 0;
	default: return 0;
	}
}

static int process_make(Exec *x, const StrList *args, Err *e)
{
	SpecProcess *p = &x->spec.process;
	const char *path = arena_printf(x->arena, "/proc/%d/root", (int)x->c.pid);
	AUTO(fd_close) int root = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (x->o->process && args->count > 1)
		return err_make(e, ERR_USAGE, 0, "--process and a command's words exclude each other");
	TRY(x->o->process ? process_by_file(x->o->process, p, x->arena, e)
			  : process_by_options(x->o, args, p, x->arena, e));
	if (!p->cwd || *p->cwd != '/')
		return err_make(e, ERR_SPEC, 0, "Cwd must be an absolute path");
	p->terminal = p->terminal || x->o->terminal;
	oci_process_finish(p, root, x->arena);
	return 0;
}

static int exec_plan(Exec *x, const OciGlobal *g, const StrList *args, Err *e)
{
	const int *kept;
	TRY(oci_keep_list((unsigned)x->o->preserve_fds, x->arena, &kept, e));
	TRY(oci_container_open(g, args->items[0], x->arena, &x->c, e));
	TRY(check_status(x, e));
	TRY(oci_container_spec(&x->c, x->arena, &x->spec, e));
	TRY(oci_container_maps(&x->c, &x->spec, x->arena, e));
	TRY(process_make(x, args, e));
	TRY(oci_console_check(&x->o->console, x->spec.process.terminal, x->o->detach, e));
	TRY(host_facts_probe("", oci_facts_wanted(&x->spec), x->arena, &x->facts, e));
	x->facts.setgroups_denied = oci_container_denies_setgroups(&x->c, x->arena);
	const PlanInput in = {
		.container_id = x->c.id,
		.keep_fds = kept,
		.keep_fds_count = (size_t)x->o->preserve_fds,
	};
	TRY(runtime_plan_exec(&x->spec, &x->facts, &in, x->arena, &x->plan, e));
	for (size_t i = 0; i < x->plan.warnings.count; i++)
		log_warn("%s", x->plan.warnings.items[i]);
	return 0;
}

static int exec_start(Exec *x, WaitSignals *signals, Err *e)
{
	AUTO(timeline_close) TimelineShared timeline = TIMELINE_NONE;
	StrList groups;
	TRY(oci_exec_groups(&x->c, &x->facts, &x->o->cgroups, x->arena, &groups, e));
	const RuntimeJoin join = { .pidfd = x->c.pidfd, .groups = &groups };
	const RuntimeStart in = {
		.plan = &x->plan,
		.facts = &x->facts,
		.join = &join,
		.state = runtime_hooks_state(x->c.id, x->c.bundle, &x->spec, x->arena),
		.signals = signals,
		.timeline = &timeline,
		.start_fd = FD_NONE,
		.arena = x->arena,
	};
	if (x->o->pid_file)
		TRY(pid_file_open(x->o->pid_file, &x->pid_file, e));
	TRY(oci_debug_begin(&timeline, e));
	int r = runtime_start(&in, &x->process, e);
	oci_debug_end(&timeline, true, r < 0);
	return r;
}

/* What fails once it runs leaves it running for nobody: it is killed. */
static int exec_hand_over(Exec *x, Err *e)
{
	int r = x->o->pid_file ? pid_file_write(&x->pid_file, x->process.pid, e) : 0;
	if (r >= 0)
		r = oci_console_send(&x->o->console, &x->process, e);
	if (r < 0)
		(void)process_signal(x->process.pidfd, SIGKILL); /* ended already is as good */
	return r;
}

static int exec_await(Exec *x, const WaitSignals *signals, Err *e)
{
	WaitEnd end;
	WaitOpts opts = {
		.pidfd = x->process.pidfd,
		.signals_fd = signals->fd,
		.forward_stdin = x->spec.process.terminal,
	};
	for (int fd = 3; fd < 3 + (int)x->o->preserve_fds; fd++)
		(void)close(fd); /* they are the command's now */
	opts.take_master_fd = TAKE_FD(x->process.terminal_fd);
	TRY(process_wait_loop(&opts, &end, e));
	return process_end_code(&end.process);
}

static int exec(Exec *x, const OciGlobal *g, const StrList *args, Err *e)
{
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	TRY(exec_plan(x, g, args, e));
	TRY(wait_signals_block(x->spec.process.terminal && !x->o->detach, &signals, e));
	TRY(exec_start(x, &signals, e));
	TRY(exec_hand_over(x, e));
	return x->o->detach ? 0 : exec_await(x, &signals, e);
}

static int exec_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(exec_close)
	Exec x = { .o = opts,
		   .c = OCI_CONTAINER_NONE,
		   .pid_file = PID_FILE_NONE,
		   .process = CONTAINER_NONE,
		   .arena = a };
	int r = exec(&x, g, args, e);
	return r < 0 ? err_wrap(e, r, "exec failed") : r;
}

const OciCmd oci_exec = {
	.name = "exec",
	.args = "ID COMMAND [ARG...]",
	.summary = "Run another process in a container",
	.opts = { opts_table },
	.opts_size = sizeof(ExecOpts),
	.min_args = 1,
	.max_args = SIZE_MAX,
	.stop_at_first_arg = true,
	.fail_code = FAIL_CODE,
	.run = exec_main,
};
