#include "engine/forks_report.h"

#include <inttypes.h>

#include "base/log.h"
#include "runtime/group_report.h"

void forks_report_print(const Plan *p, const char *id)
{
	uint64_t limit = 0, refused = group_report_forks(p, &limit);
	if (refused > 0)
		log_note("container %.12s: %" PRIu64
			 " %s to start a process or thread %s refused: the limit is %" PRIu64,
			 id, refused, refused == 1 ? "attempt" : "attempts",
			 refused == 1 ? "was" : "were", limit);
}
