#include <sys/resource.h>

#include "init/init.h"
#include "kern/sys.h"

/* By number, getrlimit(2). */
static const char names[][12] = {
	/* no pointers: each would be a relocation at the start */
	"cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
	"memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime",
};

static int limit_try(const WireRlimit *l, uint64_t soft, uint64_t hard)
{
	const uint64_t value[2] = { soft, hard }; /* struct rlimit64; all ones is infinity */
	return (int)syscall(SYS_prlimit64, 0, l->resource, value, NULL);
}

static int limit_set(const WireRlimit *l, Err *e)
{
	unsigned n = (unsigned)l->resource;
	const char *name = n < ARRAY_LEN(names) ? names[n] : "unknown";
	uint64_t now[2];

	if (limit_try(l, l->soft, l->hard) == 0)
		return 0;
	if (errno != EPERM)
		return err_sys(e, "set the limit %s to %llu:%llu", name,
			       (unsigned long long)l->soft, (unsigned long long)l->hard);
	if (syscall(SYS_prlimit64, 0, l->resource, NULL, now) < 0)
		return err_sys(e, "read the limit %s", name);
	uint64_t hard = l->hard < now[1] ? l->hard : now[1];
	if (l->is_default && limit_try(l, l->soft < hard ? l->soft : hard, hard) == 0)
		return 0;
	return err_make(e, ERR_SYS, EPERM,
			"set the limit %s to %llu:%llu: this process may not go above its hard limit of %llu",
			name, (unsigned long long)l->soft, (unsigned long long)l->hard,
			(unsigned long long)now[1]);
}

int limits_set(Init *in, Err *e)
{
	for (uint32_t i = 0; i < in->plan->rlimits.count; i++)
		TRY(limit_set(&WIRE_ITEMS(in->plan, rlimits, WireRlimit)[i], e));
	return 0;
}
