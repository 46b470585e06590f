/* userns_maps.h - the id maps of a new user namespace: the texts, by whom they are written, the writing.   (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent. user_namespaces(7): maps are written once, from outside, before anybody acts in the namespace. An ordinary user maps
 *            the own id himself; for more there are newuidmap(1) and newgidmap(1).
 * Ownership: texts live in the arena, or are the facts'.
 */
#pragma once
#include <sys/types.h>

#include "fmt/spec.h"
#include "runtime/facts.h"
#include "runtime/newidmap.h"

typedef struct UsernsMaps {
	const char *uid_map, *gid_map; /* texts for /proc/PID/{uid,gid}_map */
	const char *newuidmap,
		*newgidmap; /* the programs that write them for an ordinary user; NULL: written here */
	bool deny_setgroups; /* write "deny" first: the map is made without privilege */
} UsernsMaps;

/* Pure. Takes uid_mappings and gid_mappings of l. ERR_SPEC: they make no sense, or may not be mapped. */
int userns_maps_plan(const SpecLinux *l, const HostFacts *f, Arena *a, UsernsMaps *ret, Err *e);

/* One of the texts, checked; what: "uid" ... for messages. */
int userns_map_text(const SpecIdMap *maps, size_t count, const char *what, Arena *a,
		    const char **ret, Err *e);

/* The programs while they run. */
typedef struct UsernsWriters {
	NewIdmap uid, gid;
} UsernsWriters;
#define USERNS_WRITERS_NONE ((UsernsWriters){ .uid = NEWIDMAP_NONE, .gid = NEWIDMAP_NONE })

/* For a process that has just come into its user namespace. The programs run at the same time, and beside what the caller does meanwhile.
 * Whatever fails, here or there, userns_maps_finish() must follow before the process is reaped. w begins as USERNS_WRITERS_NONE. */
int userns_maps_start(const UsernsMaps *m, pid_t pid, Arena *a, UsernsWriters *w, Err *e);

/* Awaits all that were started. r is how it went so far, and what it returns then; else the first error of theirs. */
int userns_maps_finish(UsernsWriters *w, int r, Err *e);

/* Both. */
int userns_maps_write(const UsernsMaps *m, pid_t pid, Arena *a, Err *e);
