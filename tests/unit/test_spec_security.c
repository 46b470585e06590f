/* What --security-opt makes of the description: filters from files, masks, options of /proc, labels. */
#include "unit.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/selinux_label.h"
#include "fmt/seccomp.h"
#include "runtime/plan.h"
#include "spec_case.h"

static int setup(void **state)
{
	assert_int_equal(top_make(state), 0);
	return mkdirat(root_fd, "etc", 0755);
}

/* Ends the run, too. */
static void refused(TestRun *t, ErrKind kind, const char *text)
{
	Spec s;
	if (fill(t, &s) >= 0)
		fail_msg("was filled: '%s'", text);
	assert_string_equal(t->err.msg, text);
	assert_int_equal(t->err.kind, kind);
	arena_done(&t->arena);
}

static void expect_words(TestRun *t, const StrList *l, const char *want)
{
	char *got = arena_strdup(&t->arena, "");
	for (size_t i = 0; i < l->count; i++)
		got = arena_printf(&t->arena, "%s%s%s", got, i ? " " : "", l->items[i]);
	assert_string_equal(got, want);
}

static const SpecMount *mount_on(const Spec *s, const char *destination)
{
	for (size_t i = 0; i < s->mounts_count; i++)
		if (strcmp(s->mounts[i].destination, destination) == 0)
			return &s->mounts[i];
	fail_msg("nothing is mounted on %s", destination);
	return NULL;
}

/* ---- filters ---- */

/* A file in the test's folder. */
static const char *profile(TestRun *t, const char *text)
{
	char *path = arena_printf(&t->arena, "%s/p.json", top);
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text), path, NULL), 0);
	return path;
}

#define BY_CAPS                                                        \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\","                       \
	"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"syscalls\":["       \
	"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\","        \
	"\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"                \
	"{\"names\":[\"umount2\"],\"action\":\"SCMP_ACT_ERRNO\","      \
	"\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_SYSLOG\"]}}," \
	"{\"names\":[\"reboot\"],\"action\":\"SCMP_ACT_ERRNO\","       \
	"\"includes\":{\"minKernel\":\"6.1\"}}]}"

static void expect_rules(TestRun *t, const char *want)
{
	Spec s = filled(t);
	StrList names = { 0 };
	assert_non_null(s.linux_.seccomp);
	assert_non_null(s.linux_.seccomp_program);
	for (size_t i = 0; i < s.linux_.seccomp->rules_count; i++)
		strlist_add(&t->arena, &names, s.linux_.seccomp->rules[i].names.items[0]);
	expect_words(t, &names, want);
}

static void a_profile_is_asked_about_the_final_capabilities(void **state)
{
	(void)state;
	HostFacts facts = v2_root;
	facts.kernel_major = 6;
	TestRun t = make_run(&facts);
	t.request.seccomp = profile(&t, BY_CAPS);
	expect_rules(&t, "mount");
	facts.kernel_minor = 1;
	expect_rules(&t, "mount reboot");
	add(&t, &t.request.cap_add, "SYS_ADMIN");
	expect_rules(&t, "reboot");
	add(&t, &t.request.cap_add, "SYSLOG");
	expect_rules(&t, "umount2 reboot");
	arena_done(&t.arena);
}

/* Who names a filter wants it: with --privileged, too, as docker and podman do it. */
static void a_filter_that_is_named_wins_over_privileged(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	t.request.privileged = true;
	assert_true(!filled(&t).linux_.seccomp && !filled(&t).linux_.seccomp_program);
	t.request.seccomp = "unconfined";
	assert_true(!filled(&t).linux_.seccomp && !filled(&t).linux_.seccomp_program);
	t.request.seccomp = "builtin";
	assert_non_null(filled(&t).linux_.seccomp);
	t.request.seccomp = profile(&t, BY_CAPS);
	expect_rules(&t, "umount2");
	arena_done(&t.arena);
}

static void flags_of_a_profile_reach_the_plan(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	PlanInput in = { .container_id = ID, .scratch_dir = "/run/x" };
	Plan plan;
	t.request.seccomp = profile(&t, BY_CAPS);
	Spec s = filled(&t);
	assert_int_equal(runtime_plan(&s, &v2_root, &in, &t.arena, &plan, &t.err), 0);
	assert_int_equal(plan.wire.head.seccomp_flags, 2); /* SECCOMP_FILTER_FLAG_LOG */
	assert_true(plan.wire.filter_count > 3);
	arena_done(&t.arena);
}

static void profile_refused(const char *text, const char *message)
{
	TestRun t = make_run(&v2_root);
	t.request.seccomp = profile(&t, text);
	refused(&t, ERR_SPEC, arena_printf(&t.arena, "seccomp profile '%s/p.json': %s", top, message));
}

static void errors_of_a_profile_name_file_key_and_line(void **state)
{
	(void)state;
	profile_refused("", "line 1, column 1: expected a value, found the end of the text");
	profile_refused("{\n\"defaultAction\": \"ALLOW\"}",
			"defaultAction must be an action such as SCMP_ACT_ERRNO, not 'ALLOW' (line 2)");
	profile_refused("{\"defaultAction\": \"SCMP_ACT_ALLOW\",\n\"syscalls\": [\n{\"name\": \"read\"}]}",
			"syscalls[0].action is missing (line 3)");
	/* what the compiler finds */
	profile_refused("{\"defaultAction\": \"SCMP_ACT_ALLOW\",\n\"syscalls\": [\n"
			"{\"name\": \"read\", \"action\": \"SCMP_ACT_LOG\", \"errnoRet\": 3}]}",
			"seccomp action SCMP_ACT_LOG takes no errnoRet (line 3)");
	profile_refused(
		"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [\n"
		"{\"name\": \"read\", \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\":1,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]},\n"
		"{\"name\": \"read\", \"action\": \"SCMP_ACT_TRAP\", \"args\": [{\"index\":1,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		"two seccomp rules for 'read' have the same conditions and different actions (line 3)");
	profile_refused("{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
			"SCMP_ACT_NOTIFY cannot be the default seccomp action");
}

static void only_a_regular_file_is_a_profile(void **state)
{
	(void)state;
	TestRun none = make_run(&v2_root), fifo = make_run(&v2_root), dir = make_run(&v2_root),
		device = make_run(&v2_root), large = make_run(&v2_root), link = make_run(&v2_root);
	const char *path = arena_printf(&fifo.arena, "%s/fifo", top);

	none.request.seccomp = "/nonexistent/p.json";
	refused(&none, ERR_SYS, "open seccomp profile '/nonexistent/p.json'");
	assert_int_equal(mkfifo(path, 0644), 0);
	fifo.request.seccomp = path;
	refused(&fifo, ERR_USAGE,
		arena_printf(&dir.arena, "seccomp profile '%s/fifo' is not a regular file", top));
	dir.request.seccomp = top;
	refused(&dir, ERR_USAGE,
		arena_printf(&link.arena, "seccomp profile '%s' is not a regular file", top));
	device.request.seccomp = "/dev/null";
	refused(&device, ERR_USAGE, "seccomp profile '/dev/null' is not a regular file");
	large.request.seccomp = profile(&large, "");
	assert_int_equal(truncate(large.request.seccomp, (1 << 20) + 1), 0);
	refused(&large, ERR_USAGE,
		arena_printf(&link.arena,
			     "seccomp profile '%s/p.json' is larger than 1048576 bytes", top));

	(void)profile(&link, "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}");
	link.request.seccomp = arena_printf(&link.arena, "%s/link", top);
	assert_int_equal(symlinkat("p.json", root_fd, "link"), 0);
	assert_non_null(filled(&link).linux_.seccomp_program);
	arena_done(&link.arena);
}

/* ---- masks ---- */

static void expect_masks(const char *unmask, const char *mask, bool privileged, bool systempaths,
			 const char *masked, const char *readonly)
{
	HostFacts facts = v2_root;
	facts.cpus = 1;
	TestRun t = make_run(&facts);
	t.request.unmask = *unmask ? str_split(&t.arena, unmask, ' ') : (StrList){ 0 };
	t.request.mask = *mask ? str_split(&t.arena, mask, ' ') : (StrList){ 0 };
	t.request.privileged = privileged;
	t.request.systempaths_unconfined = systempaths;
	Spec s = filled(&t);
	expect_words(&t, &s.linux_.masked_paths, masked);
	expect_words(&t, &s.linux_.readonly_paths, readonly);
	arena_done(&t.arena);
}

#define PROC_MASKED                                                                            \
	"/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats " \
	"/proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats"
#define SYS_MASKED "/sys/dev/block /sys/devices/virtual/powercap /sys/firmware /sys/fs/selinux"
#define CPU_MASKED "/sys/devices/system/cpu/cpu0/thermal_throttle"
#define READONLY   "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"

static void masks(void **state)
{
	(void)state;
	expect_masks("", "", false, false, PROC_MASKED " " SYS_MASKED " " CPU_MASKED, READONLY);
	expect_masks("", "/etc/../work//x /proc/kcore", false, false,
		     PROC_MASKED " " SYS_MASKED " " CPU_MASKED " /work/x", READONLY);
	expect_masks("ALL", "", false, false, "", "");
	expect_masks("all", "/x", false, false, "/x", "");
	expect_masks("/proc/*", "", false, false, SYS_MASKED " " CPU_MASKED, "");
	expect_masks("/sys/* /sys/fs/selinux", "", false, false,
		     PROC_MASKED " /sys/dev/block /sys/devices/virtual/powercap " CPU_MASKED, READONLY);
	expect_masks("/proc/[a-k]* /sys/*/*/*/*/therm?l_*", "", false, false,
		     "/proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats " SYS_MASKED,
		     "/proc/sys /proc/sysrq-trigger");
	expect_masks("/proc", "", false, false, PROC_MASKED " " SYS_MASKED " " CPU_MASKED, READONLY);
	/* what is asked for wins */
	expect_masks("/proc/kcore", "/proc/kcore", false, true, "/proc/kcore", "");
	expect_masks("", "", false, true, "", "");
	expect_masks("", "", true, false, "", "");
	expect_masks("", "/x", true, false, "/x", "");
}

/* podman counts /sys/fs/cgroup among what is read-only by default; docker's systempaths does not. */
static void the_groups_are_writable_when_unmasked(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	Spec s = filled(&t);
	assert_true(strlist_has(&mount_on(&s, "/sys/fs/cgroup")->options, "ro"));
	t.request.systempaths_unconfined = true;
	s = filled(&t);
	assert_true(strlist_has(&mount_on(&s, "/sys/fs/cgroup")->options, "ro"));
	add(&t, &t.request.unmask, "ALL");
	s = filled(&t);
	assert_false(strlist_has(&mount_on(&s, "/sys/fs/cgroup")->options, "ro"));
	assert_true(strlist_has(&mount_on(&s, "/sys")->options, "ro"));
	arena_done(&t.arena);
}

/* ---- /proc ---- */

static void options_of_proc(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	t.request.proc_opts = str_split(&t.arena, "hidepid=invisible,gid=5,subset=pid,ro", ',');
	Spec s = filled(&t);
	expect_words(&t, &mount_on(&s, "/proc")->options,
		     "nosuid noexec nodev hidepid=invisible gid=5 subset=pid ro");
	arena_done(&t.arena);

	static const char *const bad[] = { "hidepid=3",      "hidepid",    "gid=x",
					   "gid=4294967295", "subset=all", "",
					   "size=1",         "rbind",      "rro" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		TestRun b = make_run(&v2_root);
		add(&b, &b.request.proc_opts, bad[i]);
		refused(&b, ERR_USAGE,
			arena_printf(&b.arena,
				     "--security-opt proc-opts: '%s' is none of hidepid=N, gid=N, subset=pid and options of mounts such as ro",
				     bad[i]));
	}
	TestRun bound = make_run(&v2_user);
	bound.request.pid = "host";
	add(&bound, &bound.request.proc_opts, "hidepid=2");
	refused(&bound, ERR_USAGE,
		"--security-opt proc-opts: with --pid host in a user namespace /proc is the host's");
}

/* ---- labels ---- */

static const char contexts[] = "# for containers\nprocess_x = \"no\"\nprocess = \"system_u:system_r:container_t:s0\"\n"
			       "content = \"system_u:object_r:virt_var_lib_t:s0\"\n file=\"system_u:object_r:container_file_t:s0\"  \n";

static void expect_labels(const char *text, const char *words, const char *process, const char *mount)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList list = *words ? str_split(&a, words, ' ') : (StrList){ 0 };
	SelinuxLabels l;
	Err e = { 0 };
	if (selinux_labels_from(text, &list, "3ff000", &a, &l, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(l.process, process);
	assert_string_equal(l.mount, mount);
}

static void selinux_labels(void **state)
{
	(void)state;
	expect_labels(contexts, "", "system_u:system_r:container_t:s0:c0,c1023",
		      "system_u:object_r:container_file_t:s0:c0,c1023");
	expect_labels(contexts, "type:spc_t role:r filetype:f_t", "system_u:r:spc_t:s0:c0,c1023",
		      "system_u:object_r:f_t:s0:c0,c1023");
	expect_labels(contexts, "user:u level:s0:c1,c2 user:v", "v:system_r:container_t:s0:c1,c2",
		      "v:object_r:container_file_t:s0:c1,c2");
	expect_labels("process = \"u:r:t\"\nfile = \"u:o:f\"", "", "u:r:t", "u:o:f");

	AUTO(arena_done) Arena a = ARENA_EMPTY;
	static const char *const bad[] = { "", "process = \"u:r:t\"",
					   "process = \"u:r\"\nfile = \"u:o:f\"",
					   "process = \"u::t\"\nfile = \"u:o:f\"",
					   "process \"u:r:t\"\nfile = \"u:o:f\"" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SelinuxLabels l;
		Err e = { 0 };
		assert_true(selinux_labels_from(bad[i], &(StrList){ 0 }, ID, &a, &l, &e) < 0);
		assert_string_equal(e.msg,
				    "SELinux: the policy's lxc_contexts has no labels for containers (process and file)");
	}
}

static void two_containers_have_two_categories_each(void **state)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SelinuxLabels l;
	(void)state;
	static const char *const ids[][2] = { { "000000", ":s0:c0,c1" },
					      { "3ff3ff", ":s0:c0,c1023" },
					      { "fff001", ":s0:c1,c1023" },
					      { "0a5123", ":s0:c165,c291" } };
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(selinux_labels_from(contexts, &(StrList){ 0 }, ids[i][0], &a, &l, NULL),
				 0);
		assert_true(str_ends(l.process, ids[i][1]) && str_ends(l.mount, ids[i][1]));
	}
}

static void labels_need_a_host_that_has_them(void **state)
{
	(void)state;
	TestRun type = make_run(&v2_root), nested = make_run(&v2_root), off = make_run(&v2_root);
	add(&type, &type.request.selinux, "type:spc_t");
	refused(&type, ERR_USAGE,
		"--security-opt label=type:spc_t: SELinux is not enabled on this host");
	nested.request.label_nested = true;
	refused(&nested, ERR_USAGE, "--security-opt label=nested: SELinux is not enabled on this host");
	add(&off, &off.request.selinux, "type:spc_t");
	off.request.label_nested = off.request.label_disable = true;
	Spec s = filled(&off);
	assert_true(!s.process.selinux_label && !s.linux_.mount_label);
	assert_true(strlist_has(&s.linux_.masked_paths, "/sys/fs/selinux"));
	off.request.apparmor = "docker-default";
	assert_string_equal(filled(&off).process.apparmor_profile, "docker-default");
	arena_done(&off.arena);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, top_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_profile_is_asked_about_the_final_capabilities),
		TEST(a_filter_that_is_named_wins_over_privileged),
		TEST(flags_of_a_profile_reach_the_plan),
		TEST(errors_of_a_profile_name_file_key_and_line),
		TEST(only_a_regular_file_is_a_profile),
		TEST(masks),
		TEST(the_groups_are_writable_when_unmasked),
		TEST(options_of_proc),
		TEST(selinux_labels),
		TEST(two_containers_have_two_categories_each),
		TEST(labels_need_a_host_that_has_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
