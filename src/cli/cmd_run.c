#include "cli/cmd_run.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/env_list.h"
#include "cli/explain_print.h"
#include "cli/label_list.h"
#include "cli/security_option.h"
#include "fmt/spec.h"

static void run_init(void *opts)
{
	run_request_init(&((RunOpts *)opts)->request);
}

/* An empty value means "not given", as in docker; but for --entrypoint, where it has a meaning of its own. */
static void drop_empty(RunRequest *r)
{
	const char **members[] = { &r->name,        &r->hostname,      &r->workdir,
				   &r->user,        &r->network,       &r->pid,
				   &r->ipc,         &r->uts,           &r->cpuset_cpus,
				   &r->cpuset_mems, &r->cgroup_parent, &r->umask,
				   &r->domainname,  &r->cidfile,       &r->pidfile,
				   &r->init_path,   &r->stop_signal,   &r->personality,
				   &r->time_zone,   &r->cgroups,       &r->cgroupns };
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (*members[i] && **members[i] == '\0')
			*members[i] = NULL;
}

static int check_command(const RunRequest *r, const StrList *args, Err *e)
{
	if (!r->rootfs && args->count > 0)
		return err_make(e, ERR_USAGE, 0,
				"running an image ('%s') is not there yet, give --rootfs DIR",
				args->items[0]);
	if (!r->rootfs)
		return err_make(e, ERR_USAGE, 0, "'run' needs --rootfs DIR and a COMMAND");
	if (*r->rootfs == '\0')
		return err_make(e, ERR_USAGE, 0, "--rootfs is empty");
	if (args->count == 0 && !(r->entrypoint && *r->entrypoint))
		return err_make(e, ERR_USAGE, 0, "no COMMAND given");
	return 0;
}

/* How many CPUs we may use (sched_getaffinity(2)), which is what docker counts; 0 when the kernel does not say. */
static unsigned count_cpus(void)
{
	cpu_set_t sets[8]; /* 8192 CPUs, the most that Linux can be built for on x86 */
	return sched_getaffinity(0, sizeof sets, sets) == 0 ? (unsigned)CPU_COUNT_S(sizeof sets, sets)
							    : 0;
}

/* Docker shows it when none of the output is: somebody may want to look for the container. */
static void print_id(const char *id)
{
	char line[128];
	if (str_format(line, sizeof line, "%s\n", id) > 0)
		(void)fd_write_all(STDOUT_FILENO, line, strlen(line), "standard output",
				   NULL); /* the command runs: no reason to end it */
}

static int explain_check(const RunOpts *o, bool *ret_json, Err *e)
{
	if (!o->explain && o->format.format)
		return err_make(e, ERR_USAGE, 0, "--format is for --explain");
	if (o->explain && strcmp(o->explain, "plan") != 0 && strcmp(o->explain, "timed") != 0)
		return err_make(e, ERR_USAGE, 0, "--explain takes 'timed' or nothing, not '%s'",
				o->explain);
	return format_is_json(&o->format, ret_json, e);
}

int run_read(const CliContext *c, RunOpts *o, bool *ret_json, Err *e)
{
	RunRequest *r = &o->request;
	TRY(explain_check(o, ret_json, e));
	drop_empty(r);
	TRY(check_command(r, &c->args, e));
	TRY(security_options_read(&o->security, c->arena, r, e));
	TRY(run_check(r, r->nano_cpus == SPEC_UNSET ? 0 : count_cpus(), e));
	if (o->env_host)
		env_list_add_caller(c->arena, &r->env);
	TRY(env_list_resolve(&o->env_files, &o->env, c->arena, &r->env, e));
	TRY(label_list_resolve(&o->label_files, &o->labels, c->arena, &r->labels, e));
	r->started = print_id;
	r->state_dir = c->global->state_dir;
	r->root_dir = c->global->root_dir;
	r->argv = c->args;
	return 0;
}

static int run_main(const CliContext *c, void *opts, Err *e)
{
	RunOpts *o = opts;
	bool json;
	int code;

	TRY(run_read(c, o, &json, e));
	if (o->explain && strcmp(o->explain, "timed") == 0)
		return explain_run_timed(&o->request, json, c->arena, e);
	if (o->explain)
		return explain_print(&o->request, json, c->arena, e);
	TRY(engine_run(&o->request, &code, e));
	return code;
}

const Cmd cmd_run = {
	.name = "run",
	.aliases = "container run",
	.args = "--rootfs DIR[:O] COMMAND [ARG...]",
	.summary = "Run a command in a new container",
	.group = CMD_CONTAINER,
	.opts = { run_container_opts, run_command_opts, run_files_opts, run_network_opts,
		  run_resources_opts, run_isolation_opts, run_later_opts },
	.opts_size = sizeof(RunOpts),
	.opts_init = run_init,
	.max_args = CMD_ANY,
	.complete = COMPLETE_COMMAND,
	.stop_at_first_arg = true,
	.failure_code = 125,
	.run = run_main,
};
