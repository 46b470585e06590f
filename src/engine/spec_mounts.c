#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mount_words.h"
#include "base/num.h"
#include "engine/spec_volumes.h"
#include "kern/path.h"

#define SHM_BYTES ((int64_t)64 << 20)

static SpecMount *mount_add(const RunContext *c, Spec *s, SpecMount m)
{
	SpecMount *slot = arena_push(c->arena, &s->mounts, &s->mounts_count, SpecMount);
	*slot = m;
	return slot;
}

/* Options as a comma-separated text, split. */
static void fs_add(const RunContext *c, Spec *s, const char *type, const char *destination,
		   const char *options)
{
	mount_add(c, s,
		  (SpecMount){ .type = type,
			       .source = type,
			       .destination = destination,
			       .options = str_split(c->arena, options, ',') });
}

static void bind_add(const RunContext *c, Spec *s, const char *source, const char *destination,
		     const char *options)
{
	mount_add(c, s,
		  (SpecMount){ .type = "bind",
			       .source = source,
			       .destination = destination,
			       .options = str_split(c->arena, options, ',') });
}

static void fill_ipc_mounts(const RunContext *c, Spec *s)
{
	const RunRequest *r = c->request;
	if (run_shares(r->ipc)) {
		bind_add(c, s, "/dev/shm", "/dev/shm", "rbind,rnosuid,rnoexec,rnodev");
		if (access("/dev/mqueue", F_OK) == 0)
			bind_add(c, s, "/dev/mqueue", "/dev/mqueue", "rbind,rnosuid,rnoexec,rnodev");
		return;
	}
	int64_t size = r->shm_size > 0 ? r->shm_size : SHM_BYTES;
	fs_add(c, s, "tmpfs", "/dev/shm",
	       arena_printf(c->arena, "nosuid,noexec,nodev,mode=1777,size=%lld", (long long)size));
	fs_add(c, s, "mqueue", "/dev/mqueue", "nosuid,noexec,nodev");
}

/* One of --security-opt proc-opts: what proc(5) has, or an option of any mount. */
static int proc_option_check(const char *word, Err *e)
{
	static const char *const known[] = { "hidepid=0",         "hidepid=1",
					     "hidepid=2",         "hidepid=4",
					     "hidepid=off",       "hidepid=noaccess",
					     "hidepid=invisible", "hidepid=ptraceable",
					     "subset=pid" };
	const MountWord *w = mount_word_find(word);
	const char *gid = str_after(word, "gid=");
	uint32_t id;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(word, known[i]) == 0)
			return 0;
	if ((gid && num_parse_u32(gid, UINT32_MAX - 1, &id) == 0) ||
	    (w && w->kind == MOUNT_WORD_ATTR && !w->recursive))
		return 0;
	return err_make(e, ERR_USAGE, 0,
			"--security-opt proc-opts: '%s' is none of hidepid=N, gid=N, subset=pid and options of mounts such as ro",
			word);
}

/* A new procfs shows the pid namespace, which in a user namespace of its own the container must own: else it sees the host's. */
static int fill_proc(const RunContext *c, Spec *s, Err *e)
{
	const StrList *asked = &c->request->proc_opts;
	for (size_t i = 0; i < asked->count; i++)
		TRY(proc_option_check(asked->items[i], e));
	if (run_is_inner(c) && run_shares(c->request->pid)) {
		if (asked->count > 0)
			return err_make(e, ERR_USAGE, 0,
					"--security-opt proc-opts: with --pid host in a user namespace /proc is the host's");
		bind_add(c, s, "/proc", "/proc", "rbind,rnosuid,rnoexec,rnodev");
		return 0;
	}
	fs_add(c, s, "proc", "/proc", "nosuid,noexec,nodev");
	for (size_t i = 0; i < asked->count; i++)
		strlist_add(c->arena, &s->mounts[s->mounts_count - 1].options, asked->items[i]);
	return 0;
}

/* The kernel shows a new sysfs only to the owner of the network namespace: with the host's network in a user namespace of its own, a
 * container sees the host's, read-only. */
static void fill_sysfs(const RunContext *c, Spec *s)
{
	bool writable = c->request->privileged;
	if (run_is_inner(c) && run_shares(c->request->network))
		bind_add(c, s, "/sys", "/sys", "rbind,rnosuid,rnoexec,rnodev,rro");
	else
		fs_add(c, s, "sysfs", "/sys",
		       writable ? "nosuid,noexec,nodev" : "nosuid,noexec,nodev,ro");
	writable |= run_is_unmasked(c, "/sys/fs/cgroup");
	fs_add(c, s, "cgroup", "/sys/fs/cgroup",
	       writable || c->request->writable_cgroups ? "nosuid,noexec,nodev,relatime"
							: "nosuid,noexec,nodev,relatime,ro");
	if (c->request->label_nested && !c->request->label_disable)
		bind_add(c, s, "/sys/fs/selinux", "/sys/fs/selinux", "rbind,rnosuid,rnoexec,rnodev");
}

static int fill_base_mounts(const RunContext *c, Spec *s, Err *e)
{
	TRY(fill_proc(c, s, e));
	fs_add(c, s, "tmpfs", "/dev", "nosuid,strictatime,mode=755,size=65536k");
	fs_add(c, s, "devpts", "/dev/pts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	fill_sysfs(c, s);
	fill_ipc_mounts(c, s);
	if (c->root_kind == ROOT_HOST) {
		fs_add(c, s, "tmpfs", "/run", "nosuid,nodev,mode=755");
		fs_add(c, s, "tmpfs", "/tmp", "nosuid,nodev,mode=1777");
	}
	return 0;
}

/* True when path exists in the root or can be made there; a root that cannot be written simply goes without these files. */
static bool target_is_possible(const RunContext *c, const char *path)
{
	int fd = path_try_in_root(c->root_fd, path, O_PATH, 0);
	if (fd >= 0) {
		fd_close(fd);
		return true;
	}
	if (c->root_kind != ROOT_DIRECTORY)
		return true;
	AUTO(fd_close) int etc = path_try_in_root(c->root_fd, "/etc", O_PATH | O_DIRECTORY, 0);
	return faccessat(etc >= 0 ? etc : c->root_fd, ".", W_OK, AT_EACCESS) == 0;
}

static void fill_network_files(const RunContext *c, Spec *s)
{
	static const char *const names[] = { "hosts", "hostname", "resolv.conf" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *target = arena_printf(c->arena, "/etc/%s", names[i]);
		if (c->request->no_hosts && strcmp(names[i], "hosts") == 0)
			continue;
		if (target_is_possible(c, target))
			bind_add(c, s, arena_printf(c->arena, "%s/%s", c->container_dir, names[i]),
				 target, "bind,rprivate");
		else
			log_debug("%s is left out: the root has none and cannot be written", target);
	}
}

static size_t depth(const char *path)
{
	size_t n = 0;
	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Parents come before what lies in them; else the order stays. */
static void sort_by_depth(SpecMount *mounts, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		SpecMount m = mounts[i];
		size_t at = i;
		for (; at > 0 && depth(mounts[at - 1].destination) > depth(m.destination); at--)
			mounts[at] = mounts[at - 1];
		mounts[at] = m;
	}
}

/* podman's --read-only-tmpfs: what programs expect to be writable is, with what the root has there. The host's own tree has fresh /run and
 * /tmp anyway, and its /var/tmp may hold anything. */
static void fill_writable_tmpfs(const RunContext *c, Spec *s)
{
	if (!c->request->read_only || !c->request->read_only_tmpfs)
		return;
	if (c->root_kind == ROOT_HOST) {
		fs_add(c, s, "tmpfs", "/var/tmp", "nosuid,nodev,mode=1777");
		return;
	}
	fs_add(c, s, "tmpfs", "/run", "nosuid,nodev,tmpcopyup,mode=755");
	fs_add(c, s, "tmpfs", "/tmp", "nosuid,nodev,tmpcopyup,mode=1777");
	fs_add(c, s, "tmpfs", "/var/tmp", "nosuid,nodev,tmpcopyup,mode=1777");
}

int spec_fill_mounts(const RunContext *c, Spec *s, Err *e)
{
	TRY(fill_base_mounts(c, s, e));
	fill_network_files(c, s);
	fill_writable_tmpfs(c, s);
	TRY(spec_fill_volumes(c, s, e));
	sort_by_depth(s->mounts, s->mounts_count);
	spec_fill_masks(c, s);
	return 0;
}
