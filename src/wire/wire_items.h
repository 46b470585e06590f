/* wire_items.h - what the lists of a wire plan hold. A part of wire.h.                   (wire/, may include base)
 *
 * Ownership: plain data without pointers. The layout is that of one build, in which parent and init are made together.
 */
#pragma once
#include <linux/filter.h>
#include <stdint.h>

typedef uint32_t WireStr;
typedef struct WireList {
	uint32_t offset, count; /* offset in bytes from the start of the image */
} WireList;

typedef enum WireMountKind {
	WIRE_MOUNT_FS,      /* a new instance of file system `type` with `options` */
	WIRE_MOUNT_BIND,    /* a copy of the mount or file at `source` on the host */
	WIRE_MOUNT_OVERLAY, /* an in-memory overlay over `source` on the host (scratch, below) */
	WIRE_MOUNT_DETACH, /* with WIRE_MOUNTS_ONLY: what is mounted on the target, if `mount_ids` has it, is taken away */
} WireMountKind;

enum {                                /* WireMount.flags */
       WIRE_MOUNT_RECURSIVE = 1 << 0, /* BIND: with what is mounted below */
       WIRE_MOUNT_FILE = 1 << 1, /* the target is a file, should it have to be made (BIND finds out by itself) */
       WIRE_MOUNT_READONLY_LAST = 1 << 2, /* MOUNT_ATTR_RDONLY, if in attr_set, comes after all other mounts: some lie below it */
       WIRE_MOUNT_MASK_ON_FAILURE = 1 << 3, /* OVERLAY: what cannot be overlaid is masked instead */
       WIRE_MOUNT_OPTIONAL = 1 << 4, /* skipped when its file system type or source does not exist */
       WIRE_MOUNT_TARGET_MODE = 1 << 5, /* FS: gets the permissions of the folder it goes on, if there is one */
       WIRE_MOUNT_COPY_UP = 1 << 6, /* FS: gets the content of the folder it goes on; TARGET_MODE and _OWNER likewise */
       WIRE_MOUNT_TARGET_OWNER = 1 << 7, /* FS: gets the owner of the folder it goes on */
       WIRE_MOUNT_AGAIN = 1 << 8, /* FS: none is made; what is mounted at the target gets attributes and options */
};

typedef struct WireMount {
	uint64_t attr_set, attr_clear; /* MOUNT_ATTR_* for fsmount(2) or mount_setattr(2) */
	uint64_t tree_set,
		tree_clear; /* BIND: the same for it and all that comes with it, before the above */
	uint64_t propagation; /* MS_PRIVATE etc., or 0; a BIND that is MS_SHARED or MS_SLAVE is copied while the host's mounts still are */
	WireStr target;       /* absolute inside the container */
	WireStr type, source;
	uint32_t options_first, options_count; /* in `mount_options`: "key" or "key=value" for fsconfig(2) */
	uint16_t kind, flags;
} WireMount;

typedef struct WireDevice {
	WireStr path; /* absolute inside the container; also the host's path when it is bound (WIRE_INNER_USERNS) */
	uint32_t mode; /* type and permission bits */
	uint32_t major, minor, uid, gid;
} WireDevice;

typedef struct WirePair { /* a symbolic link {path, target} or a sysctl {path below /proc/sys, value} */
	WireStr name, value;
} WirePair;

typedef struct WireJoin { /* a namespace, or with a pidfd all those of a process that flags (CLONE_NEW*) name, setns(2) */
	int32_t fd;
	uint32_t flags;
} WireJoin;

typedef enum WireHookStage { WIRE_HOOK_CREATE_CONTAINER, WIRE_HOOK_START_CONTAINER } WireHookStage;
typedef struct WireHook {
	WireStr path, state; /* state: the container's, as JSON, up to the number of its process */
	uint32_t stage, number, timeout; /* its place among those of its stage; seconds, 0: none */
	uint32_t words_first, args, env; /* in `hook_words`: so many arguments, then so many variables */
} WireHook;

typedef struct WireRlimit {
	uint64_t soft, hard;
	int32_t resource;
	uint32_t is_default; /* lowered to what this process may have, instead of failing */
} WireRlimit;

typedef struct WireScheduler { /* for sched_setattr(2) */
	uint32_t policy, priority, flags;
	int32_t nice;
	uint64_t runtime, deadline, period;
	uint64_t has_cpuset; /* the container has CPUs of its own, which the kernel may not like with it */
} WireScheduler;

typedef struct sock_filter WireFilter;
