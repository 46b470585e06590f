/* facts.h - what this host can do, probed once, as plain data.                      (runtime/, may include base fmt kern wire)
 *
 * Runs in:   the parent, before the plan is made. The plan reads nothing but these facts and the spec, so that tests can feed any host.
 * Features are probed, never versions. Probing is cheap: this is on the start path; what only `mydocker info` needs has its own call.
 * Ownership: strings and lists live in the arena given to host_facts_probe().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fmt/spec.h"

typedef enum CgroupMode {
	CGROUP_NONE,   /* nothing mounted that we can use */
	CGROUP_V1,     /* v1 hierarchies alone */
	CGROUP_HYBRID, /* v1 hierarchies and a v2 tree beside them */
	CGROUP_V2,     /* the v2 tree alone */
} CgroupMode;

/* One mounted hierarchy. */
typedef struct HostCgroup {
	bool is_v2;
	const char *controllers; /* v1: as in /proc/self/cgroup, "cpu,cpuacct" or "name=systemd"; v2: words of cgroup.controllers */
	const char *mountpoint; /* "/sys/fs/cgroup/memory" */
	const char *own; /* this process's group below the mount point, "/" or "/user.slice/..."; path as seen through the mount;
	                          * NULL: the mount does not show it */
	bool writable; /* we may make groups at its root, or in the group that is delegated to us */
	const char *delegated; /* v2: that group below the mount point, our own or one above it; NULL: the root, or none */
	bool read_only; /* not writable, for it is mounted read-only */
} HostCgroup;

/* One mount of the host, for `--rootfs /`: from /proc/self/mountinfo (proc(5)), octal escapes decoded. */
typedef struct HostMount {
	const char *mountpoint, *fstype, *source;
	uint64_t attrs; /* MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC as set on it */
	bool is_dir;
} HostMount;

/* What stands in the host's root directory, for `--rootfs /` without privilege: directories, files and links, no sockets and the like. */
typedef struct HostEntry {
	const char *path, *link; /* "/bin"; "usr/bin", or NULL where it is no link */
	bool is_dir;
	bool has_mounts; /* below it, reachable for us or not */
} HostEntry;

/* In the order of its subjects, whatever that costs in padding: there is one. */
typedef struct HostFacts { /* NOLINT(clang-analyzer-optin.performance.Padding): as the comment above says */
	uint32_t euid, egid;
	bool privileged; /* holds CAP_SYS_ADMIN in the user namespace that owns the host's mounts: no new user namespace needed */
	bool first_user_ns; /* and that one is the first of all, whose root the host's files belong to */
	/* Only for who is privileged in another than the first: its maps; their host's ids are those of the namespace above. */
	SpecIdMap *uid_map, *gid_map;
	size_t uid_map_count, gid_map_count;
	bool setgroups_denied; /* in this user namespace, and in all that are made in it (user_namespaces(7)) */
	uint64_t caps;       /* permitted capabilities of this process */
	uint64_t caps_known; /* capabilities this kernel knows (cap_last_cap(7)) */
	CgroupMode cgroup_mode;
	HostCgroup *cgroups; /* v1 hierarchies in the order of /proc/self/cgroup, then v2 */
	size_t cgroups_count;
	bool swap_accounting; /* groups have a limit of swap: memory.memsw.limit_in_bytes, memory.swap.max */
	bool cgroup_ns, user_ns, time_ns; /* /proc/self/ns has them */
	const char *newuidmap,
		*newgidmap; /* without privilege: the programs that map more than one id; NULL: cannot be used */
	const char *no_id_helpers; /* why they cannot: "the program newuidmap is not installed (package uidmap)" */
	unsigned cpus; /* present CPUs, for the masks of thermal_throttle */
	uint64_t nofile_soft, nofile_hard;

	/* Only with FACTS_KERNEL: 6.1 of "6.1.0-13-amd64". */
	uint32_t kernel_major, kernel_minor;

	/* Only with FACTS_LABELS: whether these modules are on and know labels. */
	bool apparmor, selinux;
	bool apparmor_attr; /* processes have files of their own for it (Linux 5.8) */

	/* Only with FACTS_RESCTRL: where that file system is mounted, NULL: nowhere; whether it divides caches and bandwidth, and counts. */
	const char *resctrl;
	bool resctrl_l3, resctrl_mb, resctrl_mon;

	/* Only with FACTS_MOUNTS; entries only where host_facts_has_root() is false. */
	HostMount *mounts; /* those that their path leads to, sorted by it: each stands after the one it is mounted on */
	size_t mounts_count;
	HostEntry *entries; /* sorted */
	size_t entries_count;

	/* Only from systemd_facts(): the group below the mount points that all of its units are in ("": the root), and who it belongs to. */
	const char *manager_group; /* NULL: groups are made by ourselves */
	bool manager_is_user;
	uint32_t manager_version;
	const char *device_drivers; /* /proc/devices */

	/* Only from host_facts_add_controllers(). */
	StrList controllers_on, controllers_off; /* that this kernel has; off: switched off at boot */
} HostFacts;

enum { /* what costs something and few need */
       FACTS_MOUNTS = 1 << 0,
       FACTS_KERNEL = 1 << 1,
       FACTS_LABELS = 1 << 2,
       FACTS_RESCTRL = 1 << 3,
};

/* Privileged, and no root of an inner user namespace: may make device nodes, load programs into the kernel, take mounts apart. */
static inline bool host_facts_has_root(const HostFacts *f)
{
	return f->privileged && f->first_user_ns;
}

/* Reads the facts of this host. `root` is "" in the product; unit tests give a directory that holds fake proc/ and sys/ trees.
 * Errors name the file that could not be read; a missing cgroup tree is a fact, not an error. */
int host_facts_probe(const char *root, unsigned what, Arena *a, HostFacts *ret, Err *e);

/* What nothing but the explanation of a refused limit needs: which controllers the kernel has, from /proc/cgroups. A kernel that does
 * not tell leaves the lists empty. */
void host_facts_add_controllers(const char *root, Arena *a, HostFacts *f);
/* The part about newuidmap and newgidmap, which host_facts_probe() does for who is not privileged. */
void host_facts_id_helpers(const char *root, Arena *a, HostFacts *f);

/* uid_map and gid_map. */
int host_facts_id_maps(const char *root, Arena *a, HostFacts *f, Err *e);

/* The lines of a /proc/PID/uid_map or gid_map, user_namespaces(7); what is none is passed over. */
SpecIdMap *id_map_parse(const char *text, Arena *a, size_t *ret_count);

const char *cgroup_mode_name(CgroupMode m); /* "none", "v1", "hybrid", "v2" */
