/* What the plan makes of a mount's options, and which mounts it refuses for where they go. */
#include "unit.h"

#include <string.h>
#include <sys/mount.h>

#include <linux/mount.h>
#include <linux/sched.h>

#include "plan_case.h"

#define RO     ((uint64_t)MOUNT_ATTR_RDONLY)
#define NOSUID ((uint64_t)MOUNT_ATTR_NOSUID)
#define NOEXEC ((uint64_t)MOUNT_ATTR_NOEXEC)

static void add(Case *c, SpecMount m, const char *options)
{
	if (options)
		m.options = str_split(&c->arena, options, ',');
	*arena_push(&c->arena, &c->spec.mounts, &c->spec.mounts_count, SpecMount) = m;
}

static void add_bind(Case *c, const char *target, const char *options)
{
	add(c, (SpecMount){ .type = "bind", .source = "/src", .destination = target }, options);
}

static void accepted(Case *c)
{
	accept(c);
	done(c);
}

/* The last mount of the plan, which the plan itself adds /dev before. */
static WireMount planned(SpecMount m, const char *options)
{
	Case c = make_case(&v2_root);
	add(&c, m, options);
	if (plan(&c) < 0)
		fail_msg("%s: %s", options ? options : "", c.err.msg);
	WireMount w = c.plan.wire.mounts[c.plan.wire.mounts_count - 1];
	done(&c);
	return w;
}

static WireMount bind(const char *options)
{
	return planned((SpecMount){ .type = "bind", .source = "/src", .destination = "/x" }, options);
}

static WireMount tmpfs(const char *options)
{
	return planned((SpecMount){ .type = "tmpfs", .destination = "/x" }, options);
}

static void attributes(const char *options, uint64_t set, uint64_t clear, uint64_t tree_set,
		       uint64_t tree_clear)
{
	WireMount w = bind(options);
	if (w.attr_set != set || w.attr_clear != clear || w.tree_set != tree_set ||
	    w.tree_clear != tree_clear)
		fail_msg("%s: set %#llx clear %#llx, tree set %#llx clear %#llx", options,
			 (unsigned long long)w.attr_set, (unsigned long long)w.attr_clear,
			 (unsigned long long)w.tree_set, (unsigned long long)w.tree_clear);
}

/* config.md: "ro" is about the mount, "rro" about all that is mounted below it, too. */
static void attributes_of_a_bind(void **state)
{
	(void)state;
	attributes("rbind", 0, 0, 0, 0);
	attributes("rbind,ro", RO, 0, 0, 0);
	attributes("rbind,rro", 0, 0, RO, 0);
	attributes("rbind,rrw", 0, 0, 0, RO);
	attributes("rbind,rro,noexec", RO | NOEXEC, 0, RO, 0);
	attributes("rbind,rro,rw", 0, RO, RO, 0);
	attributes("rbind,rw,rro", 0, 0, RO, 0);
	attributes("rbind,rnoexec,rnosuid", 0, 0, NOEXEC | NOSUID, 0);
	attributes("rbind,rnoexec,exec", 0, NOEXEC, NOEXEC, 0);
	attributes("bind,ro,nosuid", RO | NOSUID, 0, 0, 0);
}

static void propagation(void **state)
{
	(void)state;
	assert_int_equal(bind("rbind,rprivate").propagation, MS_PRIVATE | MS_REC);
	assert_int_equal(bind("rbind,private").propagation, MS_PRIVATE);
	assert_int_equal(bind("rbind,rshared").propagation, MS_SHARED | MS_REC);
	assert_int_equal(bind("rbind,shared").propagation, MS_SHARED | MS_REC);
	assert_int_equal(bind("rbind,slave").propagation, MS_SLAVE | MS_REC);
	assert_int_equal(bind("bind,slave").propagation, MS_SLAVE);
	assert_int_equal(bind("rbind,runbindable").propagation, MS_UNBINDABLE | MS_REC);
	assert_int_equal(tmpfs("shared").propagation, MS_SHARED);
}

static void a_tmpfs_looks_like_what_it_covers(void **state)
{
	(void)state;
	const unsigned all = WIRE_MOUNT_TARGET_MODE | WIRE_MOUNT_TARGET_OWNER | WIRE_MOUNT_COPY_UP;
	assert_int_equal(tmpfs("size=1m").flags, WIRE_MOUNT_TARGET_MODE);
	assert_int_equal(tmpfs("mode=700").flags, 0);
	assert_int_equal(tmpfs("tmpcopyup").flags, all);
	assert_int_equal(tmpfs("tmpcopyup,mode=1777").flags,
			 WIRE_MOUNT_COPY_UP | WIRE_MOUNT_TARGET_OWNER);
	assert_int_equal(tmpfs("tmpcopyup,uid=7").flags, WIRE_MOUNT_COPY_UP | WIRE_MOUNT_TARGET_MODE);
	assert_int_equal(tmpfs("ro").flags, WIRE_MOUNT_TARGET_MODE | WIRE_MOUNT_READONLY_LAST);
	assert_int_equal(planned((SpecMount){ .type = "ramfs", .destination = "/x" }, NULL).flags, 0);
}

static void proc_is(const char *target, const char *type, const char *part)
{
	Case c = make_case(&v2_root);
	add(&c, (SpecMount){ .type = type, .source = "/src", .destination = target }, NULL);
	if (part)
		refused(c, part);
	else
		accepted(&c);
}

/* runc's list. */
static void mounts_in_proc(void **state)
{
	(void)state;
	static const char *const files[] = { "/proc/cpuinfo", "/proc/meminfo",
					     "/proc/net/dev", "/proc/uptime",
					     "/proc/stat",    "/proc/sys/kernel/ns_last_pid" };
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		proc_is(files[i], "bind", NULL);
	proc_is("/proc/self/attr", "bind", "mount on /proc/self/attr: inside /proc only some files");
	proc_is("/proc/sys", "bind", "inside /proc only");
	proc_is("/proc/net", "tmpfs", "inside /proc only");
	proc_is("/proc/cpuinfo/x", "bind", "inside /proc only");
	proc_is("/proc", "bind", "mount on /proc: only a proc file system can be there");
	proc_is("/proc", "tmpfs", "only a proc file system");
	proc_is("/proc", "proc", NULL);
	proc_is("/process", "bind", NULL);
	Case c = make_case(&v2_root);
	add(&c, (SpecMount){ .source = "/proc", .destination = "/proc" }, "rbind");
	accepted(&c);
}

/* ---- what the host would see ---- */

static void below_a_shared_mount(const char *target, const char *part)
{
	Case c = make_case(&v2_root);
	add_bind(&c, "/v", "rbind,rshared");
	add(&c, (SpecMount){ .type = "tmpfs", .destination = target }, NULL);
	if (part)
		refused(c, part);
	else
		accepted(&c);
}

static void nothing_of_ours_is_mounted_in_a_shared_mount(void **state)
{
	(void)state;
	Case c;
	below_a_shared_mount("/v/in", "mount on /v/in: it would appear on the host");
	below_a_shared_mount("/v", "since /v is a shared mount");
	below_a_shared_mount("/vv", NULL);

	c = make_case(&v2_root); /* one that comes later only covers */
	add_bind(&c, "/v/in", "rbind");
	add_bind(&c, "/v", "rbind,shared");
	accepted(&c);

	c = make_case(&v2_root);
	add_bind(&c, "/v", "rbind,rslave");
	add_bind(&c, "/v/in", "rbind");
	accepted(&c);
}

static void masks_and_the_terminal_count_too(void **state)
{
	(void)state;
	Case c = make_case(&v2_root);
	add_bind(&c, "/sys", "rbind,rshared");
	strlist_add(&c.arena, &c.spec.linux_.masked_paths, "/sys/firmware");
	refused(c, "mount on /sys/firmware: it would appear on the host");

	c = make_case(&v2_root);
	add_bind(&c, "/sys", "rbind,rshared");
	strlist_add(&c.arena, &c.spec.linux_.readonly_paths, "/sys/x");
	refused(c, "mount on /sys/x");

	c = make_case(&v2_root);
	add_bind(&c, "/dev", "rbind,rshared");
	accepted(&c);
	c = make_case(&v2_root);
	add_bind(&c, "/dev", "rbind,rshared");
	c.spec.process.terminal = true;
	refused(c, "mount on /dev/console: it would appear on the host");
}

/* ---- overlays ---- */

static void throw_away_layers_need_scratch(void **state)
{
	(void)state;
	Case c = make_case(&v2_root);
	add(&c,
	    (SpecMount){ .type = "overlay", .source = "/src", .destination = "/x", .throw_away = true },
	    NULL);
	assert_int_equal(plan(&c), 0);
	const WireMount *w = &c.plan.wire.mounts[c.plan.wire.mounts_count - 1];
	assert_int_equal(w->kind, WIRE_MOUNT_OVERLAY);
	assert_int_equal(w->flags, 0);
	assert_string_equal(c.plan.wire.strings + w->source, "/src");
	assert_true(c.plan.wire.head.flags & WIRE_SCRATCH);
	done(&c);
}

static void an_overlay_in_a_user_namespace(void **state)
{
	(void)state;
	Case c;
	SpecIdMap map = { .host_id = 100000, .size = 65536 };
	c = make_case(&v2_root);
	c.spec.linux_.namespaces |= SPEC_NS_USER;
	c.spec.linux_.uid_mappings = c.spec.linux_.gid_mappings = &map;
	c.spec.linux_.uid_mappings_count = c.spec.linux_.gid_mappings_count = 1;
	add(&c, (SpecMount){ .type = "overlay", .source = "overlay", .destination = "/x" },
	    "lowerdir=/a,upperdir=/b,workdir=/c");
	assert_int_equal(plan(&c), 0);
	const WireBuild *b = &c.plan.wire;
	const WireMount *w = &b->mounts[b->mounts_count - 1];
	assert_int_equal(w->options_count, 4);
	assert_string_equal(b->strings + b->mount_options[w->options_first + 3], "userxattr");
	done(&c);
}

/* Its tree is joined last and alone; nothing else of it is made again. */
static void mounts_for_a_container_that_is_there(void **state)
{
	(void)state;
	static const int32_t ids[] = { 77 };
	PlanMountsInput in = { .container_id = "c", .ids = ids, .ids_count = 1 };
	Case c = make_case(&v2_root);
	Plan p;
	add_bind(&c, "/x", "rbind,ro");
	add(&c, (SpecMount){ .type = "cgroup", .destination = "/sys/fs/cgroup" }, NULL);
	assert_int_equal(runtime_plan_mounts(&c.spec, &c.facts, &in, &c.arena, &p, &c.err), 0);
	assert_true(p.wire.head.flags & WIRE_MOUNTS_ONLY && !(p.wire.head.flags & WIRE_EXEC));
	assert_int_equal(p.joins_count, 2);
	assert_false(p.joins[0].flags & CLONE_NEWNS);
	assert_int_equal(p.joins[1].flags, CLONE_NEWNS);
	assert_int_equal(p.wire.head.unshare, CLONE_NEWNS);
	assert_int_equal(p.groups_count, 0); /* they are there */
	assert_int_equal(p.wire.mounts_count, 2);
	assert_int_equal(p.wire.mounts[0].kind, WIRE_MOUNT_BIND);
	assert_int_equal(p.wire.mounts[1].kind, WIRE_MOUNT_BIND);

	in.remove = true;
	assert_int_equal(runtime_plan_mounts(&c.spec, &c.facts, &in, &c.arena, &p, &c.err), 0);
	assert_int_equal(p.wire.mounts_count, 2);
	assert_int_equal(p.wire.mounts[0].kind, WIRE_MOUNT_DETACH);
	assert_string_equal(p.wire.strings + p.wire.mounts[1].target, "/sys/fs/cgroup");
	assert_int_equal(p.wire.mount_ids_count, 1);
	assert_int_equal(p.wire.mount_ids[0], 77);
	done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_of_a_bind),
		cmocka_unit_test(propagation),
		cmocka_unit_test(a_tmpfs_looks_like_what_it_covers),
		cmocka_unit_test(mounts_in_proc),
		cmocka_unit_test(nothing_of_ours_is_mounted_in_a_shared_mount),
		cmocka_unit_test(masks_and_the_terminal_count_too),
		cmocka_unit_test(throw_away_layers_need_scratch),
		cmocka_unit_test(an_overlay_in_a_user_namespace),
		cmocka_unit_test(mounts_for_a_container_that_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
