/* Whole plans, compared with golden files: what `run` and what a config.json come to on hosts of several kinds.
 *
 * data/plan/NAME.txt is plan_dump()'s text. After a change that is meant, write them anew and read the difference:
 *     UPDATE_GOLDEN=1 out/host/tests/unit/test_plan     (from tests/unit)     git diff data/plan
 * Every plan is also made twice, checked as init does, and made from facts that must not change. */
#include "unit.h"

#include <string.h>
#include <sys/mount.h>

#include <linux/mount.h>

#include "base/fd.h"
#include "engine/volume.h"
#include "plan_hosts.h"
#include "runtime/plan.h"
#include "wire/wire_build.h"

static int root_fd; /* a root directory with /etc and all that is looked for in it */

static void compare_lines(const char *name, const char *got, const char *want)
{
	for (unsigned line = 1; *got || *want; line++) {
		size_t g = strcspn(got, "\n"), w = strcspn(want, "\n");
		if (g != w || memcmp(got, want, g) != 0)
			fail_msg("%s, line %u:\n  got  %.*s\n  want %.*s", name, line, (int)g, got,
				 (int)w, want);
		got += g + (got[g] == '\n');
		want += w + (want[w] == '\n');
	}
}

static void compare_golden(const char *name, const char *got, Arena *a)
{
	const size_t size = 1 << 16;
	char *path = arena_printf(a, "data/plan/%s.txt", name), *want = arena_alloc(a, size);
	if (getenv("UPDATE_GOLDEN")) {
		AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(fd_write_all(fd, got, strlen(got), path, NULL), 0);
	}
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s is missing: see the top of this file", path);
	ssize_t n = fd_read_up_to(fd, want, size - 1);
	assert_true(n > 0 && (size_t)n < size - 1);
	compare_lines(path, got, want);
}

typedef struct Made {
	char *dump;
	void *image;
	size_t image_size;
} Made;

static Made make_plan(const Spec *spec, const HostFacts *facts, Arena *a)
{
	PlanInput in = { .container_id = ID,
			 .scratch_dir = "/run/mydocker/containers/" ID,
			 .stdin_null = true };
	Plan plan;
	Err e = { 0 };
	Made m;
	strlist_add(a, &in.masked_host_dirs, "/run/mydocker");
	strlist_add(a, &in.masked_host_dirs, "/var/lib/mydocker");
	if (runtime_plan(spec, facts, &in, a, &plan, &e) < 0)
		fail_msg("%s", e.msg);
	m.dump = plan_dump(&plan, facts, a);
	if (wire_finish(&plan.wire, &m.image, &m.image_size, &e) < 0 ||
	    wire_check(m.image, m.image_size, &e) < 0)
		fail_msg("%s", e.msg);
	if (plan.has_root_wire) {
		void *image;
		size_t size;
		if (wire_finish(&plan.root_wire, &image, &size, &e) < 0 ||
		    wire_check(image, size, &e) < 0)
			fail_msg("%s", e.msg);
	}
	return m;
}

/* The golden file, and purity: the same again from the same, and what went in is as it was. */
static void check_plan(const char *name, const Spec *spec, const HostFacts *facts, Arena *a)
{
	const Spec spec_before = *spec;
	const HostFacts facts_before = *facts;
	Made first = make_plan(spec, facts, a), second = make_plan(spec, facts, a);
	assert_string_equal(first.dump, second.dump);
	assert_int_equal(first.image_size, second.image_size);
	assert_memory_equal(first.image, second.image, first.image_size);
	assert_memory_equal(spec, &spec_before, sizeof *spec);
	assert_memory_equal(facts, &facts_before, sizeof *facts);
	compare_golden(name, first.dump, a);
}

static void check_run_with_ids(const char *name, TestRun *t, const SubidFiles *files)
{
	Spec spec;
	if (test_run_ids(t, files) < 0 || spec_fill(&t->context, &spec, &t->err) < 0)
		fail_msg("%s", t->err.msg);
	check_plan(name, &spec, t->context.facts, &t->arena);
	arena_done(&t->arena);
}

static void check_run(const char *name, TestRun *t)
{
	check_run_with_ids(name, t, &no_subid_files);
}

static void add(TestRun *t, StrList *l, const char *text)
{
	strlist_add(&t->arena, l, text);
}

/* ---- run ---- */

static void defaults_of_root(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const HostFacts *facts;
	} hosts[] = { { "run-v1", &v1_root },
		      { "run-hybrid", &hybrid_root },
		      { "run-v2", &v2_root },
		      { "run-bare", &bare_root } };
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		TestRun t;
		test_run_init(&t, hosts[i].facts, root_fd);
		check_run(hosts[i].name, &t);
	}
}

static void defaults_of_an_ordinary_user(void **state)
{
	(void)state;
	TestRun v1, v2;
	test_run_init(&v1, &v1_user, root_fd);
	test_run_init(&v2, &v2_user, root_fd);
	check_run("run-user-v1", &v1);
	check_run("run-user-v2", &v2);
}

/* The job that the project grew from. */
static void the_identity_map(void **state)
{
	(void)state;
	TestRun t;
	test_run_init(&t, &hybrid_root, root_fd);
	add(&t, &t.request.uidmaps, "0:0:1");
	add(&t, &t.request.gidmaps, "0:0:1");
	t.request.memory = 100 << 20;
	t.request.cpu_shares = 512;
	t.request.cpuset_cpus = "0";
	t.request.tty = true;
	check_run("run-identity", &t);
}

static void limits_on(const char *name, const HostFacts *facts)
{
	TestRun t;
	RunRequest *r = &t.request;
	test_run_init(&t, facts, root_fd);
	r->memory = 100 << 20;
	r->memory_swap = 150 << 20;
	r->memory_reservation = 50 << 20;
	r->cpu_shares = 512;
	r->nano_cpus = 1500000000;
	r->cpuset_cpus = "0-1";
	r->cpuset_mems = "0";
	r->pids_limit = 100;
	r->cgroup_parent = "jobs/batch";
	add(&t, &r->ulimits, "nofile=1024:2048");
	add(&t, &r->ulimits, "core=-1");
	add(&t, &r->ulimits, "nproc=64");
	check_run(name, &t);
}

static void limits(void **state)
{
	(void)state;
	limits_on("run-limits-v1", &v1_root);
	limits_on("run-limits-v2", &v2_root);
}

/* No group, the host's view of the groups, and groups that the container may write to. */
static void other_groups(void **state)
{
	(void)state;
	TestRun none, host, given;
	test_run_init(&none, &v2_root, root_fd);
	none.request.cgroups = "disabled";
	check_run("run-no-groups", &none);
	test_run_init(&host, &v2_root, root_fd);
	host.request.cgroupns = "host";
	check_run("run-cgroupns-host", &host);
	test_run_init(&given, &v2_root, root_fd);
	given.context.user = (User){ .uid = 1000, .gid = 1001, .home = "/home/anna" };
	given.request.writable_cgroups = true;
	add(&given, &given.request.uidmaps, "0:100000:65536");
	check_run("run-writable-groups", &given);
}

static void everything_of_the_process_and_its_files(void **state)
{
	(void)state;
	TestRun t;
	RunRequest *r = &t.request;
	static const uint32_t groups[] = { 4, 27 };
	test_run_init(&t, &v2_root, root_fd);
	t.context.user = (User){
		.uid = 1000, .gid = 1001, .groups = groups, .groups_count = 2, .home = "/home/anna"
	};
	t.context.hostname = "web";
	r->tty = r->interactive = r->read_only = r->no_new_privs = true;
	r->workdir = "/srv/../work//dir/";
	r->entrypoint = "/bin/entry";
	r->shm_size = 1 << 20;
	add(&t, &r->env, "PATH=/bin");
	add(&t, &r->env, "EMPTY=");
	add(&t, &r->env, "TERM=dumb");
	add(&t, &r->env, "SPACES= a  b ");
	add(&t, &r->cap_add, "net_raw");
	add(&t, &r->cap_drop, "CAP_CHOWN");
	add(&t, &r->volumes, "/data/deep:/data/a/b:ro");
	add(&t, &r->volumes, "/data:/data");
	add(&t, &r->volumes, "/shm:/dev/shm:rw");
	add(&t, &r->volumes, "/my/hosts:/etc/hosts:ro");
	add(&t, &r->tmpfs, "/scratch:exec,size=1m");
	add(&t, &r->tmpfs, "/cold:ro");
	check_run("run-everything", &t);
}

static void throw_away_roots(void **state)
{
	(void)state;
	TestRun disk, memory;
	test_run_init(&disk, &v2_root, root_fd);
	disk.context.root_kind = ROOT_OVERLAY;
	disk.context.root_path = "/srv/a:b\\c,d";
	disk.context.overlay_dir = "/var/lib/mydocker/containers/" ID;
	check_run("run-overlay-disk", &disk);
	test_run_init(&memory, &bare_root, root_fd);
	memory.context.root_kind = ROOT_OVERLAY;
	memory.request.seccomp = "unconfined";
	check_run("run-overlay-memory", &memory);
}

static void namespaces_of_the_host(void **state)
{
	(void)state;
	TestRun root, user;
	test_run_init(&root, &hybrid_root, root_fd);
	root.request.network = root.request.pid = root.request.uts = "host";
	root.context.hostname = "thehost";
	check_run("run-share", &root);
	test_run_init(&user, &v2_user, root_fd);
	user.request.network = "host";
	user.context.hostname = "thehost";
	check_run("run-user-network", &user);
}

/* The devices of this machine's /dev are replaced by fixed ones. */
static void privileged_runs(void **state)
{
	(void)state;
	static SpecDevice devices[] = {
		{ .path = "/dev/null", .type = 'c', .major = 1, .minor = 3, .mode = 0666 },
		{ .path = "/dev/net/tun", .type = 'c', .major = 10, .minor = 200, .mode = 0666 },
		{ .path = "/dev/sda", .type = 'b', .major = 8, .minor = 0, .mode = 0660, .gid = 6 },
	};
	TestRun t;
	Spec spec;
	test_run_init(&t, &hybrid_root, root_fd);
	t.request.privileged = true;
	if (test_run_ids(&t, &no_subid_files) < 0 || spec_fill(&t.context, &spec, &t.err) < 0)
		fail_msg("%s", t.err.msg);
	assert_true(spec.linux_.devices_count > 0);
	spec.linux_.devices = devices;
	spec.linux_.devices_count = ARRAY_LEN(devices);
	check_plan("run-privileged", &spec, &hybrid_root, &t.arena);
	arena_done(&t.arena);
}

#define HOST_DIR(path, type, flags)                                                                  \
	{                                                                                            \
		.mountpoint = path, .fstype = type, .source = type, .attrs = (flags), .is_dir = true \
	}
#define HOST_FILE(path, type)                                      \
	{                                                          \
		.mountpoint = path, .fstype = type, .source = type \
	}

/* The host's own tree: mounts of every kind, sorted, as facts give them. */
static HostMount host_mounts[] = {
	HOST_DIR("/", "ext4", 0),
	HOST_DIR("/boot", "vfat", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID),
	HOST_DIR("/dev", "devtmpfs", 0),
	HOST_DIR("/dev/hugepages", "hugetlbfs", 0),
	HOST_DIR("/home", "xfs", 0),
	HOST_DIR("/home/user/mnt", "fuse.sshfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV),
	HOST_DIR("/mnt/net", "autofs", 0),
	HOST_FILE("/opt/one file", "ext4"),
	HOST_DIR("/proc", "proc", 0),
	HOST_DIR("/proc/sys/fs/binfmt_misc", "binfmt_misc", 0),
	HOST_DIR("/process", "ext4", 0), /* not below /proc */
	HOST_DIR("/run", "tmpfs", 0),
	HOST_DIR("/run/user/1000", "tmpfs", 0),
	HOST_FILE("/srv/netns", "nsfs"),
	HOST_DIR("/sys", "sysfs", 0),
	HOST_DIR("/sys/fs/cgroup", "cgroup2", 0),
	HOST_DIR("/tmp", "tmpfs", 0),
	HOST_DIR("/var", "tmpfs", MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC),
	HOST_DIR("/var/debug", "debugfs", 0),
};

static HostFacts with_mounts(const HostFacts *facts, HostMount *mounts, size_t count)
{
	HostFacts f = *facts;
	f.mounts = mounts;
	f.mounts_count = count;
	return f;
}

static void the_hosts_own_tree(void **state)
{
	(void)state;
	TestRun t;
	HostFacts facts = with_mounts(&hybrid_root, host_mounts, ARRAY_LEN(host_mounts));
	test_run_init(&t, &facts, root_fd);
	t.context.root_kind = ROOT_HOST;
	t.context.root_path = "/";
	t.request.memory = 100 << 20;
	check_run("run-host-tree", &t);
}

/* Who is labelled, and which file systems: not those that cannot be. */
static void labels_of_a_host_that_has_them(void **state)
{
	(void)state;
	TestRun t;
	Spec spec;
	HostFacts facts = with_mounts(&hybrid_root, host_mounts, ARRAY_LEN(host_mounts));
	facts.apparmor = facts.apparmor_attr = facts.selinux = true;
	test_run_init(&t, &facts, root_fd);
	t.context.root_kind = ROOT_HOST;
	t.context.root_path = "/";
	t.request.apparmor = "my-profile";
	add(&t, &t.request.uidmaps, "0:0:1");
	add(&t, &t.request.tmpfs, "/scratch");
	add(&t, &t.request.mask, "/etc/secret");
	add(&t, &t.request.unmask, "/proc/*");
	if (test_run_ids(&t, &no_subid_files) < 0 || spec_fill(&t.context, &spec, &t.err) < 0)
		fail_msg("%s", t.err.msg);
	spec.process.selinux_label = "system_u:system_r:container_t:s0:c1,c2";
	spec.linux_.mount_label = "system_u:object_r:container_file_t:s0:c1,c2";
	check_plan("run-labels", &spec, &facts, &t.arena);
	arena_done(&t.arena);
}

#define ENTRY_MOUNTS(name)                                         \
	{                                                          \
		.path = (name), .is_dir = true, .has_mounts = true \
	}
#define ENTRY(name)                            \
	{                                      \
		.path = (name), .is_dir = true \
	}
#define ENTRY_LINK(name, to)                 \
	{                                    \
		.path = (name), .link = (to) \
	}
static HostEntry host_entries[] = {
	ENTRY_LINK("/bin", "usr/bin"),
	ENTRY("/boot"),
	ENTRY_MOUNTS("/dev"),
	ENTRY_MOUNTS("/home"),
	ENTRY_MOUNTS("/mnt"),
	ENTRY_MOUNTS("/opt"),
	ENTRY_MOUNTS("/proc"),
	ENTRY("/process"),
	ENTRY_MOUNTS("/run"),
	ENTRY_MOUNTS("/srv"),
	{ .path = "/swapfile" },
	ENTRY_MOUNTS("/sys"),
	ENTRY("/tmp"),
	ENTRY("/usr"),
	ENTRY_MOUNTS("/var"),
};

/* Without privilege: directories without a mount below them get overlays, the others are shown read-only. */
static void the_hosts_own_tree_for_a_user(void **state)
{
	(void)state;
	TestRun t, readonly;
	HostFacts facts = with_mounts(&v2_user, host_mounts, ARRAY_LEN(host_mounts));
	facts.entries = host_entries;
	facts.entries_count = ARRAY_LEN(host_entries);
	test_run_init(&t, &facts, root_fd);
	t.context.root_kind = ROOT_HOST;
	t.context.root_path = "/";
	add(&t, &t.request.volumes, "/srv/data:/usr/new");
	test_run_init(&readonly, &facts, root_fd);
	readonly.context.root_kind = ROOT_HOST;
	readonly.context.root_path = "/";
	readonly.request.read_only = true;
	check_run("run-host-tree-user", &t);
	check_run("run-host-tree-user-read-only", &readonly);
}

/* In a user namespace of its own the container gets overlays that were made before, outside of it. */
static void throw_away_roots_in_a_user_namespace(void **state)
{
	(void)state;
	TestRun host, disk;
	HostFacts facts = with_mounts(&hybrid_root, host_mounts, ARRAY_LEN(host_mounts));
	test_run_init(&host, &facts, root_fd);
	host.context.root_kind = ROOT_HOST;
	host.context.root_path = "/";
	add(&host, &host.request.uidmaps, "0:0:1");
	check_run("run-host-tree-mapped", &host);
	test_run_init(&disk, &v2_root, root_fd);
	disk.context.root_kind = ROOT_OVERLAY;
	disk.context.overlay_dir = "/var/lib/mydocker/containers/" ID;
	add(&disk, &disk.request.uidmaps, "0:100000:65536");
	check_run("run-overlay-mapped", &disk);
}

/* --userns private: the root, and what is laid over it, show with the container's ids. */
static void id_mapped_roots(void **state)
{
	(void)state;
	static const SubidFiles files = { .passwd = "root:x:0:0::/:\n",
					  .subuid = "root:100000:65536\n",
					  .subgid = "root:200000:65536\n",
					  .uid_map = "0 0 4294967295\n",
					  .gid_map = "0 0 4294967295\n" };
	static const struct {
		const char *name;
		SpecRootKind kind;
	} each[] = { { "run-private", ROOT_DIRECTORY },
		     { "run-private-overlay", ROOT_OVERLAY },
		     { "run-private-host-tree", ROOT_HOST } };
	HostFacts facts = with_mounts(&v2_root, host_mounts, ARRAY_LEN(host_mounts));
	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		TestRun t;
		test_run_init(&t, &facts, root_fd);
		t.context.root_kind = each[i].kind;
		if (each[i].kind == ROOT_HOST)
			t.context.root_path = "/";
		if (each[i].kind == ROOT_OVERLAY)
			t.context.overlay_dir = "/var/lib/mydocker/containers/" ID;
		t.request.userns = "private";
		check_run_with_ids(each[i].name, &t, &files);
	}
}

/* An ordinary user with ranges, whose own id is not 0 inside. */
static void maps_by_newuidmap(void **state)
{
	(void)state;
	static const SubidFiles files = { .passwd = "anna:x:1000:1001::/:\n",
					  .subuid = "anna:100000:65536\n",
					  .subgid = "1000:100000:65536\n",
					  .uid_map = "0 0 4294967295\n",
					  .gid_map = "0 0 4294967295\n" };
	TestRun t, alone;
	HostFacts facts = v2_user;
	facts.newuidmap = "/usr/bin/newuidmap";
	facts.newgidmap = "/usr/bin/newgidmap";
	test_run_init(&t, &facts, root_fd);
	t.request.userns = "keep-id";
	t.context.user = (User){ .uid = 1000, .gid = 1001, .home = "/" };
	check_run_with_ids("run-user-keep-id", &t, &files);
	test_run_init(&alone, &v2_user, root_fd);
	alone.request.userns = "keep-id";
	alone.context.user = (User){ .uid = 1000, .gid = 1001, .home = "/" };
	check_run("run-user-keep-id-alone", &alone);
}

/* ---- config.json ---- */

static void check_config(const char *name, const char *file, const HostFacts *facts)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const size_t size = 1 << 16;
	char *path = arena_printf(&a, "data/plan/%s.json", file), *text = arena_alloc(&a, size);
	Err e = { 0 };
	Spec spec;
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, size);
	if (n < 0)
		fail_msg("%s cannot be read", path);
	if (spec_decode(text, (size_t)n, &a, &spec, &e) < 0)
		fail_msg("%s: %s", path, e.msg);
	check_plan(name, &spec, facts, &a);
}

static void a_small_config(void **state)
{
	(void)state;
	check_config("config-small", "small", &v2_root);
}

static void a_large_config(void **state)
{
	(void)state;
	check_config("config-large-v1", "large", &v1_root);
	check_config("config-large-v2", "large", &v2_root);
}

static void a_config_for_an_ordinary_user(void **state)
{
	(void)state;
	check_config("config-user", "user", &v2_user);
}

static void configs_with_every_limit(void **state)
{
	(void)state;
	check_config("config-resources-v1", "resources-v1", &v1_root);
	check_config("config-resources-v2", "resources", &v2_root);
}

static void a_config_that_binds_dev(void **state)
{
	(void)state;
	check_config("config-dev", "dev", &v1_root);
}

static int setup(void **state)
{
	(void)state;
	root_fd = open("data/plan/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(root_fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_of_root),
		cmocka_unit_test(defaults_of_an_ordinary_user),
		cmocka_unit_test(the_identity_map),
		cmocka_unit_test(limits),
		cmocka_unit_test(other_groups),
		cmocka_unit_test(everything_of_the_process_and_its_files),
		cmocka_unit_test(throw_away_roots),
		cmocka_unit_test(namespaces_of_the_host),
		cmocka_unit_test(privileged_runs),
		cmocka_unit_test(the_hosts_own_tree),
		cmocka_unit_test(labels_of_a_host_that_has_them),
		cmocka_unit_test(the_hosts_own_tree_for_a_user),
		cmocka_unit_test(throw_away_roots_in_a_user_namespace),
		cmocka_unit_test(id_mapped_roots),
		cmocka_unit_test(maps_by_newuidmap),
		cmocka_unit_test(a_small_config),
		cmocka_unit_test(a_large_config),
		cmocka_unit_test(a_config_for_an_ordinary_user),
		cmocka_unit_test(configs_with_every_limit),
		cmocka_unit_test(a_config_that_binds_dev),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
