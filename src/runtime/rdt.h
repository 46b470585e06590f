/* rdt.h - a container's group of the resctrl file system, from the record to its end.       (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent. The group is made before there is a process, and the process is in it before it is anything but init.
 * Record:    what goes with the container is in its record before it is made: the group, unless it was there or others may use it, and
 *            in any case the monitoring group.
 */
#pragma once
#include "runtime/plan.h"
#include "runtime/record.h"

/* Finds out whether the group will be the container's alone, and writes down what is. */
void rdt_look(PlanRdt *r, Record *record);

/* Makes and fills the groups, or takes what is there. On failure nothing of it is left. */
int rdt_make(const PlanRdt *r, Arena *a, Err *e);

/* A process with one thread. A group that has gone meanwhile is a warning to who joins a container that is there. */
int rdt_join(const PlanRdt *r, pid_t pid, bool is_late, Err *e);

/* What is the container's own. Goes on after an error and returns the first. */
int rdt_remove(const PlanRdt *r, Err *e);
int rdt_remove_recorded(const Record *r, Err *e);
