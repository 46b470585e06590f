/* run.c - theory of operation
 *
 * Everything is decided before anything is made: facts, root, user, description and plan come first, and each mistake in the request
 * is found there. Then the container's directory is made and locked, the record written that names all that will be made, and only
 * then the rest. --userns auto alone opens the state directory before: its ids are part of the plan, and nobody else may choose
 * until they are on record. Whatever happens after that, undo takes it back; a killed engine leaves record and lock, from which the next one
 * cleans (runtime/sweep.h).
 */
#include "engine/run.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/undo.h"
#include "engine/container_options.h"
#include "engine/dirs.h"
#include "engine/explain.h"
#include "engine/floor.h"
#include "engine/forks_report.h"
#include "engine/id_files.h"
#include "engine/memory_report.h"
#include "engine/network_files.h"
#include "engine/overlay_dir.h"
#include "engine/request_check.h"
#include "engine/root_option.h"
#include "engine/seccomp_option.h"
#include "engine/selinux_label.h"
#include "engine/spec_fill.h"
#include "engine/userns_find.h"
#include "engine/volume_prepare.h"
#include "engine/why.h"
#include "kern/kmsg.h"
#include "kern/wait_loop.h"
#include "runtime/parent.h"
#include "runtime/plan.h"
#include "runtime/record.h"
#include "runtime/shared_parents.h"
#include "runtime/state.h"
#include "runtime/sweep.h"
#include "runtime/user_tree.h"

#define ID_BYTES    32
#define ARENA_BYTES ((size_t)4 << 20) /* of address space; only what is touched becomes memory */
#define ID_SHOWN    12                /* digits of an id that people see */

/* One run, from request to exit code. */
typedef struct Run {
	const RunRequest *request;
	Arena *arena;
	ContainerOptions options;
	HostFacts facts;
	State state;
	ContainerDir dir;
	const char *state_dir, *root_dir;
	bool only_looks; /* to explain it: nothing is made, not even a directory */
	RunContext context;
	Spec spec;
	Plan plan;
	NetworkTexts network;
	Container container;
	PidFile pid_file;
	bool started;                   /* the command has run */
	const char *interrupted, *ours; /* in words: what ended the start; what we did to end the command */
	CgroupMemory memory;
	RunExplain *explain;  /* NULL: nobody wants to be told */
	TimelineShared times; /* of a start that is timed */
	uint64_t began;       /* by the clock of the kernel's log */
	WaitEnd end;
	int exit_code;
} Run;

static void run_close(Run *r)
{
	container_close(&r->container);
	pid_file_close(&r->pid_file);
	container_dir_close(&r->dir);
	state_close(&r->state);
	timeline_close(&r->times);
	fd_close_auto(&r->context.root_fd);
}

static void run_close_auto(Run *r)
{
	run_close(r);
}

void run_request_init(RunRequest *r)
{
	*r = (RunRequest){ 0 };
	r->memory = r->memory_swap = r->memory_reservation = r->shm_size = SPEC_UNSET;
	r->cpu_shares = r->cpu_period = r->cpu_quota = r->nano_cpus = r->pids_limit = SPEC_UNSET;
	r->memory_swappiness = r->cpu_rt_period = r->cpu_rt_runtime = r->blkio_weight = SPEC_UNSET;
	r->stop_timeout = r->oom_score_adj = SPEC_UNSET;
	r->sig_proxy = true;
}

static int id_make(Arena *a, const char **ret, Err *e)
{
	unsigned char bytes[ID_BYTES];
	char *id = arena_alloc(a, 2 * sizeof bytes + 1);
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return err_sys(e, "get random bytes for the container's id");
	for (size_t i = 0; i < sizeof bytes; i++) {
		id[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		id[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	*ret = id;
	return 0;
}

/* --hostname; without it the id's beginning, and with the host's network or uts namespace the host's. */
static int hostname_choose(Run *r, Err *e)
{
	const RunRequest *q = r->request;
	if (q->hostname) {
		r->context.hostname = q->hostname;
	} else if (run_shares(q->uts) || run_shares(q->network)) {
		char name[LIMIT_HOST_NAME + 1] = "";
		if (gethostname(name, sizeof name - 1) < 0)
			return err_sys(e, "get the host's name");
		r->context.hostname = arena_strdup(r->arena, name);
	} else
		r->context.hostname = arena_strndup(r->arena, r->context.id, ID_SHOWN);
	return 0;
}

static int run_make_network_texts(Run *r, Err *e)
{
	const RunRequest *q = r->request;
	const NetworkFiles files = {
		.hostname = r->context.hostname,
		.domainname = q->domainname,
		.host_network = run_shares(q->network),
		.no_hosts = q->no_hosts,
		.add_hosts = q->add_hosts,
		.resolver = { .servers = q->dns, .search = q->dns_search, .options = q->dns_options },
	};
	return network_files_make(&files, r->arena, &r->network, e);
}

/* What is asked of the host besides the usual, FACTS_*. */
static unsigned facts_wanted(const Run *r)
{
	const RunRequest *q = r->request;
	bool labels = q->apparmor || q->selinux.count > 0 || q->label_nested;
	SpecRootKind root = r->context.root_kind;
	bool mounts = root == ROOT_HOST || (root == ROOT_OVERLAY && geteuid() != 0);
	return (mounts ? FACTS_MOUNTS : 0) |
	       (seccomp_option_is_file(q->seccomp) ? FACTS_KERNEL : 0) | (labels ? FACTS_LABELS : 0);
}

static int run_look_at_root(Run *r, Err *e)
{
	RunContext *c = &r->context;
	RootOption root;
	TRY(root_option_open(r->request->rootfs, r->arena, &root, e));
	c->root_kind = root.kind;
	c->root_path = root.path;
	c->root_idmap = root.idmap;
	c->root_fd = root.fd;
	return 0;
}

static int run_look_at_user(Run *r, Err *e)
{
	const char *user = r->request->user;
	if (!user)
		user = userns_default_user(&r->context.userns, &r->facts, r->arena);
	TRY(user_lookup(r->context.root_fd, user, r->arena, &r->context.user, e));
	return userns_find(&r->context.userns, r->state_dir, r->only_looks, &r->state, &r->context, e);
}

/* Facts, directories, root, user, host name: all that the description is made from. Nothing is made. */
static int run_look(Run *r, Err *e)
{
	RunContext *c = &r->context;
	TRY(container_options_read(r->request, r->arena, &r->options, e)); /* before anything is opened */
	TRY(request_check(r->request, e));
	TRY(userns_read(r->request, r->arena, &r->context.userns, e));
	TRY(dirs_state(r->request->state_dir, r->arena, &r->state_dir, e));
	TRY(dirs_root(r->request->root_dir, r->arena, &r->root_dir, e));
	TRY(id_make(r->arena, &c->id, e));
	TRY(run_look_at_root(r, e));
	TRY(host_facts_probe("", facts_wanted(r), r->arena, &r->facts, e));
	TRY(hostname_choose(r, e));
	TRY(run_make_network_texts(r, e));
	TRY(run_look_at_user(r, e));
	c->container_dir = arena_printf(r->arena, "%s/containers/%s", r->state_dir, c->id);
	if (c->root_kind == ROOT_OVERLAY)
		c->overlay_dir = overlay_dir_choose(r->root_dir, c->id, c->root_path, r->arena);
	return 0;
}

/* What is going to be done, for --debug. */
static void run_debug_plan(const Run *r)
{
	if (!log_is_debug())
		return;
	StrList lines = str_split(r->arena, plan_dump(&r->plan, &r->facts, r->arena), '\n');
	for (size_t i = 0; i + 1 < lines.count; i++)
		log_debug("plan: %s", lines.items[i]);
}

static int run_plan(Run *r, Err *e)
{
	const RunRequest *q = r->request;
	PlanInput in = {
		.container_id = r->context.id,
		.scratch_dir = r->context.container_dir,
		.stdin_null = !q->interactive && !q->tty,
		.stdout_null = !r->options.stdout_attached && !q->tty,
		.stderr_null = !r->options.stderr_attached && !q->tty,
		.reaper = q->init && !q->init_path,
		.keep_fds = r->options.keep_fds,
		.keep_fds_count = r->options.keep_fds_count,
	};
	strlist_add(r->arena, &in.masked_host_dirs, r->state_dir);
	strlist_add(r->arena, &in.masked_host_dirs, r->root_dir);
	TRY(spec_fill(&r->context, &r->spec, e));
	int planned = runtime_plan(&r->spec, &r->facts, &in, r->arena, &r->plan, e);
	if (planned < 0) { /* again, with what only an explanation needs */
		host_facts_add_controllers("", r->arena, &r->facts);
		planned = runtime_plan(&r->spec, &r->facts, &in, r->arena, &r->plan, e);
	}
	TRY(planned);
	for (size_t i = 0; i < r->plan.warnings.count; i++)
		log_warn("%s", r->plan.warnings.items[i]);
	run_debug_plan(r);
	return 0;
}

static int run_write_record(Run *r, Err *e)
{
	char *boot = arena_alloc(r->arena, BOOT_ID_SIZE);
	TRY(boot_id(boot, e));
	TRY(shared_parents_find(&r->state, &r->plan, r->arena, &r->plan.parents, e));
	Record record = {
		.id = r->context.id,
		.name = r->request->name,
		.created = (uint64_t)time(NULL),
		.boot_id = boot,
		.parents = r->plan.parents,
		.overlay_dir = r->context.overlay_dir,
		.labels = r->options.labels,
		.labels_count = r->options.labels_count,
		.annotations = r->spec.annotations,
		.annotations_count = r->spec.annotations_count,
		.stop_signal = signal_name(r->options.stop_signal),
		.stop_timeout = r->options.stop_timeout,
		.uids = id_maps_own_ids(&r->context.ids.uids, r->arena),
		.gids = id_maps_own_ids(&r->context.ids.gids, r->arena),
	};
	for (size_t i = 0; i < r->plan.groups_count; i++)
		strlist_add(r->arena, &record.groups, r->plan.groups[i].dir);
	int n = record_write(r->dir.fd, &record, r->arena, e);
	return n < 0 ? err_wrap(e, n, "%s", r->dir.path) : 0;
}

/* What has not been taken back stays on record, and the sweep of the next command tries again. */
static void undo_dir(void *arg)
{
	Run *r = arg;
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	if (!r->dir.is_kept && state_remove(&r->state, &r->dir, &e) < 0)
		log_warn("remove the record of container %.*s: %s", ID_SHOWN, r->context.id,
			 err_text(&e, text, sizeof text));
}

static void undo_name(void *arg)
{
	Run *r = arg;
	int n = state_name_give(&r->state, r->request->name, r->context.id);
	if (n == 0)
		return;
	r->dir.is_kept = true;
	log_warn("give the name '%s' back: %s", r->request->name, strerror(-n));
}

static void undo_overlay(void *arg)
{
	Run *r = arg;
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	IdRanges uids = id_maps_own_ids(&r->context.ids.uids, r->arena);
	IdRanges gids = id_maps_own_ids(&r->context.ids.gids, r->arena);
	if (user_tree_remove(r->context.overlay_dir, &uids, &gids, r->arena, &e) == 0)
		return;
	r->dir.is_kept = true;
	log_warn("remove the throw-away layer %s: %s", r->context.overlay_dir,
		 err_text(&e, text, sizeof text));
}

/* After the end both files stay, as docker's and podman's do; of a container that never ran there is nothing to say. */
static void undo_cid_file(void *arg)
{
	const Run *r = arg;
	if (!r->started)
		(void)unlink(r->request->cidfile); /* gone already is as good */
}

static void undo_pid_file(void *arg)
{
	const Run *r = arg;
	if (!r->started && r->pid_file.is_new)
		(void)unlink(r->pid_file.path); /* gone already is as good */
}

static int run_make_id_files(Run *r, Undo *undo, Err *e)
{
	if (r->request->cidfile) {
		TRY(cid_file_make(r->request->cidfile, r->context.id, e));
		undo_push(undo, undo_cid_file, r);
	}
	if (r->request->pidfile) {
		TRY(pid_file_open(r->request->pidfile, &r->pid_file, e));
		undo_push(undo, undo_pid_file, r);
	}
	return 0;
}

/* Takes the name; one that a dead engine left is freed first. */
static int run_take_name(Run *r, Undo *undo, Err *e)
{
	const char *holder = "", *name = r->request->name;
	if (!name)
		return 0;
	for (int attempt = 0;; attempt++) {
		int got = state_name_take(&r->state, name, r->context.id, r->arena, &holder);
		if (got == 0)
			break;
		errno = -got;
		if (got != -EEXIST)
			return err_sys(e, "take the name '%s' in %s/names", name, r->state_dir);
		if (attempt == 3 || (*holder && sweep_one(&r->state, holder, r->arena) == -EBUSY))
			return err_make(e, ERR_EXISTS, 0, "name '%s' is in use by container %.*s",
					name, ID_SHOWN, holder);
		got = *holder ? state_name_give(&r->state, name, holder)
			      : 0; /* its record is gone already */
		if (got < 0)
			return err_make(e, ERR_SYS, -got, "free the name '%s'", name);
	}
	undo_push(undo, undo_name, r);
	return 0;
}

/* Who id 0 of the container is on the host, for files that are to be its own; the caller's own where it has none, or may give nothing
 * away. */
static uint32_t host_id_of_root(const Run *r, const IdMaps *maps, uint32_t own)
{
	for (size_t i = 0; i < maps->count && r->facts.privileged; i++)
		if (maps->items[i].container_id == 0)
			return maps->items[i].host_id;
	return own;
}

/* From here on things are made. */
static int run_make_dirs(Run *r, Undo *undo, Err *e)
{
	const RunContext *c = &r->context;
	if (!state_is_open(&r->state))
		TRY(state_open(r->state_dir, r->arena, &r->state, e));
	TRY(state_add(&r->state, c->id, r->arena, &r->dir, e));
	undo_push(undo, undo_dir, r);
	TRY(run_write_record(r, e));
	if (userns_is_auto(&r->context.userns))
		state_ids_unlock(&r->state);
	TRY(run_take_name(r, undo, e));
	TRY(run_make_id_files(r, undo, e));
	if (c->overlay_dir) {
		undo_push(undo, undo_overlay, r);
		TRY(overlay_dir_make(c->overlay_dir, c->root_fd, e));
	}
	TRY(volumes_prepare(&r->spec, r->arena, e));
	int n = network_files_write(r->dir.fd, &r->network,
				    host_id_of_root(r, &c->ids.uids, r->facts.euid),
				    host_id_of_root(r, &c->ids.gids, r->facts.egid), e);
	if (n == 0 && r->spec.linux_.mount_label)
		n = selinux_files_label(r->dir.fd, r->spec.linux_.mount_label, e);
	return n < 0 ? err_wrap(e, n, "%s", r->dir.path) : 0;
}

/* A start that a signal ended has the code of that signal, and no reason but it. One that failed may have done so for what earlier engines
 * have left, such as a full disk. */
static int run_start(Run *r, WaitSignals *signals, Undo *undo, Err *e)
{
	int started = run_make_dirs(r, undo, e);
	(void)timeline_mark(r->times.page, STAGE_RECORD, started);
	const RuntimeStart start = {
		.plan = &r->plan,
		.facts = &r->facts,
		.dir = &r->dir,
		.signals = signals,
		.timeline = &r->times,
		.start_fd = FD_NONE,
		.arena = r->arena,
	};
	if (started == 0)
		started = runtime_start(&start, &r->container, e);
	r->started = started == 0;
	if (r->container.hangs)
		undo_commit(undo);
	if (!r->started && r->state.containers_fd >= 0)
		sweep_all(&r->state, r->context.id, log_debug, r->arena);
	if (r->started || !signals->ended_by)
		return started;
	r->exit_code = 128 + signals->ended_by;
	r->interrupted = arena_printf(r->arena, "interrupted by %s before the command was started",
				      signal_name(signals->ended_by));
	log_note("%s", r->interrupted);
	return 0;
}

/* Podman's code for what its time limit has ended. */
#define EXIT_TIMED_OUT 255

static int run_wait(Run *r, const WaitSignals *signals, Err *e)
{
	const RunRequest *q = r->request;
	WaitOpts opts = {
		.pidfd = r->container.pidfd,
		.signals_fd = signals->fd,
		.forward_stdin = q->interactive,
		.drop_output = !r->options.stdout_attached && !r->options.stderr_attached,
		.timeout = q->timeout,
		.own_signals = !q->sig_proxy,
		.stop_signal = r->options.stop_signal,
		.stop_timeout = r->options.stop_timeout,
	};
	opts.take_master_fd = TAKE_FD(r->container.terminal_fd);
	TRY(process_wait_loop(&opts, &r->end, e));
	const WaitEnd *end = &r->end;
	r->exit_code = end->stopped_by  ? 128 + end->stopped_by
		       : end->timed_out ? EXIT_TIMED_OUT
					: process_end_code(&end->process);
	if (end->stopped_by) {
		r->ours = arena_printf(r->arena,
				       "mydocker stopped it, because %s came and is not passed on (--sig-proxy=false)",
				       signal_name(end->stopped_by));
	} else if (end->timed_out) {
		r->ours = arena_printf(r->arena,
				       "mydocker killed it after the %lld seconds of --timeout",
				       (long long)q->timeout);
		log_note("the command was killed after the %lld seconds of --timeout",
			 (long long)q->timeout);
	}
	return 0;
}

/* While the command runs: what others want to know of it, and what earlier engines have left. The descriptors that it was given are its own
 * now: who reads the other end of a pipe waits for the end of all. */
static int run_announce(Run *r, Err *e)
{
	const ContainerOptions *o = &r->options;
	for (size_t i = 0; i < o->keep_fds_count; i++)
		(void)close(o->keep_fds[i]); /* may stand there twice */
	if (r->pid_file.path)
		TRY(pid_file_write(&r->pid_file, r->container.pid, e));
	if (r->request->started && !o->stdout_attached && !o->stderr_attached)
		r->request->started(r->context.id);
	sweep_all(&r->state, r->context.id, log_warn, r->arena);
	return 0;
}

static int run_until_end(Run *r, const WaitSignals *signals, Err *e)
{
	int failed = run_announce(r, e);
	if (failed == 0)
		failed = run_wait(r, signals, e);
	forks_report_print(&r->plan, r->context.id);
	int finished = runtime_finish(&r->plan, &r->facts, &r->container, &r->memory, r->arena,
				      failed < 0 ? NULL : e);
	r->dir.is_kept = finished < 0;
	TRY(finished);
	TRY(failed);
	memory_report_print(&r->memory, r->context.id);
	return 0;
}

/* The texts go into the arena of who asked. */
static void run_explain(const Run *r)
{
	RunExplain *x = r->explain;
	x->container_id = arena_strdup(x->story.arena, r->context.id);
	runtime_explain(&r->plan, &r->facts, &x->story);
	engine_explain_story(&r->context, &r->spec, &x->story);
}

/* Docker's codes for what does not begin. */
static int refused_code(const Err *e)
{
	return e->kind == ERR_CMD_MISSING ? 127 : e->kind == ERR_CMD_INVOKE ? 126 : 125;
}

/* What `why` will tell about a run that failed; `failed` is NULL when the command began. */
static void run_remember(const Run *r, const Err *failed)
{
	char text[sizeof(((Err *)NULL)->msg) + 64];
	if (!r->state_dir || !r->context.id)
		return; /* it was a mistake in the words: there was no container to speak of */
	Ended x = {
		.id = r->context.id,
		.name = r->request->name,
		.command = r->spec.process.args.count > 0 ? r->spec.process.args.items[0] : NULL,
		.when = (uint64_t)time(NULL),
		.pid = r->container.pid,
		.own_pids = r->plan.own_pids,
		.exit_code = failed ? refused_code(failed) : r->exit_code,
		.signal = r->end.process.by_signal ? r->end.process.number : 0,
		.memory = r->memory,
		.passed = r->end.passed,
		.error = failed ? err_text(failed, text, sizeof text) : r->interrupted,
		.ours = r->ours,
	};
	why_remember(r->state_dir, &x, r->began, r->arena);
}

static int run_story(Run *r, Err *e)
{
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(undo_run)
	Undo undo = UNDO_EMPTY; /* before that: a second ^C does not stop it half-way */

	if (r->explain)
		TRY(timeline_make(&r->times, e));
	TRY(run_look(r, e));
	TRY(timeline_mark(r->times.page, STAGE_LOOK, run_plan(r, e)));
	TRY(wait_signals_block(r->request->tty, &signals,
			       e)); /* a signal that comes now ends the start, or waits for the container */
	umask(022); /* what the container is to read of ours is readable, whatever the caller's is */
	TRY(run_start(r, &signals, &undo, e));
	return r->started ? run_until_end(r, &signals, e) : 0;
}

static Run run_make(const RunRequest *request, Arena *a)
{
	Run r = {
		.request = request,
		.arena = a,
		.state = STATE_NONE,
		.dir = CONTAINER_DIR_NONE,
		.container = CONTAINER_NONE,
		.pid_file = PID_FILE_NONE,
		.memory = { .limit = CGROUP_NO_LIMIT, .total_limit = CGROUP_NO_LIMIT },
		.times = TIMELINE_NONE,
		.began = kmsg_now(),
	};
	r.context = (RunContext){ .request = request, .arena = a, .root_fd = FD_NONE };
	return r;
}

static int run_all(Run *r, int *ret_exit_code, Err *e)
{
	arena_reserve(r->arena, ARENA_BYTES);
	r->context.facts = &r->facts;
	int result = run_story(r, e);
	if (result < 0 || r->exit_code != 0)
		run_remember(r, result < 0 ? e : NULL);
	TRY(result);
	*ret_exit_code = r->exit_code;
	return 0;
}

int engine_run(const RunRequest *request, int *ret_exit_code, Err *e)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	AUTO(run_close) Run r = run_make(request, &arena);
	return run_all(&r, ret_exit_code, e);
}

int engine_explain(const RunRequest *request, Arena *a, RunExplain *ret, Err *e)
{
	AUTO(run_close) Run r = run_make(request, a);
	*ret = (RunExplain){ .story = { .arena = a } };
	r.explain = ret;
	r.only_looks = true;
	r.context.facts = &r.facts;
	TRY(run_look(&r, e));
	TRY(run_plan(&r, e));
	run_explain(&r);
	return 0;
}

int engine_run_timed(const RunRequest *request, Arena *a, RunExplain *ret, int *ret_exit_code, Err *e)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	AUTO(run_close) Run r = run_make(request, &arena);
	*ret = (RunExplain){ .story = { .arena = a }, .began = timeline_now() };
	r.explain = ret;
	TRY(run_all(&r, ret_exit_code, e));
	if (!r.started)
		return 0;
	run_explain(&r);
	ret->times = *r.times.page;
	Err own = { 0 }; /* the container has ended well or badly, whatever becomes of the measure beside it */
	if (floor_measure(r.plan.clone_flags, &ret->floor, &own) < 0)
		log_warn("%s", own.msg);
	return 0;
}

int engine_sweep(const char *state_dir, Err *e)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	AUTO(state_close) State state = STATE_NONE;
	const char *path;
	TRY(dirs_state(state_dir, &arena, &path, e));
	if (access(path, F_OK) < 0)
		return 0;
	TRY(state_open(path, &arena, &state, e));
	sweep_all(&state, NULL, log_warn, &arena);
	return 0;
}
