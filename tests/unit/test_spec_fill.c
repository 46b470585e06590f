/* From the options of `run` to the description: one rule at a time. Whole descriptions are in test_plan.c's golden files. */
#include "unit.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "fmt/seccomp.h"
#include "runtime/plan.h"
#include "spec_case.h"

static int setup(void **state)
{
	assert_int_equal(top_make(state), 0);
	return mkdirat(root_fd, "etc", 0755);
}

static void refused(TestRun *t, ErrKind kind, const char *part)
{
	Spec s;
	if (fill(t, &s) >= 0)
		fail_msg("was filled: '%s'", part);
	assert_int_equal(t->err.kind, kind);
	if (!strstr(t->err.msg, part))
		fail_msg("'%s' is not in '%s'", part, t->err.msg);
	arena_done(&t->arena);
}

static void expect_words(TestRun *t, const StrList *l, const char *want)
{
	char *got = arena_strdup(&t->arena, "");
	for (size_t i = 0; i < l->count; i++)
		got = arena_printf(&t->arena, "%s%s%s", got, i ? "|" : "", l->items[i]);
	assert_string_equal(got, want);
}

/* ---- command, environment, working directory ---- */

static void expect_args(const char *entrypoint, const char *words, const char *want)
{
	TestRun t = make_run(&v2_root);
	t.request.entrypoint = entrypoint;
	t.request.argv = *words ? str_split(&t.arena, words, '|') : (StrList){ 0 };
	Spec s = filled(&t);
	expect_words(&t, &s.process.args, want);
	arena_done(&t.arena);
}

static void commands(void **state)
{
	(void)state;
	expect_args(NULL, "sh|-c|a  b\n", "sh|-c|a  b\n");
	expect_args(NULL, "x||", "x||");
	expect_args("/entry", "a|b", "/entry|a|b");
	expect_args("/entry", "", "/entry");
	expect_args("", "a|b", "a|b");
	expect_args("/entry", "|b", "/entry||b");
}

static void commands_that_are_none(void **state)
{
	(void)state;
	TestRun none = make_run(&v2_root), empty = make_run(&v2_root), cleared = make_run(&v2_root);
	none.request.argv.count = 0;
	refused(&none, ERR_USAGE, "no command");
	empty.request.argv.items[0] = "";
	refused(&empty, ERR_CMD_MISSING, "the command's name is empty");
	cleared.request.argv.count = 0;
	cleared.request.entrypoint = "";
	refused(&cleared, ERR_USAGE, "no command");
}

#define PATH_LINE "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void expect_env(bool tty, const char *given, const char *want)
{
	TestRun t = make_run(&v2_root);
	t.request.tty = tty;
	if (*given)
		t.request.env = str_split(&t.arena, given, '|');
	Spec s = filled(&t);
	expect_words(&t, &s.process.env, want);
	arena_done(&t.arena);
}

static void environment(void **state)
{
	(void)state;
	expect_env(false, "", PATH_LINE "|HOSTNAME=0123456789ab|HOME=/root");
	expect_env(true, "", PATH_LINE "|HOSTNAME=0123456789ab|TERM=xterm|HOME=/root");
	expect_env(false, "A=1|B=|A=2", PATH_LINE "|HOSTNAME=0123456789ab|A=2|B=|HOME=/root");
	expect_env(false, "PATH=/x|HOME=/y|HOSTNAME=z", "PATH=/x|HOSTNAME=z|HOME=/y");
	expect_env(false, "HOME=", PATH_LINE "|HOSTNAME=0123456789ab|HOME=");
	expect_env(false, "HOMER=x|PAT=y|A=b=c",
		   PATH_LINE "|HOSTNAME=0123456789ab|HOMER=x|PAT=y|A=b=c|HOME=/root");
	expect_env(true, "TERM=dumb", PATH_LINE "|HOSTNAME=0123456789ab|TERM=dumb|HOME=/root");
}

static void working_directories(void **state)
{
	(void)state;
	static const char *const good[][2] = {
		{ NULL, "/" }, { "/", "/" }, { "/a//b/./c/../d/", "/a/b/d" }, { "/../..", "/" }
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		TestRun t = make_run(&v2_root);
		t.request.workdir = good[i][0];
		assert_string_equal(filled(&t).process.cwd, good[i][1]);
		arena_done(&t.arena);
	}
	TestRun t = make_run(&v2_root);
	t.request.workdir = "work";
	refused(&t, ERR_USAGE, "working directory 'work': must be an absolute path");
}

/* ---- limits of the process ---- */

static const SpecRlimit *find_limit(const Spec *s, int resource)
{
	const SpecRlimit *found = NULL;
	for (size_t i = 0; i < s->process.rlimits_count; i++)
		if (s->process.rlimits[i].resource == resource) {
			assert_null(found); /* once each */
			found = &s->process.rlimits[i];
		}
	return found;
}

static void expect_limit(const Spec *s, int resource, uint64_t soft, uint64_t hard, bool is_default)
{
	const SpecRlimit *l = find_limit(s, resource);
	assert_non_null(l);
	assert_true(l->soft == soft && l->hard == hard);
	assert_int_equal(l->is_default, is_default);
}

static void default_ulimits(void **state)
{
	(void)state;
	static const uint64_t held[][2] = {
		{ 1024, 1024 }, { 1 << 20, 1 << 20 }, { 1 << 21, 1 << 20 }, { UINT64_MAX, 1 << 20 }
	};
	for (size_t i = 0; i < ARRAY_LEN(held); i++) {
		HostFacts facts = v2_root;
		facts.nofile_hard = held[i][0];
		TestRun t = make_run(&facts);
		Spec s = filled(&t);
		expect_limit(&s, RLIMIT_NOFILE, held[i][1], held[i][1], true);
		expect_limit(&s, RLIMIT_CORE, 0, RLIM_INFINITY, true);
		assert_int_equal(s.process.rlimits_count, 2);
		arena_done(&t.arena);
	}
}

static void asked_ulimits(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.ulimits, "nofile=10");
	add(&t, &t.request.ulimits, "core=unlimited");
	add(&t, &t.request.ulimits, "nproc=5:-1");
	add(&t, &t.request.ulimits, "STACK=0:9223372036854775807");
	add(&t, &t.request.ulimits, "RLIMIT_CPU=7");
	add(&t, &t.request.ulimits, "nproc=6:7"); /* the last one wins */
	Spec s = filled(&t);
	expect_limit(&s, RLIMIT_NOFILE, 10, 10, false);
	expect_limit(&s, RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY, false);
	expect_limit(&s, RLIMIT_NPROC, 6, 7, false);
	expect_limit(&s, RLIMIT_STACK, 0, INT64_MAX, false);
	expect_limit(&s, RLIMIT_CPU, 7, 7, false);
	arena_done(&t.arena);
}

static void bad_ulimits(void **state)
{
	(void)state;
	static const char *const bad[][2] = { { "nofile", "not of the form" },
					      { "", "not of the form" },
					      { "nofile=", "is not SOFT[:HARD]" },
					      { "nofile=1:", "is not SOFT" },
					      { "nofile=:1", "is not SOFT" },
					      { "nofile=1:2:3", "is not SOFT" },
					      { "nofile=2:1", "above the hard" },
					      { "nofile=-1:5", "above the hard" },
					      { "nofile=-2", "is not SOFT" },
					      { "nofile=1k", "is not SOFT" },
					      { "nofile= 1", "is not SOFT" },
					      { "bogus=1", "no such limit" },
					      { "nofiel=1",
						"'nofiel': no such limit, did you mean nofile?" },
					      { "=1", "no such limit" },
					      { "nofile=9223372036854775808", "is not SOFT" } };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		TestRun t = make_run(&v2_root);
		add(&t, &t.request.ulimits, bad[i][0]);
		refused(&t, ERR_USAGE, bad[i][1]);
	}
}

/* ---- privileges ---- */

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define DEFAULTS                                                                                  \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(SETGID) | CAP(SETUID) | \
	 CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(KILL))

static void expect_caps(const char *adds, const char *drops, bool privileged, uint64_t want)
{
	TestRun t = make_run(&v2_root);
	if (*adds)
		t.request.cap_add = str_split(&t.arena, adds, ',');
	if (*drops)
		t.request.cap_drop = str_split(&t.arena, drops, ',');
	t.request.privileged = privileged;
	Spec s = filled(&t);
	const SpecCaps *c = &s.process.capabilities;
	assert_true(s.process.has_capabilities);
	if (c->bounding != want || c->permitted != want || c->effective != want)
		fail_msg("+'%s' -'%s' gives %#llx", adds, drops, (unsigned long long)c->bounding);
	assert_true(c->inheritable == 0 && c->ambient == 0);
	arena_done(&t.arena);
}

static void capabilities(void **state)
{
	(void)state;
	expect_caps("", "", false, DEFAULTS);
	expect_caps("NET_RAW", "", false, DEFAULTS | CAP(NET_RAW));
	expect_caps("cap_net_raw,Cap_Mknod", "", false, DEFAULTS | CAP(NET_RAW) | CAP(MKNOD));
	expect_caps("", "CHOWN,CAP_KILL", false, DEFAULTS & ~(CAP(CHOWN) | CAP(KILL)));
	expect_caps("KILL", "KILL", false, DEFAULTS);
	expect_caps("", "ALL", false, 0);
	expect_caps("KILL", "all", false, CAP(KILL));
	expect_caps("ALL", "", false, ALL_CAPS);
	expect_caps("all", "SYS_ADMIN", false, ALL_CAPS & ~CAP(SYS_ADMIN));
	expect_caps("ALL", "ALL", false, ALL_CAPS);
	expect_caps("", "CHOWN", true, ALL_CAPS);
}

static void bad_capabilities(void **state)
{
	(void)state;
	TestRun add_bad = make_run(&v2_root), drop_bad = make_run(&v2_root),
		not_held = make_run(&v2_root);
	add(&add_bad, &add_bad.request.cap_add, "NET_BOGUS");
	refused(&add_bad, ERR_USAGE, "--cap-add: unknown capability 'NET_BOGUS'");
	static const char *const near[][2] = {
		{ "net_admn", "'net_admn', did you mean NET_ADMIN?" },
		{ "CAP_SYS_ADMN", "'CAP_SYS_ADMN', did you mean CAP_SYS_ADMIN?" },
		{ "AL", "'AL', did you mean ALL?" },
		{ "NET_ADMIN,NET_RAW", "unknown capability 'NET_ADMIN,NET_RAW'" },
		{ "CAP_", "unknown capability 'CAP_'" },
		{ " KILL", "' KILL', did you mean KILL?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(near); i++) {
		TestRun t = make_run(&v2_root);
		add(&t, &t.request.cap_add, near[i][0]);
		refused(&t, ERR_USAGE, near[i][1]);
	}
	add(&drop_bad, &drop_bad.request.cap_drop, "");
	refused(&drop_bad, ERR_USAGE, "--cap-drop: unknown capability ''");
	HostFacts poor = v2_root;
	poor.caps &= ~CAP(SYS_TIME);
	not_held.context.facts = &poor;
	add(&not_held, &not_held.request.cap_add, "SYS_TIME");
	refused(&not_held, ERR_SPEC, "--cap-add CAP_SYS_TIME");
}

/* An ordinary user of the container holds nothing, but set-user-id programs can get what is in the bounding set. */
static void capabilities_of_another_user(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	t.context.user = (User){ .uid = 1000, .home = "/" };
	add(&t, &t.request.cap_add, "NET_RAW");
	Spec s = filled(&t);
	assert_true(s.process.capabilities.bounding == (DEFAULTS | CAP(NET_RAW)));
	assert_true((s.process.capabilities.permitted | s.process.capabilities.effective |
		     s.process.capabilities.inheritable | s.process.capabilities.ambient) == 0);
	arena_done(&t.arena);
}

static void seccomp_is_there_unless_asked_away(void **state)
{
	(void)state;
	TestRun plain = make_run(&v2_root), off = make_run(&v2_root), privileged = make_run(&v2_root);
	assert_non_null(filled(&plain).linux_.seccomp_program); /* compiled beforehand for these capabilities */
	assert_false(filled(&plain).process.no_new_privileges);
	off.request.seccomp = "unconfined";
	off.request.no_new_privs = true;
	assert_true(!filled(&off).linux_.seccomp && !filled(&off).linux_.seccomp_program);
	assert_true(filled(&off).process.no_new_privileges);
	privileged.request.privileged = true;
	assert_true(!filled(&privileged).linux_.seccomp && !filled(&privileged).linux_.seccomp_program);
	arena_done(&plain.arena);
	arena_done(&off.arena);
	arena_done(&privileged.arena);
}

/* ---- user, groups ---- */

/* The group of a user is among its supplementary ones: a set-group-id program must not get around "group may not" (CVE-2022-36109). */
static void the_own_group_is_always_set(void **state)
{
	(void)state;
	static const uint32_t groups[] = { 4, 27 };
	TestRun t = make_run(&v2_root);
	t.context.user = (User){
		.uid = 1000, .gid = 1001, .groups = groups, .groups_count = 2, .home = "/"
	};
	Spec s = filled(&t);
	unsigned own = 0, all = 0;
	for (size_t i = 0; i < s.process.additional_gids_count; i++) {
		own += s.process.additional_gids[i] == 1001;
		all += s.process.additional_gids[i] == 4 || s.process.additional_gids[i] == 27;
	}
	assert_int_equal(all, 2);
	assert_int_equal(own, 1);
	arena_done(&t.arena);
}

/* Groups that only /etc/group of the root asks for, and that no map allows, must not keep a container from starting: the root user of
 * common images is in a dozen. */
static void groups_that_cannot_be_had_do_not_matter(void **state)
{
	(void)state;
	static const uint32_t groups[] = { 0, 1, 2, 3, 4, 6, 10, 11, 20, 26, 27 };
	HostFacts denied = v2_root;
	denied.setgroups_denied = true;
	TestRun rootless = make_run(&v2_user), mapped = make_run(&v2_root), inner = make_run(&denied);
	add(&mapped, &mapped.request.uidmaps, "0:0:1");
	TestRun *both[] = { &rootless, &mapped, &inner };
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		TestRun *t = both[i];
		PlanInput in = { .container_id = ID, .scratch_dir = "/run/x" };
		Plan plan;
		t->context.user.groups = groups;
		t->context.user.groups_count = ARRAY_LEN(groups);
		Spec s = filled(t);
		if (runtime_plan(&s, t->context.facts, &in, &t->arena, &plan, &t->err) < 0)
			fail_msg("%s", t->err.msg);
		for (size_t k = 0; k < plan.wire.groups_count; k++)
			assert_int_equal(plan.wire.groups[k], 0);
		arena_done(&t->arena);
	}
}

/* ---- namespaces and id maps ---- */

static void namespaces(void **state)
{
	(void)state;
	const unsigned all = SPEC_NS_MOUNT | SPEC_NS_CGROUP | SPEC_NS_PID | SPEC_NS_IPC |
			     SPEC_NS_UTS | SPEC_NS_NETWORK;
	TestRun t = make_run(&v2_root);
	assert_int_equal(filled(&t).linux_.namespaces, all);
	t.request.network = "none";
	t.request.pid = t.request.ipc = t.request.uts = "private";
	assert_int_equal(filled(&t).linux_.namespaces, all);
	t.request.network = "host";
	assert_int_equal(filled(&t).linux_.namespaces, all & ~SPEC_NS_NETWORK);
	assert_int_equal(filled(&t).linux_.sysctl_count, 0);
	t.request.pid = t.request.ipc = t.request.uts = "host";
	assert_int_equal(filled(&t).linux_.namespaces, SPEC_NS_MOUNT | SPEC_NS_CGROUP);
	assert_null(filled(&t).hostname);
	arena_done(&t.arena);
}

static void expect_maps(const SpecIdMap *maps, size_t count, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char *got = arena_strdup(&a, "");
	for (size_t i = 0; i < count; i++)
		got = arena_printf(&a, "%s%s%u:%u:%u", got, i ? " " : "", maps[i].container_id,
				   maps[i].host_id, maps[i].size);
	assert_string_equal(got, want);
}

static void id_maps_of(const HostFacts *facts, const char *uids, const char *gids,
		       const char *want_uids, const char *want_gids)
{
	TestRun t = make_run(facts);
	if (uids)
		t.request.uidmaps = str_split(&t.arena, uids, ' ');
	if (gids)
		t.request.gidmaps = str_split(&t.arena, gids, ' ');
	Spec s = filled(&t);
	assert_int_equal(!!(s.linux_.namespaces & SPEC_NS_USER), *want_uids != '\0');
	expect_maps(s.linux_.uid_mappings, s.linux_.uid_mappings_count, want_uids);
	expect_maps(s.linux_.gid_mappings, s.linux_.gid_mappings_count, want_gids);
	arena_done(&t.arena);
}

static void id_maps(void **state)
{
	(void)state;
	id_maps_of(&v2_root, NULL, NULL, "", "");
	id_maps_of(&v2_root, "0:0:1", "0:0:1", "0:0:1", "0:0:1");
	id_maps_of(&v2_root, "0:1000 1:2000:5", "0:7:8", "0:1000:1 1:2000:5", "0:7:8");
	id_maps_of(&v2_root, "0:1000:2", NULL, "0:1000:2", "0:1000:2");
	id_maps_of(&v2_root, NULL, "0:1000:2", "0:1000:2", "0:1000:2");
	id_maps_of(&v2_user, NULL, NULL, "0:1000:1", "0:1001:1");
	id_maps_of(&v2_user, "0:1000:1", "0:1001:1", "0:1000:1", "0:1001:1");
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.gidmaps, "0:0");
	add(&t, &t.request.uidmaps, "0:x:1");
	refused(&t, ERR_USAGE, "--uidmap '0:x:1'");
}

/* Ping for every group that there is in the container, and for none that the kernel does not know. */
static void ping_group_range(void **state)
{
	(void)state;
	static const struct {
		const char *gidmaps, *want;
	} each[] = { { NULL, "0 2147483647" },
		     { "0:0:1", "0 0" },
		     { "0:100000:65536", "0 65535" },
		     { "1:1:9 0:0:1", "0 9" },
		     { "0:1001:1 1:100000:65536", "0 65536" }, /* an ordinary user's */
		     { "0:100000:1000 1000:900:1 1001:101000:9", "1000 1009" }, /* keep-id */
		     { "0:5000:10 10:1000:5", "0 9" }, /* the other way round: the command's */
		     { "0:0:1 4000000000:4000000000:9", "0 0" },
		     { "0:0:4294967295", "0 2147483647" } };
	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		TestRun t = make_run(&v2_root);
		if (each[i].gidmaps)
			t.request.gidmaps = str_split(&t.arena, each[i].gidmaps, ' ');
		Spec s = filled(&t);
		assert_int_equal(s.linux_.sysctl_count, 2);
		assert_string_equal(s.linux_.sysctl[0].key, "net.ipv4.ping_group_range");
		assert_string_equal(s.linux_.sysctl[0].value, each[i].want);
		assert_string_equal(s.linux_.sysctl[1].key, "net.ipv4.ip_unprivileged_port_start");
		assert_string_equal(s.linux_.sysctl[1].value, "0");
		arena_done(&t.arena);
	}
}

/* ---- limits ---- */

static void limits(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	Spec s = filled(&t);
	const SpecResources *l = &s.linux_.resources;
	assert_true(l->memory_limit == SPEC_UNSET && l->memory_swap == SPEC_UNSET &&
		    l->cpu_quota == SPEC_UNSET);
	assert_true(l->pids_limit == 2048 && l->pids_limit_is_default);
	assert_null(s.linux_.cgroups_path);
	t.request.nano_cpus = 10000000; /* 0.01 */
	t.request.pids_limit = 7;
	t.request.memory = 100 << 20;
	s = filled(&t);
	assert_true(l->cpu_period == 100000 && l->cpu_quota == 1000);
	assert_true(l->pids_limit == 7 && !l->pids_limit_is_default);
	assert_true(l->memory_swap == 200 << 20 && l->memory_swap_is_default);
	t.request.memory_swap = -1;
	t.request.pids_limit = -1;
	t.request.cgroup_parent = "/jobs";
	s = filled(&t);
	assert_true(l->memory_swap == -1 && !l->memory_swap_is_default);
	assert_true(l->pids_limit == -1 && !l->pids_limit_is_default);
	assert_true(str_ends(s.linux_.cgroups_path, "/jobs/" ID));
	t.request.memory_swap = SPEC_UNSET;
	t.request.memory = INT64_MAX - 1; /* twice as much does not fit */
	s = filled(&t);
	assert_true(l->memory_swap == SPEC_UNSET);
	arena_done(&t.arena);
}

static void limits_of_v1_and_files_of_v2(void **state)
{
	(void)state;
	TestRun t = make_run(&hybrid_root);
	Spec s = filled(&t);
	const SpecResources *l = &s.linux_.resources;
	assert_true(l->memory_swappiness == SPEC_UNSET && l->cpu_realtime_runtime == SPEC_UNSET);
	assert_true(l->block_io.weight == SPEC_UNSET && l->unified_count == 0);
	assert_false(l->memory_disable_oom_killer || s.linux_.no_cgroups);
	t.request.memory_swappiness = 0;
	t.request.oom_kill_disable = true;
	t.request.cpu_rt_period = 9;
	t.request.cpu_rt_runtime = 8;
	t.request.blkio_weight = 300;
	add(&t, &t.request.cgroup_conf, "io.latency=8:0 target=10");
	s = filled(&t);
	assert_true(l->memory_swappiness == 0 && l->memory_disable_oom_killer);
	assert_true(l->cpu_realtime_period == 9 && l->cpu_realtime_runtime == 8);
	assert_true(l->block_io.weight == 300);
	assert_int_equal(l->unified_count, 1);
	assert_string_equal(l->unified[0].key, "io.latency");
	assert_string_equal(l->unified[0].value, "8:0 target=10");
	t.request.memory_swappiness = -1; /* docker's word for "not given" */
	s = filled(&t);
	assert_true(l->memory_swappiness == SPEC_UNSET);
	arena_done(&t.arena);
}

/* A block device is looked up on the host; here there need not be one. */
static void values_of_devices(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{ "/dev/null", "not of the form DEVICE:VALUE" },
		{ "/dev/null:", "not of the form DEVICE:VALUE" },
		{ ":1", "not of the form DEVICE:VALUE" },
		{ "/dev/null:0", "the rate '0' is not" },
		{ "/dev/null:-1", "the rate '-1' is not" },
		{ "/dev/null:1", "/dev/null is not a block device" },
		{ "/dev:by:1", "look up the device /dev:by" }, /* the last colon counts */
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		TestRun bps = make_run(&v2_root), iops = make_run(&v2_root);
		ErrKind kind = i + 1 < ARRAY_LEN(bad) ? ERR_USAGE : ERR_SYS;
		add(&bps, &bps.request.device_write_bps, bad[i][0]);
		refused(&bps, kind, bad[i][1]);
		add(&iops, &iops.request.device_read_iops, bad[i][0]);
		refused(&iops, kind, bad[i][1]);
	}
	TestRun suffix = make_run(&v2_root), weight = make_run(&v2_root);
	add(&suffix, &suffix.request.device_read_iops, "/dev/null:1k");
	refused(&suffix, ERR_USAGE, "the rate '1k' is not a whole number");
	add(&weight, &weight.request.blkio_weight_devices, "/dev/null:65536");
	refused(&weight, ERR_USAGE, "the weight '65536' is not a whole number");
}

static void whether_there_are_groups(void **state)
{
	(void)state;
	TestRun none = make_run(&v2_root), same = make_run(&v2_root), split = make_run(&v2_root),
		bad = make_run(&v2_root), ns = make_run(&v2_root), parent = make_run(&v2_root);
	none.request.cgroups = "disabled";
	Spec s = filled(&none);
	assert_true(s.linux_.no_cgroups && (s.linux_.namespaces & SPEC_NS_CGROUP));
	arena_done(&none.arena);
	same.request.cgroups = "no-conmon";
	same.request.cgroupns = "host";
	s = filled(&same);
	assert_false(s.linux_.no_cgroups || (s.linux_.namespaces & SPEC_NS_CGROUP));
	arena_done(&same.arena);
	split.request.cgroups = "split";
	refused(&split, ERR_USAGE, "--cgroups split is not there yet");
	bad.request.cgroups = "none";
	refused(&bad, ERR_USAGE, "--cgroups none: must be enabled, disabled or no-conmon");
	ns.request.cgroups = parent.request.cgroups = "disabled";
	ns.request.cgroupns = "private";
	refused(&ns, ERR_USAGE, "--cgroups disabled and --cgroupns exclude each other");
	parent.request.cgroup_parent = "/x";
	refused(&parent, ERR_USAGE, "--cgroups disabled and --cgroup-parent exclude each other");
	HostFacts old = v1_root;
	old.cgroup_ns = false;
	TestRun kernel = make_run(&old);
	kernel.request.cgroupns = "private";
	refused(&kernel, ERR_USAGE, "this kernel has no cgroup namespaces");
}

static void groups_that_may_be_written_to(void **state)
{
	(void)state;
	TestRun user = make_run(&hybrid_root), none = make_run(&v2_root), v2 = make_run(&v2_root);
	user.request.writable_cgroups = none.request.writable_cgroups = v2.request.writable_cgroups = true;
	add(&user, &user.request.uidmaps, "0:0:1");
	refused(&user, ERR_USAGE,
		"in a user namespace that needs cgroup v2 alone, this host has hybrid");
	none.request.cgroups = "disabled";
	refused(&none, ERR_USAGE, "writable-cgroups and --cgroups disabled exclude each other");
	add(&v2, &v2.request.uidmaps, "0:0:1");
	Spec s = filled(&v2);
	for (size_t i = 0; i < s.mounts_count; i++)
		if (str_eq(s.mounts[i].type, "cgroup"))
			assert_false(strlist_has(&s.mounts[i].options, "ro"));
	arena_done(&v2.arena);
}

/* ---- mounts ---- */

static size_t find_mount(const Spec *s, const char *destination)
{
	size_t found = SIZE_MAX;
	for (size_t i = 0; i < s->mounts_count; i++)
		if (strcmp(s->mounts[i].destination, destination) == 0) {
			assert_true(found == SIZE_MAX); /* once */
			found = i;
		}
	return found;
}

static bool has_mount(const Spec *s, const char *destination)
{
	return find_mount(s, destination) != SIZE_MAX;
}

/* Whoever is mounted on a folder must come before what is mounted in it. */
static void expect_parents_first(const Spec *s)
{
	for (size_t i = 0; i < s->mounts_count; i++)
		for (size_t k = i + 1; k < s->mounts_count; k++)
			if (path_is_below(s->mounts[i].destination, s->mounts[k].destination))
				fail_msg("%s hides %s", s->mounts[k].destination,
					 s->mounts[i].destination);
}

static void user_mounts_come_in_the_order_of_their_depth(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/v1:/a/b/c");
	add(&t, &t.request.volumes, "/v2:/a");
	add(&t, &t.request.volumes, "/v3:/z");
	add(&t, &t.request.tmpfs, "/a/b");
	Spec s = filled(&t);
	expect_parents_first(&s);
	assert_true(find_mount(&s, "/a") < find_mount(&s, "/z")); /* else as given */
	arena_done(&t.arena);
}

static void user_mounts_do_not_hide_the_containers_files(void **state)
{
	(void)state;
	static const char *const places[] = { "/etc", "/sys/fs", "/dev/mqueue", "/etc/hosts" };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		TestRun t = make_run(&v2_root);
		add(&t, &t.request.volumes, arena_printf(&t.arena, "/v:%s", places[i]));
		Spec s = filled(&t);
		expect_parents_first(&s);
		assert_true(has_mount(&s, "/etc/hosts") && has_mount(&s, "/etc/resolv.conf") &&
			    has_mount(&s, "/etc/hostname"));
		assert_string_equal(s.mounts[find_mount(&s, places[i])].source, "/v");
		arena_done(&t.arena);
	}
}

static void a_user_mount_replaces_ours(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/my/shm:/dev/shm/");
	add(&t, &t.request.tmpfs, "/etc/resolv.conf");
	Spec s = filled(&t);
	assert_string_equal(s.mounts[find_mount(&s, "/dev/shm")].source, "/my/shm");
	assert_string_equal(s.mounts[find_mount(&s, "/etc/resolv.conf")].type, "tmpfs");
	expect_parents_first(&s);
	arena_done(&t.arena);
}

static void two_user_mounts_on_one_place_are_refused(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/a:/x");
	add(&t, &t.request.tmpfs, "/x/../x/");
	refused(&t, ERR_USAGE, "two mounts on /x");
}

/* Also where the first of them has replaced one of ours. */
static void two_user_mounts_on_a_place_of_ours_are_refused(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/a:/dev/shm");
	add(&t, &t.request.volumes, "/b:/dev/shm");
	refused(&t, ERR_USAGE, "two mounts on /dev/shm");
}

/* Root may write everywhere, so root becomes somebody else meanwhile. */
static void files_of_the_network_need_a_place(void **state)
{
	(void)state;
	const uid_t before = geteuid();
	TestRun t = make_run(&v2_root);
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(fchmodat(root_fd, "etc", 0555, 0), 0);
	assert_int_equal(symlinkat("/none", root_fd, "etc/hostname"), 0);
	assert_int_equal(before == 0 ? seteuid(65534) : 0, 0);
	Spec plain = filled(&t);
	t.context.root_kind = ROOT_OVERLAY;
	Spec overlay = filled(&t);
	assert_int_equal(seteuid(before), 0);
	assert_false(has_mount(&plain, "/etc/hosts"));
	assert_false(has_mount(&plain, "/etc/hostname"));
	assert_true(has_mount(&overlay, "/etc/hosts"));
	assert_int_equal(fchmodat(root_fd, "etc", 0755, 0), 0);
	arena_done(&t.arena);
}

static void the_hosts_ipc_is_bound(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	t.request.ipc = "host";
	Spec s = filled(&t);
	const SpecMount *shm = &s.mounts[find_mount(&s, "/dev/shm")];
	assert_string_equal(shm->type, "bind");
	assert_string_equal(shm->source, "/dev/shm");
	assert_int_equal(has_mount(&s, "/dev/mqueue"), access("/dev/mqueue", F_OK) == 0);
	arena_done(&t.arena);
}

/* proc shows a pid namespace, and who does not own that one may not mount it: the host's stands in, as with sysfs. */
static void the_hosts_pids_in_a_user_namespace(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_user);
	t.request.pid = "host";
	Spec s = filled(&t);
	const SpecMount *proc = &s.mounts[find_mount(&s, "/proc")];
	assert_string_equal(proc->type, "bind");
	assert_string_equal(proc->source, "/proc");
	arena_done(&t.arena);
	t = make_run(&v2_root);
	t.request.pid = "host";
	s = filled(&t);
	assert_string_equal(s.mounts[find_mount(&s, "/proc")].type, "proc");
	arena_done(&t.arena);
}

static void masks_are_for_everybody_but_privileged(void **state)
{
	(void)state;
	HostFacts facts = v2_root;
	facts.cpus = 3;
	TestRun t = make_run(&facts);
	Spec s = filled(&t);
	assert_int_equal(s.linux_.masked_paths.count, 14 + 3);
	assert_true(strlist_has(&s.linux_.masked_paths, "/sys/devices/system/cpu/cpu2/thermal_throttle"));
	assert_int_equal(s.linux_.readonly_paths.count, 5);
	t.request.privileged = true;
	s = filled(&t);
	assert_int_equal(s.linux_.masked_paths.count + s.linux_.readonly_paths.count, 0);
	arena_done(&t.arena);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, top_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commands),
		TEST(commands_that_are_none),
		TEST(environment),
		TEST(working_directories),
		TEST(default_ulimits),
		TEST(asked_ulimits),
		TEST(bad_ulimits),
		TEST(capabilities),
		TEST(bad_capabilities),
		TEST(capabilities_of_another_user),
		TEST(seccomp_is_there_unless_asked_away),
		TEST(the_own_group_is_always_set),
		TEST(groups_that_cannot_be_had_do_not_matter),
		TEST(namespaces),
		TEST(id_maps),
		TEST(ping_group_range),
		TEST(limits),
		cmocka_unit_test(limits_of_v1_and_files_of_v2),
		cmocka_unit_test(values_of_devices),
		cmocka_unit_test(whether_there_are_groups),
		cmocka_unit_test(groups_that_may_be_written_to),
		TEST(user_mounts_come_in_the_order_of_their_depth),
		TEST(user_mounts_do_not_hide_the_containers_files),
		TEST(a_user_mount_replaces_ours),
		TEST(two_user_mounts_on_one_place_are_refused),
		TEST(two_user_mounts_on_a_place_of_ours_are_refused),
		TEST(files_of_the_network_need_a_place),
		TEST(the_hosts_ipc_is_bound),
		TEST(the_hosts_pids_in_a_user_namespace),
		TEST(masks_are_for_everybody_but_privileged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
