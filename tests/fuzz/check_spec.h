/* check_spec.h - what spec.h promises of every description.                                      (tests/fuzz/) */
#pragma once
#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "fmt/spec.h"

static inline void check_strings(const StrList *l)
{
	for (size_t i = 0; i < l->count; i++)
		assert(strlen(l->items[i]) <= LIMIT_CONFIG_BYTES);
}

static inline void check_process(const SpecProcess *p)
{
	assert(p->cwd && p->cwd[0] == '/');
	assert(p->uid != UINT32_MAX && p->gid != UINT32_MAX && p->umask <= 0777);
	assert(p->additional_gids_count <= LIMIT_GROUPS);
	for (size_t i = 0; i < p->rlimits_count; i++)
		assert(p->rlimits[i].soft <= p->rlimits[i].hard);
	assert(p->scheduler.nice >= -20 && p->scheduler.nice <= 19 && p->scheduler.policy <= 6);
	assert(p->io_priority.io_class <= 3 && p->io_priority.priority <= 7);
	assert(p->exec_cpu_affinity.initial_count <= LIMIT_CPUS / 64 &&
	       p->exec_cpu_affinity.final_count <= LIMIT_CPUS / 64);
	check_strings(&p->args);
	check_strings(&p->env);
}

static inline void check_linux(const SpecLinux *l)
{
	assert(l->uid_mappings_count <= LIMIT_ID_MAPS && l->gid_mappings_count <= LIMIT_ID_MAPS);
	for (size_t i = 0; i < l->uid_mappings_count; i++)
		assert(l->uid_mappings[i].size > 0);
	for (size_t i = 0; i < l->devices_count; i++)
		assert(l->devices[i].path[0] == '/' && strchr("cbup", l->devices[i].type));
	for (size_t i = 0; i < l->resources.devices_count; i++)
		assert(strchr("acb", l->resources.devices[i].type));
	for (size_t i = 0; i < l->sysctl_count; i++)
		assert(*l->sysctl[i].key && l->sysctl[i].value);
	assert(l->resources.memory_limit >= -1 || l->resources.memory_limit == SPEC_UNSET);
	assert(l->resources.pids_limit >= -1 || l->resources.pids_limit == SPEC_UNSET);
	assert(l->memory_policy.nodes_count <= LIMIT_MEMORY_NODES / 64);
	check_strings(&l->masked_paths);
	check_strings(&l->readonly_paths);
}

static inline void check_spec(const Spec *s)
{
	assert(strncmp(s->oci_version, "1.", 2) == 0 && s->root.path[0]);
	assert(!s->hostname || (*s->hostname && strlen(s->hostname) <= LIMIT_HOST_NAME));
	assert(s->mounts_count <= LIMIT_MOUNTS);
	for (size_t i = 0; i < s->mounts_count; i++)
		assert(s->mounts[i].destination[0] == '/');
	check_process(&s->process);
	check_linux(&s->linux_);
}
