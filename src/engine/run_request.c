#include "engine/run_request.h"

#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "engine/spec_fill.h"
#include <ctype.h>

void run_request_init(RunRequest *r)
{
	*r = (RunRequest){ 0 };
	r->memory = r->memory_swap = r->memory_reservation = r->shm_size = SPEC_UNSET;
	r->cpu_shares = r->cpu_period = r->cpu_quota = r->nano_cpus = r->pids_limit = SPEC_UNSET;
	r->memory_swappiness = r->cpu_rt_period = r->cpu_rt_runtime = r->blkio_weight = SPEC_UNSET;
	r->stop_timeout = r->oom_score_adj = SPEC_UNSET;
	r->sig_proxy = true;
}

/* Docker's rule for names. */
static int name_check(const char *name, Err *e)
{
	size_t len = strlen(name);
	bool good = len >= 2 && len <= LIMIT_NAME && isalnum((unsigned char)name[0]);
	for (size_t i = 0; good && i < len; i++)
		good = isalnum((unsigned char)name[i]) || strchr("_.-", name[i]);
	if (!good)
		return err_make(e, ERR_USAGE, 0,
				"name '%s': 2 to %u letters, digits and any of '_.-' are allowed, beginning with a letter or digit",
				name, LIMIT_NAME);
	return 0;
}

static int hostname_check(const char *what, const char *name, Err *e)
{
	size_t len = strlen(name);
	if (len == 0 || len > LIMIT_HOST_NAME || strpbrk(name, " \t\n/"))
		return err_make(e, ERR_USAGE, 0,
				"%s name '%s': 1 to %u characters without space and '/' are allowed",
				what, name, LIMIT_HOST_NAME);
	return 0;
}

int run_hostname_choose(const RunRequest *q, const char *id, Arena *a, const char **ret, Err *e)
{
	if (q->hostname && run_shares(q->uts))
		return err_make(e, ERR_USAGE, 0, "--hostname and --uts host exclude each other");
	if (q->domainname && run_shares(q->uts))
		return err_make(e, ERR_USAGE, 0, "--domainname and --uts host exclude each other");
	if (q->domainname)
		TRY(hostname_check("domain", q->domainname, e));
	if (q->hostname) {
		TRY(hostname_check("host", q->hostname, e));
		*ret = q->hostname;
	} else if (run_shares(q->uts) || run_shares(q->network)) {
		char name[LIMIT_HOST_NAME + 1] = "";
		if (gethostname(name, sizeof name - 1) < 0)
			return err_sys(e, "get the host's name");
		*ret = arena_strdup(a, name);
	} else
		*ret = arena_strndup(a, id, ID_SHOWN);
	return 0;
}

/* A namespace option knows its own namespace ("private", for the network "none") and the host's. */
static int namespace_option_check(const char *option, const char *value, const char *own, Err *e)
{
	if (!value || strcmp(value, own) == 0 || strcmp(value, "host") == 0)
		return 0;
	return err_make(e, ERR_USAGE, 0, "--%s %s is not there yet; '%s' and 'host' are", option,
			value, own);
}

int run_request_check(const RunRequest *q, Err *e)
{
	TRY(namespace_option_check("network", q->network, "none", e));
	TRY(namespace_option_check("pid", q->pid, "private", e));
	TRY(namespace_option_check("ipc", q->ipc, "private", e));
	TRY(namespace_option_check("uts", q->uts, "private", e));
	TRY(namespace_option_check("cgroupns", q->cgroupns, "private", e));
	if (q->name)
		TRY(name_check(q->name, e));
	if (!q->rootfs)
		return err_make(e, ERR_USAGE, 0, "running an image is not there yet; give --rootfs DIR");
	return 0;
}
