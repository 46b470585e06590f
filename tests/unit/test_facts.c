#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mount.h>

#include "base/fd.h"
#include "kern/tree.h"
#include "runtime/facts.h"

/* A directory of fake proc and sys files, made for each test. */
typedef struct Host {
	char root[64];
	Arena arena;
	HostFacts facts;
} Host;

static void put(const Host *h, const char *path, const char *text)
{
	char full[512];
	int len = snprintf(full, sizeof full, "%s/%s", h->root, path);
	assert_true(len > 0 && (size_t)len < sizeof full);
	for (char *p = full + strlen(h->root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(full, 0755); /* there already, mostly */
		*p = '/';
	}
	if (!text)
		return;
	AUTO(fd_close) int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text), path, NULL), 0);
}

static void probe(Host *h, unsigned what)
{
	Err e = { 0 };
	if (host_facts_probe(h->root, what, &h->arena, &h->facts, &e) < 0)
		fail_msg("%s", e.msg);
}

static int set_up(void **state)
{
	Host *h = calloc(1, sizeof *h);
	(void)snprintf(h->root, sizeof h->root, "/tmp/mydocker-test-facts.XXXXXX");
	if (!h || !mkdtemp(h->root))
		return -1;
	put(h, "proc/self/mountinfo", "22 1 0:21 / / rw - ext4 /dev/vda rw\n");
	put(h, "proc/self/ns/user", "");
	put(h, "sys/devices/system/cpu/present", "0-3\n");
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	Host *h = *state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = tree_remove_at(tmp, h->root + strlen("/tmp/"), NULL);
	arena_done(&h->arena);
	free(h);
	return r;
}

static void check_group(const Host *h, size_t i, bool is_v2, const char *controllers,
			const char *mountpoint, const char *own)
{
	assert_true(i < h->facts.cgroups_count);
	const HostCgroup *c = &h->facts.cgroups[i];
	assert_int_equal(c->is_v2, is_v2);
	assert_string_equal(c->controllers, controllers);
	assert_string_equal(c->mountpoint, mountpoint);
	if (own)
		assert_string_equal(c->own, own);
	else
		assert_null(c->own);
}

static void resctrl_is_found_where_it_is_mounted(void **state)
{
	Host *h = *state;
	char want[128];
	put(h, "proc/self/cgroup", "");
	probe(h, FACTS_RESCTRL);
	assert_null(h->facts.resctrl);
	put(h, "proc/self/mountinfo",
	    "22 1 0:21 / / rw - ext4 /dev/vda rw\n"
	    "23 22 0:22 / /sys/fs/resctrl rw,relatime shared:3 - resctrl resctrl rw\n");
	probe(h, 0);
	assert_null(h->facts.resctrl); /* nobody asked */
	put(h, "sys/fs/resctrl/info/L3CODE/cbm_mask", "f\n");
	put(h, "sys/fs/resctrl/info/L3_MON/mon_features", "\n");
	probe(h, FACTS_RESCTRL);
	(void)snprintf(want, sizeof want, "%s/sys/fs/resctrl", h->root);
	assert_string_equal(h->facts.resctrl, want);
	assert_true(h->facts.resctrl_l3 && h->facts.resctrl_mon && !h->facts.resctrl_mb);
}

static void debian_12_has_one_v2_tree(void **state)
{
	Host *h = *state;
	put(h, "proc/self/cgroup", "0::/user.slice/user-0.slice/session-1.scope\n");
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
	put(h, "sys/fs/cgroup/user.slice/user-0.slice/session-1.scope/cgroup.controllers",
	    "memory pids\n");
	/* The common case needs no mountinfo: a broken one does no harm. */
	put(h, "proc/self/mountinfo", "nonsense\n");
	probe(h, 0);
	assert_int_equal(h->facts.cgroup_mode, CGROUP_V2);
	assert_int_equal(h->facts.cgroups_count, 1);
	check_group(h, 0, true, "cpuset cpu io memory hugetlb pids rdma misc", "/sys/fs/cgroup",
		    "/user.slice/user-0.slice/session-1.scope");
	assert_int_equal(h->facts.cpus, 4);
	assert_true(h->facts.user_ns);
	assert_false(h->facts.time_ns);
	assert_string_equal(cgroup_mode_name(h->facts.cgroup_mode), "v2");
}

static void ubuntu_hybrid_has_twelve_v1_trees_and_an_empty_v2(void **state)
{
	Host *h = *state;
	put(h, "proc/self/cgroup",
	    "12:pids:/user.slice/user-1000.slice/session-3.scope\n"
	    "11:perf_event:/\n"
	    "10:cpu,cpuacct:/user.slice\n"
	    "9:net_cls,net_prio:/\n"
	    "8:rdma:/\n"
	    "7:memory:/user.slice\n"
	    "6:freezer:/\n"
	    "5:blkio:/user.slice\n"
	    "4:hugetlb:/\n"
	    "3:devices:/user.slice\n"
	    "2:cpuset:/\n"
	    "1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n"
	    "0::/user.slice/user-1000.slice/session-3.scope\n");
	put(h, "proc/self/mountinfo",
	    "24 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw,errors=remount-ro\n"
	    "29 23 0:25 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755\n"
	    "30 29 0:26 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:10 - cgroup2 cgroup2 rw,nsdelegate\n"
	    "31 29 0:27 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd\n"
	    "34 29 0:30 / /sys/fs/cgroup/net_cls,net_prio rw shared:15 - cgroup cgroup rw,net_cls,net_prio\n"
	    "35 29 0:31 / /sys/fs/cgroup/rdma rw shared:16 - cgroup cgroup rw,rdma\n"
	    "36 29 0:32 / /sys/fs/cgroup/pids rw shared:17 - cgroup cgroup rw,pids\n"
	    "37 29 0:33 / /sys/fs/cgroup/freezer rw shared:18 - cgroup cgroup rw,freezer\n"
	    "38 29 0:34 / /sys/fs/cgroup/cpu,cpuacct rw shared:19 - cgroup cgroup rw,cpu,cpuacct\n"
	    "39 29 0:35 / /sys/fs/cgroup/memory rw shared:20 - cgroup cgroup rw,memory\n"
	    "40 29 0:36 / /sys/fs/cgroup/cpuset rw shared:21 - cgroup cgroup rw,cpuset,clone_children\n"
	    "41 29 0:37 / /sys/fs/cgroup/devices rw shared:22 - cgroup cgroup rw,devices\n"
	    "42 29 0:38 / /sys/fs/cgroup/blkio rw shared:23 - cgroup cgroup rw,blkio\n"
	    "43 29 0:39 / /sys/fs/cgroup/hugetlb rw shared:24 - cgroup cgroup rw,hugetlb\n"
	    "44 29 0:40 / /sys/fs/cgroup/perf_event rw shared:25 - cgroup cgroup rw,perf_event\n");
	put(h, "sys/fs/cgroup/unified/cgroup.controllers", "\n");
	put(h, "sys/fs/cgroup/memory/tasks", "");
	probe(h, 0);
	assert_int_equal(h->facts.cgroup_mode, CGROUP_HYBRID);
	assert_int_equal(h->facts.cgroups_count, 13);
	check_group(h, 0, false, "pids", "/sys/fs/cgroup/pids",
		    "/user.slice/user-1000.slice/session-3.scope");
	check_group(h, 2, false, "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/user.slice");
	check_group(h, 5, false, "memory", "/sys/fs/cgroup/memory", "/user.slice");
	check_group(h, 10, false, "cpuset", "/sys/fs/cgroup/cpuset", "/");
	check_group(h, 11, false, "name=systemd", "/sys/fs/cgroup/systemd",
		    "/user.slice/user-1000.slice/session-3.scope");
	check_group(h, 12, true, "", "/sys/fs/cgroup/unified",
		    "/user.slice/user-1000.slice/session-3.scope");
	assert_true(h->facts.cgroups[5].writable);
	assert_false(h->facts.cgroups[0].writable); /* the fake has no such directory */
}

static void controllers_of_the_kernel_are_listed_when_asked_for(void **state)
{
	Host *h = *state;
	HostFacts f = { 0 };
	host_facts_add_controllers(h->root, &h->arena, &f);
	assert_true(f.controllers_on.count == 0 && f.controllers_off.count == 0); /* no such file */
	put(h, "proc/cgroups",
	    "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t4\t1\nmemory\t0\t1\t0\npids\t0\t6\t1\n");
	host_facts_add_controllers(h->root, &h->arena, &f);
	assert_int_equal(f.controllers_on.count, 2);
	assert_true(strlist_has(&f.controllers_on, "cpuset") && strlist_has(&f.controllers_on, "pids"));
	assert_int_equal(f.controllers_off.count, 1);
	assert_true(strlist_has(&f.controllers_off, "memory"));
}

static void one_tree_for_each_controller_with_hugetlb_in_v2(void **state)
{
	Host *h = *state;
	put(h, "proc/self/cgroup",
	    "9:name=systemd:/\n8:pids:/\n7:blkio:/\n6:freezer:/\n5:devices:/\n4:memory:/process/ea28a95385\n"
	    "3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n");
	put(h, "proc/self/mountinfo",
	    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,resv_strict\n"
	    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
	    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
	    "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
	    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	    "36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices\n"
	    "37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n"
	    "38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
	    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
	    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
	    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
	put(h, "sys/fs/cgroup/unified/cgroup.controllers", "hugetlb\n");
	probe(h, 0);
	assert_int_equal(h->facts.cgroup_mode, CGROUP_HYBRID);
	assert_int_equal(h->facts.cgroups_count, 10);
	check_group(h, 5, false, "memory", "/sys/fs/cgroup/memory", "/process/ea28a95385");
	check_group(h, 8, false, "cpu", "/sys/fs/cgroup/cpu", "/");
	check_group(h, 7, false, "cpuacct", "/sys/fs/cgroup/cpuacct", "/");
	check_group(h, 9, true, "hugetlb", "/sys/fs/cgroup/unified", "/");
}

/* Docker on v1 without a cgroup namespace: bind mounts of the container's own part of each tree, read-only. */
static void bound_subtrees_are_seen_through_the_mount(void **state)
{
	Host *h = *state;
	put(h, "proc/self/cgroup",
	    "3:memory:/docker/4f3a/inner\n2:cpu,cpuacct:/docker/4f3a\n1:pids:/elsewhere\n0::/system.slice/containerd.service\n");
	put(h, "proc/self/mountinfo",
	    "700 600 0:50 / / rw - overlay overlay rw\n"
	    "711 710 0:30 /docker/4f3a /sys/fs/cgroup/memory ro master:20 - cgroup cgroup rw,memory\n"
	    "712 710 0:33 /docker/4f3a /sys/fs/cgroup/cpu,cpuacct ro master:21 propagate_from:2 - cgroup cgroup rw,cpu,cpuacct\n"
	    "713 710 0:34 /docker/4f3a /sys/fs/cgroup/pids ro master:22 - cgroup cgroup rw,pids\n");
	probe(h, 0);
	assert_int_equal(h->facts.cgroup_mode, CGROUP_V1);
	assert_int_equal(h->facts.cgroups_count, 3);
	check_group(h, 0, false, "memory", "/sys/fs/cgroup/memory", "/inner");
	check_group(h, 1, false, "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/");
	check_group(h, 2, false, "pids", "/sys/fs/cgroup/pids", NULL);
}

/* In a container with a cgroup namespace the v2 tree begins at its own group. */
static void a_cgroup_namespace_makes_the_own_group_the_root(void **state)
{
	Host *h = *state;
	put(h, "proc/self/cgroup", "0::/\n");
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
	probe(h, 0);
	check_group(h, 0, true, "cpu memory pids", "/sys/fs/cgroup", "/");

	/* A mount from outside of the namespace has a root that is above ours, under a name we cannot know. */
	h->facts = (HostFacts){ 0 };
	put(h, "proc/self/cgroup", "0::/../other\n");
	put(h, "proc/self/mountinfo", "50 1 0:40 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
	probe(h, 0);
	check_group(h, 0, true, "cpu memory pids", "/sys/fs/cgroup", NULL);
}

static void a_tree_at_an_unusual_place_is_found(void **state)
{
	Host *h = *state;
	put(h, "proc/self/cgroup", "5:pids:/\n0::/a:b\n");
	put(h, "proc/self/mountinfo",
	    "50 1 0:40 /a:b /srv/part rw - cgroup2 none rw\n"
	    "51 1 0:40 / /srv/my\\040groups\\134x rw - cgroup2 none rw\n"
	    "52 1 0:40 / /srv/again rw - cgroup2 none rw\n");
	put(h, "srv/my groups\\x/cgroup.controllers", "memory\n");
	probe(h, 0);
	assert_int_equal(h->facts.cgroup_mode, CGROUP_V2); /* pids has no mount: it cannot be used */
	assert_int_equal(h->facts.cgroups_count, 1);
	check_group(h, 0, true, "memory", "/srv/my groups\\x", "/a:b");
}

static void no_cgroups_is_a_fact(void **state)
{
	Host *h = *state;
	probe(h, 0); /* no /proc/self/cgroup */
	assert_int_equal(h->facts.cgroup_mode, CGROUP_NONE);
	put(h, "proc/self/cgroup", "4:memory:/\n0::/\n"); /* known to the kernel, but not mounted */
	probe(h, 0);
	assert_int_equal(h->facts.cgroup_mode, CGROUP_NONE);
	assert_int_equal(h->facts.cgroups_count, 0);
}

static void mounts_are_listed_by_path(void **state)
{
	Host *h = *state;
	put(h, "proc/self/mountinfo",
	    "22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n"
	    "broken line\n"
	    "28 26 8:1 / /mnt/with\\040space\\011tab ro,nodev shared:1 master:2 - ext4 /dev/disk\\040one rw\n"
	    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
	    "29 27 0:9 /x /mnt rw - fuse.sshfs  rw\n"
	    "30 27 0:9 /x /cut rw -");
	probe(h, FACTS_MOUNTS);
	assert_int_equal(h->facts.mounts_count, 4);
	const HostMount *m = h->facts.mounts;
	assert_string_equal(m[0].mountpoint, "/");
	assert_string_equal(m[1].mountpoint, "/mnt");
	assert_string_equal(m[1].fstype, "fuse.sshfs");
	assert_string_equal(m[1].source, "");
	assert_string_equal(m[2].mountpoint, "/mnt/with space\ttab");
	assert_string_equal(m[2].source, "/dev/disk one");
	assert_int_equal(m[2].attrs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
	assert_string_equal(m[3].mountpoint, "/proc");
	assert_int_equal(m[3].attrs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void a_long_mountinfo_is_read_whole(void **state)
{
	Host *h = *state;
	const size_t lines = 5000, room = 100;
	char *text = calloc(lines, room);
	size_t len = 0;
	for (size_t i = 0; i < lines; i++)
		len += (size_t)snprintf(text + len, room,
					"%zu 1 0:1 / /mnt/number/%05zu rw - tmpfs tmpfs rw\n",
					i + 10, i);
	put(h, "proc/self/mountinfo", text);
	free(text);
	probe(h, FACTS_MOUNTS);
	assert_int_equal(h->facts.mounts_count, lines);
	assert_string_equal(h->facts.mounts[lines - 1].mountpoint, "/mnt/number/04999");
}

#define SESSION "/user.slice/user@65534.service"
#define OWN     SESSION "/app.slice/run-7.scope"

/* As user 65534: the rights of files decide, which root would not see. `group` NULL: nothing is his. */
static int delegated_in_child(Host *h, const char *group, const char *controllers)
{
	HostFacts f;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	if (host_facts_probe(h->root, 0, &h->arena, &f, NULL) < 0 || f.cgroups_count != 1)
		return 3;
	if (f.euid != 65534 || f.egid != 65534 || f.privileged)
		return 4;
	const HostCgroup *c = &f.cgroups[0];
	if (c->writable != (group != NULL) || strcmp(c->controllers, controllers) != 0)
		return 5;
	return group ? strcmp(c->delegated, group) != 0 : c->delegated != NULL;
}

static void check_delegated(Host *h, const char *group, const char *controllers)
{
	assert_int_equal(chmod(h->root, 0755), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(delegated_in_child(h, group, controllers));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);

	probe(h, 0);
	assert_true(h->facts.cgroups[0].writable);
	assert_null(h->facts.cgroups[0].delegated); /* root has the whole tree */
}

/* A group below the root of all, which holds these processes. */
static void put_v2_group(Host *h, const char *group, uid_t owner, const char *controllers,
			 const char *processes)
{
	const char *const files[][2] = {
		{ "cgroup.procs", processes },
		{ "cgroup.subtree_control", "" },
		{ "cgroup.controllers", controllers },
		{ "cgroup.type", "domain\n" },
	};
	char path[256];
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof path, "sys/fs/cgroup%s/%s", group, files[i][0]);
		put(h, path, files[i][1]);
		(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup%s/%s", h->root, group, files[i][0]);
		assert_int_equal(chown(path, owner, owner), 0);
	}
	(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup%s", h->root, group);
	assert_int_equal(chown(path, owner, owner), 0);
}

static void put_session(Host *h, uid_t owner)
{
	put(h, "proc/self/cgroup", "0::" OWN "\n");
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
	put_v2_group(h, "/user.slice", 0, "cpu memory pids\n", "");
	put_v2_group(h, SESSION, owner, "memory pids\n", "");
	put_v2_group(h, SESSION "/app.slice", owner, "memory\n", "");
	put_v2_group(h, OWN, owner, "\n", "7\n");
}

static void the_session_is_what_was_delegated(void **state)
{
	if (geteuid() != 0)
		skip(); /* only root can become another user */
	Host *h = *state;
	put_session(h, 65534);
	check_delegated(h, SESSION, "memory pids");
}

static void a_group_with_processes_is_not_divided(void **state)
{
	if (geteuid() != 0)
		skip();
	Host *h = *state;
	put_session(h, 65534);
	put_v2_group(h, SESSION, 65534, "memory pids\n", "4\n");
	check_delegated(h, SESSION "/app.slice", "memory");
	put_v2_group(h, SESSION "/app.slice", 65534, "memory\n", "5\n");
	check_delegated(h, OWN, ""); /* our own: groups without controllers */
}

static void what_is_not_given_whole_is_not_given(void **state)
{
	if (geteuid() != 0)
		skip();
	Host *h = *state;
	char path[256];
	put_session(h, 65534);
	(void)snprintf(path, sizeof path, "%s/sys/fs/cgroup" SESSION "/cgroup.procs", h->root);
	assert_int_equal(chown(path, 0, 0), 0); /* nobody of his gets in from below */
	check_delegated(h, SESSION "/app.slice", "memory");
	put_session(h, 0);
	check_delegated(h, NULL, "cpu memory pids");
}

static bool entries_in_child(Host *h)
{
	HostFacts f;
	if (setgid(65534) < 0 || setuid(65534) < 0 ||
	    host_facts_probe(h->root, FACTS_MOUNTS, &h->arena, &f, NULL) < 0 || f.entries_count != 4)
		return false;
	const HostEntry *entry = f.entries;
	return strcmp(entry[0].path, "/bin") == 0 && strcmp(entry[0].link, "usr/bin") == 0 &&
	       strcmp(entry[1].path, "/file") == 0 && !entry[1].is_dir && !entry[1].link &&
	       strcmp(entry[2].path, "/proc") == 0 && entry[2].is_dir && !entry[2].link &&
	       !entry[2].has_mounts && strcmp(entry[3].path, "/sys") == 0 && entry[3].has_mounts;
}

static void the_root_s_entries_are_for_who_is_not_privileged(void **state)
{
	Host *h = *state;
	char path[128];
	put(h, "file", "");
	put(h, "proc/self/mountinfo",
	    "22 1 0:21 / / rw - ext4 /dev/vda rw\n23 22 0:3 / /proc rw - proc p rw\n24 22 0:4 / /sys/deep/in rw - tmpfs t rw\n");
	(void)snprintf(path, sizeof path, "%s/bin", h->root);
	assert_int_equal(symlink("usr/bin", path), 0);
	(void)snprintf(path, sizeof path, "%s/socket", h->root);
	assert_int_equal(mkfifo(path, 0600), 0); /* neither directory nor file nor link */
	assert_int_equal(chmod(h->root, 0755), 0);
	if (geteuid() != 0)
		skip(); /* only root can become another user */
	probe(h, FACTS_MOUNTS);
	assert_int_equal(h->facts.entries_count, h->facts.privileged ? 0 : 4);
	pid_t pid = fork();
	if (pid == 0)
		_exit(entries_in_child(h) ? 0 : 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void the_real_host_is_probed(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	HostFacts f;
	Err e = { 0 };
	if (host_facts_probe("", FACTS_MOUNTS, &a, &f, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(f.euid, geteuid());
	assert_true(f.cpus >= 1);
	assert_true(f.caps_known >= (UINT64_C(1) << 38) - 1);
	assert_true((f.caps & ~f.caps_known) == 0);
	assert_true(f.mounts_count > 0);
	assert_string_equal(f.mounts[0].mountpoint, "/");
	for (size_t i = 1; i < f.mounts_count; i++)
		assert_true(strcmp(f.mounts[i - 1].mountpoint, f.mounts[i].mountpoint) < 0); /* each place once */
	for (size_t i = 0; i < f.cgroups_count; i++)
		assert_int_equal(access(f.cgroups[i].mountpoint, F_OK), 0);
}

static void a_missing_file_is_named(void **state)
{
	Host *h = *state;
	Err e = { 0 };
	char path[128];
	(void)snprintf(path, sizeof path, "%s/proc/self/mountinfo", h->root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(host_facts_probe(h->root, FACTS_MOUNTS, &h->arena, &h->facts, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/proc/self/mountinfo"));
}

/* What only some ask for. */
static void the_kernel_s_version(void **state)
{
	Host *h = *state;
	static const struct {
		const char *text;
		unsigned major, minor;
	} good[] = { { "6.1.0-13-amd64\n", 6, 1 },
		     { "4.18.0-513.el8.x86_64", 4, 18 },
		     { "6.12-rc3", 6, 12 },
		     { "5.4\n", 5, 4 } };
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		put(h, "proc/sys/kernel/osrelease", good[i].text);
		probe(h, FACTS_KERNEL);
		assert_int_equal(h->facts.kernel_major, good[i].major);
		assert_int_equal(h->facts.kernel_minor, good[i].minor);
	}
	probe(h, 0);
	assert_int_equal(h->facts.kernel_major, 0);
	static const char *const bad[] = { "6", "x.1", "6.", ".1", "99999.1" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		Err e = { 0 };
		put(h, "proc/sys/kernel/osrelease", bad[i]);
		assert_true(host_facts_probe(h->root, FACTS_KERNEL, &h->arena, &h->facts, &e) < 0);
		assert_non_null(strstr(e.msg, "osrelease does not begin with a version such as 6.1"));
	}
}

static void security_modules(void **state)
{
	Host *h = *state;
	probe(h, FACTS_LABELS);
	assert_false(h->facts.apparmor || h->facts.selinux);
	put(h, "sys/module/apparmor/parameters/enabled", "N\n");
	probe(h, FACTS_LABELS);
	assert_false(h->facts.apparmor || h->facts.selinux);
	put(h, "sys/module/apparmor/parameters/enabled", "Y\n");
	put(h, "sys/fs/selinux/enforce", "0");
	probe(h, FACTS_LABELS);
	assert_true(h->facts.apparmor && h->facts.selinux && !h->facts.apparmor_attr);
	put(h, "proc/self/attr/apparmor/exec", "");
	probe(h, FACTS_LABELS);
	assert_true(h->facts.apparmor_attr);
	probe(h, 0);
	assert_false(h->facts.apparmor || h->facts.selinux);
}

/* The first user namespace denies setgroups(2) to nobody; in any other the file tells. */
static void denied_setgroups_are_a_fact(void **state)
{
	Host *h = *state;
	probe(h, 0);
	assert_false(h->facts.setgroups_denied);
	put(h, "proc/self/setgroups", "deny\n");
	probe(h, 0);
	assert_int_equal(h->facts.setgroups_denied, !h->facts.first_user_ns);
	put(h, "proc/self/setgroups", "allow\n");
	probe(h, 0);
	assert_false(h->facts.setgroups_denied);
}

/* ---- newuidmap and newgidmap ---- */

static void make_program(const Host *h, const char *path, mode_t mode)
{
	char full[256];
	put(h, path, "x");
	(void)snprintf(full, sizeof full, "%s/%s", h->root, path);
	assert_int_equal(chmod(full, mode), 0);
}

static void expect_helpers(Host *h, const char *why)
{
	HostFacts f = { 0 };
	host_facts_id_helpers(h->root, &h->arena, &f);
	if (!why) {
		assert_null(f.no_id_helpers);
		assert_true(f.newuidmap && f.newgidmap);
		return;
	}
	assert_true(!f.newuidmap && !f.newgidmap);
	if (!f.no_id_helpers || !strstr(f.no_id_helpers, why))
		fail_msg("'%s' is not in '%s'", why, f.no_id_helpers);
}

static void id_helpers_are_found_where_they_can_work(void **state)
{
	Host *h = *state;
	expect_helpers(h, "program newuidmap is not installed");
	make_program(h, "usr/local/bin/newuidmap", 04755);
	expect_helpers(h, "program newgidmap is not installed");
	make_program(h, "bin/newgidmap", 0755);
	expect_helpers(h, "/bin/newgidmap is not set-user-ID root");
	make_program(h, "bin/newgidmap", 04755);
	expect_helpers(h, NULL);
	make_program(h, "usr/bin/newuidmap", 0755); /* goes before the other */
	expect_helpers(h, "/usr/bin/newuidmap is not set-user-ID root");
}

/* In a child, since there is no way back. */
static void id_helpers_need_a_process_that_may_gain_privileges(void **state)
{
	Host *h = *state;
	int status;
	make_program(h, "usr/bin/newuidmap", 04755);
	make_program(h, "usr/bin/newgidmap", 04755);
	pid_t pid = fork();
	if (pid == 0) {
		HostFacts f = { 0 };
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(2);
		host_facts_id_helpers(h->root, &h->arena, &f);
		_exit(f.no_id_helpers && strstr(f.no_id_helpers, "no_new_privs") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(resctrl_is_found_where_it_is_mounted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(debian_12_has_one_v2_tree, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ubuntu_hybrid_has_twelve_v1_trees_and_an_empty_v2,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_tree_for_each_controller_with_hugetlb_in_v2,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(controllers_of_the_kernel_are_listed_when_asked_for,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(bound_subtrees_are_seen_through_the_mount, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_cgroup_namespace_makes_the_own_group_the_root,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_tree_at_an_unusual_place_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_cgroups_is_a_fact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mounts_are_listed_by_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_long_mountinfo_is_read_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_root_s_entries_are_for_who_is_not_privileged,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_session_is_what_was_delegated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_group_with_processes_is_not_divided, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_given_whole_is_not_given, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_missing_file_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_kernel_s_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(security_modules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(denied_setgroups_are_a_fact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(id_helpers_are_found_where_they_can_work, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(id_helpers_need_a_process_that_may_gain_privileges,
						set_up, tear_down),
		cmocka_unit_test(the_real_host_is_probed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
