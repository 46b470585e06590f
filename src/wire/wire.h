/* wire.h - the wire plan: what init has to do, as one flat image without pointers.      (wire/, may include base and kern)
 *
 * Runs in:   built in the parent (runtime/plan*.c) before anything is touched; read by init, which maps it read-only from a sealed memfd.
 * Layout:    WirePlan, then the lists in the order of WIRE_LISTS, each aligned to 8, then the strings. A WireStr is an offset into
 *            the strings, 0 means "none". wire_open() checks every offset once; after that readers just walk.
 * Versions:  magic and build id must be those of the reading program: parent and init always come from one build.
 * Building:  wire_build.h.
 * Ownership: wire_open() maps; the mapping stays for the life of the process.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/wire_items.h"

/* The lists: name, element type, what it is for. */
#define WIRE_LISTS(X)                                                                                   \
	X(mounts, WireMount)      /* in order; targets of later ones may lie in earlier ones */         \
	X(mount_options, WireStr) /* of all mounts, one after the other */                              \
	X(source_fds, int32_t)    /* none, or for each mount: an id-mapped source, or FD_NONE */        \
	X(devices, WireDevice)    /* made in /dev after the mounts */                                   \
	X(links, WirePair)        /* symbolic links made in /dev; what exists stays */                  \
	X(root_links, WirePair)   /* {name, target}, made in an empty root before the mounts */         \
	X(masked, WireStr)        /* paths that must show nothing; missing ones are skipped */          \
	X(readonly, WireStr)      /* paths that must not be written; missing ones are skipped */        \
	X(sysctls, WirePair)      /* namespaced kernel parameters */                                    \
	X(labels, WirePair)       /* of the command: {file below /proc/PID/attr, text} */               \
	X(rlimits, WireRlimit)                                                                          \
	X(groups, uint32_t) /* supplementary groups, set but with WIRE_KEEP_GROUPS */                   \
	X(argv, WireStr)                                                                                \
	X(envp, WireStr)      /* "NAME=value" */                                                        \
	X(filter, WireFilter) /* the seccomp program; none when empty */                                \
	X(join_fds, int32_t)  /* open `tasks` files of cgroup v1 groups: "0" is written to each */      \
	X(joins, WireJoin)    /* namespaces of others, in this order */                                 \
	X(hooks, WireHook)    /* programs of the caller's, run in the container */                      \
	X(hook_words, WireStr)                                                                          \
	X(mount_ids, int32_t) /* mounts that may be taken away: their numbers in /proc/PID/mountinfo */ \
	X(cpus, uint64_t)         /* bits: those that the process may use; none: all */                 \
	X(memory_nodes, uint64_t) /* bits, with WIRE_HAS_MEMORY_POLICY */                               \
	X(keep_fds, int32_t) /* what the command gets besides 0, 1 and 2, under the same numbers */

enum {                       /* WirePlan.flags */
       WIRE_USERNS = 1 << 0, /* in a new user namespace: be setup_uid:setup_gid from MAPPED on */
       WIRE_NO_SETGROUPS = 1 << 1, /* setgroups(2) is denied (a map written without privilege, here or outside) */
       WIRE_UNSHARE_CGROUPNS = 1 << 2, /* after joining the groups */
       WIRE_LOOPBACK_UP = 1 << 3,
       WIRE_TERMINAL = 1 << 4, /* allocate a pty in the container's devpts; its master goes with ROOTFS_READY */
       WIRE_STDIN_NULL = 1 << 5, /* standard input is the null device */
       WIRE_NO_NEW_PRIVS = 1 << 6,
       WIRE_ROOT_READONLY = 1 << 7,
       WIRE_INNER_USERNS = 1 << 8, /* in a user namespace that is not the first, new or not: bind the host's device nodes */
       WIRE_SCRATCH = 1 << 9, /* overlays need an in-memory scratch file system on `scratch_dir` */
       WIRE_SET_CAPS = 1 << 10,
       WIRE_HAS_UMASK = 1 << 11,
       WIRE_NEW_KEYRING = 1 << 12, /* a session keyring of its own */
       WIRE_ROOT_ONLY = 1 << 13, /* only root and mounts: their tree goes with ROOTFS_READY, and that is all */
       WIRE_ROOT_EMPTY = 1 << 14, /* the root is an empty file system in memory; `root` says what it stands for */
       WIRE_NO_PIVOT = 1 << 15, /* the root is moved to "/" instead: pivot_root(2) cannot leave an initial ramdisk */
       WIRE_NOTIFY = 1 << 16, /* the filter asks somebody: its listener goes with EXECING, so it is loaded before */
       WIRE_KEEP_GROUPS = 1 << 17, /* the supplementary groups stay those of who starts it */
       WIRE_KEEP_CPUS = 1 << 19, /* the process may use the CPUs that it was started on, whatever `cpus` says */
       WIRE_HAS_SCHEDULER = 1 << 20,
       WIRE_HAS_MEMORY_POLICY = 1 << 21,
       WIRE_HOST_MOUNTS = 1 << 22, /* the mount namespace is the parent's: its mounts stay as they are, and the root is entered by chroot(2) */
       WIRE_MOUNTS_ONLY = 1 << 23, /* mounts for a container that is there, or away from it, and that is all */
       WIRE_REAPER = 1 << 24, /* the first process stays as a reaper; the command is its child */
       WIRE_STDOUT_NULL = 1 << 25, /* standard output is the null device */
       WIRE_STDERR_NULL = 1 << 26,
       WIRE_HAS_PERSONALITY = 1 << 27,
       WIRE_FORK = 1 << 28, /* a child goes on once the namespaces are joined or made: only children get into a pid namespace */
       WIRE_EXEC = 1 << 29,     /* a command in a container that is there: no root and no mounts */
       WIRE_OUTLIVES = 1 << 30, /* the parent's death is not the command's */
       WIRE_HOOKS = 1u << 31,   /* the parent has hooks to run between the mounts and the pivot */
};

typedef struct WirePlan {
	char magic[8], build_id[40];
	uint32_t size, strings_offset, strings_size, flags; /* size: of the whole image */
	/* Or FD_NONE: a tree for the root or its lower layer, or a root that is there; what maps other lower layers' ids; of a timed start; where `start` is awaited. */
	int32_t root_fd, idmap_fd, timeline_fd, start_fd;
	int32_t hook_output_fd, hook_error_fd; /* or FD_NONE: files for what hooks print */
	WireStr container_id, hostname, domainname,
		root; /* names 0: leave them; root: the directory, or the lower layer */
	WireStr overlay_upper, overlay_work; /* root overlay on disk; 0: the upper layer is in scratch */
	WireStr overlay_lower; /* `root` escaped for overlay's lowerdir option; 0: no overlay over the root */
	WireStr scratch_dir, cwd; /* scratch_dir: an empty folder of ours on the host, to mount on */
	/* "context=LABEL" or "rootcontext=LABEL" of SELinux, for what init mounts by itself, and as overlays take it; 0: none */
	WireStr mount_context, overlay_context;
	WireStr time_offsets;                           /* for /proc/PID/timens_offsets; 0: none */
	uint32_t uid, gid, umask, setup_uid, setup_gid; /* setup: init's, with WIRE_USERNS */
	uint32_t unshare;                               /* CLONE_NEW*: what is made after joining */
	uint16_t console_rows, console_cols;            /* 0: leave it */
	uint64_t root_propagation; /* MS_SHARED, MS_SLAVE or MS_UNBINDABLE, perhaps with MS_REC, of the root's mount; 0: private */
	uint64_t caps_bounding, caps_effective, caps_permitted, caps_inheritable, caps_ambient;
	uint32_t seccomp_flags, personality; /* SECCOMP_FILTER_FLAG_*; for personality(2) */
	uint32_t io_priority, memory_mode; /* for ioprio_set(2), 0: leave it; for set_mempolicy(2) */
	WireScheduler scheduler;
#define WIRE_LIST_MEMBER(name, type) WireList name;
	WIRE_LISTS(WIRE_LIST_MEMBER)
#undef WIRE_LIST_MEMBER
} WirePlan;
/* Maps the plan in fd, which must be a memfd sealed against every change, and checks it whole: magic, build id, size, every list,
 * every string. ERR_BUG says what is wrong. The mapping stays, but for the reaper's. */
int wire_open(int fd, const WirePlan **ret, Err *e);

/* The same checks on bytes in memory (tests, fuzzers). data must be aligned to 8. */
int wire_check(const void *data, size_t size, Err *e);

/* A string that wire_check() has found to be there: what an operation cannot do without. */
static inline const char *wire_text(const WirePlan *w, WireStr s)
{
	return (const char *)w + w->strings_offset + s;
}
/* A string that may be left out: NULL then. */
static inline const char *wire_str(const WirePlan *w, WireStr s)
{
	return s ? (const char *)w + w->strings_offset + s : NULL;
}
/* The items of a list: WIRE_ITEMS(w, mounts, WireMount)[i] for i < w->mounts.count. */
#define WIRE_ITEMS(w, list, type) \
	((const type *)(const void *)((const char *)(w) + (w)->list.offset))
