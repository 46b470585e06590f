#include <string.h>

#include "engine/device_value.h"
#include "engine/spec_fill.h"

#define PIDS_DEFAULT       2048
#define CPU_PERIOD_DEFAULT 100000 /* microseconds, as docker and the kernel */

static void fill_memory(const RunRequest *r, SpecResources *l)
{
	l->memory_limit = r->memory;
	l->memory_swap = r->memory_swap;
	if (r->memory > 0 && r->memory_swap == SPEC_UNSET && r->memory <= INT64_MAX / 2) {
		l->memory_swap = 2 * r->memory; /* docker's default: as much swap as memory */
		l->memory_swap_is_default = true;
	}
	l->memory_reservation = r->memory_reservation;
	if (r->memory_swappiness != -1)
		l->memory_swappiness = r->memory_swappiness;
	l->memory_disable_oom_killer = r->oom_kill_disable;
}

static void fill_cpu(const RunRequest *r, SpecResources *l)
{
	l->cpu_shares = r->cpu_shares;
	l->cpu_period = r->cpu_period;
	l->cpu_quota = r->cpu_quota;
	if (r->nano_cpus > 0) {
		l->cpu_period = CPU_PERIOD_DEFAULT;
		l->cpu_quota = r->nano_cpus * CPU_PERIOD_DEFAULT / 1000000000;
	}
	l->cpu_realtime_period = r->cpu_rt_period;
	l->cpu_realtime_runtime = r->cpu_rt_runtime;
	l->cpuset_cpus = r->cpuset_cpus;
	l->cpuset_mems = r->cpuset_mems;
}

static void fill_pids(const RunRequest *r, SpecResources *l)
{
	l->pids_limit_is_default = r->pids_limit == SPEC_UNSET;
	l->pids_limit = r->pids_limit == SPEC_UNSET ? PIDS_DEFAULT
			: r->pids_limit > 0         ? r->pids_limit
						    : -1;
}

/* ---- block devices ---- */

static int fill_rates(const RunContext *c, const char *option, const StrList *texts, bool is_size,
		      SpecThrottle *t, Err *e)
{
	for (size_t i = 0; i < texts->count; i++) {
		SpecDeviceRate rate;
		TRY(device_value_rate(option, texts->items[i], is_size, c->arena, &rate, e));
		*arena_push(c->arena, &t->items, &t->count, SpecDeviceRate) = rate;
	}
	return 0;
}

static int fill_block_io(const RunContext *c, SpecBlockIo *b, Err *e)
{
	const RunRequest *r = c->request;
	SpecThrottle *t = b->throttle;
	b->weight = r->blkio_weight;
	for (size_t i = 0; i < r->blkio_weight_devices.count; i++) {
		SpecDeviceWeight weight;
		TRY(device_value_weight("--blkio-weight-device", r->blkio_weight_devices.items[i],
					c->arena, &weight, e));
		*arena_push(c->arena, &b->weight_devices, &b->weight_devices_count,
			    SpecDeviceWeight) = weight;
	}
	TRY(fill_rates(c, "--device-read-bps", &r->device_read_bps, true, &t[SPEC_READ_BPS], e));
	TRY(fill_rates(c, "--device-write-bps", &r->device_write_bps, true, &t[SPEC_WRITE_BPS], e));
	TRY(fill_rates(c, "--device-read-iops", &r->device_read_iops, false, &t[SPEC_READ_IOPS], e));
	return fill_rates(c, "--device-write-iops", &r->device_write_iops, false,
			  &t[SPEC_WRITE_IOPS], e);
}

/* ---- groups ---- */

static int fill_cgroup_conf(const RunContext *c, SpecResources *l, Err *e)
{
	for (size_t i = 0; i < c->request->cgroup_conf.count; i++) {
		const char *text = c->request->cgroup_conf.items[i], *equals = strchr(text, '=');
		if (!equals || equals == text || !equals[1])
			return err_make(e, ERR_USAGE, 0,
					"--cgroup-conf %s: not of the form KEY=VALUE, such as memory.high=1073741824",
					text);
		*arena_push(c->arena, &l->unified, &l->unified_count, SpecUnified) = (SpecUnified){
			.key = arena_strndup(c->arena, text, (size_t)(equals - text)),
			.value = equals + 1,
		};
	}
	return 0;
}

/* --cgroups: podman's monitor has no group here in any case, so that no-conmon is the same as enabled. */
static int fill_cgroups(const RunContext *c, SpecLinux *l, Err *e)
{
	const RunRequest *r = c->request;
	const char *how = r->cgroups ? r->cgroups : "enabled";
	l->no_cgroups = strcmp(how, "disabled") == 0;
	if (strcmp(how, "split") == 0)
		return err_make(e, ERR_USAGE, 0, "--cgroups split is not there yet");
	if (!l->no_cgroups && strcmp(how, "enabled") != 0 && strcmp(how, "no-conmon") != 0)
		return err_make(e, ERR_USAGE, 0,
				"--cgroups %s: must be enabled, disabled or no-conmon", how);
	if (l->no_cgroups && (r->cgroupns || r->cgroup_parent))
		return err_make(e, ERR_USAGE, 0, "--cgroups disabled and %s exclude each other",
				r->cgroupns ? "--cgroupns" : "--cgroup-parent");
	if (r->cgroupns && !run_shares(r->cgroupns) && !c->facts->cgroup_ns)
		return err_make(e, ERR_USAGE, 0,
				"--cgroupns %s: this kernel has no cgroup namespaces", r->cgroupns);
	if (!r->cgroup_parent || !*r->cgroup_parent)
		return 0;
	StrList parts = str_split(c->arena, r->cgroup_parent, '/');
	if (strlist_has(&parts, "..") || strlist_has(&parts, "."))
		return err_make(e, ERR_USAGE, 0, "--cgroup-parent '%s': '.' and '..' are not allowed",
				r->cgroup_parent);
	l->cgroups_path = arena_printf(c->arena, "/%s/%s", r->cgroup_parent, c->id);
	return 0;
}

/* Groups of cgroup v1 stay root's: it cannot give them away safely (config-linux.md, "Cgroup ownership"). */
static int check_writable_cgroups(const RunContext *c, Err *e)
{
	if (!c->request->writable_cgroups)
		return 0;
	if (c->request->cgroups && strcmp(c->request->cgroups, "disabled") == 0)
		return err_make(e, ERR_USAGE, 0,
				"--security-opt writable-cgroups and --cgroups disabled exclude each other");
	if (run_is_inner(c) && c->facts->cgroup_mode != CGROUP_V2)
		return err_make(e, ERR_USAGE, 0,
				"--security-opt writable-cgroups: in a user namespace that needs cgroup v2 alone, this host has %s",
				cgroup_mode_name(c->facts->cgroup_mode));
	return 0;
}

int spec_fill_resources(const RunContext *c, Spec *s, Err *e)
{
	SpecResources *l = &s->linux_.resources;
	fill_memory(c->request, l);
	fill_cpu(c->request, l);
	fill_pids(c->request, l);
	TRY(fill_block_io(c, &l->block_io, e));
	TRY(fill_cgroup_conf(c, l, e));
	TRY(check_writable_cgroups(c, e));
	return fill_cgroups(c, &s->linux_, e);
}
