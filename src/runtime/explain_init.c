#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/caps.h"
#include "base/limits.h"
#include "base/rlimits.h"
#include "base/sched_names.h"
#include "runtime/explain.h"

/* One init's story. */
typedef struct Told {
	const Plan *p;
	const WireBuild *w;
	Explain *x;
	bool apart; /* it only makes the root's tree: one stage for all */
} Told;

static const char *text(const Told *t, WireStr s)
{
	return t->w->strings + s;
}

static bool has(const Told *t, uint32_t flag)
{
	return t->w->head.flags & flag;
}

static bool sets_groups(const Told *t)
{
	return !has(t, WIRE_NO_SETGROUPS) && !has(t, WIRE_KEEP_GROUPS);
}

static Stage stage(const Told *t, Stage s)
{
	return t->apart ? STAGE_ROOT_TREE : s;
}

#define add(t, s, ...) explain_add((t)->x, stage((t), STAGE_##s), __VA_ARGS__)

/* The root, or its lower layer, or a source came as a descriptor of what was made before. */
static bool root_is_given(const Told *t)
{
	return t->p->root_idmap >= 0 || (!t->apart && t->p->has_root_wire);
}

static bool source_is_given(const Told *t, const WireMount *m)
{
	for (size_t i = 0; i < t->p->idmap_mounts_count; i++)
		if (!t->apart && &t->w->mounts[t->p->idmap_mounts[i].mount] == m)
			return true;
	return false;
}

/* ---- what is mounted ---- */

/* Why a container has this mount; by its place, else by its kind. */
static const char *mount_why(const Told *t, const WireMount *m)
{
	static const struct {
		const char *type, *target, *why; /* type NULL: any; target ending in '/': all below it */
	} known[] = {
		{ "proc", "/proc", "the list of its own processes, and nobody else's" },
		{ NULL, "/proc", "the host's list of processes" },
		{ "tmpfs", "/dev", "an empty /dev in memory" },
		{ "devpts", "/dev/pts", "terminals that only it sees" },
		{ "mqueue", "/dev/mqueue", "message queues of its IPC namespace" },
		{ NULL, "/dev/shm", "shared memory between its processes" },
		{ NULL, "/sys", "what the kernel tells about devices" },
		{ NULL, "/sys/fs/cgroup", "a place for its groups" },
		{ NULL, "/sys/fs/cgroup/", "its own group, which it takes for the top of all" },
		{ NULL, "/etc/hosts", "names: itself and --add-host" },
		{ NULL, "/etc/hostname", "its name" },
		{ NULL, "/etc/resolv.conf", "where to ask for other names" },
	};
	const char *type = m->type ? text(t, m->type) : "", *target = text(t, m->target);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t len = strlen(known[i].target);
		bool below = known[i].target[len - 1] == '/';
		if ((!known[i].type || strcmp(known[i].type, type) == 0) &&
		    (below ? strncmp(target, known[i].target, len) == 0
			   : strcmp(target, known[i].target) == 0))
			return known[i].why;
	}
	if (m->kind == WIRE_MOUNT_OVERLAY)
		return "the host's files, over which writes go to memory";
	if (m->kind == WIRE_MOUNT_BIND)
		return "a file or directory of the host, as it was asked for";
	return "a file system of its own";
}

static const char *fs_options(const Told *t, const WireMount *m)
{
	const char *all = "";
	for (uint32_t i = 0; i < m->options_count; i++)
		all = arena_printf(t->x->arena, "%s, fsconfig(\"%s\")", all,
				   text(t, t->w->mount_options[m->options_first + i]));
	return all;
}

static uint64_t attrs_now(const WireMount *m)
{
	return m->attr_set & ~(m->flags & WIRE_MOUNT_READONLY_LAST ? (uint64_t)MOUNT_ATTR_RDONLY : 0);
}

static const char *propagation_words(Arena *a, uint64_t how)
{
	static const ExplainBit bits[] = { { MS_PRIVATE, "PRIVATE" },
					   { MS_SHARED, "SHARED" },
					   { MS_SLAVE, "SLAVE" },
					   { MS_UNBINDABLE, "UNBINDABLE" },
					   { MS_REC, "RECURSIVE" } };
	return explain_bits(a, how, bits, ARRAY_LEN(bits));
}

/* "mount_setattr(RDONLY, RECURSIVE), ", or nothing. */
static const char *setattr_words(Arena *a, uint64_t set, uint64_t clear, const char *how)
{
	if (!(set | clear))
		return "";
	return arena_printf(a, "mount_setattr(%s%s%s%s), ", set ? explain_mount_attrs(a, set) : "",
			    clear ? (set ? ", not " : "not ") : "",
			    clear ? explain_mount_attrs(a, clear) : "", how);
}

/* These are copied while the host's mounts are still shared with ours. */
static bool shares_mounts(const WireMount *m)
{
	return m->kind == WIRE_MOUNT_BIND && (m->propagation & (MS_SHARED | MS_SLAVE));
}

static void tell_copy(const Told *t, const WireMount *m, const char *why)
{
	bool idmap = m->kind == WIRE_MOUNT_OVERLAY && t->p->root_idmap >= 0;
	if (!source_is_given(t, m))
		add(t, OPEN, why, "open_tree(\"%s\", CLONE%s)%s", text(t, m->source),
		    m->flags & WIRE_MOUNT_RECURSIVE ? "|RECURSIVE" : "",
		    idmap ? ", mount_setattr(IDMAP)" : "");
}

static void tell_bind(const Told *t, const WireMount *m)
{
	Arena *a = t->x->arena;
	const char *why = m->propagation & MS_SHARED ? "mounts go in and out, as it was asked for"
			  : m->propagation & MS_SLAVE ? "mounts of the host come in, as it was asked for"
						      : mount_why(t, m);
	if (!shares_mounts(m))
		tell_copy(t, m, "copies of what will be mounted, taken with the caller's rights");
	add(t, MOUNTS, why, "%s%s%smove_mount(\"%s\" -> \"%s\")",
	    setattr_words(a, m->tree_set, m->tree_clear, ", RECURSIVE"),
	    setattr_words(a, m->attr_set, m->attr_clear, ""),
	    m->propagation
		    ? arena_printf(a, "mount_setattr(%s), ", propagation_words(a, m->propagation))
		    : "",
	    text(t, m->source), text(t, m->target));
}

static void tell_fs(const Told *t, const WireMount *m)
{
	Arena *a = t->x->arena;
	const char *taken = arena_printf(
		a, "%s%s%s", m->flags & WIRE_MOUNT_COPY_UP ? "the copy of what is there, " : "",
		m->flags & WIRE_MOUNT_TARGET_OWNER ? "fchownat(as what is there), " : "",
		m->flags & WIRE_MOUNT_TARGET_MODE ? "fchmodat(as what is there), " : "");
	add(t, MOUNTS, mount_why(t, m), "fsopen(\"%s\")%s, fsmount(%s), %smove_mount(\"%s\")",
	    text(t, m->type), fs_options(t, m), explain_mount_attrs(a, attrs_now(m)), taken,
	    text(t, m->target));
}

static void tell_again(const Told *t, const WireMount *m)
{
	Arena *a = t->x->arena;
	bool options = m->options_count > 0;
	add(t, MOUNTS, "what is mounted there, changed as it was asked for",
	    "%s%s%s%s%sopenat2(\"%s\")", options ? "fspick()" : "", fs_options(t, m),
	    options ? ", " : "", setattr_words(a, m->tree_set, m->tree_clear, ", RECURSIVE"),
	    setattr_words(a, m->attr_set, m->attr_clear, ""), text(t, m->target));
}

static void tell_mount(const Told *t, const WireMount *m)
{
	if (m->flags & WIRE_MOUNT_AGAIN) {
		tell_again(t, m);
	} else if (m->kind == WIRE_MOUNT_BIND) {
		tell_bind(t, m);
	} else if (m->kind == WIRE_MOUNT_OVERLAY) {
		tell_copy(t, m, "copies of what will be mounted, taken with the caller's rights");
		add(t, MOUNTS, mount_why(t, m), "mount(\"overlay\"), move_mount(\"%s\")",
		    text(t, m->target));
	} else {
		tell_fs(t, m);
	}
}

/* ---- the stages ---- */

static void tell_root_copy(const Told *t)
{
	const WirePlan *h = &t->w->head;
	if (h->overlay_upper || root_is_given(t) || has(t, WIRE_ROOT_EMPTY))
		return;
	add(t, OPEN,
	    h->root_propagation & MS_SLAVE ? "the root, and what the host mounts there later" : "the root",
	    "open_tree(\"%s\", CLONE%s)%s", text(t, h->root), h->overlay_lower ? "" : "|RECURSIVE",
	    h->root_propagation & MS_SLAVE ? ", mount_setattr(SLAVE, RECURSIVE)" : "");
}

static void tell_begin(const Told *t)
{
	const WirePlan *h = &t->w->head;
	add(t, START, "maps what it has to do, and checks every offset of it before it believes one",
	    "mmap(\"mydocker-plan\")");
	if (!t->apart && has(t, WIRE_UNSHARE_CGROUPNS)) {
		add(t, JOIN, "one thread may enter so, at no cost; from here it is held to its limits",
		    "write(\"tasks\", \"0\") in each of its v1 groups");
		add(t, JOIN, "its groups become the top of what it can see of groups",
		    "unshare(NEWCGROUP)");
	}
	if (!t->apart)
		add(t, JOIN, "all CPUs that its groups have, whatever its maker was held to",
		    "sched_setaffinity(all)");
	for (size_t i = 0; i < t->w->mounts_count; i++)
		if (shares_mounts(&t->w->mounts[i]))
			tell_copy(t, &t->w->mounts[i],
				  "a volume that shares mounts with the host, as long as our view of it does");
	if (h->root_propagation & MS_SLAVE)
		tell_root_copy(t);
	if (!has(t, WIRE_HOST_MOUNTS))
		add(t, OPEN, "what it mounts from now on is nobody else's business",
		    "mount(\"/\", REC|PRIVATE)");
	if (!(h->root_propagation & MS_SLAVE))
		tell_root_copy(t);
}

static void tell_identity(const Told *t)
{
	add(t, HEAR, "its record is written, its ids are mapped", "recvmsg(MAPPED)");
	if (has(t, WIRE_USERNS))
		add(t, IDENTITY, "an id inside; outside it is whom the map says",
		    "setresgid(%u), %ssetresuid(%u)", t->w->head.setup_gid,
		    sets_groups(t) ? "setgroups(0), " : "", t->w->head.setup_uid);
	add(t, IDENTITY, "nobody may trace it or open its files in /proc", "prctl(SET_DUMPABLE, 0)");
}

static void tell_empty_root(const Told *t)
{
	const WireBuild *w = t->w;
	add(t, ROOT,
	    "an empty root in memory: without privilege none may lie over the host's, which has mounts below it",
	    "fsopen(\"tmpfs\"), fsmount(), mkdirat(\"root\"), move_mount(\"root\")");
	for (size_t i = 0; i < w->root_links_count; i++)
		add(t, ROOT, i ? NULL : "the host's links", "symlinkat(\"%s\" -> \"%s\")",
		    text(t, w->root_links[i].name), text(t, w->root_links[i].value));
}

static void tell_root(const Told *t)
{
	const WirePlan *h = &t->w->head;
	if (has(t, WIRE_SCRATCH))
		add(t, ROOT, "memory for what will be written, and thrown away at the end",
		    "fsopen(\"tmpfs\"), fsmount(), move_mount(\"%s\")", text(t, h->scratch_dir));
	if (has(t, WIRE_ROOT_EMPTY))
		tell_empty_root(t);
	else if (!h->overlay_lower)
		add(t, ROOT, "a mount of its own, as pivot_root wants it",
		    "move_mount(\"%s\" -> \"%s\")", text(t, h->root),
		    text(t, root_is_given(t) ? h->scratch_dir : h->root));
	else if (h->overlay_upper)
		add(t, ROOT, "the directory, with a throw-away layer on disk over it",
		    "mount(\"overlay\", lower \"%s\", upper \"%s\")", text(t, h->root),
		    text(t, h->overlay_upper));
	else
		add(t, ROOT, "the directory, with a throw-away layer in memory over it",
		    "mount(\"overlay\", lower \"%s\", upper in memory)", text(t, h->root));
}

static void tell_devices(const Told *t)
{
	const WireBuild *w = t->w;
	for (size_t i = 0; i < w->devices_count; i++) {
		const WireDevice *d = &w->devices[i];
		const char *path = text(t, d->path);
		if (has(t, WIRE_INNER_USERNS))
			add(t, DEVICES,
			    i ? NULL : "a user namespace may make none: the host's, by a mount",
			    "open_tree(\"%s\", CLONE), openat(\"%s\", CREAT), move_mount(\"%s\")",
			    path, path, path);
		else
			add(t, DEVICES,
			    i ? NULL : "new nodes: the group's rules say which can be opened",
			    "mknodat(\"%s\", %c %u:%u, %04o)", path, S_ISBLK(d->mode) ? 'b' : 'c',
			    d->major, d->minor, d->mode & 07777);
	}
	for (size_t i = 0; i < w->links_count; i++)
		add(t, DEVICES, i ? NULL : "names that programs look for", "symlinkat(\"%s\" -> \"%s\")",
		    text(t, w->links[i].name), text(t, w->links[i].value));
}

static void tell_kernel(const Told *t)
{
	const WireBuild *w = t->w;
	if (has(t, WIRE_TERMINAL))
		add(t, TERMINAL, "a pair of its own devpts: the command has one end, mydocker the other",
		    "openat(\"ptmx\"), ioctl(TIOCGPTPEER), move_mount(\"/dev/console\")");
	if (w->head.hostname)
		add(t, KERNEL, "its name: the host keeps its own", "sethostname(\"%s\")",
		    text(t, w->head.hostname));
	if (w->head.domainname)
		add(t, KERNEL, "its NIS domain, which is not that of DNS", "setdomainname(\"%s\")",
		    text(t, w->head.domainname));
	if (has(t, WIRE_LOOPBACK_UP))
		add(t, KERNEL, "127.0.0.1 works; a new network namespace has it switched off",
		    "netlink: RTM_NEWLINK lo UP");
	for (size_t i = 0; i < w->sysctls_count; i++)
		add(t, KERNEL, i ? NULL : "settings of its namespaces, not of the host",
		    "write(\"/proc/sys/%s\", \"%s\")", text(t, w->sysctls[i].name),
		    text(t, w->sysctls[i].value));
	if (strcmp(text(t, w->head.cwd), "/") != 0)
		add(t, WORKDIR, NULL, "mkdirat(\"%s\"), unless it is there", text(t, w->head.cwd));
}

static void tell_masks(const Told *t)
{
	const WireBuild *w = t->w;
	for (size_t i = 0; i < w->readonly_count; i++)
		add(t, MASKS, i ? NULL : "may be read, not written (where it exists)",
		    "open_tree(CLONE|RECURSIVE), mount_setattr(RDONLY), move_mount(\"%s\")",
		    text(t, w->readonly[i]));
	for (size_t i = 0; i < w->masked_count; i++)
		add(t, MASKS,
		    i ? NULL : "nothing is seen there (where it exists): an empty read-only directory, or the null device",
		    "move_mount(\"%s\")", text(t, w->masked[i]));
	for (size_t i = 0; i < w->mounts_count; i++)
		if ((w->mounts[i].flags & WIRE_MOUNT_READONLY_LAST) &&
		    (w->mounts[i].attr_set & MOUNT_ATTR_RDONLY))
			add(t, MASKS, "read-only, now that all that lies in it is there",
			    "mount_setattr(\"%s\", RDONLY)", text(t, w->mounts[i].target));
	if (has(t, WIRE_ROOT_READONLY))
		add(t, MASKS, "nobody writes to the root", "mount_setattr(\"/\", RDONLY)");
	for (size_t i = 0; i < w->labels_count; i++)
		add(t, LABELS,
		    strcmp(text(t, w->labels[i].name), "keycreate") == 0
			    ? "its session keyring has it, too"
			    : "the kernel confines the command by it, from its execve on",
		    "write(\"/proc/self/attr/%s\", \"%s\")", text(t, w->labels[i].name),
		    text(t, w->labels[i].value));
	if (has(t, WIRE_HOST_MOUNTS))
		add(t, PIVOT,
		    "the container's root becomes /; all else of the mount namespace, which is not its own, stays",
		    "fchdir(root), chroot(\".\"), chdir(\"/\")");
	else
		add(t, PIVOT,
		    "the container's root becomes /, the host's is put on top of it and taken away",
		    "pivot_root(\".\", \".\"), umount2(\".\", DETACH), chdir(\"/\")");
	if (w->head.root_propagation)
		add(t, PIVOT, "how mounts go in and out of the root, as it was asked for",
		    "mount_setattr(\"/\", %s)",
		    propagation_words(t->x->arena, w->head.root_propagation));
	add(t, PIVOT, has(t, WIRE_TERMINAL) ? "the terminal goes along" : NULL, "sendmsg(ROOTFS_READY)");
}

static const char *limit_words(const Told *t, uint64_t value)
{
	return value == RLIM_INFINITY ? "unlimited"
				      : arena_printf(t->x->arena, "%llu", (unsigned long long)value);
}

/* Two processes: what the one that stays does, in a step of its own. */
static void tell_reaper(const Told *t)
{
	if (!has(t, WIRE_REAPER))
		return;
	add(t, SESSION, "the child becomes the command; this process stays, passes signals on and reaps",
	    "clone3()");
	add(t, SESSION,
	    "in the process that stays, before the child goes on: it keeps nothing that the command has not",
	    "setsid()%s, %ssetresgid(), setresuid(), capset(%s), prctl(SET_PDEATHSIG, SIGKILL)%s, close_range(0)",
	    has(t, WIRE_NEW_KEYRING) ? ", keyctl(JOIN_SESSION_KEYRING)" : "",
	    sets_groups(t) ? "setgroups(), " : "",
	    t->w->head.caps_bounding >> CAP_KILL & 1 ? "KILL" : "none",
	    t->w->filter_count > 0 ? ", seccomp(6 calls)" : "");
}

static void tell_streams(const Told *t)
{
	if (has(t, WIRE_STDIN_NULL))
		add(t, SESSION, "nothing to read, unless -i is given", "dup2(\"/dev/null\", 0)");
	if (has(t, WIRE_STDOUT_NULL))
		add(t, SESSION, "not attached", "dup2(\"/dev/null\", 1)");
	if (has(t, WIRE_STDERR_NULL))
		add(t, SESSION, "not attached", "dup2(\"/dev/null\", 2)");
}

static void tell_session(const Told *t)
{
	const WireBuild *w = t->w;
	tell_reaper(t);
	add(t, SESSION, "a session of its own", "setsid()");
	if (has(t, WIRE_TERMINAL))
		add(t, SESSION, "the terminal is its controlling one: ^C works",
		    "ioctl(TIOCSCTTY), dup2(0, 1, 2)");
	tell_streams(t);
	if (has(t, WIRE_NEW_KEYRING))
		add(t, SESSION, "keys of the caller stay with the caller",
		    "keyctl(JOIN_SESSION_KEYRING)");
	add(t, SESSION, "signals as a fresh process has them, and the file mode mask",
	    "rt_sigaction(1 to 64, DFL), rt_sigprocmask(none), umask(%04o)",
	    has(t, WIRE_HAS_UMASK) ? w->head.umask : 022);
	if (has(t, WIRE_HAS_PERSONALITY))
		add(t, SESSION, "the execution domain", "personality(0x%x)", w->head.personality);
	for (size_t i = 0; i < w->rlimits_count; i++)
		add(t, LIMITS,
		    w->rlimits[i].is_default ? "a default: no more than this process may have itself"
					     : "as asked for",
		    "prlimit64(%s, soft %s, hard %s)",
		    rlimit_name(w->rlimits[i].resource) + strlen("RLIMIT_"),
		    limit_words(t, w->rlimits[i].soft), limit_words(t, w->rlimits[i].hard));
}

static void tell_scheduling(const Told *t)
{
	const WirePlan *h = &t->w->head;
	const unsigned mode = h->memory_mode & ((1 << 13) - 1); /* without MPOL_F_* */
	if (has(t, WIRE_HAS_SCHEDULER))
		add(t, LIMITS, "before whom it gets a CPU", "sched_setattr(%s, nice %d, priority %u)",
		    sched_policy_name(h->scheduler.policy), h->scheduler.nice, h->scheduler.priority);
	if (h->io_priority)
		add(t, LIMITS, "before whom it gets the disk", "ioprio_set(%s, %u)",
		    io_class_name(h->io_priority >> IOPRIO_CLASS_SHIFT),
		    (unsigned)IOPRIO_PRIO_DATA(h->io_priority));
	if (has(t, WIRE_HAS_MEMORY_POLICY))
		add(t, LIMITS, "from which nodes it gets memory", "set_mempolicy(%s%s)",
		    mempolicy_mode_name(mode), t->w->memory_nodes_count > 0 ? ", nodes" : "");
}

/* The capabilities in a set, "NET_ADMIN", by their names without the prefix. */
static const char *caps_words(const Told *t, uint64_t set)
{
	const char *words = "";
	for (int i = 0; i < CAP_COUNT; i++)
		if (set >> i & 1)
			words = arena_printf(t->x->arena, "%s%s%s", words, *words ? " " : "",
					     cap_name(i) + strlen("CAP_"));
	return *words ? words : "none";
}

static void tell_filter(const Told *t)
{
	if (t->w->filter_count > 0)
		add(t, BIND,
		    "a filter on system calls: unknown ones do not exist, dangerous ones are refused",
		    "seccomp(SET_MODE_FILTER, %zu instructions)", t->w->filter_count);
}

static void tell_privileges(const Told *t)
{
	const WirePlan *h = &t->w->head;
	if (has(t, WIRE_NO_NEW_PRIVS))
		add(t, PRIVILEGES, "set-user-id programs give nothing any more",
		    "prctl(SET_NO_NEW_PRIVS)");
	add(t, PRIVILEGES, "who may not go there may be put there", "chdir(\"%s\")", text(t, h->cwd));
	if (has(t, WIRE_SET_CAPS))
		add(t, PRIVILEGES,
		    arena_printf(t->x->arena, "what nobody in it can ever get again; left are: %s",
				 caps_words(t, h->caps_bounding)),
		    "prctl(CAPBSET_DROP) for each other capability");
	add(t, PRIVILEGES, "the command's user and groups", "%ssetresgid(%u), setresuid(%u)",
	    sets_groups(t) ? arena_printf(t->x->arena, "setgroups(%zu), ", t->w->groups_count) : "",
	    h->gid, h->uid);
	if (has(t, WIRE_SET_CAPS))
		add(t, PRIVILEGES, "what it may do at once", "capset(%s)",
		    caps_words(t, h->caps_effective));
	add(t, BIND, "when mydocker dies, so does the container", "prctl(SET_PDEATHSIG, SIGKILL)");
	add(t, BIND, "no descriptor of ours gets into the command", "close_range(3, CLOEXEC)");
	for (size_t i = 0; i < t->w->keep_fds_count; i++)
		add(t, BIND, i ? NULL : "but what it is to have of the caller's",
		    "fcntl(%d, SETFD, 0)", t->w->keep_fds[i]);
	if (has(t, WIRE_NOTIFY))
		tell_filter(t);
	add(t, BIND, NULL, "sendmsg(EXECING)");
	if (!has(t, WIRE_NOTIFY))
		tell_filter(t);
	add(t, EXEC,
	    has(t, WIRE_REAPER) ? "what was a process of mydocker is now the only child of process 1"
				: "what was a process of mydocker is now process 1 of the container",
	    "execve(\"%s\", %zu arguments, %zu variables)", text(t, t->w->argv[0]),
	    t->w->argv_count, t->w->envp_count);
}

void explain_init(const Plan *p, const WireBuild *w, Explain *x)
{
	const Told t = { .p = p, .w = w, .x = x, .apart = w->head.flags & WIRE_ROOT_ONLY };
	tell_begin(&t);
	tell_identity(&t);
	tell_root(&t);
	for (size_t i = 0; i < w->mounts_count; i++)
		tell_mount(&t, &w->mounts[i]);
	if (t.apart) {
		add(&t, ROOT, "the finished tree, for the container's init",
		    "open_tree(CLONE|RECURSIVE), sendmsg(ROOTFS_READY)");
		return;
	}
	tell_devices(&t);
	tell_kernel(&t);
	tell_masks(&t);
	tell_session(&t);
	tell_scheduling(&t);
	tell_privileges(&t);
}
