#include "runtime/facts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/nsfs.h>

#include "base/fd.h"
#include "base/num.h"
#include "kern/sys.h"
#include "kern/userns.h"
#include "runtime/facts_parts.h"

const char *probe_path(const Probe *p, const char *path)
{
	return *p->root ? arena_printf(p->arena, "%s%s", p->root, path) : path;
}

/* The kernel's own, for which the effective ids count; musl would fork to ask for them where they differ from the real ones. */
static int sys_faccessat(int dirfd, const char *path, int mode)
{
	return (int)syscall(SYS_faccessat, dirfd, path, mode);
}

bool probe_is_writable(const Probe *p, const char *dir)
{
	return sys_faccessat(AT_FDCWD, probe_path(p, dir), W_OK) == 0;
}

static bool exists(const Probe *p, const char *path)
{
	return access(probe_path(p, path), F_OK) == 0;
}

/* ---- this process ---- */

static int probe_caps(HostFacts *f, Err *e)
{
	struct __user_cap_data_struct data[2];
	if (sys_capget(data) < 0)
		return err_sys(e, "read the capabilities of this process");
	f->caps = (uint64_t)data[1].permitted << 32 | data[0].permitted;

	/* Asking costs less than reading cap_last_cap. The first guess is right on Linux 5.9 to 6.18. */
	int known = prctl(PR_CAPBSET_READ, 40, 0, 0, 0) >= 0 ? 41 : 0;
	while (known < 64 && prctl(PR_CAPBSET_READ, known, 0, 0, 0) >= 0)
		known++;
	f->caps_known = known >= 64 ? UINT64_MAX : (UINT64_C(1) << known) - 1;
	return 0;
}

/* True when this process's user namespace is the one that owns its mounts: in a user namespace that has no mount namespace of
 * its own, CAP_SYS_ADMIN does not extend to mounting. */
static bool owns_mounts(bool *ret_first)
{
	struct stat owner, ours;
	AUTO(fd_close) int ns = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return false;
	AUTO(fd_close) int userns = ioctl(ns, NS_GET_USERNS);
	if (userns < 0) /* EPERM: it is not ours nor below ours; ENOTTY: Linux before 4.9 */
		return false;
	if (fstat(userns, &owner) < 0 || stat("/proc/self/ns/user", &ours) < 0)
		return false;
	*ret_first = ours.st_ino == USERNS_FIRST_INODE;
	return owner.st_ino == ours.st_ino && owner.st_dev == ours.st_dev;
}

static bool is_setgroups_denied(const Probe *p)
{
	char text[16];
	return fd_read_text_at(AT_FDCWD, probe_path(p, "/proc/self/setgroups"), text, sizeof text) >= 0 &&
	       strcmp(text, "deny") == 0;
}

static int probe_process(const Probe *p, Err *e)
{
	HostFacts *f = p->facts;
	struct rlimit limit;
	f->euid = geteuid();
	f->egid = getegid();
	TRY(probe_caps(f, e));
	/* A kernel without user namespaces has only one to own everything. */
	f->user_ns = exists(p, "/proc/self/ns/user");
	f->first_user_ns = !f->user_ns;
	f->cgroup_ns = exists(p, "/proc/self/ns/cgroup");
	f->time_ns = exists(p, "/proc/self/ns/time");
	f->privileged = (f->caps & (UINT64_C(1) << CAP_SYS_ADMIN)) &&
			(!f->user_ns || owns_mounts(&f->first_user_ns));
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(e, "read the limit of open files");
	f->nofile_soft = limit.rlim_cur;
	f->nofile_hard = limit.rlim_max;
	if (!f->first_user_ns)
		f->setgroups_denied = is_setgroups_denied(p);
	if (f->privileged && !f->first_user_ns)
		TRY(host_facts_id_maps(p->root, p->arena, f, e));
	if (!f->privileged)
		host_facts_id_helpers(p->root, p->arena, f);
	return 0;
}

/* "0-3", "0", "0,2-5": one more than the highest. */
static int probe_cpus(const Probe *p, Err *e)
{
	char text[4096];
	const char *path = probe_path(p, "/sys/devices/system/cpu/present");
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	uint32_t last = 0;
	if (n == -ENOENT) { /* no sysfs: as good as one */
		p->facts->cpus = 1;
		return 0;
	}
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", path);
	const char *dash = strrchr(text, '-'), *comma = strrchr(text, ',');
	const char *number = dash > comma ? dash + 1 : comma ? comma + 1 : text;
	if (num_parse_u32(number, 1u << 20, &last) < 0)
		return err_make(e, ERR_SYS, EINVAL, "%s does not hold a list of CPUs: '%s'", path, text);
	p->facts->cpus = last + 1;
	return 0;
}

/* ---- kernel ---- */

/* Only for who asks by number, as conditions of seccomp profiles do; what the kernel can is probed. */
static int probe_kernel(const Probe *p, Err *e)
{
	char text[256];
	const char *path = probe_path(p, "/proc/sys/kernel/osrelease");
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", path);
	char *major = text, *dot = strchr(text, '.'), *minor = dot ? dot + 1 : text;
	char *end = minor + strspn(minor, "0123456789");
	if (dot)
		*dot = *end = '\0';
	if (!dot || num_parse_u32(major, UINT16_MAX, &p->facts->kernel_major) < 0 ||
	    num_parse_u32(minor, UINT16_MAX, &p->facts->kernel_minor) < 0)
		return err_make(e, ERR_SYS, EINVAL, "%s does not begin with a version such as 6.1",
				path);
	return 0;
}

/* "Y" is there when AppArmor was compiled in and not switched off at boot; selinuxfs is mounted when a policy can be loaded. */
static void probe_labels(const Probe *p)
{
	char enabled[8];
	const char *path = probe_path(p, "/sys/module/apparmor/parameters/enabled");
	p->facts->apparmor = fd_read_text_at(AT_FDCWD, path, enabled, sizeof enabled) > 0 &&
			     enabled[0] == 'Y';
	p->facts->apparmor_attr = exists(p, "/proc/self/attr/apparmor/exec");
	p->facts->selinux = exists(p, "/sys/fs/selinux/enforce");
}

/* ---- cgroups ---- */

/* The kernel's name for a group outside of this process's cgroup namespace or mount is a path with "..". */
static bool leads_up(const char *path)
{
	return str_starts(path, "/..") && (path[3] == '/' || path[3] == '\0');
}

/* The part of a group's path that is below the mount's root: what to add to the mount point. NULL when it is not below. */
static const char *through_mount(const char *group, const char *root)
{
	if (leads_up(group) || leads_up(root) || !path_is_below(group, root))
		return NULL;
	const char *rest = strcmp(root, "/") == 0 ? group : group + strlen(root);
	return *rest ? rest : "/";
}

static const char *group_dir(const Probe *p, const HostCgroup *c)
{
	return strcmp(c->own, "/") == 0 ? c->mountpoint
					: arena_printf(p->arena, "%s%s", c->mountpoint, c->own);
}

/* The host's root is asked no file's permission: only a read-only mount can stop it. m is NULL where the mounts were not read. */
static bool root_may_write(const Probe *p, const MountInfo *m)
{
	bool all = host_facts_has_root(p->facts) && p->facts->euid == 0 &&
		   (p->facts->caps >> CAP_DAC_OVERRIDE & 1);
	return m && all && !*p->root && !mountinfo_has_option(m->options, "ro") &&
	       !mountinfo_has_option(m->super_options, "ro");
}

/* Which part of a hierarchy we may divide. */
static void find_writable(const Probe *p, const MountInfo *m, HostCgroup *c)
{
	c->writable = root_may_write(p, m) || probe_is_writable(p, c->mountpoint);
	c->read_only = !c->writable && errno == EROFS;
	if (c->writable || !c->is_v2 || !c->own || strcmp(c->own, "/") == 0)
		return;
	probe_delegated(p, c);
	c->writable = c->delegated != NULL;
}

/* The controllers that our groups can have: those of the group that we divide. */
static int read_v2_controllers(const Probe *p, HostCgroup *c)
{
	char text[512];
	const char *path = probe_path(p, arena_printf(p->arena, "%s%s/cgroup.controllers", c->mountpoint,
						      c->delegated ? c->delegated : ""));
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return (int)n;
	c->controllers = arena_strdup(p->arena, text);
	return 0;
}

/* One line of /proc/self/cgroup, "4:memory:/user.slice": the path may hold colons. */
typedef struct GroupLine {
	bool is_v2;
	const char *controllers, *path;
} GroupLine;

static bool next_group_line(char **text, GroupLine *ret)
{
	while (**text) {
		char *line = *text, *end = strchrnul(line, '\n');
		*text = *end ? end + 1 : end;
		*end = '\0';
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path || path[1] != '/')
			continue;
		*controllers++ = '\0';
		*path++ = '\0';
		*ret = (GroupLine){ .is_v2 = !*controllers, .controllers = controllers, .path = path };
		return true;
	}
	return false;
}

typedef struct GroupLines {
	GroupLine *items;
	size_t count;
} GroupLines;

static int read_group_lines(const Probe *p, GroupLines *ret, Err *e)
{
	char *text;
	GroupLine line;
	const char *path = probe_path(p, "/proc/self/cgroup");
	int r = mountinfo_read(path, p->arena, &text, e);
	if (r == -ENOENT) /* a kernel without cgroups */
		return 0;
	if (r < 0)
		return r;
	while (next_group_line(&text, &line))
		*arena_push(p->arena, &ret->items, &ret->count, GroupLine) = line;
	return 0;
}

static bool mount_shows(const MountInfo *m, const GroupLine *line)
{
	if (line->is_v2)
		return strcmp(m->fstype, "cgroup2") == 0;
	if (strcmp(m->fstype, "cgroup") != 0)
		return false;
	/* A controller is in one hierarchy only, so that the first word of the line tells. */
	char first[64];
	const char *comma = strchrnul(line->controllers, ',');
	return str_format(first, sizeof first, "%.*s", (int)(comma - line->controllers),
			  line->controllers) >= 0 &&
	       mountinfo_has_option(m->super_options, first);
}

/* Only a mount at the same place or above it can hide one; to ask the kernel costs a call for each. */
static bool is_reachable(const Probe *p, const MountInfo *mounts, size_t count, size_t i)
{
	if (*p->root)
		return true;
	for (size_t k = i + 1; k < count; k++)
		if (path_is_below(mounts[i].mountpoint, mounts[k].mountpoint))
			return mountinfo_is_visible(&mounts[i], NULL);
	return true;
}

/* The mount through which a hierarchy is best reached: one that shows our own group, and among those the one with the whole
 * hierarchy; the first of several. */
static const MountInfo *best_mount(const Probe *p, const GroupLine *line, const MountInfo *mounts,
				   size_t count)
{
	const MountInfo *best = NULL;
	int best_score = -1;
	for (size_t i = 0; i < count; i++) {
		const MountInfo *m = &mounts[i];
		if (!mount_shows(m, line))
			continue;
		int score = (through_mount(line->path, m->root) ? 2 : 0) +
			    (strcmp(m->root, "/") == 0 ? 1 : 0);
		if (score > best_score && is_reachable(p, mounts, count, i)) {
			best = m;
			best_score = score;
		}
	}
	return best;
}

static void add_cgroup(const Probe *p, const GroupLine *line, const MountInfo *m,
		       const char *mountpoint, const char *own)
{
	HostCgroup c = {
		.is_v2 = line->is_v2,
		.controllers = line->controllers,
		.mountpoint = mountpoint,
		.own = own,
	};
	find_writable(p, m, &c);
	if (c.is_v2 && read_v2_controllers(p, &c) < 0)
		c.controllers = ""; /* not there to be read: none that we could use */
	*arena_push(p->arena, &p->facts->cgroups, &p->facts->cgroups_count, HostCgroup) = c;
}

/* The common case without reading mountinfo: there is no v1 hierarchy at all, and the usual place shows our own group. */
static bool probe_v2_alone(const Probe *p, const GroupLines *lines)
{
	if (lines->count != 1 || !lines->items[0].is_v2 || leads_up(lines->items[0].path))
		return false;
	const GroupLine *l = &lines->items[0];
	const char *own = strcmp(l->path, "/") == 0 ? "" : l->path;
	if (!exists(p, arena_printf(p->arena, "/sys/fs/cgroup%s/cgroup.controllers", own)))
		return false;
	add_cgroup(p, l, NULL, "/sys/fs/cgroup", l->path);
	return true;
}

/* The root of the v2 tree has no limits to look at. There, swap is counted wherever it is compiled in (Linux 6.1; before, that was a
 * choice whose default is yes). */
static bool accounts_swap(const Probe *p, const HostCgroup *c)
{
	if (!c->is_v2)
		return mountinfo_has_option(c->controllers, "memory") &&
		       exists(p, arena_printf(p->arena, "%s/memory.memsw.limit_in_bytes", c->mountpoint));
	if (c->own && strcmp(c->own, "/") != 0 &&
	    exists(p, arena_printf(p->arena, "%s/memory.max", group_dir(p, c))))
		return exists(p, arena_printf(p->arena, "%s/memory.swap.max", group_dir(p, c)));
	return strstr(c->controllers, "memory") && exists(p, "/proc/swaps");
}

static void find_swap(const Probe *p)
{
	HostFacts *f = p->facts;
	for (size_t i = 0; i < f->cgroups_count && !f->swap_accounting; i++)
		f->swap_accounting = accounts_swap(p, &f->cgroups[i]);
}

static void find_mode(HostFacts *f)
{
	bool v1 = false, v2 = false;
	for (size_t i = 0; i < f->cgroups_count; i++)
		*(f->cgroups[i].is_v2 ? &v2 : &v1) = true;
	f->cgroup_mode = v1 && v2 ? CGROUP_HYBRID : v1 ? CGROUP_V1 : v2 ? CGROUP_V2 : CGROUP_NONE;
}

static void probe_cgroups(const Probe *p, const GroupLines *lines, const MountInfo *mounts, size_t count)
{
	for (int v2 = 0; v2 <= 1; v2++) {
		for (size_t i = 0; i < lines->count; i++) {
			const GroupLine *l = &lines->items[i];
			const MountInfo *m = l->is_v2 == v2 ? best_mount(p, l, mounts, count) : NULL;
			if (m)
				add_cgroup(p, l, m, m->mountpoint, through_mount(l->path, m->root));
		}
	}
}

/* ---- mounts ---- */

static uint64_t attrs_of(const char *options)
{
	static const struct {
		const char *word;
		uint64_t attr;
	} words[] = { { "ro", MOUNT_ATTR_RDONLY },
		      { "nosuid", MOUNT_ATTR_NOSUID },
		      { "nodev", MOUNT_ATTR_NODEV },
		      { "noexec", MOUNT_ATTR_NOEXEC } };
	uint64_t attrs = 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (mountinfo_has_option(options, words[i].word))
			attrs |= words[i].attr;
	return attrs;
}

static int by_mountpoint(const void *a, const void *b)
{
	return strcmp(((const HostMount *)a)->mountpoint, ((const HostMount *)b)->mountpoint);
}

static void list_mounts(const Probe *p, const MountInfo *mounts, size_t count)
{
	HostFacts *f = p->facts;
	f->mounts = arena_new_array(p->arena, count, HostMount);
	for (size_t i = 0; i < count; i++) {
		bool is_dir = true;
		if (!*p->root && !mountinfo_is_visible(&mounts[i], &is_dir))
			continue;
		f->mounts[f->mounts_count++] = (HostMount){
			.mountpoint = mounts[i].mountpoint,
			.fstype = mounts[i].fstype,
			.source = mounts[i].source,
			.attrs = attrs_of(mounts[i].options),
			.is_dir = is_dir,
		};
	}
	if (f->mounts_count > 0)
		qsort(f->mounts, f->mounts_count, sizeof *f->mounts, by_mountpoint);
}

int host_facts_probe(const char *root, unsigned what, Arena *a, HostFacts *ret, Err *e)
{
	HostFacts facts = { 0 };
	Probe p = { .root = root, .arena = a, .facts = &facts };
	GroupLines lines = { 0 };
	MountInfo *mounts = NULL, m;
	size_t count = 0;

	TRY(probe_process(&p, e));
	TRY(probe_cpus(&p, e));
	TRY(read_group_lines(&p, &lines, e));
	bool have_cgroups = lines.count == 0 || probe_v2_alone(&p, &lines);
	if (!have_cgroups || (what & FACTS_MOUNTS)) {
		char *text;
		TRY(mountinfo_read(probe_path(&p, "/proc/self/mountinfo"), a, &text, e));
		while (mountinfo_next(&text, &m))
			*arena_push(a, &mounts, &count, MountInfo) = m;
	}
	if (!have_cgroups)
		probe_cgroups(&p, &lines, mounts, count);
	if (what & FACTS_MOUNTS)
		list_mounts(&p, mounts, count);
	if ((what & FACTS_MOUNTS) && !host_facts_has_root(&facts))
		TRY(probe_entries(&p, mounts, count, e));
	if (what & FACTS_KERNEL)
		TRY(probe_kernel(&p, e));
	if (what & FACTS_LABELS)
		probe_labels(&p);
	if (what & FACTS_RESCTRL)
		TRY(probe_resctrl(&p, e));
	find_mode(&facts);
	find_swap(&p);
	*ret = facts;
	return 0;
}

/* Lines "memory	4	21	1": name, hierarchy, number of groups, enabled. */
void host_facts_add_controllers(const char *root, Arena *a, HostFacts *f)
{
	const Probe p = { .root = root, .arena = a, .facts = f };
	char text[4096];
	if (fd_read_text_at(AT_FDCWD, probe_path(&p, "/proc/cgroups"), text, sizeof text) < 0)
		return;
	StrList lines = str_split(a, text, '\n');
	for (size_t i = 0; i < lines.count; i++) {
		StrList words = str_split(a, lines.items[i], '\t');
		if (words.count != 4 || *words.items[0] == '#')
			continue;
		bool on = strcmp(words.items[3], "0") != 0;
		strlist_add(a, on ? &f->controllers_on : &f->controllers_off, words.items[0]);
	}
}

const char *cgroup_mode_name(CgroupMode m)
{
	static const char *const names[] = { "none", "v1", "hybrid", "v2" };
	return names[m];
}
