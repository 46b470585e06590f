/* host_info.h - what `mydocker info` tells about this host, found by asking the kernel.     (engine/, may include all but cli)
 *
 * Runs in:   the command line, for people; never on the start path: it forks once and asks the kernel about a dozen calls.
 * Ownership: strings live in the arena given.
 * Features are probed, never versions: a call is made with arguments that no kernel can act on, and ENOSYS means it is not there.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "runtime/facts.h"

typedef enum FeatureState {
	FEATURE_NO,
	FEATURE_YES,
	FEATURE_LOADABLE, /* a kernel module that is not loaded yet; mounting it loads it */
	FEATURE_UNKNOWN,  /* this user cannot find out */
} FeatureState;

typedef struct HostFeature {
	const char *name; /* "clone3", "cgroup.kill" */
	FeatureState state;
	bool needed; /* we do not run without it */
} HostFeature;

enum { HOST_FEATURES_MAX = 32 };

typedef struct HostInfo {
	HostFacts facts;
	const char *kernel; /* release, "6.1.0-18-amd64" */
	const char *os;     /* PRETTY_NAME of os-release(5), or "" */
	HostFeature features[HOST_FEATURES_MAX];
	unsigned features_count;
	int landlock_abi;       /* 0: none */
	bool apparmor, selinux; /* enabled in the kernel */
	bool selinux_enforcing;
	const char *security_modules; /* "lockdown,capability,landlock", "" when the kernel does not say */
	unsigned cpus;                /* that this process may use */
	uint64_t memory, swap;        /* bytes */
	const char *controllers; /* all that some hierarchy has, separated by spaces */
	const char *state_dir, *root_dir;
} HostInfo;

/* state_dir and root_dir: as given by the user, NULL for the defaults. Files that cannot be read leave their members empty. */
int host_info_read(const char *state_dir, const char *root_dir, Arena *a, HostInfo *ret, Err *e);
const char *feature_state_word(FeatureState s); /* "yes", "no", "not loaded", "unknown" */
