/* What a plan refuses, each by its message; and rules that golden files show badly. Refusals of limits are in test_cgroup_plan.c. */
#include "unit.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <linux/mount.h>

#include "base/caps.h"
#include "base/limits.h"
#include "fmt/seccomp.h"
#include "plan_case.h"

static void accepted(Case c)
{
	accept(&c);
	done(&c);
}

/* ---- namespaces and id maps ---- */

static void namespaces(void **state)
{
	(void)state;
	Case c = make_case(&v2_root);
	accepted(c);
	c.spec.linux_.namespaces = SPEC_NS_MOUNT;
	accepted(c);
	c.spec.hostname = "x";
	refused(c, "unable to set hostname without a private UTS namespace");
	Case user = make_case(&v2_user);
	refused(user, "without privilege a container needs a user namespace");
}

static Case with_maps(const HostFacts *facts, SpecIdMap *uids, size_t uid_count, SpecIdMap *gids,
		      size_t gid_count)
{
	Case c = make_case(facts);
	c.spec.linux_.namespaces |= SPEC_NS_USER;
	c.spec.linux_.uid_mappings = uids;
	c.spec.linux_.uid_mappings_count = uid_count;
	c.spec.linux_.gid_mappings = gids;
	c.spec.linux_.gid_mappings_count = gid_count;
	return c;
}

static SpecIdMap one_to_one[] = { { 0, 0, 1 } };

/* part NULL: accepted. */
static void maps_are(const HostFacts *facts, SpecIdMap *uids, size_t uid_count, SpecIdMap *gids,
		     size_t gid_count, const char *part)
{
	Case c = with_maps(facts, uids, uid_count, gids, gid_count);
	if (part)
		refused(c, part);
	else
		accepted(c);
}

/* The same maps as user ids and as group ids. */
static void maps_refused(SpecIdMap *maps, size_t count, const char *part)
{
	maps_are(&v2_root, maps, count, one_to_one, 1, part);
	maps_are(&v2_root, one_to_one, 1, maps, count, part);
}
#define MAPS_REFUSED(part, ...) \
	maps_refused((SpecIdMap[])__VA_ARGS__, ARRAY_LEN(((SpecIdMap[])__VA_ARGS__)), part)

static void maps_accepted(SpecIdMap *maps, size_t count)
{
	maps_are(&v2_root, maps, count, one_to_one, 1, NULL);
	maps_are(&v2_root, one_to_one, 1, maps, count, NULL);
}
#define MAPS_ACCEPTED(...) \
	maps_accepted((SpecIdMap[])__VA_ARGS__, ARRAY_LEN(((SpecIdMap[])__VA_ARGS__)))

static void id_maps(void **state)
{
	(void)state;
	MAPS_ACCEPTED({ { 0, 100000, 65536 } });
	MAPS_ACCEPTED({ { 0, 0, UINT32_MAX } });                            /* all there are */
	MAPS_ACCEPTED({ { 1, 1000, 10 }, { 0, 999, 1 }, { 11, 1010, 5 } }); /* neighbours */
	MAPS_ACCEPTED({ { 0, 5, 1 }, { UINT32_MAX - 1, 6, 1 } });
	MAPS_ACCEPTED({ { 0, 5, 1 }, { 6, UINT32_MAX - 1, 1 } });
	MAPS_REFUSED("size is zero", { { 0, 0, 0 } });
	MAPS_REFUSED("size is zero", { { 0, 0, 1 }, { 5, 5, 0 } });
	MAPS_REFUSED("beyond the last id", { { 1, 0, UINT32_MAX } });
	MAPS_REFUSED("beyond the last id", { { 0, 1, UINT32_MAX } });
	MAPS_REFUSED("beyond the last id", { { 0, 0, 1 }, { UINT32_MAX, 7, 1 } });
	MAPS_REFUSED("beyond the last id", { { 0, 0, 1 }, { 7, UINT32_MAX, 1 } });
	MAPS_REFUSED("beyond the last id", { { 0, 0, 1 }, { UINT32_MAX, UINT32_MAX, UINT32_MAX } });
	MAPS_REFUSED("overlap", { { 0, 1000, 10 }, { 9, 2000, 10 } });
	MAPS_REFUSED("overlap", { { 0, 1000, 10 }, { 10, 1009, 10 } });
	MAPS_REFUSED("overlap", { { 5, 1000, 10 }, { 0, 2000, 6 } });
	MAPS_REFUSED("overlap", { { 0, 1000, 10 }, { 20, 999, 100 } });
	MAPS_REFUSED("overlap", { { 0, 0, 1 }, { 0, 0, 1 } });
	MAPS_REFUSED("overlap", { { 0, 7, 1 }, { 1, 1, 2 }, { 8, 7, 1 } });
	maps_refused(NULL, 0, "needs maps of user and of group ids");
}

static void many_id_maps(void **state)
{
	(void)state;
	SpecIdMap maps[LIMIT_ID_MAPS + 1];
	for (uint32_t i = 0; i < ARRAY_LEN(maps); i++)
		maps[i] = (SpecIdMap){ 2 * i, 2 * i, 1 };
	maps_accepted(maps, LIMIT_ID_MAPS);
	maps_refused(maps, LIMIT_ID_MAPS + 1, "the kernel takes at most 340");
	for (uint32_t i = 1; i < ARRAY_LEN(maps); i++)
		maps[i] = (SpecIdMap){ 4000000000u + i, 4000000000u + i, 1 };
	maps_refused(maps, 200, "longer than the page");
}

static void ids_must_be_mapped(void **state)
{
	(void)state;
	SpecIdMap ten[] = { { 0, 100000, 10 } };
	Case c = with_maps(&v2_root, ten, 1, ten, 1);
	c.spec.process.uid = c.spec.process.gid = 9;
	accepted(c);
	c.spec.process.uid = 10;
	refused(c, "user id 10 is not mapped");
	c.spec.process.uid = 0;
	c.spec.process.gid = 10;
	refused(c, "group id 10 is not mapped");
	c.spec.process.gid = 0;
	c.spec.process.additional_gids = (const uint32_t[]){ 9, 11 };
	c.spec.process.additional_gids_count = 2;
	refused(c, "supplementary group 11 is not mapped");
	c.spec.process.additional_gids_count = 1;
	accepted(c);
	c.facts.user_ns = false;
	refused(c, "this kernel has no user namespaces");
}

static void maps_without_privilege(void **state)
{
	(void)state;
	SpecIdMap uid[] = { { 0, 1000, 1 } }, gid[] = { { 0, 1001, 1 } },
		  two[] = { { 0, 1000, 1 }, { 1, 1001, 1 } }, wide[] = { { 0, 1000, 2 } },
		  wide_gid[] = { { 0, 1001, 2 } }, root[] = { { 0, 0, 1 } };
	maps_are(&v2_user, uid, 1, gid, 1, NULL);
	maps_are(&v2_user, two, 2, gid, 1, "uid map: without privilege only one id, your own 1000");
	maps_are(&v2_user, wide, 1, gid, 1, "uid map: without privilege");
	maps_are(&v2_user, root, 1, gid, 1, "uid map: without privilege");
	maps_are(&v2_user, uid, 1, uid, 1, "gid map: without privilege only one id, your own 1001");
	maps_are(&v2_user, uid, 1, wide_gid, 1, "gid map: without privilege");
	Case c = with_maps(&v2_user, uid, 1, gid, 1);
	c.spec.process.additional_gids = (const uint32_t[]){ 0 };
	c.spec.process.additional_gids_count = 1;
	refused(c, "supplementary group 0: cannot be set");
	c = with_maps(&v2_user, two, 2, gid, 1);
	c.facts.no_id_helpers = "the program newuidmap is not installed";
	refused(c, "can be mapped: the program newuidmap is not installed");
}

/* ---- groups, root ---- */

static void cgroup_paths(void **state)
{
	(void)state;
	static const struct {
		const char *path, *part;
	} bad[] = { { "../x", "'.' and '..'" }, { "/a/../../b", "'.' and '..'" },
		    { "..", "'.' and '..'" },   { "/a/./b", "'.' and '..'" },
		    { "/", "names no group" },  { "///", "names no group" } };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		Case c = make_case(&v2_root);
		c.spec.linux_.cgroups_path = bad[i].path;
		refused(c, bad[i].part);
	}
	Case c = make_case(&v2_root);
	c.spec.linux_.cgroups_path = "a..b//c/";
	accept(&c);
	assert_string_equal(c.plan.groups[0].dir, "/sys/fs/cgroup/a..b/c");
	done(&c);
}

/* Where a group goes depends on what may be written, not on who asks. */
static void groups_are_where_they_may(Case *c)
{
	HostCgroup trees[] = {
		{ .controllers = "pids", .mountpoint = "/c/pids", .own = "/mine", .writable = true },
		{ .controllers = "memory", .mountpoint = "/c/memory", .own = "/mine", .writable = false },
		{ .controllers = "cpu", .mountpoint = "/c/cpu", .own = NULL, .writable = true },
		{ .is_v2 = true,
		  .controllers = "",
		  .mountpoint = "/c/v2",
		  .own = "/mine",
		  .writable = true,
		  .delegated = "/mine" },
	};
	const char *want[] = { "/c/pids/mydocker/" ID, "/c/cpu/mydocker/" ID, "/c/v2/mine/mydocker/" ID };
	c->facts.cgroup_mode = CGROUP_HYBRID;
	c->facts.cgroups = trees;
	c->facts.cgroups_count = ARRAY_LEN(trees);
	accept(c);
	assert_int_equal(c->plan.groups_count, ARRAY_LEN(want));
	for (size_t k = 0; k < ARRAY_LEN(want); k++)
		assert_string_equal(c->plan.groups[k].dir, want[k]);
	done(c);
}

static void groups_go_where_they_may(void **state)
{
	(void)state;
	SpecIdMap uid[] = { { 0, 1000, 1 } }, gid[] = { { 0, 1001, 1 } };
	Case c = make_case(&v2_root);
	groups_are_where_they_may(&c);
	c = with_maps(&v2_user, uid, 1, gid, 1);
	groups_are_where_they_may(&c);
}

static void roots(void **state)
{
	(void)state;
	Case c = make_case(&v2_root);
	c.spec.root.path = NULL;
	refused(c, "not absolute");
	c.spec.root.path = "rootfs";
	refused(c, "not absolute");
	c.spec.root.path = "";
	refused(c, "not absolute");
}

static HostMount host_mount(const char *path, bool is_dir)
{
	return (HostMount){ .mountpoint = path, .fstype = "ext4", .source = "dev", .is_dir = is_dir };
}

static Case with_host_mounts(HostMount *mounts, size_t count)
{
	Case c = make_case(&v2_root);
	c.spec.root = (SpecRoot){ .kind = ROOT_HOST, .path = "/" };
	c.facts.mounts = mounts;
	c.facts.mounts_count = count;
	return c;
}

/* part NULL: accepted. */
static void host_mounts_are(const HostMount *mounts, size_t count, const char *part)
{
	Case c = with_host_mounts((HostMount *)(uintptr_t)mounts, count);
	if (part)
		refused(c, part);
	else
		accepted(c);
}

static void too_many_host_mounts(void **state)
{
	(void)state;
	static HostMount mounts[LIMIT_MOUNTS + 1];
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++)
		mounts[i] = host_mount("/x", true);
	host_mounts_are(mounts, LIMIT_MOUNTS + 1, "1024 mounts");
	host_mounts_are(mounts, LIMIT_MOUNTS - 1, NULL); /* and /dev */
	host_mounts_are(mounts, LIMIT_MOUNTS, "1024 mounts");
}

static bool is_masked(const Case *c, const char *path)
{
	for (size_t i = 0; i < c->plan.wire.masked_count; i++)
		if (strcmp(text_of(c, c->plan.wire.masked[i]), path) == 0)
			return true;
	return false;
}

/* Masks come after all mounts: one on a file of the host must not cover what was mounted there instead, as on hosts where
 * /etc/hosts is itself a mount. */
static void host_masks_do_not_cover_mounts_of_the_container(void **state)
{
	(void)state;
	HostMount mounts[] = { host_mount("/etc/hosts", false), host_mount("/etc/other", false),
			       host_mount("/vol/file", false) };
	SpecMount own[] = { { .destination = "/etc/hosts", .type = "bind", .source = "/run/hosts" },
			    { .destination = "/vol", .type = "bind", .source = "/data" } };
	Case c = with_host_mounts(mounts, ARRAY_LEN(mounts));
	c.spec.mounts = own;
	c.spec.mounts_count = ARRAY_LEN(own);
	accept(&c);
	assert_true(is_masked(&c, "/etc/other"));
	assert_false(is_masked(&c, "/etc/hosts"));
	assert_false(is_masked(&c, "/vol/file"));
	done(&c);
}

/* Our own folders, however they were written. */
static void host_dirs_of_ours_are_masked(void **state)
{
	(void)state;
	Case c = with_host_mounts(NULL, 0);
	strlist_add(&c.arena, &c.in.masked_host_dirs, "/run/mydocker"); /* not seen anyway */
	strlist_add(&c.arena, &c.in.masked_host_dirs, "/srv/state");
	strlist_add(&c.arena, &c.in.masked_host_dirs, "/run/../srv/data");
	accept(&c);
	assert_true(is_masked(&c, "/srv/state"));
	assert_true(is_masked(&c, "/srv/data") || is_masked(&c, "/run/../srv/data"));
	done(&c);
}

/* ---- mounts, devices ---- */

static Case with_mount(SpecMount *m, const char *options)
{
	Case c = make_case(&v2_root);
	if (options)
		m->options = str_split(&c.arena, options, ',');
	c.spec.mounts = m;
	c.spec.mounts_count = 1;
	return c;
}

/* part NULL: accepted. */
static void mount_is(SpecMount m, const char *options, const char *part)
{
	Case c = with_mount(&m, options);
	if (part)
		refused(c, part);
	else
		accepted(c);
}

static void mounts(void **state)
{
	(void)state;
	const SpecMount tmpfs = { .destination = "/x", .type = "tmpfs" },
			no_type = { .destination = "/x" },
			bind = { .destination = "/x", .type = "bind", .source = "/y" },
			no_source = { .destination = "/x", .type = "bind" };
	mount_is(tmpfs, "remount,ro,size=2m", NULL);
	mount_is(no_type, "remount,ro", NULL);
	mount_is(tmpfs, "remount,tmpcopyup",
		 "mount on /x: option 'tmpcopyup' does not go with 'remount'");
	mount_is(bind, "remount,idmap", "mount on /x: option 'idmap' does not go with 'remount'");
	mount_is(tmpfs, "size=1m,whatever=1", NULL); /* the file system's own business */
	mount_is(tmpfs, "idmap", "mount on /x: option 'idmap' is for binds");
	mount_is(bind, "rbind,ro,silent", NULL);
	mount_is(bind, "size=1m", "mount on /x: unknown bind option 'size=1m'");
	mount_is(bind, "sync", "unknown bind option 'sync'");
	mount_is(bind, "", "unknown bind option ''");
	mount_is(bind, "rbind,tmpcopyup", "mount on /x: option 'tmpcopyup' is for tmpfs alone");
	mount_is((SpecMount){ .destination = "/x", .type = "ramfs" }, "tmpcopyup", "for tmpfs alone");
	mount_is(no_source, NULL, "mount on /x: a bind needs a source");
	mount_is(no_type, NULL, "a bind needs a source");
}

/* Whatever a plan adds of its own counts, too: init refuses more. */
static void too_many_mounts(void **state)
{
	(void)state;
	static SpecMount many[LIMIT_MOUNTS + 1];
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (SpecMount){ .destination = i ? "/x" : "/dev", .type = "tmpfs" };
	Case c = make_case(&v1_root);
	c.spec.mounts = many;
	c.spec.mounts_count = LIMIT_MOUNTS;
	accepted(c);
	c.spec.mounts_count = LIMIT_MOUNTS + 1;
	refused(c, "more than 1024 mounts");
	c.spec.mounts_count = LIMIT_MOUNTS;
	many[LIMIT_MOUNTS - 1] = (SpecMount){ .destination = "/sys/fs/cgroup", .type = "cgroup" };
	refused(c, "more than 1024 mounts");
}

/* However a config.json writes the place, nothing is made in the host's folder. */
static void nothing_is_made_in_a_bound_dev(void **state)
{
	(void)state;
	const char *ways[] = { "/dev", "dev", "/dev/", "//dev", "/./dev", "/x/../dev" };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		Case c = make_case(&v2_root);
		const char *json = arena_printf(
			&c.arena,
			"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"/r\"},\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]},"
			"\"mounts\":[{\"destination\":\"%s\",\"source\":\"/dev\",\"options\":[\"rbind\"]}],"
			"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}",
			ways[i]);
		if (spec_decode(json, strlen(json), &c.arena, &c.spec, &c.err) < 0)
			fail_msg("%s", c.err.msg);
		accept(&c);
		if (c.plan.wire.devices_count > 0 || c.plan.wire.links_count > 0 ||
		    c.plan.wire.mounts_count != 1)
			fail_msg("a bind on '%s' is not seen as one on /dev", ways[i]);
		done(&c);
	}
}

static void devices_in_a_bound_dev(void **state)
{
	(void)state;
	SpecDevice fuse = { .path = "/dev/fuse", .type = 'c', .major = 10, .minor = 229, .mode = 0666 };
	SpecMount dev = { .destination = "/dev", .type = "bind", .source = "/dev" };
	Case c = with_mount(&dev, "ro");
	c.spec.linux_.devices = &fuse;
	c.spec.linux_.devices_count = 1;
	refused(c, "device /dev/fuse: /dev is a bind");
}

/* Device nodes and links are made in /dev after the mounts. */
static void a_readonly_dev_becomes_so_last(void **state)
{
	(void)state;
	SpecMount dev = { .destination = "/dev", .type = "tmpfs" };
	Case c = with_mount(&dev, "nosuid,ro");
	accept(&c);
	assert_true(c.plan.wire.devices_count > 0);
	assert_true(c.plan.wire.mounts[0].attr_set & MOUNT_ATTR_RDONLY);
	assert_true(c.plan.wire.mounts[0].flags & WIRE_MOUNT_READONLY_LAST);
	done(&c);
}

/* ---- sysctls ---- */

static Case with_sysctl(SpecSysctl *s)
{
	Case c = make_case(&v2_root);
	c.spec.linux_.sysctl = s;
	c.spec.linux_.sysctl_count = 1;
	return c;
}

static void sysctls(void **state)
{
	(void)state;
	static const struct {
		const char *key, *part;
	} bad[] = {
		{ "", "not the name" },
		{ "/net/ipv4/ip_forward", "not the name" },
		{ "net.ipv4.", "not the name" },
		{ "net/ipv4/", "not the name" },
		{ "net..ip_forward", "not the name" },
		{ "net//ip_forward", "not the name" },
		{ "net/../kernel/core_pattern", "not the name" },
		{ "net/ipv4/..", "not the name" },
		{ "net.//.kernel.core_pattern", "not the name" },
		{ "../net/x", "not the name" },
		{ "kernel.hostname", "conflicts with the OCI \"hostname\" field" },
		{ "kernel/hostname", "conflicts with the OCI \"hostname\" field" },
		{ "kernel.core_pattern", "belongs to the host" },
		{ "kernel/core_pattern", "belongs to the host" },
		{ "kernel.semaphore", "belongs to the host" },
		{ "kernel.shmmaxx", "belongs to the host" },
		{ "kernel.sem.x", "belongs to the host" },
		{ "vm.swappiness", "belongs to the host" },
		{ "net", "belongs to the host" },
		{ "network.x", "belongs to the host" },
		{ "fs.file-max", "belongs to the host" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(with_sysctl(&(SpecSysctl){ bad[i].key, "1" }), bad[i].part);
}

static void sysctls_of_shared_namespaces(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		unsigned ns;
	} each[] = { { "net.ipv4.ip_forward", SPEC_NS_NETWORK },
		     { "kernel.msgmax", SPEC_NS_IPC },
		     { "fs.mqueue.queues_max", SPEC_NS_IPC },
		     { "kernel.shm_rmid_forced", SPEC_NS_IPC },
		     { "kernel/sem", SPEC_NS_IPC },
		     { "kernel.domainname", SPEC_NS_UTS } };
	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		Case c = with_sysctl(&(SpecSysctl){ each[i].key, "1" });
		accepted(c);
		c.spec.linux_.namespaces &= ~each[i].ns;
		refused(c, "shares that namespace with the host");
	}
}

/* ---- the process ---- */

static void commands(void **state)
{
	(void)state;
	const char *empty[] = { "", "x" };
	Case c = make_case(&v2_root);
	c.spec.process.args.count = 0;
	refused(c, "no command to run");
	c.spec.process.args = (StrList){ empty, 2 };
	refused(c, "no command to run");
	c.spec.process.args = (StrList){ args, 1 };
	const char *bad[] = { NULL, "", "work", "./work" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		c.spec.process.cwd = bad[i];
		refused(c, "must be an absolute path");
	}
}

static void process_limits(void **state)
{
	(void)state;
	uint32_t gids[LIMIT_GROUPS + 1] = { 0 };
	Case c = make_case(&v2_root);
	c.spec.process.additional_gids = gids;
	c.spec.process.additional_gids_count = LIMIT_GROUPS;
	accepted(c);
	c.spec.process.additional_gids_count++;
	refused(c, "1025 supplementary groups, at most 1024");
	SpecRlimit limit = { .resource = RLIMIT_NOFILE, .soft = 2, .hard = 1 };
	c = make_case(&v2_root);
	c.spec.process.rlimits = &limit;
	c.spec.process.rlimits_count = 1;
	refused(c, "RLIMIT_NOFILE: the soft limit is above the hard limit");
}

/* part NULL: accepted. */
static void seccomp_is(const Seccomp *s, const char *part)
{
	Case c = make_case(&v2_root);
	c.spec.linux_.seccomp = s;
	if (part)
		refused(c, part);
	else
		accepted(c);
}

static void seccomp(void **state)
{
	(void)state;
	const char *names[] = { "mount" }, *flags[] = { "SECCOMP_FILTER_FLAG_BOGUS" };
	SeccompArg arg = { .index = 6 };
	SeccompRule notify = { .names = { names, 1 }, .action = SECCOMP_ACT_NOTIFY }, bad_arg = {
		.names = { names, 1 }, .action = SECCOMP_ACT_ERRNO, .args = &arg, .args_count = 1
	};
	Seccomp s = { .default_action = SECCOMP_ACT_ALLOW };
	seccomp_is(&s, NULL);
	s.rules = &notify;
	s.rules_count = 1;
	seccomp_is(&s, "linux.seccomp has the action SCMP_ACT_NOTIFY, and no listenerPath to ask");
	s.rules = &bad_arg;
	seccomp_is(&s, "argument");
	s.rules_count = 0;
	s.flags = (StrList){ flags, 1 };
	seccomp_is(&s, "SECCOMP_FILTER_FLAG_BOGUS");
}

/* ---- labels ---- */

static Case with_labels(bool apparmor, bool selinux, const char *profile, const char *label,
			const char *mounts)
{
	Case c = make_case(&v2_root);
	c.facts.apparmor = apparmor;
	c.facts.selinux = selinux;
	c.spec.process.apparmor_profile = profile;
	c.spec.process.selinux_label = label;
	c.spec.linux_.mount_label = mounts;
	return c;
}

static void labels_need_their_module(void **state)
{
	(void)state;
	refused(with_labels(false, true, "p", NULL, NULL),
		"AppArmor profile 'p': AppArmor is not enabled on this host");
	refused(with_labels(true, false, NULL, "u:r:t", NULL),
		"SELinux label 'u:r:t': SELinux is not enabled on this host");
}

static void labels_of_mounts(void **state)
{
	(void)state;
	refused(with_labels(true, false, NULL, NULL, "u:o:f"),
		"mount label 'u:o:f': SELinux is not enabled on this host");
	refused(with_labels(true, true, NULL, NULL, "u:o:\"f"), "no SELinux label has such characters");
}

static void label_is(const Case *c, size_t i, const char *file, const char *text)
{
	assert_true(i < c->plan.wire.labels_count);
	assert_string_equal(text_of(c, c->plan.wire.labels[i].name), file);
	assert_string_equal(text_of(c, c->plan.wire.labels[i].value), text);
}

static void labels_are_planned(void **state)
{
	(void)state;
	Case c = with_labels(true, true, "p", "u:r:t", "u:o:f");
	c.spec.linux_.mount_label_of_root = true;
	accept(&c);
	assert_int_equal(c.plan.wire.labels_count, 3);
	label_is(&c, 0, "exec", "exec p"); /* a kernel before 5.8 */
	label_is(&c, 1, "exec", "u:r:t");
	label_is(&c, 2, "keycreate", "u:r:t");
	c.facts.apparmor_attr = true;
	accept(&c);
	label_is(&c, 0, "apparmor/exec", "exec p");
	assert_string_equal(text_of(&c, c.plan.wire.head.mount_context), "rootcontext=u:o:f");
	assert_string_equal(text_of(&c, c.plan.wire.head.overlay_context), ",rootcontext=\"u:o:f\"");
	done(&c);
}

static void an_annotation_says_what_a_mount_label_is_of(void **state)
{
	(void)state;
	SpecPair type = { .key = "run.oci.mount_context_type", .value = "rootcontext" };
	Case c = with_labels(true, true, NULL, NULL, "u:o:f");
	c.spec.annotations = &type;
	c.spec.annotations_count = 1;
	accept(&c);
	assert_string_equal(text_of(&c, c.plan.wire.head.mount_context), "rootcontext=u:o:f");
	type.value = "context";
	accept(&c);
	assert_string_equal(text_of(&c, c.plan.wire.head.mount_context), "context=u:o:f");
	done(&c);
	type.value = "fscontext";
	Case other = with_labels(true, true, NULL, NULL, "u:o:f");
	other.spec.annotations = &type;
	other.spec.annotations_count = 1;
	refused(other,
		"annotation run.oci.mount_context_type: 'fscontext' is neither context nor rootcontext");
}

static void unconfined_is_accepted_anywhere(void **state)
{
	(void)state;
	for (int apparmor = 0; apparmor < 2; apparmor++) {
		Case c = with_labels(apparmor, false, "unconfined", NULL, NULL);
		accept(&c);
		assert_int_equal(c.plan.wire.labels_count, apparmor);
		if (apparmor)
			label_is(&c, 0, "exec", "exec unconfined");
		done(&c);
	}
}

/* ---- capabilities ---- */

#define ALL_SETS(set)                                                                            \
	{                                                                                        \
		.bounding = (set), .effective = (set), .permitted = (set), .inheritable = (set), \
		.ambient = (set)                                                                 \
	}

/* What cannot be granted is left out with one warning for each; in a user namespace of its own a container may have all. */
static void capabilities_that_are_not_held(void **state)
{
	(void)state;
	const uint64_t two = 1u << 0 | 1u << 5;
	Case c = make_case(&v2_root);
	c.facts.caps = 1u << 0 | 1u << 21;
	c.spec.process.has_capabilities = true;
	c.spec.process.capabilities = (SpecCaps)ALL_SETS(two);
	accept(&c);
	assert_int_equal(c.plan.warnings.count, 1);
	assert_non_null(strstr(c.plan.warnings.items[0], cap_name(5)));
	assert_int_equal(c.plan.wire.head.caps_bounding, 1);
	assert_int_equal(c.plan.wire.head.caps_effective, 1);
	assert_int_equal(c.plan.wire.head.caps_ambient, 1);
	done(&c);
	c = with_maps(&v2_root, one_to_one, 1, one_to_one, 1);
	c.facts.caps = 0;
	c.spec.process.has_capabilities = true;
	c.spec.process.capabilities = (SpecCaps)ALL_SETS(two | UINT64_C(1) << 63);
	accept(&c);
	assert_int_equal(c.plan.warnings.count, 0);
	assert_int_equal(c.plan.wire.head.caps_bounding, two);
	done(&c);
}

/* The kernel's rules between the sets: effective within permitted, ambient within permitted and inheritable. */
static void capability_sets_fit_each_other(void **state)
{
	(void)state;
	Case c = make_case(&v2_root);
	c.spec.process.has_capabilities = true;
	c.spec.process.capabilities = (SpecCaps){
		.permitted = 0xf0, .effective = 0xff, .inheritable = 0x3c, .ambient = 0xff
	};
	accept(&c);
	assert_int_equal(c.plan.wire.head.caps_effective, 0xf0);
	assert_int_equal(c.plan.wire.head.caps_ambient, 0x30);
	assert_int_equal(c.plan.warnings.count, 6);
	assert_string_equal(c.plan.warnings.items[0],
			    "can't raise ambient capability CAP_CHOWN: it is not permitted and inheritable, too");
	done(&c);
}

/* config.json without "capabilities": none, as with runc and crun, and not all that the runtime holds. */
static void no_capabilities_are_none(void **state)
{
	(void)state;
	Case c = make_case(&v2_root);
	accept(&c);
	assert_true(c.plan.wire.head.flags & WIRE_SET_CAPS);
	assert_int_equal(c.plan.wire.head.caps_bounding, 0);
	assert_int_equal(c.plan.wire.head.caps_permitted, 0);
	done(&c);
}

/* ---- the text ---- */

/* One fact, one line: whatever is in the strings. */
static void the_dump_has_one_fact_on_a_line(void **state)
{
	(void)state;
	SpecIdMap maps[] = { { 0, 0, 1 }, { 1, 100000, 10 } };
	const char *odd[] = { "sh", "a\nuser 0:0\nb" };
	Case c = with_maps(&v2_root, maps, 2, one_to_one, 1);
	c.spec.process.args = (StrList){ odd, 2 };
	accept(&c);
	char *dump = plan_dump(&c.plan, &c.facts, &c.arena);
	unsigned users = 0;
	assert_null(strstr(dump, "\n\n"));
	for (const char *p = dump; (p = strstr(p, "\nuser ")); p++)
		users++;
	assert_int_equal(users, 1);
	done(&c);
}

/* Who can make nodes and open them has the host's disks. */
static void nodes_where_devices_cannot_be_limited(void **state)
{
	(void)state;
	DeviceRule deny_all = {
		.type = 'a', .major = -1, .minor = -1, .read = true, .write = true, .mknod = true
	};
	HostFacts bare = v2_root;
	bare.cgroups_count = 0;
	Case c = make_case(&bare);
	c.spec.linux_.resources.devices = &deny_all;
	c.spec.linux_.resources.devices_count = 1;
	c.spec.process.has_capabilities = true;
	c.spec.process.capabilities.bounding = UINT64_C(1) << 27; /* CAP_MKNOD */
	refused(c, "capability CAP_MKNOD: refused");
	Case limited = c;
	limited.facts = v2_root;
	accepted(limited);
	c.spec.process.capabilities.bounding = 1;
	accepted(c);
	c.spec.process.capabilities.bounding = UINT64_C(1) << 27;
	deny_all.allow = true; /* --privileged */
	accepted(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces),
		cmocka_unit_test(id_maps),
		cmocka_unit_test(many_id_maps),
		cmocka_unit_test(ids_must_be_mapped),
		cmocka_unit_test(maps_without_privilege),
		cmocka_unit_test(cgroup_paths),
		cmocka_unit_test(groups_go_where_they_may),
		cmocka_unit_test(roots),
		cmocka_unit_test(too_many_host_mounts),
		cmocka_unit_test(host_masks_do_not_cover_mounts_of_the_container),
		cmocka_unit_test(host_dirs_of_ours_are_masked),
		cmocka_unit_test(mounts),
		cmocka_unit_test(too_many_mounts),
		cmocka_unit_test(nothing_is_made_in_a_bound_dev),
		cmocka_unit_test(devices_in_a_bound_dev),
		cmocka_unit_test(a_readonly_dev_becomes_so_last),
		cmocka_unit_test(sysctls),
		cmocka_unit_test(sysctls_of_shared_namespaces),
		cmocka_unit_test(commands),
		cmocka_unit_test(process_limits),
		cmocka_unit_test(seccomp),
		cmocka_unit_test(labels_need_their_module),
		cmocka_unit_test(labels_of_mounts),
		cmocka_unit_test(labels_are_planned),
		cmocka_unit_test(an_annotation_says_what_a_mount_label_is_of),
		cmocka_unit_test(unconfined_is_accepted_anywhere),
		cmocka_unit_test(capabilities_that_are_not_held),
		cmocka_unit_test(capability_sets_fit_each_other),
		cmocka_unit_test(no_capabilities_are_none),
		cmocka_unit_test(the_dump_has_one_fact_on_a_line),
		cmocka_unit_test(nodes_where_devices_cannot_be_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
