/* runc's `update`: new limits, from options or from JSON, which callers send whole. What is not given, and a zero, changes nothing. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/opt_value.h"
#include "kern/resctrl.h"
#include "oci/container.h"
#include "runtime/rdt.h"
#include "runtime/update.h"

#define RESOURCES_BYTES (1u << 20)

/* 0: not given. Where a zero says something, ZERO is one that was given. */
#define ZERO INT64_MIN

typedef struct UpdateOpts {
	const char *resources, *cpus, *mems, *cache, *bandwidth;
	int64_t weight, period, quota, burst, shares, rt_period, rt_runtime, idle;
	int64_t memory, reservation, swap, pids;
} UpdateOpts;

static int parse_with_zero(const char *text, int64_t *ret, Err *e)
{
	TRY(opt_parse_number(text, ret, e));
	if (*ret == 0)
		*ret = ZERO;
	return 0;
}

/* clang-format off */
static const Opt opts_table[] = {
	OPT_PARSE(0, "blkio-weight", UpdateOpts, weight, int64_t, "WEIGHT", opt_parse_number,
		  "The share of block I/O, 10 to 1000"),
	OPT_PARSE(0, "cpu-burst", UpdateOpts, burst, int64_t, "US", parse_with_zero,
		  "What of the quota may be saved for later, in microseconds"),
	OPT_PARSE(0, "cpu-idle", UpdateOpts, idle, int64_t, "0|1", parse_with_zero,
		  "1: only the CPU time that nobody else wants"),
	OPT_PARSE(0, "cpu-period", UpdateOpts, period, int64_t, "US", opt_parse_number,
		  "The period of the quota, in microseconds"),
	OPT_PARSE(0, "cpu-quota", UpdateOpts, quota, int64_t, "US", opt_parse_number,
		  "CPU time in each period, in microseconds; -1: no limit"),
	OPT_PARSE(0, "cpu-rt-period", UpdateOpts, rt_period, int64_t, "US", opt_parse_number,
		  "The period of the real-time runtime, in microseconds"),
	OPT_PARSE(0, "cpu-rt-runtime", UpdateOpts, rt_runtime, int64_t, "US", opt_parse_number,
		  "Real-time CPU time in each period, in microseconds"),
	OPT_PARSE(0, "cpu-share", UpdateOpts, shares, int64_t, "SHARES", opt_parse_number,
		  "The share of CPU time beside others"),
	OPT_STR(0, "cpuset-cpus", UpdateOpts, cpus, "LIST", "The CPUs to run on, such as 0-3,7"),
	OPT_STR(0, "cpuset-mems", UpdateOpts, mems, "LIST", "The memory nodes to use"),
	OPT_STR(0, "l3-cache-schema", UpdateOpts, cache, "SCHEMA", "Its part of the processor's last cache, a line of resctrl's schemata"),
	OPT_STR(0, "mem-bw-schema", UpdateOpts, bandwidth, "SCHEMA", "Its part of the way to memory, likewise"),
	OPT_PARSE(0, "memory", UpdateOpts, memory, int64_t, "BYTES", opt_parse_swap,
		  "The memory limit, such as 512m; -1: none, of swap neither"),
	OPT_PARSE(0, "memory-reservation", UpdateOpts, reservation, int64_t, "BYTES", opt_parse_swap,
		  "The memory that is left to it when memory is short; -1: none"),
	OPT_PARSE(0, "memory-swap", UpdateOpts, swap, int64_t, "BYTES", opt_parse_swap,
		  "The limit of memory plus swap; -1: none"),
	OPT_PARSE(0, "pids-limit", UpdateOpts, pids, int64_t, "NUMBER", parse_with_zero,
		  "The limit of processes; -1: none"),
	OPT_STR('r', "resources", UpdateOpts, resources, "FILE",
		"Read all from a file, or - for standard input, as JSON: linux.resources of a config.json; other options are ignored then"),
	OPT_END,
};
/* clang-format on */

static int64_t given(int64_t n)
{
	return n == 0 ? SPEC_UNSET : n == ZERO ? 0 : n;
}

static bool is_given(const char *text)
{
	return text && *text;
}

/* runc's words. */
static int schemata_check(const UpdateOpts *o, HostFacts *f, Arena *a, Err *e)
{
	TRY(host_facts_probe("", FACTS_RESCTRL, a, f, e));
	if (is_given(o->cache) && !f->resctrl_l3)
		return err_make(e, ERR_SPEC, 0, "Intel RDT/CAT: l3 cache schema is not enabled");
	if (is_given(o->bandwidth) && !f->resctrl_mb)
		return err_make(e, ERR_SPEC, 0, "Intel RDT/MBA: memory bandwidth schema is not enabled");
	if (is_given(o->bandwidth) && (!str_starts(o->bandwidth, "MB:") || strchr(o->bandwidth, '\n')))
		return err_make(e, ERR_USAGE, 0,
				"--mem-bw-schema must be one line that begins with MB:");
	return 0;
}

/* A container that had no group gets one, and so do, with its first process, those that this makes from now on. */
static int schemata_update(const UpdateOpts *o, OciContainer *c, Arena *a, Err *e)
{
	HostFacts f;
	if (!is_given(o->cache) && !is_given(o->bandwidth))
		return 0;
	TRY(schemata_check(o, &f, a, e));
	PlanRdt rdt = {
		.dir = c->record.rdt ? c->record.rdt : arena_printf(a, "%s/%s", f.resctrl, c->id),
		.schemata = arena_printf(a, "%s%s%s%s", is_given(o->cache) ? o->cache : "",
					 is_given(o->cache) ? "\n" : "",
					 is_given(o->bandwidth) ? o->bandwidth : "",
					 is_given(o->bandwidth) ? "\n" : ""),
	};
	if (c->record.rdt)
		return resctrl_set(rdt.dir, rdt.schemata, e);
	rdt_look(&rdt, &c->record);
	TRY(record_write(c->dir_fd, &c->record, a, e));
	TRY(rdt_make(&rdt, a, e));
	return rdt_join(&rdt, c->pid, false, e);
}

static void resources_of_options(const UpdateOpts *o, SpecResources *r)
{
	spec_resources_init(r);
	r->block_io.weight = given(o->weight);
	r->cpu_period = given(o->period);
	r->cpu_quota = given(o->quota);
	r->cpu_burst = given(o->burst);
	r->cpu_shares = given(o->shares);
	r->cpu_realtime_period = given(o->rt_period);
	r->cpu_realtime_runtime = given(o->rt_runtime);
	r->cpu_idle = given(o->idle);
	r->cpuset_cpus = o->cpus;
	r->cpuset_mems = o->mems;
	r->memory_limit = given(o->memory);
	r->memory_reservation = given(o->reservation);
	r->memory_swap = given(o->swap);
	r->pids_limit = given(o->pids);
}

static int resources_read(const char *path, Arena *a, SpecResources *ret, Err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *name = is_stdin ? "standard input" : path;
	AUTO(fd_close) int file = is_stdin ? FD_NONE : openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (!is_stdin && file < 0)
		return err_sys(e, "open '%s'", path);
	char *text = arena_alloc(a, RESOURCES_BYTES);
	ssize_t len = fd_read_up_to(is_stdin ? STDIN_FILENO : file, text, RESOURCES_BYTES);
	if (len < 0)
		return err_sys(e, "read %s", name);
	if (len == RESOURCES_BYTES)
		return err_make(e, ERR_SPEC, 0, "%s: has more than %u bytes", name, RESOURCES_BYTES);
	int r = spec_resources_decode(text, (size_t)len, a, ret, e);
	return r < 0 ? err_wrap(e, r, "%s", name) : 0;
}

static int update_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const UpdateOpts *o = opts;
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	SpecResources r;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	resources_of_options(o, &r);
	if (o->resources && *o->resources)
		TRY(resources_read(o->resources, a, &r, e));
	if (c.status == OCI_CREATING)
		return err_make(e, ERR_STATE, 0, "container %s is being created", c.id);
	if (c.status == OCI_STOPPED)
		return err_make(e, ERR_STATE, 0, "container not running");
	TRY(runtime_update(&c.record, &r, a, e));
	return schemata_update(o, &c, a, e);
}

const OciCmd oci_update = {
	.name = "update",
	.args = "ID",
	.summary = "Change the limits of a container",
	.opts = { opts_table },
	.opts_size = sizeof(UpdateOpts),
	.min_args = 1,
	.max_args = 1,
	.run = update_main,
};
