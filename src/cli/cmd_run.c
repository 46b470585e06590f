#include "cli/cmd_run.h"

#include <sched.h>
#include <string.h>

#include "cli/env_list.h"
#include "fmt/size.h"
#include "fmt/spec.h"

static int parse_size(const char *text, int64_t *ret, Err *e)
{
	uint64_t bytes;
	int r = size_parse_bytes(text, &bytes); /* at most INT64_MAX */
	if (r == -ERANGE)
		return err_make(e, ERR_USAGE, 0, "too large");
	if (r < 0)
		return err_make(e, ERR_USAGE, 0, "not a size such as 512m or 1.5g");
	*ret = (int64_t)bytes;
	return 0;
}

static int parse_swap(const char *text, int64_t *ret, Err *e)
{
	if (strcmp(text, "-1") != 0)
		return parse_size(text, ret, e);
	*ret = -1;
	return 0;
}

static int parse_cpus(const char *text, int64_t *ret, Err *e)
{
	uint64_t nano;
	if (size_parse_cpus(text, &nano) < 0 || nano > INT64_MAX)
		return err_make(e, ERR_USAGE, 0, "not a number of CPUs such as 0.5 or 2");
	*ret = (int64_t)nano;
	return 0;
}

static const Opt run_opts[] = {
	OPT_LIST(0, "add-host", RunOpts, request.add_hosts, "NAME:ADDRESS", "Add a line to /etc/hosts"),
	OPT_LIST(0, "cap-add", RunOpts, request.cap_add, "CAP",
		 "Give a capability to the command (ALL: all of them)"),
	OPT_LIST(0, "cap-drop", RunOpts, request.cap_drop, "CAP",
		 "Take a capability from the command (ALL: all of them)"),
	OPT_STR(0, "cgroup-parent", RunOpts, request.cgroup_parent, "GROUP",
		"Make the container's group below this one (default /mydocker)"),
	OPT_PARSE(0, "cpu-period", RunOpts, request.cpu_period, int64_t, "USEC", opt_parse_number,
		  "Period of --cpu-quota in microseconds (default 100000)"),
	OPT_PARSE(0, "cpu-quota", RunOpts, request.cpu_quota, int64_t, "USEC", opt_parse_number,
		  "CPU time in each period, in microseconds (-1: no limit)"),
	OPT_PARSE('c', "cpu-shares", RunOpts, request.cpu_shares, int64_t, "N", opt_parse_number,
		  "Weight against other containers when CPUs are busy (default 1024)"),
	OPT_PARSE(0, "cpus", RunOpts, request.nano_cpus, int64_t, "N", parse_cpus,
		  "How many CPUs' time it may use, such as 1.5"),
	OPT_STR(0, "cpuset-cpus", RunOpts, request.cpuset_cpus, "LIST", "CPUs it may run on (0-3 or 0,1)"),
	OPT_STR(0, "cpuset-mems", RunOpts, request.cpuset_mems, "LIST",
		"Memory nodes it may use (0-3 or 0,1)"),
	OPT_LIST(0, "dns", RunOpts, request.dns, "ADDRESS", "Name server, in place of the host's"),
	OPT_LIST(0, "dns-opt", RunOpts, request.dns_options, "OPTION", "The same as --dns-option"),
	OPT_LIST(0, "dns-option", RunOpts, request.dns_options, "OPTION",
		 "Option for the resolver, such as ndots:2"),
	OPT_LIST(0, "dns-search", RunOpts, request.dns_search, "DOMAIN",
		 "Domain in which names are looked up (.: none)"),
	OPT_STR(0, "entrypoint", RunOpts, request.entrypoint, "COMMAND",
		"Program to run, with COMMAND and ARGs as its arguments"),
	OPT_LIST('e', "env", RunOpts, env, "NAME[=VALUE]",
		 "Set an environment variable; NAME alone takes the caller's value"),
	OPT_LIST(0, "env-file", RunOpts, env_files, "FILE",
		 "Read environment variables from a file, one NAME=VALUE a line"),
	OPT_FLAG(0, "env-host", RunOpts, env_host, "Pass all of the caller's environment variables"),
	OPT_LIST(0, "gidmap", RunOpts, request.gidmaps, "C:H:N",
		 "Map N group ids from C inside to H outside, in a new user namespace"),
	OPT_LIST(0, "group-add", RunOpts, request.group_add, "GROUP",
		 "Add a supplementary group, by name or id"),
	OPT_STR('h', "hostname", RunOpts, request.hostname, "NAME",
		"Host name inside (default: the short id)"),
	OPT_FLAG('i', "interactive", RunOpts, request.interactive, "Connect standard input"),
	OPT_STR(0, "ipc", RunOpts, request.ipc, "MODE", "IPC namespace: private or host"),
	OPT_PARSE('m', "memory", RunOpts, request.memory, int64_t, "SIZE", parse_size,
		  "Memory limit, such as 512m"),
	OPT_PARSE(0, "memory-reservation", RunOpts, request.memory_reservation, int64_t, "SIZE",
		  parse_size, "Memory it keeps when the host runs short"),
	OPT_PARSE(0, "memory-swap", RunOpts, request.memory_swap, int64_t, "SIZE", parse_swap,
		  "Limit of memory and swap together (-1: no limit; default: twice --memory)"),
	OPT_STR(0, "name", RunOpts, request.name, "NAME", "Name of the container"),
	OPT_STR(0, "net", RunOpts, request.network, "MODE", "The same as --network"),
	OPT_STR(0, "network", RunOpts, request.network, "MODE", "Network: none (the default) or host"),
	OPT_FLAG(0, "no-hosts", RunOpts, request.no_hosts, "Leave /etc/hosts as it is in the root"),
	OPT_STR(0, "pid", RunOpts, request.pid, "MODE", "PID namespace: private or host"),
	OPT_PARSE(0, "pids-limit", RunOpts, request.pids_limit, int64_t, "N", opt_parse_number,
		  "Most processes and threads at once (default 2048, -1: no limit)"),
	OPT_FLAG(0, "privileged", RunOpts, request.privileged,
		 "All capabilities and devices, no filter, no masked paths: no protection from what runs in it"),
	OPT_FLAG(0, "read-only", RunOpts, request.read_only, "Mount the root file system read-only"),
	OPT_FLAG(0, "rm", RunOpts, request.rm, "Remove the container when it has ended"),
	OPT_STR(0, "rootfs", RunOpts, request.rootfs, "DIR[:O]",
		"Use a directory as root; with :O (and always for /) nothing written reaches it"),
	OPT_LIST(0, "security-opt", RunOpts, security, "OPTION",
		 "no-new-privileges or seccomp=unconfined"),
	OPT_PARSE(0, "shm-size", RunOpts, request.shm_size, int64_t, "SIZE", parse_size,
		  "Size of /dev/shm (default 64m)"),
	OPT_LIST(0, "sysctl", RunOpts, request.sysctls, "KEY=VALUE",
		 "Set a kernel parameter of the container's namespaces"),
	OPT_LIST(0, "tmpfs", RunOpts, request.tmpfs, "PATH[:OPTIONS]",
		 "Mount an empty file system in memory"),
	OPT_FLAG('t', "tty", RunOpts, request.tty, "Give the command a terminal"),
	OPT_LIST(0, "uidmap", RunOpts, request.uidmaps, "C:H:N",
		 "Map N user ids from C inside to H outside, in a new user namespace"),
	OPT_LIST(0, "ulimit", RunOpts, request.ulimits, "NAME=SOFT[:HARD]",
		 "Set a resource limit, such as nofile=1024:2048"),
	OPT_STR(0, "umask", RunOpts, request.umask, "MASK", "File creation mask, octal (default 0022)"),
	OPT_LIST(0, "unsetenv", RunOpts, request.unsetenv, "NAME",
		 "Leave out a variable that is there by default"),
	OPT_FLAG(0, "unsetenv-all", RunOpts, request.unsetenv_all,
		 "Leave out all variables that are there by default"),
	OPT_STR('u', "user", RunOpts, request.user, "USER[:GROUP]",
		"User and group to run as, by name or id"),
	OPT_STR(0, "uts", RunOpts, request.uts, "MODE", "UTS namespace (host name): private or host"),
	OPT_LIST('v', "volume", RunOpts, request.volumes, "SRC:DST[:OPTIONS]",
		 "Mount a file or directory of the host (options: ro, rw)"),
	OPT_STR('w', "workdir", RunOpts, request.workdir, "DIR", "Working directory inside"),
	OPT_END,
};

static void run_init(void *opts)
{
	run_request_init(&((RunOpts *)opts)->request);
}

/* An empty value means "not given", as in docker; but for --entrypoint, where it has a meaning of its own. */
static void drop_empty(RunRequest *r)
{
	const char **members[] = { &r->name,        &r->hostname,    &r->workdir,       &r->user,
				   &r->network,     &r->pid,         &r->ipc,           &r->uts,
				   &r->cpuset_cpus, &r->cpuset_mems, &r->cgroup_parent, &r->umask };
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

static int run_main(const CliContext *c, void *opts, Err *e)
{
	RunOpts *o = opts;
	RunRequest *r = &o->request;
	int code;

	drop_empty(r);
	TRY(check_command(r, &c->args, e));
	TRY(run_read_security(&o->security, r, e));
	TRY(run_check(r, r->nano_cpus == SPEC_UNSET ? 0 : count_cpus(), e));
	if (o->env_host)
		env_list_add_caller(c->arena, &r->env);
	TRY(env_list_resolve(&o->env_files, &o->env, c->arena, &r->env, e));
	r->state_dir = c->global->state_dir;
	r->root_dir = c->global->root_dir;
	r->argv = c->args;
	TRY(engine_run(r, &code, e));
	return code;
}

const Cmd cmd_run = {
	.name = "run",
	.aliases = "container run",
	.args = "--rootfs DIR[:O] COMMAND [ARG...]",
	.summary = "Run a command in a new container",
	.group = CMD_CONTAINER,
	.opts = { run_opts, run_later_opts },
	.opts_size = sizeof(RunOpts),
	.opts_init = run_init,
	.max_args = CMD_ANY,
	.complete = COMPLETE_COMMAND,
	.stop_at_first_arg = true,
	.failure_code = 125,
	.run = run_main,
};
