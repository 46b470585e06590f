#include "engine/memory_report.h"

#include <inttypes.h>

#include "base/log.h"
#include "fmt/size.h"

void memory_report_print(const CgroupMemory *m, const char *id)
{
	char limit[16], peak[16];
	bool own = m->limit != CGROUP_NO_LIMIT;
	if (m->oom_kills == 0)
		return;
	log_note("container %.12s: %" PRIu64 " %s killed for memory: %s%s, peak %s", id,
		 m->oom_kills, m->oom_kills == 1 ? "process was" : "processes were",
		 own ? "limit " : "no limit of its own",
		 own ? size_format(limit, sizeof limit, m->limit) : "",
		 m->peak == 0 ? "unknown" : size_format(peak, sizeof peak, m->peak));
}
