/* facts_parts.h - what the files of the probe know of each other.                                (runtime/, private to facts*.c) */
#pragma once
#include "kern/mountinfo.h"
#include "runtime/facts.h"

typedef struct Probe {
	const char *root; /* "" or a directory of fake files */
	Arena *arena;
	HostFacts *facts;
} Probe;

const char *probe_path(const Probe *p, const char *path);
bool probe_is_writable(const Probe *p, const char *dir);

/* facts_entries.c: what stands in the host's root directory. */
int probe_entries(const Probe *p, const MountInfo *mounts, size_t count, Err *e);

/* facts_resctrl.c: where it is mounted, and what it knows. */
int probe_resctrl(const Probe *p, Err *e);

/* facts_delegation.c: fills c->delegated for a v2 tree whose root is not ours. `c->own` is not "/". */
void probe_delegated(const Probe *p, HostCgroup *c);
