#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cmd_run.h"
#include "fmt/spec.h"

/* docker's smallest limit: below it a command can hardly be started. */
#define MEMORY_MIN (6 << 20)

static int usage(Err *e, const char *text)
{
	return err_make(e, ERR_USAGE, 0, "%s", text);
}

/* Zero means "not given" for all limits, as in docker. */
static void unset_zeroes(RunRequest *r)
{
	int64_t *members[] = { &r->memory,         &r->memory_swap, &r->memory_reservation,
			       &r->shm_size,       &r->cpu_shares,  &r->cpu_period,
			       &r->cpu_quota,      &r->nano_cpus,   &r->cpu_rt_period,
			       &r->cpu_rt_runtime, &r->blkio_weight };
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (*members[i] == 0)
			*members[i] = SPEC_UNSET;
	if (r->pids_limit == 0)
		r->pids_limit = -1; /* here zero is given, and means none */
}

static int check_memory(const RunRequest *r, Err *e)
{
	bool limited = r->memory != SPEC_UNSET, reserved = r->memory_reservation != SPEC_UNSET;
	if (limited && r->memory < MEMORY_MIN)
		return usage(e, "--memory is too small, the least is 6m");
	if (reserved && r->memory_reservation < MEMORY_MIN)
		return usage(e, "--memory-reservation is too small, the least is 6m");
	if (limited && reserved && r->memory < r->memory_reservation)
		return usage(e, "--memory-reservation is larger than --memory");
	if (!limited && r->memory_swap != SPEC_UNSET && r->memory_swap != -1)
		return usage(e, "--memory-swap is the limit of memory and swap together and needs --memory, too");
	if (limited && r->memory_swap != SPEC_UNSET && r->memory_swap != -1 && r->memory_swap < r->memory)
		return usage(e, "--memory-swap is the limit of memory and swap together and is smaller than --memory");
	return 0;
}

/* -1 is docker's word for "the host's". */
static int check_swappiness(RunRequest *r, Err *e)
{
	if (r->memory_swappiness == SPEC_UNSET)
		return 0;
	if (r->memory_swappiness < -1 || r->memory_swappiness > 100)
		return usage(e, "--memory-swappiness is not between 0 and 100 (-1: the host's)");
	return 0;
}

static int check_cpu(const RunRequest *r, unsigned cpus, Err *e)
{
	bool period = r->cpu_period != SPEC_UNSET, quota = r->cpu_quota != SPEC_UNSET,
	     nano = r->nano_cpus != SPEC_UNSET;
	if (nano && (period || quota))
		return err_make(e, ERR_USAGE, 0, "--cpus and --cpu-%s exclude each other",
				period ? "period" : "quota");
	if (nano && cpus > 0 && r->nano_cpus > (int64_t)cpus * 1000000000)
		return err_make(e, ERR_USAGE, 0, "--cpus is too large, this host has %u", cpus);
	if (nano && r->nano_cpus < 10000000)
		return usage(e, "--cpus is too small, the least is 0.01");
	if (period && (r->cpu_period < 1000 || r->cpu_period > 1000000))
		return usage(e, "--cpu-period is not between 1000 and 1000000 microseconds");
	if (quota && r->cpu_quota != -1 && r->cpu_quota < 1000)
		return usage(e, "--cpu-quota is too small, the least is 1000 microseconds (-1: no limit)");
	if (r->cpu_shares != SPEC_UNSET && r->cpu_shares < 0)
		return usage(e, "--cpu-shares is negative");
	return 0;
}

static int check_real_time(const RunRequest *r, Err *e)
{
	bool period = r->cpu_rt_period != SPEC_UNSET, runtime = r->cpu_rt_runtime != SPEC_UNSET;
	if (period && r->cpu_rt_period < 0)
		return usage(e, "--cpu-rt-period is negative");
	if (runtime && r->cpu_rt_runtime < 0)
		return usage(e, "--cpu-rt-runtime is negative");
	if (period && runtime && r->cpu_rt_runtime > r->cpu_rt_period)
		return usage(e, "--cpu-rt-runtime is larger than --cpu-rt-period");
	return 0;
}

/* Docker refuses -i -t without a terminal, which breaks every script that is started without one; podman warns. */
static void check_tty(const RunRequest *r)
{
	if (r->tty && r->interactive && !isatty(STDIN_FILENO))
		log_warn("standard input is no terminal: -t gives the command one of its own, without job control from here");
}

int run_check(RunRequest *r, unsigned cpus, Err *e)
{
	unset_zeroes(r);
	TRY(check_memory(r, e));
	TRY(check_swappiness(r, e));
	TRY(check_cpu(r, cpus, e));
	TRY(check_real_time(r, e));
	if (r->blkio_weight != SPEC_UNSET && (r->blkio_weight < 10 || r->blkio_weight > 1000))
		return usage(e, "--blkio-weight is not between 10 and 1000");
	check_tty(r);
	if (r->pids_limit != SPEC_UNSET && r->pids_limit < -1)
		return usage(e, "--pids-limit is negative (-1: no limit)");
	return 0;
}
