#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/rlimits.h"
#include "fmt/seccomp.h"
#include "fmt/spec.h"

static int decode(Arena *a, const char *text, Spec *ret, Err *e)
{
	return spec_decode(text, strlen(text), a, ret, e);
}

/* ---- the whole structure, as text ---- */

typedef struct Dump {
	char text[16384];
	size_t len;
} Dump;

static void put(Dump *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(Dump *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(d->text + d->len, sizeof d->text - d->len, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof d->text - d->len);
	d->len += (size_t)n;
}

static const char *or_none(const char *s)
{
	return s ? s : "(none)";
}

static void put_list(Dump *d, const char *name, const StrList *l)
{
	put(d, "%s:", name);
	for (size_t i = 0; i < l->count; i++)
		put(d, " [%s]", l->items[i]);
	put(d, "\n");
}

static void put_process(Dump *d, const SpecProcess *p)
{
	put(d, "terminal %d, console %ux%u\n", p->terminal, p->console_height, p->console_width);
	put(d, "user %u:%u, umask %o (%d), groups", p->uid, p->gid, p->umask, p->has_umask);
	for (size_t i = 0; i < p->additional_gids_count; i++)
		put(d, " %u", p->additional_gids[i]);
	put(d, "\n");
	put_list(d, "args", &p->args);
	put_list(d, "env", &p->env);
	put(d, "cwd %s, no_new_privileges %d\n", p->cwd, p->no_new_privileges);
	put(d, "apparmor %s, selinux %s\n", or_none(p->apparmor_profile), or_none(p->selinux_label));
	put(d, "caps (%d) b=%" PRIx64 " e=%" PRIx64 " i=%" PRIx64 " p=%" PRIx64 " a=%" PRIx64 "\n",
	    p->has_capabilities, p->capabilities.bounding, p->capabilities.effective,
	    p->capabilities.inheritable, p->capabilities.permitted, p->capabilities.ambient);
	for (size_t i = 0; i < p->rlimits_count; i++)
		put(d, "rlimit %s %" PRIu64 " %" PRIu64 " default %d\n",
		    rlimit_name(p->rlimits[i].resource), p->rlimits[i].soft, p->rlimits[i].hard,
		    p->rlimits[i].is_default);
}

static void put_limit(Dump *d, const char *name, int64_t n)
{
	if (n == SPEC_UNSET)
		put(d, " %s unset", name);
	else
		put(d, " %s %" PRId64, name, n);
}

static void put_resources(Dump *d, const SpecResources *r)
{
	put(d, "limits:");
	put_limit(d, "memory", r->memory_limit);
	put_limit(d, "reservation", r->memory_reservation);
	put_limit(d, "swap", r->memory_swap);
	put_limit(d, "shares", r->cpu_shares);
	put_limit(d, "quota", r->cpu_quota);
	put_limit(d, "period", r->cpu_period);
	put_limit(d, "pids", r->pids_limit);
	put(d, " cpus %s mems %s\n", or_none(r->cpuset_cpus), or_none(r->cpuset_mems));
	for (size_t i = 0; i < r->devices_count; i++) {
		const DeviceRule *u = &r->devices[i];
		put(d, "rule %s %c %" PRId64 ":%" PRId64 " %s%s%s\n", u->allow ? "allow" : "deny",
		    u->type, u->major, u->minor, u->read ? "r" : "", u->write ? "w" : "",
		    u->mknod ? "m" : "");
	}
}

static void put_seccomp(Dump *d, const Seccomp *s)
{
	if (!s) {
		put(d, "seccomp (none)\n");
		return;
	}
	put(d, "seccomp %s errno %u (%d) archs", seccomp_action_name(s->default_action),
	    s->default_errno, s->has_default_errno);
	for (unsigned i = 0; i < 32; i++)
		if (s->archs >> i & 1)
			put(d, " %s", seccomp_arch_name((SyscallArch)i));
	put(d, " listener %s %s\n", or_none(s->listener_path), or_none(s->listener_metadata));
	put_list(d, "seccomp flags", &s->flags);
	for (size_t i = 0; i < s->rules_count; i++) {
		const SeccompRule *r = &s->rules[i];
		put_list(d, "seccomp rule", &r->names);
		put(d, "  %s errno %u (%d)\n", seccomp_action_name(r->action), r->errno_ret,
		    r->has_errno);
		for (size_t k = 0; k < r->args_count; k++)
			put(d, "  arg %u %s %" PRIu64 " %" PRIu64 "\n", r->args[k].index,
			    seccomp_op_name(r->args[k].op), r->args[k].value, r->args[k].value_two);
	}
}

static void put_maps(Dump *d, const char *name, const SpecIdMap *maps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(d, "%s %u %u %u\n", name, maps[i].container_id, maps[i].host_id, maps[i].size);
}

static void put_linux(Dump *d, const SpecLinux *l)
{
	put(d, "namespaces %x, cgroup %s\n", l->namespaces, or_none(l->cgroups_path));
	put_maps(d, "uids", l->uid_mappings, l->uid_mappings_count);
	put_maps(d, "gids", l->gid_mappings, l->gid_mappings_count);
	for (size_t i = 0; i < l->sysctl_count; i++)
		put(d, "sysctl %s=%s\n", l->sysctl[i].key, l->sysctl[i].value);
	put_resources(d, &l->resources);
	for (size_t i = 0; i < l->devices_count; i++)
		put(d, "device %s %c %u:%u %o %u:%u\n", l->devices[i].path, l->devices[i].type,
		    l->devices[i].major, l->devices[i].minor, l->devices[i].mode, l->devices[i].uid,
		    l->devices[i].gid);
	put_seccomp(d, l->seccomp);
	put(d, "mount label %s (%d)\n", or_none(l->mount_label), l->mount_label_of_root);
	put_list(d, "masked", &l->masked_paths);
	put_list(d, "read-only", &l->readonly_paths);
}

static void put_spec(Dump *d, const Spec *s)
{
	put(d, "version %s, root %d %s readonly %d, hostname %s\n", s->oci_version, s->root.kind,
	    s->root.path, s->root.readonly, or_none(s->hostname));
	put_process(d, &s->process);
	for (size_t i = 0; i < s->mounts_count; i++) {
		put(d, "mount %s type %s source %s", s->mounts[i].destination,
		    or_none(s->mounts[i].type), or_none(s->mounts[i].source));
		put_list(d, " options", &s->mounts[i].options);
		put_maps(d, " uids", s->mounts[i].uid_mappings, s->mounts[i].uid_mappings_count);
		put_maps(d, " gids", s->mounts[i].gid_mappings, s->mounts[i].gid_mappings_count);
	}
	put_linux(d, &s->linux_);
}

static char *read_text(Arena *a, const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f)
		fail_msg("cannot open %s", path);
	char *text = arena_alloc(a, 65536);
	size_t n = fread(text, 1, 65535, f);
	text[n] = '\0';
	(void)fclose(f); /* only read */
	return text;
}

static void a_whole_config_is_decoded(void **state)
{
	(void)state;
	static const char *const names[] = { "full", "usual" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		static Dump d;
		Spec s;
		Err e = { 0 };
		char *text = read_text(&a, arena_printf(&a, "data/spec_%s.json", names[i]));
		if (decode(&a, text, &s, &e) < 0)
			fail_msg("%s: %s", names[i], e.msg);
		memset(text, 'x', strlen(text)); /* the text may go away */
		memset(&d, 0, sizeof d);
		put_spec(&d, &s);
		assert_string_equal(d.text,
				    read_text(&a, arena_printf(&a, "data/spec_%s.dump", names[i])));
	}
}

static void what_is_not_given_is_unset(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	static Dump d, empty;
	Spec s, nothing;
	assert_int_equal(decode(&a, "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"}}", &s, NULL),
			 0);
	spec_init(&nothing);
	nothing.oci_version = "1.0.0";
	nothing.root.path = "r";
	put_spec(&d, &s);
	put_spec(&empty, &nothing);
	assert_string_equal(d.text, empty.text);
	assert_true(s.linux_.resources.pids_limit == SPEC_UNSET &&
		    s.linux_.resources.memory_limit == SPEC_UNSET);
	assert_string_equal(s.process.cwd, "/");
	assert_int_equal(s.linux_.namespaces, 0);
}

/* ---- what other runtimes print ---- */

/* Runs "RUNTIME spec" in a fresh folder. False when there is no such program. */
static bool print_spec(const char *runtime, const char *dir)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (chdir(dir) == 0)
			(void)execlp(runtime, runtime, "spec", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void configs_of_other_runtimes_are_decoded(void **state)
{
	(void)state;
	static const char *const runtimes[] = { "runc", "crun" };
	unsigned tried = 0;
	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		char dir[] = "/tmp/test-spec-XXXXXX";
		Spec s;
		Err e = { 0 };
		assert_non_null(mkdtemp(dir));
		char *path = arena_printf(&a, "%s/config.json", dir);
		if (print_spec(runtimes[i], dir)) {
			tried++;
			if (decode(&a, read_text(&a, path), &s, &e) < 0)
				fail_msg("%s: %s", runtimes[i], e.msg);
			assert_string_equal(s.process.args.items[0], "sh");
			assert_true(s.process.has_capabilities && s.process.capabilities.bounding);
			assert_true(s.mounts_count >= 6);
			assert_int_equal(s.linux_.resources.devices_count, 1);
			const unsigned wanted = SPEC_NS_PID | SPEC_NS_NETWORK | SPEC_NS_IPC |
						SPEC_NS_UTS | SPEC_NS_MOUNT;
			assert_int_equal(s.linux_.namespaces & wanted, wanted);
		}
		(void)unlink(path); /* absent when the runtime is */
		assert_int_equal(rmdir(dir), 0);
	}
	if (tried == 0)
		skip();
}

/* ---- single keys ---- */

static int decode_with(Arena *a, const char *members, Spec *ret, Err *e);

static void names_annotations_and_the_like_are_decoded(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	Err e = { 0 };
	if (decode_with(&a,
			"\"domainname\":\"example.org\",\"annotations\":{\"a\":\"1\",\"b c\":\"\"},"
			"\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"oomScoreAdj\":-500},"
			"\"linux\":{\"personality\":{\"domain\":\"LINUX32\"}}",
			&s, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(s.domainname, "example.org");
	assert_int_equal(s.annotations_count, 2);
	assert_string_equal(s.annotations[0].key, "a");
	assert_string_equal(s.annotations[0].value, "1");
	assert_string_equal(s.annotations[1].key, "b c");
	assert_string_equal(s.annotations[1].value, "");
	assert_true(s.process.has_oom_score_adj);
	assert_int_equal(s.process.oom_score_adj, -500);
	assert_true(s.linux_.has_personality);
	assert_int_equal(s.linux_.personality, 8);
}

/* 0 and LINUX are values: the caller's own may be others. */
static void zeroes_are_told_from_nothing(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec none, zero;
	Err e = { 0 };
	assert_int_equal(decode_with(&a, "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]}", &none, &e), 0);
	assert_null(none.domainname);
	assert_false(none.process.has_oom_score_adj);
	assert_false(none.linux_.has_personality);
	assert_int_equal(decode_with(&a,
				     "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"oomScoreAdj\":0},"
				     "\"linux\":{\"personality\":{\"domain\":\"LINUX\"}}",
				     &zero, &e),
			 0);
	assert_true(zero.process.has_oom_score_adj && zero.process.oom_score_adj == 0);
	assert_true(zero.linux_.has_personality && zero.linux_.personality == 0);
}

/* ---- refusals ---- */

/* The members of a configuration that is right but for them. */
static int decode_with(Arena *a, const char *members, Spec *ret, Err *e)
{
	const char *root = strstr(members, "\"root\":") ? "" : "\"root\":{\"path\":\"/r\"},";
	const char *version = strstr(members, "\"ociVersion\":") ? "" : "\"ociVersion\":\"1.3.0\",";
	return decode(a, arena_printf(a, "{%s%s%s}", version, root, members), ret, e);
}

#define PROCESS(members)   "\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]," members "}"
#define LINUX(members)     "\"linux\":{" members "}"
#define RESOURCES(members) LINUX("\"resources\":{" members "}")
#define SECCOMP(members)   LINUX("\"seccomp\":{" members "}")

static const struct {
	const char *members, *path;
} unsupported[] = {
	{ PROCESS("\"commandLine\":\"x\""), "process.commandLine" },
	{ PROCESS("\"user\":{\"uid\":0,\"gid\":0,\"username\":\"root\"}"), "process.user.username" },
	{ LINUX("\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"ADDR_NO_RANDOMIZE\"]}"),
	  "linux.personality.flags" },
};

static void unsupported_keys_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Spec s;
		Err e = { 0 };
		if (decode_with(&a, unsupported[i].members, &s, &e) >= 0)
			fail_msg("accepted: %s", unsupported[i].members);
		assert_string_equal(e.msg, arena_printf(&a, "%s is not supported yet (line 1)",
							unsupported[i].path));
		assert_int_equal(e.kind, ERR_SPEC);
	}
}

/* A list of a description is one like any other: who adds to it changes nothing else. */
static void lists_can_grow(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	Err e = { 0 };
	int r = decode_with(&a, PROCESS("\"env\":[\"A=1\",\"B=2\",\"C=3\"]") ",\"mounts\":[{\"destination\":\"/x\",\"type\":\"tmpfs\"}]",
			    &s, &e);
	assert_int_equal(r, 0);
	for (int i = 0; i < 20; i++)
		strlist_add(&a, &s.process.env, "MORE=1");
	assert_int_equal(s.process.env.count, 23);
	assert_string_equal(s.process.env.items[2], "C=3");
	assert_int_equal(s.mounts_count, 1);
	assert_string_equal(s.mounts[0].destination, "/x");
	assert_string_equal(s.mounts[0].type, "tmpfs");
	assert_string_equal(s.process.args.items[0], "sh");
}

static void keys_of_the_host(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	Err e = { 0 };
	const char *text = LINUX(
		"\"rootfsPropagation\":\"rslave\","
		"\"netDevices\":{\"eth1\":{\"name\":\"n%d\"},\"eth2\":{\"name\":\"n%d\"},\"eth3\":{\"name\":\"\"}},"
		"\"intelRdt\":{\"closID\":\"gold\",\"l3CacheSchema\":\"L3DATA:0=f\\nL3CODE:0=f\",\"memBwSchema\":\"MB:0=20\","
		"\"schemata\":[\"L2:0=f\"],\"enableMonitoring\":true}");
	if (decode_with(&a, text, &s, &e) < 0)
		fail_msg("%s", e.msg);
	const SpecLinux *l = &s.linux_;
	assert_int_equal(l->root_propagation, MS_SLAVE | MS_REC);
	assert_int_equal(l->net_devices_count, 3);
	assert_string_equal(l->net_devices[0].name, "eth1");
	assert_string_equal(l->net_devices[0].name_inside, "n%d");
	assert_null(l->net_devices[2].name_inside);
	assert_true(l->intel_rdt.given && l->intel_rdt.monitoring);
	assert_string_equal(l->intel_rdt.clos_id, "gold");
	assert_string_equal(l->intel_rdt.l3_schema, "L3DATA:0=f\nL3CODE:0=f");
	assert_string_equal(l->intel_rdt.mem_bw_schema, "MB:0=20");
	assert_int_equal(l->intel_rdt.schemata.count, 1);
	assert_int_equal(decode_with(&a, LINUX("\"intelRdt\":{\"closID\":\"/\"}"), &s, &e), 0);
	assert_int_equal(decode_with(&a, LINUX("\"namespaces\":[]"), &s, &e), 0);
	assert_false(s.linux_.intel_rdt.given || s.linux_.root_propagation ||
		     s.linux_.net_devices_count);
}

static void values_that_ask_for_nothing_are_accepted(void **state)
{
	static const char *const cases[] = {
		"\"domainname\":\"\",\"annotations\":{},\"hooks\":{}",
		"\"hooks\":{\"prestart\":[],\"createRuntime\":[],\"createContainer\":[],\"startContainer\":[],"
		"\"poststart\":[],\"poststop\":[]}",
		PROCESS("\"commandLine\":\"\",\"apparmorProfile\":\"\",\"selinuxLabel\":\"\",\"execCPUAffinity\":{}"),
		LINUX("\"personality\":{\"domain\":\"LINUX\",\"flags\":[]}"),
		LINUX("\"rootfsPropagation\":\"\",\"mountLabel\":\"\",\"netDevices\":{},\"timeOffsets\":{}"),
		RESOURCES("\"memory\":{\"kernel\":-1,\"kernelTCP\":0,\"disableOOMKiller\":false,\"checkBeforeUpdate\":false}"),
		RESOURCES("\"cpu\":{\"burst\":0,\"realtimeRuntime\":0,\"realtimePeriod\":0,\"idle\":0}"),
		RESOURCES("\"blockIO\":{},\"network\":{\"classID\":0,\"priorities\":[]},\"hugepageLimits\":[],\"rdma\":{},"
			  "\"unified\":{}"),
		"\"unknown\":null,\"process2\":{\"uid\":-1}," LINUX(
			"\"resources\":{\"new\":{\"limit\":1}},\"more\":1.5"),
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Spec s;
		Err e = { 0 };
		if (decode_with(&a, cases[i], &s, &e) < 0)
			fail_msg("%s: %s", cases[i], e.msg);
	}
}

static const struct {
	const char *members, *message;
} wrong[] = {
	{ LINUX("\"rootfsPropagation\":\"ro\""),
	  "linux.rootfsPropagation must be shared, slave, private or unbindable, or one of these with an r before it, not 'ro' (line 1)" },
	{ LINUX("\"netDevices\":[]"), "linux.netDevices must be an object, not an array (line 1)" },
	{ LINUX("\"netDevices\":{\"eth0\":\"eth1\"}"),
	  "linux.netDevices.eth0 must be an object, not a string (line 1)" },
	{ LINUX("\"netDevices\":{\"\":{}}"),
	  "linux.netDevices has an invalid network device name '' (line 1)" },
	{ LINUX("\"netDevices\":{\"a b\":{}}"),
	  "linux.netDevices has an invalid network device name 'a b' (line 1)" },
	{ LINUX("\"netDevices\":{\"sixteen-letters-\":{}}"),
	  "linux.netDevices has an invalid network device name 'sixteen-letters-' (line 1)" },
	{ LINUX("\"netDevices\":{\"eth0\":{\"name\":\"a:b\"}}"),
	  "linux.netDevices.eth0 has an invalid network device name 'a:b' (line 1)" },
	{ LINUX("\"netDevices\":{\"eth0\":{\"name\":\"e%d%d\"}}"),
	  "linux.netDevices.eth0 has an invalid network device name 'e%d%d' (line 1)" },
	{ LINUX("\"netDevices\":{\"eth0\":{\"name\":\"e%x\"}}"),
	  "linux.netDevices.eth0 has an invalid network device name 'e%x' (line 1)" },
	{ LINUX("\"netDevices\":{\"eth0\":{\"name\":\"eth1\"},\"eth1\":{}}"),
	  "linux.netDevices.eth1 is the second device that is to be 'eth1' (line 1)" },
	{ LINUX("\"intelRdt\":[]"), "linux.intelRdt must be an object, not an array (line 1)" },
	{ LINUX("\"intelRdt\":{\"closID\":\"a/b\"}"),
	  "linux.intelRdt.closID must be the name of a group, or /, not 'a/b' (line 1)" },
	{ LINUX("\"intelRdt\":{\"closID\":\"..\"}"),
	  "linux.intelRdt.closID must be the name of a group, or /, not '..' (line 1)" },
	{ LINUX("\"intelRdt\":{\"closID\":\"mon_groups\"}"),
	  "linux.intelRdt.closID must be the name of a group, or /, not 'mon_groups' (line 1)" },
	{ LINUX("\"intelRdt\":{\"l3CacheSchema\":\"L3:0=f\\nMB:0=7\"}"),
	  "linux.intelRdt.l3CacheSchema must have lines of the cache alone, L3:, not 'MB:0=7' (line 1)" },
	{ LINUX("\"intelRdt\":{\"memBwSchema\":\"L3:0=1\"}"),
	  "linux.intelRdt.memBwSchema must be one line that begins with MB:, not 'L3:0=1' (line 1)" },
	{ LINUX("\"intelRdt\":{\"schemata\":[\"\"]}"),
	  "linux.intelRdt.schemata must hold single lines, not '' (line 1)" },
	{ "\"ociVersion\":1", "ociVersion must be a string, not a number (line 1)" },
	{ "\"ociVersion\":\"1.0\"",
	  "ociVersion must be a semantic version such as 1.3.0, not '1.0' (line 1)" },
	{ "\"ociVersion\":\"v1.0.0\"",
	  "ociVersion must be a semantic version such as 1.3.0, not 'v1.0.0' (line 1)" },
	{ "\"ociVersion\":\"1.01.0\"",
	  "ociVersion must be a semantic version such as 1.3.0, not '1.01.0' (line 1)" },
	{ "\"ociVersion\":\"1.0.0-\"",
	  "ociVersion must be a semantic version such as 1.3.0, not '1.0.0-' (line 1)" },
	{ "\"ociVersion\":\"1.0.0+a..b\"",
	  "ociVersion must be a semantic version such as 1.3.0, not '1.0.0+a..b' (line 1)" },
	{ "\"ociVersion\":\"0.1.0\"",
	  "ociVersion must be 1.x.y, not 0.1.0: no other major version is supported (line 1)" },
	{ "\"ociVersion\":\"2.0.0\"",
	  "ociVersion must be 1.x.y, not 2.0.0: no other major version is supported (line 1)" },
	{ "\"windows\":{}", "windows describes a container of another platform than Linux (line 1)" },
	{ "\"solaris\":{}", "solaris describes a container of another platform than Linux (line 1)" },
	{ "\"vm\":{}", "vm describes a container of another platform than Linux (line 1)" },
	{ "\"zos\":{}", "zos describes a container of another platform than Linux (line 1)" },
	{ "\"freebsd\":{}", "freebsd describes a container of another platform than Linux (line 1)" },
	{ "\"root\":{}", "root.path is missing (line 1)" },
	{ "\"root\":{\"path\":null}", "root.path is missing (line 1)" },
	{ "\"root\":{\"path\":\"\"}", "root.path must not be empty (line 1)" },
	{ "\"root\":{\"path\":\"/\",\"readonly\":\"yes\"}",
	  "root.readonly must be true or false, not a string (line 1)" },
	{ "\"hostname\":5", "hostname must be a string, not a number (line 1)" },
	{ "\"hostname\":\"a123456789b123456789c123456789d123456789e123456789f123456789g1234\"",
	  "hostname must have at most 64 bytes, not 65 (line 1)" },
	{ "\"domainname\":\"a123456789b123456789c123456789d123456789e123456789f123456789g1234\"",
	  "domainname must have at most 64 bytes, not 65 (line 1)" },
	{ "\"annotations\":[\"a\"]", "annotations must be an object, not an array (line 1)" },
	{ "\"annotations\":{\"\":\"b\"}", "annotations must not have an empty key (line 1)" },
	{ "\"annotations\":{\"a.b\":1}", "annotations.a.b must be a string, not a number (line 1)" },
	{ PROCESS("\"oomScoreAdj\":-1001"), "process.oomScoreAdj must be from -1000 to 1000 (line 1)" },
	{ PROCESS("\"oomScoreAdj\":1001"), "process.oomScoreAdj must be from -1000 to 1000 (line 1)" },
	{ PROCESS("\"oomScoreAdj\":\"5\""),
	  "process.oomScoreAdj must be a whole number, not a string (line 1)" },
	{ LINUX("\"personality\":{}"), "linux.personality.domain is missing (line 1)" },
	{ LINUX("\"personality\":\"LINUX\""),
	  "linux.personality must be an object, not a string (line 1)" },
	{ LINUX("\"personality\":{\"domain\":\"LINUX64\"}"),
	  "linux.personality.domain must be LINUX or LINUX32, not 'LINUX64' (line 1)" },
	{ "\"mounts\":{}", "mounts must be an array, not an object (line 1)" },
	{ "\"mounts\":[1]", "mounts[0] must be an object, not a number (line 1)" },
	{ "\"mounts\":[{\"type\":\"proc\"}]", "mounts[0].destination is missing (line 1)" },
	{ "\"mounts\":[{\"destination\":\"\"}]", "mounts[0].destination must not be empty (line 1)" },
	{ "\"mounts\":[{\"destination\":\"/a\"},{\"destination\":\"/b\",\"uidMappings\":[{}]}]",
	  "mounts[1].uidMappings[0].containerID is missing (line 1)" },
	{ "\"mounts\":[{\"destination\":\"/b\",\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":0}]}]",
	  "mounts[0].gidMappings[0] must map at least one id: size is 0 (line 1)" },
	{ "\"mounts\":[{\"destination\":\"/b\",\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]}]",
	  "mounts[0] must have uidMappings and gidMappings, or neither (line 1)" },
	{ "\"mounts\":[{\"destination\":\"/a\",\"options\":\"ro\"}]",
	  "mounts[0].options must be an array, not a string (line 1)" },
	{ "\"mounts\":[{\"destination\":\"/a\",\"options\":[\"ro\",7]}]",
	  "mounts[0].options[1] must be a string, not a number (line 1)" },
	{ "\"process\":{\"args\":[\"sh\"]}", "process.cwd is missing (line 1)" },
	{ "\"process\":{\"cwd\":\"/\"}", "process.args is missing (line 1)" },
	{ "\"process\":{\"cwd\":\"/\",\"args\":[]}",
	  "process.args must have at least one element (line 1)" },
	{ "\"process\":{\"cwd\":\"tmp\",\"args\":[\"sh\"]}",
	  "process.cwd must be an absolute path, not 'tmp' (line 1)" },
	{ "\"process\":{\"cwd\":\"\",\"args\":[\"sh\"]}",
	  "process.cwd must be an absolute path, not '' (line 1)" },
	{ PROCESS("\"terminal\":1"), "process.terminal must be true or false, not a number (line 1)" },
	{ PROCESS("\"terminal\":true,\"consoleSize\":{\"height\":1}"),
	  "process.consoleSize.width is missing (line 1)" },
	{ PROCESS("\"terminal\":true,\"consoleSize\":{\"height\":65536,\"width\":1}"),
	  "process.consoleSize.height must be from 0 to 65535 (line 1)" },
	{ PROCESS("\"user\":{\"gid\":-1}"), "process.user.gid must be from 0 to 4294967294 (line 1)" },
	{ PROCESS("\"user\":{\"uid\":\"root\",\"gid\":0}"),
	  "process.user.uid must be a whole number, not a string (line 1)" },
	{ PROCESS("\"user\":{\"uid\":4294967295,\"gid\":0}"),
	  "process.user.uid must be from 0 to 4294967294 (line 1)" },
	{ PROCESS("\"user\":{\"uid\":4294967296,\"gid\":0}"),
	  "process.user.uid must be from 0 to 4294967294 (line 1)" },
	{ PROCESS("\"user\":{\"uid\":-1,\"gid\":0}"),
	  "process.user.uid must be from 0 to 4294967294 (line 1)" },
	{ PROCESS("\"user\":{\"uid\":0,\"gid\":1.0}"),
	  "process.user.gid must be a whole number, written without a fraction or an exponent (line 1)" },
	{ PROCESS("\"user\":{\"uid\":0,\"gid\":0,\"umask\":512}"),
	  "process.user.umask must be from 0 to 511 (line 1)" },
	{ PROCESS("\"user\":{\"uid\":0,\"gid\":0,\"additionalGids\":[1,4294967295]}"),
	  "process.user.additionalGids[1] must be from 0 to 4294967294 (line 1)" },
	{ PROCESS("\"env\":[1]"), "process.env[0] must be a string, not a number (line 1)" },
	{ PROCESS("\"capabilities\":[]"),
	  "process.capabilities must be an object, not an array (line 1)" },
	{ PROCESS("\"capabilities\":{\"ambient\":\"CAP_KILL\"}"),
	  "process.capabilities.ambient must be an array, not a string (line 1)" },
	{ PROCESS("\"capabilities\":{\"bounding\":[5]}"),
	  "process.capabilities.bounding[0] must be a string, not a number (line 1)" },
	{ PROCESS("\"rlimits\":[{\"type\":\"nofile\",\"soft\":1,\"hard\":1}]"),
	  "process.rlimits[0].type must be a limit of getrlimit(2) such as RLIMIT_NOFILE, not 'nofile' (line 1)" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1}]"),
	  "process.rlimits[0].hard is missing (line 1)" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]"),
	  "process.rlimits[0] has a soft limit (2) above its hard limit (1) (line 1)" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1}]"),
	  "process.rlimits[1] is the second limit of the type RLIMIT_CPU (line 1)" },
	{ PROCESS("\"noNewPrivileges\":\"true\""),
	  "process.noNewPrivileges must be true or false, not a string (line 1)" },
	{ LINUX("\"namespaces\":[{}]"), "linux.namespaces[0].type is missing (line 1)" },
	{ LINUX("\"namespaces\":[{\"type\":\"net\"}]"),
	  "linux.namespaces[0].type must be one of pid, network, mount, ipc, uts, user, cgroup, time, not 'net' (line 1)" },
	{ LINUX("\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"pid\"}]"),
	  "linux.namespaces[2] is the second namespace of its type (line 1)" },
	{ LINUX("\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}]"),
	  "linux.uidMappings[0] must map at least one id: size is 0 (line 1)" },
	{ LINUX("\"gidMappings\":[{\"containerID\":1,\"hostID\":0,\"size\":4294967295}]"),
	  "linux.gidMappings[0] maps ids above 4294967294 (containerID 1, hostID 0, size 4294967295) (line 1)" },
	{ LINUX("\"uidMappings\":[{\"containerID\":0,\"hostID\":4294967295,\"size\":1}]"),
	  "linux.uidMappings[0] maps ids above 4294967294 (containerID 0, hostID 4294967295, size 1) (line 1)" },
	{ LINUX("\"uidMappings\":[{\"containerID\":0,\"size\":1}]"),
	  "linux.uidMappings[0].hostID is missing (line 1)" },
	{ LINUX("\"sysctl\":{\"kernel..x\":\"1\"}"),
	  "linux.sysctl has 'kernel..x', which is no kernel parameter's name (line 1)" },
	{ LINUX("\"sysctl\":{\"../../etc/x\":\"1\"}"),
	  "linux.sysctl has '../../etc/x', which is no kernel parameter's name (line 1)" },
	{ LINUX("\"sysctl\":{\"kernel.x\":1}"),
	  "linux.sysctl.kernel.x must be a string, not a number (line 1)" },
	{ LINUX("\"cgroupsPath\":\"/a/../b\""),
	  "linux.cgroupsPath must not have '..' in it: '/a/../b' (line 1)" },
	{ LINUX("\"cgroupsPath\":\"..\""), "linux.cgroupsPath must not have '..' in it: '..' (line 1)" },
	{ RESOURCES("\"memory\":{\"limit\":-2}"),
	  "linux.resources.memory.limit must be from -1 to 9223372036854775807 (line 1)" },
	{ RESOURCES("\"memory\":{\"limit\":9223372036854775808}"),
	  "linux.resources.memory.limit must be from -1 to 9223372036854775807 (line 1)" },
	{ RESOURCES("\"memory\":{\"limit\":\"1g\"}"),
	  "linux.resources.memory.limit must be a whole number, not a string (line 1)" },
	{ RESOURCES("\"cpu\":{\"shares\":-1}"),
	  "linux.resources.cpu.shares must be from 0 to 9223372036854775807 (line 1)" },
	{ RESOURCES("\"cpu\":{\"cpus\":\"0-3\\n\"}"),
	  "linux.resources.cpu.cpus must be a list such as 0-3,7, not '0-3\n' (line 1)" },
	{ RESOURCES("\"pids\":{}"), "linux.resources.pids.limit is missing (line 1)" },
	{ RESOURCES("\"devices\":[{}]"), "linux.resources.devices[0].allow is missing (line 1)" },
	{ RESOURCES("\"devices\":[{\"allow\":false,\"type\":\"p\"}]"),
	  "linux.resources.devices[0].type must be one of a, c, b, not 'p' (line 1)" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"access\":\"rx\"}]"),
	  "linux.resources.devices[0].access must be of the letters r, w, m, not 'rx' (line 1)" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"type\":\"c\"}]"),
	  "linux.resources.devices[0].access is missing: which of r, w, m are allowed? (line 1)" },
	{ LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1}]"),
	  "linux.devices[0].minor is missing (line 1)" },
	{ LINUX("\"devices\":[{\"type\":\"cc\",\"path\":\"/dev/x\"}]"),
	  "linux.devices[0].type must be one of c, b, u, p, not 'cc' (line 1)" },
	{ LINUX("\"devices\":[{\"type\":\"p\",\"path\":\"dev/x\"}]"),
	  "linux.devices[0].path must be an absolute path, not 'dev/x' (line 1)" },
	{ LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"/x\",\"major\":4096,\"minor\":1}]"),
	  "linux.devices[0].major must be from 0 to 4095 (line 1)" },
	{ LINUX("\"maskedPaths\":[\"proc\"]"),
	  "linux.maskedPaths[0] must be an absolute path, not 'proc' (line 1)" },
	{ PROCESS("\"apparmorProfile\":1"),
	  "process.apparmorProfile must be a string, not a number (line 1)" },
	{ PROCESS("\"selinuxLabel\":[]"), "process.selinuxLabel must be a string, not an array (line 1)" },
	{ LINUX("\"mountLabel\":[]"), "linux.mountLabel must be a string, not an array (line 1)" },
	{ SECCOMP(""), "linux.seccomp.defaultAction is missing (line 1)" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":5"),
	  "linux.seccomp.flags must be an array, not a number (line 1)" },
	{ SECCOMP("\"defaultAction\":\"allow\""),
	  "linux.seccomp.defaultAction must be an action such as SCMP_ACT_ERRNO, not 'allow' (line 1)" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"x86\"]"),
	  "linux.seccomp.architectures[0] must be an architecture such as SCMP_ARCH_X86_64, not 'x86' (line 1)" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerMetadata\":\"m\""),
	  "linux.seccomp.listenerMetadata must not be set without listenerPath (line 1)" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"LOG\"]"),
	  "linux.seccomp.flags has a word that is none of "
	  "SECCOMP_FILTER_FLAG_TSYNC, _LOG, _SPEC_ALLOW, _WAIT_KILLABLE_RECV (line 1)" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_LOG\",\"names\":[]}]"),
	  "linux.seccomp.syscalls[0].names must have at least one element (line 1)" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_LOG\",\"names\":[\"read\"],"
		  "\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]"),
	  "linux.seccomp.syscalls[0].args[0].index must be from 0 to 5 (line 1)" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_LOG\",\"names\":[\"read\"],"
		  "\"args\":[{\"index\":0,\"value\":0,\"op\":\"==\"}]}]"),
	  "linux.seccomp.syscalls[0].args[0].op must be a comparison such as SCMP_CMP_EQ, not '==' (line 1)" },
};

static void wrong_values_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Spec s;
		Err e = { 0 };
		if (decode_with(&a, wrong[i].members, &s, &e) >= 0)
			fail_msg("accepted: %s", wrong[i].members);
		assert_string_equal(e.msg, wrong[i].message);
		assert_int_equal(e.kind, ERR_SPEC);
	}
}

static void the_whole_must_be_an_object_of_json(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	Err e = { 0 };
	assert_true(decode(&a, "[]", &s, &e) < 0);
	assert_string_equal(e.msg, "config.json must be an object, not an array (line 1)");
	assert_true(decode(&a, "{\"root\":{\"path\":\"r\"}}", &s, &e) < 0);
	assert_string_equal(e.msg, "ociVersion is missing (line 1)");
	assert_true(decode(&a, "{\"ociVersion\":\"1.0.0\"}", &s, &e) < 0);
	assert_string_equal(e.msg, "root is missing (line 1)");
	assert_true(decode(&a, "{\n\"ociVersion\":\n}", &s, &e) < 0);
	assert_string_equal(e.msg, "line 3, column 1: expected a value, found '}'");
	assert_true(decode(&a, "{\"ociVersion\":\"1.0.0\",\n\"root\":{\"path\":\"r\"},\n\"hostname\":\n5}",
			   &s, &e) < 0);
	assert_string_equal(e.msg, "hostname must be a string, not a number (line 4)");
	assert_true(decode(&a, "{\"ociVersion\":\"2.0.0\"}", &s, NULL) < 0);
}

/* ---- limits on counts ---- */

static int decode_list(const char *before, const char *element, unsigned count, const char *after,
		       Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	size_t each = strlen(element) + 1;
	char *list = arena_alloc(&a, count * each + 1);
	for (unsigned i = 0; i < count; i++)
		(void)str_format(list + i * each - (i > 0), each + 2, "%s%s", i ? "," : "", element);
	return decode_with(&a, arena_printf(&a, "%s%s%s", before, list, after), &s, e);
}

static void counts_have_limits(void **state)
{
	(void)state;
	Err e = { 0 };
	const char *mount = "{\"destination\":\"/a\"}",
		   *map = "{\"containerID\":0,\"hostID\":0,\"size\":1}";
	assert_int_equal(decode_list("\"mounts\":[", mount, LIMIT_MOUNTS, "]", &e), 0);
	assert_true(decode_list("\"mounts\":[", mount, LIMIT_MOUNTS + 1, "]", &e) < 0);
	assert_string_equal(e.msg, "mounts must have at most 1024 elements, not 1025 (line 1)");
	assert_int_equal(decode_list("\"linux\":{\"uidMappings\":[", map, LIMIT_ID_MAPS, "]}", &e), 0);
	assert_true(decode_list("\"linux\":{\"uidMappings\":[", map, LIMIT_ID_MAPS + 1, "]}", &e) < 0);
	const char *groups = "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"user\":{\"uid\":0,\"gid\":0,\"additionalGids\":[";
	assert_int_equal(decode_list(groups, "7", LIMIT_GROUPS, "]}}", &e), 0);
	assert_true(decode_list(groups, "7", LIMIT_GROUPS + 1, "]}}", &e) < 0);
}

static void the_text_has_a_limit(void **state)
{
	(void)state;
	static const char config[] = "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"}}";
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char *text = arena_alloc(&a, LIMIT_CONFIG_BYTES + 1);
	Spec s;
	Err e = { 0 };
	memset(text, ' ', LIMIT_CONFIG_BYTES + 1);
	memcpy(text, config, sizeof config - 1);
	assert_int_equal(spec_decode(text, LIMIT_CONFIG_BYTES, &a, &s, &e), 0);
	assert_true(spec_decode(text, LIMIT_CONFIG_BYTES + 1, &a, &s, &e) < 0);
	assert_string_equal(e.msg, "config.json has 4194305 bytes; at most 4194304 are allowed");
}

/* ---- meaning ---- */

static void console_size_without_a_terminal_is_ignored(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	assert_int_equal(decode_with(&a, PROCESS("\"consoleSize\":{\"height\":1,\"width\":99999999}"),
				     &s, NULL),
			 0);
	assert_int_equal(s.process.console_height, 0);
	assert_int_equal(decode_with(&a, PROCESS("\"consoleSize\":{\"height\":1,\"width\":2},\"terminal\":true"),
				     &s, NULL),
			 0);
	assert_int_equal(s.process.console_width, 2);
}

/* config.md: a warning, no error. It goes to stderr. */
static void unknown_capabilities_are_left_out_with_a_warning(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	char warning[256] = { 0 };
	Spec s;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	int old = dup(STDERR_FILENO);
	assert_true(old >= 0 && dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
	int r = decode_with(&a,
			    PROCESS("\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_NEW\",\"cap_chown\",\"\"]}"),
			    &s, NULL);
	assert_true(dup2(old, STDERR_FILENO) == STDERR_FILENO);
	(void)close(old);
	(void)close(fds[1]);
	assert_true(read(fds[0], warning, sizeof warning - 1) > 0);
	(void)close(fds[0]);
	assert_int_equal(r, 0);
	assert_true(s.process.capabilities.bounding == 1 << 5);
	assert_non_null(
		strstr(warning,
		       "process.capabilities.bounding: unknown capability 'CAP_NEW' ignored (3 in all)"));
}

static void limits_of_zero_ask_for_nothing_except_pids(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Spec s;
	assert_int_equal(decode_with(&a,
				     RESOURCES("\"memory\":{\"limit\":0,\"swap\":0},\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0},"
					       "\"pids\":{\"limit\":0}"),
				     &s, NULL),
			 0);
	const SpecResources *r = &s.linux_.resources;
	assert_true(r->memory_limit == SPEC_UNSET && r->memory_swap == SPEC_UNSET);
	assert_true(r->cpu_shares == SPEC_UNSET && r->cpu_quota == SPEC_UNSET &&
		    r->cpu_period == SPEC_UNSET);
	assert_true(r->pids_limit == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_config_is_decoded),
		cmocka_unit_test(what_is_not_given_is_unset),
		cmocka_unit_test(configs_of_other_runtimes_are_decoded),
		cmocka_unit_test(names_annotations_and_the_like_are_decoded),
		cmocka_unit_test(zeroes_are_told_from_nothing),
		cmocka_unit_test(unsupported_keys_are_refused_by_name),
		cmocka_unit_test(lists_can_grow),
		cmocka_unit_test(keys_of_the_host),
		cmocka_unit_test(values_that_ask_for_nothing_are_accepted),
		cmocka_unit_test(wrong_values_are_refused_by_name),
		cmocka_unit_test(the_whole_must_be_an_object_of_json),
		cmocka_unit_test(counts_have_limits),
		cmocka_unit_test(the_text_has_a_limit),
		cmocka_unit_test(console_size_without_a_terminal_is_ignored),
		cmocka_unit_test(unknown_capabilities_are_left_out_with_a_warning),
		cmocka_unit_test(limits_of_zero_ask_for_nothing_except_pids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
