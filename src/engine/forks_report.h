/* forks_report.h - the line that says that the limit of processes was reached.               (engine/) */
#pragma once
#include "runtime/plan.h"

/* One line on stderr when a limit of processes that was asked for stood in the way of any, whatever the exit code. To be called before the
 * groups are removed. */
void forks_report_print(const Plan *p, const char *id);
