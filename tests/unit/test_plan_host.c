/* What a container gets of the host: the propagation of its root, no mount namespace of its own, network devices, a group of resctrl. */
#include "unit.h"

#include <string.h>
#include <sys/mount.h>

#include <linux/sched.h>

#include "plan_case.h"
#include "runtime/explain.h"

static bool dump_has(Case *c, const char *text)
{
	return strstr(plan_dump(&c->plan, &c->facts, &c->arena), text);
}

static bool is_explained(Case *c, Stage stage, const char *text)
{
	Explain x = { .arena = &c->arena };
	runtime_explain(&c->plan, &c->facts, &x);
	for (size_t i = 0; i < x.stages[stage].steps_count; i++)
		if (strstr(x.stages[stage].steps[i].call, text))
			return true;
	return false;
}

static void propagation_of_the_root(void **state)
{
	static const struct {
		uint64_t asked, planned;
	} cases[] = {
		{ 0, 0 },
		{ MS_PRIVATE, 0 },
		{ MS_PRIVATE | MS_REC, 0 }, /* a volume that is shared stays so */
		{ MS_SHARED, MS_SHARED },
		{ MS_SLAVE | MS_REC, MS_SLAVE | MS_REC },
		{ MS_UNBINDABLE, MS_UNBINDABLE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Case c = make_case(&v2_root);
		c.spec.linux_.root_propagation = cases[i].asked;
		accept(&c);
		assert_int_equal(c.plan.wire.head.root_propagation, cases[i].planned);
		assert_true(dump_has(&c, "root propagation") == (cases[i].planned != 0));
		assert_true(is_explained(&c, STAGE_PIVOT, "mount_setattr(\"/\"") ==
			    (cases[i].planned != 0));
		done(&c);
	}
}

static void no_mount_namespace(void **state)
{
	static const char *paths[] = { "/proc/kcore" };
	(void)state;
	Case c = make_case(&v2_root);
	c.spec.linux_.namespaces &= ~(unsigned)SPEC_NS_MOUNT;
	accept(&c);
	assert_true(c.plan.wire.head.flags & WIRE_HOST_MOUNTS);
	assert_string_equal(c.plan.host_root, "/srv/root");
	assert_false(c.plan.clone_flags & CLONE_NEWNS);
	assert_true(is_explained(&c, STAGE_PIVOT, "chroot(\".\")") &&
		    is_explained(&c, STAGE_CLEAN, "umount2(\"/srv/root\""));
	assert_false(is_explained(&c, STAGE_OPEN, "mount(\"/\", REC|PRIVATE)"));
	done(&c);
	c = make_case(&v2_root);
	c.spec.linux_.namespaces &= ~(unsigned)SPEC_NS_MOUNT;
	c.spec.linux_.masked_paths = (StrList){ paths, 1 };
	refused(c, "unable to restrict sys entries without a private MNT namespace");
	c.spec.linux_.masked_paths.count = 0;
	c.spec.linux_.readonly_paths = (StrList){ paths, 1 };
	refused(c, "unable to restrict sys entries without a private MNT namespace");
	c.spec.linux_.readonly_paths.count = 0;
	c.spec.linux_.namespaces |= SPEC_NS_USER;
	refused(c, "without a mount namespace of its own");
	c.spec.linux_.namespaces &= ~(unsigned)SPEC_NS_USER;
	c.facts = v2_user;
	refused(c, "without a mount namespace of its own");
}

static void a_mount_namespace_of_others(void **state)
{
	(void)state;
	Case c = make_case(&v2_root);
	c.spec.linux_.namespace_paths[__builtin_ctz(SPEC_NS_MOUNT)] = "/proc/7/ns/mnt";
	accept(&c);
	assert_int_equal(c.plan.joins_count, 1);
	assert_int_equal(c.plan.joins[0].flags, CLONE_NEWNS);
	assert_false(c.plan.wire.head.unshare & CLONE_NEWNS);
	assert_false(c.plan.wire.head.flags & WIRE_HOST_MOUNTS);
	done(&c);
}

static SpecNetDevice devices[] = { { "eth1", NULL }, { "eth2", "in%d" } };

static Case with_devices(const HostFacts *f)
{
	Case c = make_case(f);
	c.spec.linux_.net_devices = devices;
	c.spec.linux_.net_devices_count = ARRAY_LEN(devices);
	return c;
}

static void network_devices(void **state)
{
	(void)state;
	Case c = with_devices(&v2_root);
	accept(&c);
	assert_int_equal(c.plan.net_devices_count, 2);
	assert_true(dump_has(&c, "net device eth1 as eth1\nnet device eth2 as in%d\n"));
	assert_true(is_explained(&c, STAGE_MAPPED, "RTM_NEWLINK eth2 NET_NS_FD IFNAME \"in%d\""));
	done(&c);
}

static void network_devices_that_cannot_be_moved(void **state)
{
	(void)state;
	Case c = with_devices(&v2_root);
	c.spec.linux_.namespaces &= ~(unsigned)SPEC_NS_NETWORK;
	refused(c, "unable to move network devices without a NET namespace");
	refused(with_devices(&v2_user), "network devices are not supported for rootless containers");
}

static Case with_rdt(void)
{
	Case c = make_case(&v2_root);
	c.facts.resctrl = "/sys/fs/resctrl";
	c.facts.resctrl_l3 = c.facts.resctrl_mb = c.facts.resctrl_mon = true;
	c.spec.linux_.intel_rdt.given = true;
	return c;
}

static void a_class_of_service(void **state)
{
	static const char *lines[] = { "L2:0=f", "SMBA:0=9" };
	(void)state;
	Case c = with_rdt();
	accept(&c);
	assert_string_equal(c.plan.rdt.dir, "/sys/fs/resctrl/" ID);
	assert_null(c.plan.rdt.schemata);
	assert_null(c.plan.rdt.mon_dir);
	assert_false(c.plan.rdt.is_named);
	done(&c);
	c = with_rdt();
	c.spec.linux_.intel_rdt.clos_id = "gold";
	c.spec.linux_.intel_rdt.mem_bw_schema = "MB:0=20";
	c.spec.linux_.intel_rdt.l3_schema = "L3:0=f";
	c.spec.linux_.intel_rdt.schemata = (StrList){ lines, 2 };
	c.spec.linux_.intel_rdt.monitoring = true;
	accept(&c);
	assert_string_equal(c.plan.rdt.dir, "/sys/fs/resctrl/gold");
	assert_string_equal(c.plan.rdt.mon_dir, "/sys/fs/resctrl/gold/mon_groups/" ID);
	assert_string_equal(c.plan.rdt.schemata, "L3:0=f\nMB:0=20\nL2:0=f\nSMBA:0=9\n");
	assert_true(c.plan.rdt.is_named);
	assert_true(dump_has(
		&c, "rdt group /sys/fs/resctrl/gold named\nrdt schema L3:0=f\nrdt schema MB:0=20\n"));
	assert_true(is_explained(&c, STAGE_MAPPED, "write(\"/sys/fs/resctrl/gold/tasks\", PID)"));
	done(&c);
	c = with_rdt();
	c.spec.linux_.intel_rdt.clos_id = "/";
	accept(&c);
	assert_string_equal(c.plan.rdt.dir, "/sys/fs/resctrl");
	done(&c);
}

static void a_class_of_service_is_refused(void **state)
{
	(void)state;
	Case c = with_rdt();
	c.facts.resctrl = NULL;
	refused(c, "Intel RDT resctrl mount point not found");
	c = with_rdt();
	c.facts.resctrl_l3 = false;
	c.spec.linux_.intel_rdt.l3_schema = "L3:0=f";
	refused(c, "Intel RDT/CAT is not enabled");
	c = with_rdt();
	c.facts.resctrl_mb = false;
	c.spec.linux_.intel_rdt.mem_bw_schema = "MB:0=20";
	refused(c, "Intel RDT/MBA is not enabled");
	c = with_rdt();
	c.facts.resctrl_mon = false;
	c.spec.linux_.intel_rdt.monitoring = true;
	refused(c, "monitoring is not enabled");
	c = with_rdt();
	c.in.container_id = "info";
	refused(c, "no group can be called 'info'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(propagation_of_the_root),
		cmocka_unit_test(no_mount_namespace),
		cmocka_unit_test(a_mount_namespace_of_others),
		cmocka_unit_test(network_devices),
		cmocka_unit_test(network_devices_that_cannot_be_moved),
		cmocka_unit_test(a_class_of_service),
		cmocka_unit_test(a_class_of_service_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
