#include "base/sched_names.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/own.h"

/* By number. SCHED_ISO is reserved, and no kernel has it. */
static const char policies[][16] = {
	"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",       "SCHED_BATCH",
	"SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE",
};
_Static_assert(ARRAY_LEN(policies) == SCHED_NAMES_DEADLINE + 1, "it is the last one");

/* By the number of the bit. */
static const char sched_flags[][32] = {
	"SCHED_FLAG_RESET_ON_FORK",  "SCHED_FLAG_RECLAIM",     "SCHED_FLAG_DL_OVERRUN",
	"SCHED_FLAG_KEEP_POLICY",    "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN",
	"SCHED_FLAG_UTIL_CLAMP_MAX",
};

/* By number; class 0 says that nothing was said. */
static const char io_classes[][20] = {
	"IOPRIO_CLASS_NONE",
	"IOPRIO_CLASS_RT",
	"IOPRIO_CLASS_BE",
	"IOPRIO_CLASS_IDLE",
};

/* By number. */
static const char modes[][28] = {
	"MPOL_DEFAULT",
	"MPOL_PREFERRED",
	"MPOL_BIND",
	"MPOL_INTERLEAVE",
	"MPOL_LOCAL",
	"MPOL_PREFERRED_MANY",
	"MPOL_WEIGHTED_INTERLEAVE",
};

static const struct {
	char name[24];
	uint32_t bit;
} mode_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", 1 << 13 },
	{ "MPOL_F_RELATIVE_NODES", 1 << 14 },
	{ "MPOL_F_STATIC_NODES", 1 << 15 },
};

int sched_policy_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (strcmp(name, policies[i]) == 0)
			return (int)i;
	return -ENOENT;
}

const char *sched_policy_name(unsigned policy)
{
	return policy < ARRAY_LEN(policies) ? policies[policy] : NULL;
}

uint32_t sched_flag_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sched_flags); i++)
		if (strcmp(name, sched_flags[i]) == 0)
			return 1u << i;
	return 0;
}

uint32_t mempolicy_flag_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_flags); i++)
		if (strcmp(name, mode_flags[i].name) == 0)
			return mode_flags[i].bit;
	return 0;
}

int io_class_from_name(const char *name)
{
	for (size_t i = 1; i < ARRAY_LEN(io_classes); i++)
		if (strcmp(name, io_classes[i]) == 0)
			return (int)i;
	return -ENOENT;
}

const char *io_class_name(unsigned io_class)
{
	return io_class > 0 && io_class < ARRAY_LEN(io_classes) ? io_classes[io_class] : NULL;
}

int mempolicy_mode_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(name, modes[i]) == 0)
			return (int)i;
	return -ENOENT;
}

const char *mempolicy_mode_name(unsigned mode)
{
	return mode < ARRAY_LEN(modes) ? modes[mode] : NULL;
}

const char *mempolicy_flag_at(unsigned i)
{
	return i < ARRAY_LEN(mode_flags) ? mode_flags[i].name : NULL;
}
