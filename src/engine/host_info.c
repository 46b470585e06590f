#include "engine/host_info.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <linux/landlock.h>
#include <linux/seccomp.h>

#include "base/fd.h"
#include "engine/dirs.h"
#include "kern/process.h"
#include "kern/sys.h"

typedef struct Probe {
	Arena *arena;
	HostInfo *info;
} Probe;

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The file's text, "" when it cannot be read or is longer than 4 KiB. */
static const char *read_text(Arena *a, const char *path)
{
	char text[4096];
	return fd_read_text_at(AT_FDCWD, path, text, sizeof text) < 0 ? "" : arena_strdup(a, text);
}

static void add(Probe *p, const char *name, bool needed, FeatureState state)
{
	HostInfo *i = p->info;
	if (i->features_count < HOST_FEATURES_MAX) /* the list below is shorter */
		i->features[i->features_count++] = (HostFeature){ .name = name,
								  .needed = needed,
								  .state = state };
}

/* Takes the result of a call that cannot succeed: any refusal but ENOSYS shows that the kernel has it. A seccomp filter around us
 * may answer EPERM to calls it does not know: then we cannot use it either way. */
static FeatureState known(long result)
{
	if (result >= 0)
		return FEATURE_YES;
	return errno == ENOSYS || errno == EPERM ? FEATURE_NO : FEATURE_YES;
}

static FeatureState yes_or_no(bool yes)
{
	return yes ? FEATURE_YES : FEATURE_NO;
}

/* ---- calls ---- */

static FeatureState probe_pidfd(void)
{
	AUTO(fd_close) int fd = sys_pidfd_open(getpid(), 0);
	return yes_or_no(fd >= 0);
}

static FeatureState probe_openat2(void)
{
	AUTO(fd_close) int fd = sys_openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
	return yes_or_no(fd >= 0);
}

/* open_tree(2) without OPEN_TREE_CLONE needs no privilege; it came with the rest of the mount API in Linux 5.2. */
static FeatureState probe_mount_api(void)
{
	AUTO(fd_close) int fd = sys_open_tree(AT_FDCWD, "/", OPEN_TREE_CLOEXEC);
	return yes_or_no(fd >= 0);
}

/* A structure of no size is refused before privileges are looked at. */
static FeatureState probe_mount_setattr(void)
{
	return known(syscall(SYS_mount_setattr, FD_NONE, "", 0, NULL, 0));
}

static FeatureState probe_seccomp(uint32_t action)
{
	return yes_or_no(sys_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0);
}

static void probe_calls(Probe *p)
{
	add(p, "clone3", true, known(syscall(SYS_clone3, NULL, 0)));
	add(p, "pidfd", true, probe_pidfd());
	add(p, "openat2", true, probe_openat2());
	add(p, "mount API", true, probe_mount_api());
	add(p, "mount_setattr", true, probe_mount_setattr());
	add(p, "close_range", true, known(sys_close_range(1, 0, 0)));
	add(p, "seccomp filters", false, probe_seccomp(SECCOMP_RET_KILL_PROCESS));
	add(p, "seccomp notification", false, probe_seccomp(SECCOMP_RET_USER_NOTIF));
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	p->info->landlock_abi = abi > 0 ? (int)abi : 0;
	add(p, "landlock", false, yes_or_no(abi > 0));
}

/* ---- file systems ---- */

/* Whether a line of /proc/filesystems, "nodev\toverlay" or "\terofs", ends in this name. */
static bool is_registered(const char *filesystems, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = filesystems; (at = strstr(at, name)) != NULL; at += len)
		if (at > filesystems && at[-1] == '\t' && (at[len] == '\n' || at[len] == '\0'))
			return true;
	return false;
}

static void probe_filesystem(Probe *p, const char *filesystems, const char *name, const char *module)
{
	FeatureState state = yes_or_no(is_registered(filesystems, name));
	if (state == FEATURE_NO &&
	    exists(arena_printf(p->arena, "/lib/modules/%s/kernel/fs/%s", p->info->kernel, module)))
		state = FEATURE_LOADABLE;
	add(p, name, false, state);
}

static void probe_filesystems(Probe *p)
{
	const char *filesystems = read_text(p->arena, "/proc/filesystems");
	probe_filesystem(p, filesystems, "overlay", "overlayfs");
	probe_filesystem(p, filesystems, "erofs", "erofs");
	probe_filesystem(p, filesystems, "fuse", "fuse");
}

/* ---- namespaces ---- */

/* Whether the file system at / can be mounted with other ids; needs a user namespace to take them from. */
static FeatureState probe_idmapped(const char *proc, const char *userns_path)
{
	char path[64];
	AUTO(fd_close) int userns = open(userns_path, O_RDONLY | O_CLOEXEC);
	AUTO(fd_close) int tree = sys_open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (userns < 0 || tree < 0)
		return FEATURE_UNKNOWN;
	/* An empty map is refused. */
	(void)str_format(path, sizeof path, "%s/uid_map", proc); /* both fit */
	if (fd_write_text_at(AT_FDCWD, path, "0 0 1\n") < 0)
		return FEATURE_UNKNOWN;
	(void)str_format(path, sizeof path, "%s/gid_map", proc);
	if (fd_write_text_at(AT_FDCWD, path, "0 0 1\n") < 0)
		return FEATURE_UNKNOWN;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };
	return yes_or_no(sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) == 0);
}

/* The one honest probe for a user namespace is to make one: security modules and limits refuse it in many ways. */
static void probe_user_namespace(Probe *p, FeatureState *ret_user, FeatureState *ret_idmapped)
{
	int ends[2], pidfd;
	*ret_user = *ret_idmapped = FEATURE_UNKNOWN;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	AUTO(fd_close) int in = ends[0];
	AUTO(fd_close) int out = ends[1];

	pid_t child = process_clone(CLONE_NEWUSER, FD_NONE, &pidfd, NULL);
	if (child == 0) { /* waits until the parent closes its end, or dies */
		char c;
		(void)close(out);
		ssize_t n = read(in, &c, 1);
		_exit(n == 0 ? 0 : 1);
	}
	*ret_user = yes_or_no(child > 0);
	if (child < 0)
		return;
	const char *proc = arena_printf(p->arena, "/proc/%d", child);
	*ret_idmapped = probe_idmapped(proc, arena_printf(p->arena, "%s/ns/user", proc));
	ProcessEnd end;
	fd_close(TAKE_FD(out));
	(void)process_wait(pidfd, &end, NULL); /* its end tells nothing */
	fd_close(pidfd);
}

static void probe_namespaces(Probe *p)
{
	const HostFacts *f = &p->info->facts;
	FeatureState user, idmapped;
	probe_user_namespace(p, &user, &idmapped);
	add(p, "user namespaces", false, f->user_ns ? user : FEATURE_NO);
	add(p, "cgroup namespaces", false, yes_or_no(f->cgroup_ns));
	add(p, "time namespaces", false, yes_or_no(f->time_ns));
	add(p, "idmapped mounts", false, idmapped);
}

/* ---- groups ---- */

/* cgroup.kill is in every group but the root: looks into our own, else into any below the mount point. */
static FeatureState probe_cgroup_kill(const Probe *p, const HostCgroup *c)
{
	if (c->own && strcmp(c->own, "/") != 0)
		return yes_or_no(
			exists(arena_printf(p->arena, "%s%s/cgroup.kill", c->mountpoint, c->own)));
	FeatureState state = FEATURE_UNKNOWN;
	DIR *d = opendir(c->mountpoint);
	if (!d)
		return state;
	for (struct dirent *entry; state == FEATURE_UNKNOWN && (entry = readdir(d)) != NULL;)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			state = yes_or_no(exists(arena_printf(p->arena, "%s/%s/cgroup.kill",
							      c->mountpoint, entry->d_name)));
	(void)closedir(d); /* was only read */
	return state;
}

/* "cpu,cpuacct" (v1) or "cpu io" (v2), without named hierarchies, which control nothing. */
static const char *join_controllers(Arena *a, const char *list, const char *more)
{
	if (*more == '\0' || str_starts(more, "name="))
		return list;
	char *joined = arena_printf(a, "%s%s%s", list, *list ? " " : "", more);
	for (char *c = joined; *c; c++)
		if (*c == ',')
			*c = ' ';
	return joined;
}

static void probe_groups(Probe *p)
{
	const HostFacts *f = &p->info->facts;
	FeatureState kill_state = FEATURE_NO;
	p->info->controllers = "";
	for (size_t i = 0; i < f->cgroups_count; i++) {
		p->info->controllers = join_controllers(p->arena, p->info->controllers,
							f->cgroups[i].controllers);
		if (f->cgroups[i].is_v2)
			kill_state = probe_cgroup_kill(p, &f->cgroups[i]);
	}
	add(p, "cgroup.kill", false, kill_state);
	add(p, "pressure stall information", false, yes_or_no(exists("/proc/pressure/memory")));
}

/* ---- the machine ---- */

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" of os-release(5). */
static const char *read_os(Arena *a)
{
	const char *text = read_text(a, "/etc/os-release"), *key = "PRETTY_NAME=";
	if (*text == '\0')
		text = read_text(a, "/usr/lib/os-release");
	const char *at = str_starts(text, key) ? text : strstr(text, "\nPRETTY_NAME=");
	if (!at)
		return "";
	at = strchr(at, '=') + 1;
	at += *at == '"';
	return arena_strndup(a, at, strcspn(at, "\"\n"));
}

static void read_security_modules(Arena *a, HostInfo *i)
{
	i->security_modules = read_text(a, "/sys/kernel/security/lsm"); /* "" where securityfs is not mounted */
	i->apparmor = *read_text(a, "/sys/module/apparmor/parameters/enabled") == 'Y';
	i->selinux = exists("/sys/fs/selinux/enforce");
	i->selinux_enforcing = *read_text(a, "/sys/fs/selinux/enforce") == '1';
}

static int read_machine(Arena *a, HostInfo *i, Err *e)
{
	struct utsname uts;
	struct sysinfo sys;
	cpu_set_t sets[8];
	if (uname(&uts) < 0)
		return err_sys(e, "ask for the kernel's release");
	if (sysinfo(&sys) < 0)
		return err_sys(e, "ask for the amount of memory");
	i->kernel = arena_strdup(a, uts.release);
	i->memory = (uint64_t)sys.totalram * sys.mem_unit;
	i->swap = (uint64_t)sys.totalswap * sys.mem_unit;
	i->cpus = sched_getaffinity(0, sizeof sets, sets) == 0
			  ? (unsigned)CPU_COUNT_S(sizeof sets, sets)
			  : i->facts.cpus;
	i->os = read_os(a);
	return 0;
}

int host_info_read(const char *state_dir, const char *root_dir, Arena *a, HostInfo *ret, Err *e)
{
	Probe p = { .arena = a, .info = ret };
	*ret = (HostInfo){ 0 };
	TRY(dirs_state(state_dir, a, &ret->state_dir, e));
	TRY(dirs_root(root_dir, a, &ret->root_dir, e));
	TRY(host_facts_probe("", 0, a, &ret->facts, e));
	TRY(read_machine(a, ret, e));
	read_security_modules(a, ret);
	probe_calls(&p);
	probe_filesystems(&p);
	probe_namespaces(&p);
	probe_groups(&p);
	return 0;
}

const char *feature_state_word(FeatureState s)
{
	static const char *const words[] = {
		[FEATURE_NO] = "no",
		[FEATURE_YES] = "yes",
		[FEATURE_LOADABLE] = "not loaded",
		[FEATURE_UNKNOWN] = "unknown",
	};
	return words[s];
}
