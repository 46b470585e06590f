/* What a container's description makes of a unit of systemd. */
#include "unit.h"

#include "plan_case.h"
#include "runtime/plan_unit.h"

static void names(void **state)
{
	(void)state;
	static const struct {
		const char *asked;
		bool is_user;
		const char *slice, *name, *path;
	} given[] = {
		{ NULL, false, "system.slice", "mydocker-c1.scope", "/system.slice/mydocker-c1.scope" },
		{ "", true, "user.slice", "mydocker-c1.scope", "/user.slice/mydocker-c1.scope" },
		{ "machine.slice:libpod:3f", false, "machine.slice", "libpod-3f.scope",
		  "/machine.slice/libpod-3f.scope" },
		{ ":p:n", true, "user.slice", "p-n.scope", "/user.slice/p-n.scope" },
		{ "a.slice::n", false, "a.slice", "n.scope", "/a.slice/n.scope" },
		{ "-.slice:p:n", false, "-.slice", "p-n.scope", "/p-n.scope" },
		{ "kubepods-besteffort-pod1.slice:cri:n", false, "kubepods-besteffort-pod1.slice",
		  "cri-n.scope",
		  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-n.scope" },
		{ "a.slice:p:a-b.slice", false, "a.slice", "a-b.slice", "/a.slice/a-b.slice" },
	};
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		PlanUnitName n;
		Err e = { 0 };
		if (plan_unit_name(given[i].asked, "c1", given[i].is_user, &a, &n, &e) < 0)
			fail_msg("%s: %s", given[i].asked, e.msg);
		assert_string_equal(n.slice, given[i].slice);
		assert_string_equal(n.name, given[i].name);
		assert_string_equal(n.path, given[i].path);
	}
}

static void what_is_no_name(void **state)
{
	(void)state;
	static const char *const given[][2] = {
		{ "/a/b", "slice:prefix:name" },
		{ "a.slice:b", "slice:prefix:name" },
		{ "a:b:c:d", "slice:prefix:name" },
		{ "a:b:c", "invalid slice name: a" },
		{ ".slice:b:c", "invalid slice" },
		{ "a--b.slice:b:c", "invalid slice" },
		{ "-a.slice:b:c", "invalid slice" },
		{ "a-.slice:b:c", "invalid slice" },
		{ "../a.slice:b:c", "invalid slice" },
		{ "a.slice:b:", "no name of a unit" },
		{ "a.slice:b:../c", "no name of a unit" },
		{ "a.slice:b:a--b.slice", "invalid slice" },
	};
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		PlanUnitName n;
		Err e = { 0 };
		if (plan_unit_name(given[i][0], "c1", false, &a, &n, &e) >= 0)
			fail_msg("%s is one", given[i][0]);
		if (!strstr(e.msg, given[i][1]))
			fail_msg("'%s': '%s' is not in '%s'", given[i][0], given[i][1], e.msg);
	}
}

static const char *value_of(const Case *c, const char *name)
{
	const char *found = NULL; /* the last one counts */
	for (size_t i = 0; i < c->plan.unit.properties.count; i++)
		if (strcmp(c->plan.unit.properties.items[i].name, name) == 0)
			found = c->plan.unit.properties.items[i].value;
	return found;
}

static void has(const Case *c, const char *name, const char *want)
{
	const char *value = value_of(c, name);
	if (!want && value)
		fail_msg("%s is %s", name, value);
	if (want && (!value || strcmp(value, want) != 0))
		fail_msg("%s is %s, not %s", name, value ? value : "not there", want);
}

static Case by_systemd(const HostFacts *facts)
{
	Case c = make_case(facts);
	c.facts.manager_group = "";
	c.facts.manager_version = 252;
	c.facts.device_drivers = "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n";
	c.spec.linux_.cgroups_path = "machine.slice:libpod:c1";
	return c;
}

static void a_unit_is_planned(void **state)
{
	(void)state;
	Case c = by_systemd(&v2_root);
	accept(&c);
	assert_string_equal(c.plan.unit.name, "libpod-c1.scope");
	assert_false(c.plan.unit.is_user || c.plan.unit.alone);
	assert_int_equal(c.plan.groups_count, 1);
	assert_true(strstr(c.plan.groups[0].dir, "/machine.slice/libpod-c1.scope") != NULL);
	assert_int_equal(c.plan.groups[0].maker, CGROUP_BY_OTHERS);
	has(&c, "Slice", "'machine.slice'");
	has(&c, "Delegate", "true");
	has(&c, "DefaultDependencies", "false");
	has(&c, "IOAccounting", "true");
	has(&c, "MemoryMax", NULL);
	has(&c, "CPUQuotaPerSecUSec", NULL);
	done(&c);
	c = by_systemd(&v1_root);
	accept(&c);
	for (size_t i = 0; i < c.plan.groups_count; i++)
		assert_int_equal(c.plan.groups[i].maker, CGROUP_BY_WHOEVER);
	has(&c, "BlockIOAccounting", "true");
	done(&c);
}

static void limits_on_v2(void **state)
{
	(void)state;
	Case c = by_systemd(&v2_root);
	SpecResources *r = &c.spec.linux_.resources;
	r->memory_limit = 64 << 20;
	r->memory_swap = 96 << 20;
	r->memory_reservation = 32 << 20;
	r->cpu_shares = 1024;
	r->cpu_quota = 12345;
	r->cpu_period = 50000;
	r->pids_limit = 1;
	accept(&c);
	has(&c, "MemoryMax", "uint64 67108864");
	has(&c, "MemorySwapMax", "uint64 33554432");
	has(&c, "MemoryLow", "uint64 33554432");
	has(&c, "CPUWeight", "uint64 100");
	has(&c, "CPUQuotaPerSecUSec", "uint64 250000"); /* 24.69 percent */
	has(&c, "CPUQuotaPeriodUSec", "uint64 50000");
	has(&c, "TasksMax", "uint64 1");
	assert_true(c.plan.unit.alone);
	c.facts.manager_version = 241;
	r->pids_limit = -1;
	accept(&c);
	has(&c, "CPUQuotaPeriodUSec", NULL);
	has(&c, "TasksMax", "uint64 18446744073709551615"); /* not systemd's default */
	done(&c);
}

static void limits_on_v1(void **state)
{
	(void)state;
	Case c = by_systemd(&v1_root);
	SpecResources *r = &c.spec.linux_.resources;
	r->memory_limit = 64 << 20;
	r->cpu_shares = 512;
	r->cpu_quota = 200000;
	r->pids_limit = 7;
	accept(&c);
	has(&c, "MemoryLimit", "uint64 67108864");
	has(&c, "CPUShares", "uint64 512");
	has(&c, "CPUQuotaPerSecUSec", "uint64 2000000");
	has(&c, "TasksMax", "uint64 7");
	done(&c);
}

static void sets_and_rates(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	static const struct {
		const char *file, *value, *name, *want;
	} given[] = {
		{ "cpuset.cpus", "0-2,9", "AllowedCPUs", "@ay [0x07, 0x02]" },
		{ "cpuset.mems", "0", "AllowedMemoryNodes", "@ay [0x01]" },
		{ "cpu.idle", "1", "CPUWeight", "uint64 0" },
		{ "cpu.max", "max", "CPUQuotaPerSecUSec", "uint64 18446744073709551615" },
		{ "memory.high", "max", "MemoryHigh", "uint64 18446744073709551615" },
		{ "io.max", "8:0 rbps=1024", "IOReadBandwidthMax", "@a(st) [('/dev/block/8:0', 1024)]" },
		{ "io.max", "8:0 wiops=max", "IOWriteIOPSMax",
		  "@a(st) [('/dev/block/8:0', 18446744073709551615)]" },
		{ "io.weight", "default 50", "IOWeight", "uint64 50" },
		{ "io.weight", "8:16 50", "IODeviceWeight", "@a(st) [('/dev/block/8:16', 50)]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		PlanCgroupWrite w = { .write = { .file = given[i].file, .value = given[i].value } };
		const PlanCgroupWrites writes = { .items = &w, .count = 1 };
		PlanUnitProperties p = { 0 };
		HostFacts f = v2_root;
		f.manager_version = 252;
		plan_unit_limits(&writes, &f, 0, &a, &p);
		assert_int_equal(p.count, 1);
		assert_string_equal(p.items[0].name, given[i].name);
		assert_string_equal(p.items[0].value, given[i].want);
		f.manager_version = 230;
		p = (PlanUnitProperties){ 0 };
		plan_unit_limits(&writes, &f, 0, &a, &p);
		bool is_new = i < 3;
		assert_int_equal(p.count, is_new ? 0 : 1);
	}
}

static const DeviceRule deny_all = {
	.type = 'a', .major = -1, .minor = -1, .read = true, .write = true, .mknod = true
};
static const DeviceRule null_rw = {
	.type = 'c', .major = 1, .minor = 3, .allow = true, .read = true, .write = true
};
static const DeviceRule all_nodes = { .type = 'b', .major = -1, .minor = -1, .allow = true, .mknod = true };
static const DeviceRule all_pts = { .type = 'c', .major = 136, .minor = -1, .allow = true, .read = true };
static const DeviceRule unknown = { .type = 'c', .major = 77, .minor = -1, .allow = true, .read = true };

static void devices_are(const HostFacts *facts, const DeviceRule *rules, size_t count,
			const char *policy, const char *allow)
{
	Case c = by_systemd(facts);
	PlanUnitProperties *p = &c.plan.unit.properties;
	plan_unit_devices(rules, count, &c.facts, &c.arena, p);
	has(&c, "DevicePolicy", policy);
	has(&c, "DeviceAllow", allow);
	done(&c);
}

static void devices(void **state)
{
	(void)state;
	DeviceRule allow_all = deny_all, no_null = null_rw;
	allow_all.allow = true;
	no_null.allow = false;
	const DeviceRule list[] = { allow_all, deny_all, null_rw, all_nodes, all_pts };
	devices_are(&v2_root, list, 5, "'strict'",
		    "@a(ss) [('/dev/char/1:3', 'rw'), ('block-*', 'm'), ('char-pts', 'r')]");
	devices_are(&v2_root, list, 2, "'strict'", "@a(ss) []");
	devices_are(&v2_root, list, 1, NULL, NULL); /* all are allowed */
	devices_are(&v2_root, NULL, 0, NULL, NULL);
	const DeviceRule back[] = { deny_all, null_rw, no_null };
	devices_are(&v2_root, back, 3, NULL, NULL); /* systemd has no words for it: our program has */
	const DeviceRule nameless[] = { deny_all, unknown, null_rw };
	devices_are(&v2_root, nameless, 3, NULL, NULL);
	devices_are(&v1_root, nameless, 3, "'strict'", "@a(ss) [('/dev/char/1:3', 'rw')]");
}

static void annotations(void **state)
{
	(void)state;
	SpecPair pairs[] = { { "org.systemd.property.TimeoutStopSec", "uint64 5" },
			     { "org.systemd.property.Before", "['a.service']" },
			     { "org.systemd.property.XSec", "1" }, /* no small letter before it */
			     { "org.systemd.properties", "x" } };
	Case c = by_systemd(&v2_root);
	c.spec.annotations = pairs;
	c.spec.annotations_count = ARRAY_LEN(pairs);
	accept(&c);
	has(&c, "TimeoutStopUSec", "uint64 5000000");
	has(&c, "Before", "['a.service']");
	has(&c, "XSec", "1");
	done(&c);
	static const char *const wrong[][3] = {
		{ "org.systemd.property.Xyz", "'",
		  "annotation org.systemd.property.Xyz=': the string does not end" },
		{ "org.systemd.property.X y", "1", "no name of a property" },
		{ "org.systemd.property.", "1", "no name of a property" },
		{ "org.systemd.property.TimeoutStopSec", "true", "not a number" },
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		Case w = by_systemd(&v2_root);
		SpecPair pair = { wrong[i][0], wrong[i][1] };
		w.spec.annotations = &pair;
		w.spec.annotations_count = 1;
		refused(w, wrong[i][2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(what_is_no_name),
		cmocka_unit_test(a_unit_is_planned),
		cmocka_unit_test(limits_on_v2),
		cmocka_unit_test(limits_on_v1),
		cmocka_unit_test(sets_and_rates),
		cmocka_unit_test(devices),
		cmocka_unit_test(annotations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
