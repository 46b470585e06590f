/* memory_report.h - the line that says that the kernel killed for memory.                 (engine/) */
#pragma once
#include "kern/cgroup.h"

/* One line on stderr when anything was killed, whatever the exit code: how many, the limit, the peak. */
void memory_report_print(const CgroupMemory *m, const char *id);
