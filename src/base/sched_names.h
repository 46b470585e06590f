/* sched_names.h - names of what the kernel schedules by: CPU time, disks, memory nodes.            (base/, used by all)
 *
 * Source: the runtime specification's process.scheduler, process.ioPriority and linux.memoryPolicy; sched_setattr(2), ioprio_set(2),
 *         set_mempolicy(2) for the numbers, which are written down here since not every libc's headers have them.
 */
#pragma once
#include <stdint.h>

#define SCHED_NAMES_DEADLINE 6 /* SCHED_DEADLINE */

/* "SCHED_BATCH" as sched_setattr(2) takes it; -ENOENT for anything else. */
int sched_policy_from_name(const char *name);
const char *sched_policy_name(unsigned policy); /* NULL for what is none */

/* Bit of "SCHED_FLAG_RESET_ON_FORK", of "MPOL_F_STATIC_NODES"; 0 for anything else. */
uint32_t sched_flag_from_name(const char *name);
uint32_t mempolicy_flag_from_name(const char *name);

/* "IOPRIO_CLASS_BE" -> 2; -ENOENT for anything else. */
int io_class_from_name(const char *name);
const char *io_class_name(unsigned io_class); /* NULL for what is none */

/* "MPOL_BIND" -> 2; -ENOENT for anything else. */
int mempolicy_mode_from_name(const char *name);
const char *mempolicy_mode_name(unsigned mode); /* NULL for what is none: they are numbered without a gap */
const char *mempolicy_flag_at(unsigned i); /* the names one after the other, then NULL */
