/* init.h - the container's half: walks the wire plan and ends in execve(2).            (init/, may include base kern wire)
 *
 * Runs in:   a program of its own, executed from a sealed memfd by the child of clone3(2), which is already in its new namespaces and
 *            still sees the host's tree. One thread, no environment, no allocation, and no conversation but the one in wire/sync.h.
 * Input:     the wire plan is the parent's and checked. The root's content is HOSTILE: whatever is looked up in it goes through
 *            kern/path.h, and what is mounted is mounted by descriptor.
 * Trap:      in a new user namespace execve(2) leaves an unmapped user no capabilities but the ambient ones: the child that executes
 *            init raises all of them to ambient before. The command does not inherit them: privileges_drop() ends it.
 * Errors:    any failing step ends the process; the parent gets its Err. What was made lies in namespaces that end with it.
 */
#pragma once
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "kern/sys.h"
#include "wire/sync.h"
#include "wire/timeline.h"
#include "wire/wire.h"

typedef struct Init {
	const WirePlan *plan;
	Sync sync;
	Timeline *timeline; /* NULL: nobody wants to know */
	int root_dir;       /* plan->root on the host, O_PATH */
	int root; /* first the copy of the root (with an overlay: its lower layer), then the container's root, attached */
	int scratch_dir;   /* plan->scratch_dir, O_PATH */
	int scratch;       /* root of the tmpfs on it */
	unsigned overlays; /* how many are in scratch */
	int proc, devpts; /* roots of the fresh procfs and devpts that were mounted for the container */
	int mask_dir, mask_file; /* once attached: what is copied over the next masked path */
	int master, slave;       /* the container's terminal */
	int listener;            /* with WIRE_NOTIFY: of the filter */
	bool is_filtered;        /* the command's filter is loaded */
	bool is_admin;           /* CAP_SYS_ADMIN is held for the filter alone */
	unsigned shared;         /* how many mounts so far share theirs with the host */
	bool has_fresh; /* the last mount, not counting those on entries of it, is a tmpfs that holds only what was put there since, by us */
	uint32_t fresh; /* which of plan->mounts that is; its root is in sources */
	int host_proc; /* with WIRE_MOUNTS_ONLY: the host's /proc, for what the container's need not tell */
	int sources[LIMIT_MOUNTS]; /* per mount: the copy of its source, or the finished mount; then, when READONLY_LAST, MS_SHARED, WIRE_MOUNTS_ONLY or fresh, the mount itself */
} Init;

/* ---- the steps, in their order ---- */

/* Joins the v1 groups (single-threaded: "0" to each `tasks`) and then unshares the cgroup namespace, whose root they become. */
int groups_join(Init *in, Err *e);

/* The CPUs that the process may use, once its groups say which it may at most: plan->cpus, or all that they have. */
int cpus_set(const Init *in, Err *e);

/* With plan->joins, plan->unshare or WIRE_FORK: enters namespaces of others, makes new ones, and with WIRE_FORK leaves all the rest to a child,
 * in which this returns. Not dumpable from here on. */
int namespaces_join(Init *in, Err *e);

/* Makes every mount private and opens all that lies on the host: the root, the scratch folder, the sources of mounts (before it those
 * that share mounts with the host). With the ids of the caller, for whom folders of the host may be 0700. */
int rootfs_open(Init *in, Err *e);

/* Becomes setup_uid:setup_gid of a new user namespace, 0:0 where that is mapped, and not dumpable. */
int identity_take(Init *in, Err *e);

int rootfs_attach(Init *in, Err *e); /* attaches the root, or an overlay over it */
int mounts_make(Init *in, Err *e);   /* plan->mounts in order */
int devices_make(Init *in, Err *e);  /* plan->devices and plan->links */
int terminal_make(Init *in, Err *e); /* in->master and in->slave, the slave also on /dev/console */
int terminal_join(Init *in, Err *e); /* the same in a container that is there, by its /dev/pts */
int kernel_set(Init *in, Err *e);    /* host name, loopback, sysctls */
int workdir_make(Init *in, Err *e);  /* plan->cwd, if it is missing */
int masks_apply(Init *in, Err *e); /* read-only paths, masked paths, then mounts and root that become read-only last */
int labels_set(Init *in, Err *e);   /* plan->labels: what execve(2) will make of the command */
int rootfs_pivot(Init *in, Err *e); /* after it no path of the host resolves */
int rootfs_enter(int root, Err *e); /* the same with chroot(2), in a mount namespace of others */

/* With WIRE_MOUNTS_ONLY, in the place of namespaces_join(): first all namespaces of the container but its tree, and a copy of the
 * host's; then its tree, which is in->root from then on. */
int namespaces_join_outside(Init *in, Err *e);
int container_enter(Init *in, Err *e);
int mounts_prepare(Init *in, Err *e); /* makes new file systems: what they are made from is found in the host's tree */
int mounts_detach(Init *in, Err *e); /* those of plan->mounts that are to go, the last one first; all or none */

/* With WIRE_REAPER: leaves this process behind as a reaper (reaper.c) and returns in its child. */
int reaper_leave(Init *in, Err *e);

int session_enter(Init *in, Err *e); /* session, terminal, standard streams, keyring, signals, personality, umask */
int limits_set(Init *in, Err *e);           /* plan->rlimits */
int scheduling_set(const Init *in, Err *e); /* scheduler, priority of input and output, memory policy */
int privileges_drop(Init *in, Err *e);      /* the working directory, ids, capabilities */
int parent_bind(Init *in, Err *e); /* from here the parent's death is ours, but with WIRE_OUTLIVES */
int filter_ask(Init *in, Err *e); /* with WIRE_NOTIFY: seccomp, whose listener then goes to the parent */
int start_await(Init *in, Err *e); /* with plan->start_fd: until somebody lets the command begin, with whom we speak from then on */
int filter_seal(Init *in, Err *e); /* seccomp where it is not loaded yet: last, it may allow next to nothing */
int hooks_run(Init *in, WireHookStage stage, Err *e); /* plan->hooks of that stage, in order */
int command_find(const Init *in, Err *e); /* for who is to start later: whether there is a command at all */
int command_exec(const Init *in, Err *e); /* returns only on failure */

/* ---- shared between steps ---- */

/* Puts an empty read-only folder, or the null device for a file, over target. */
int mask_put(Init *in, int target, Err *e);

/* Copies all that is in the folder `from` to `to`, folders of different file systems: modes, owners, times, links and device nodes;
 * no extended attributes. */
int content_copy(int from, int to, Err *e);
/* Labels the root of a mount, for file systems that take no context of plan->mount_context. */
int label_put(const Init *in, int mount, Err *e);

/* Attaches lower (a detached mount) in scratch and makes overlay number in->overlays over it, attached in scratch, too. */
int overlay_make_in_scratch(Init *in, int lower, uint64_t attrs, int *ret_mount, Err *e);

/* The root overlay whose upper layer is on disk, attached over the root folder. lower is a detached mount, or FD_NONE where the root
 * folder is the lower layer as it is. */
int overlay_make_on_disk(Init *in, int lower, int *ret_mount, Err *e);

int session_new(Err *e);
int keyring_new(const Init *in, Err *e); /* a session keyring of its own, with WIRE_NEW_KEYRING */

/* What the reaper needs: the command's user, and of capabilities CAP_KILL at most. */
int privileges_reduce(Init *in, Err *e);

/* Takes one mount of this mount namespace, whose root the descriptor is, away with all below it. By in->host_proc. */
int mount_take_away(const Init *in, int mount, Err *e);

/* Whether it becomes read-only when all is mounted and made: then its root is kept in sources. */
static inline bool mount_is_read_only_last(const WireMount *m)
{
	return (m->flags & WIRE_MOUNT_READONLY_LAST) && (m->attr_set & MOUNT_ATTR_RDONLY);
}

static inline bool init_has(const Init *in, uint32_t flag)
{
	return in->plan->flags & flag;
}
