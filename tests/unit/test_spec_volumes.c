/* From -v, --mount, --tmpfs, --tz, --device and --device-cgroup-rule to the description, and what is done to the host's files for it. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/volume_prepare.h"
#include "runtime/plan.h"
#include "spec_case.h"

static void refused(TestRun *t, const char *part)
{
	Spec s;
	if (fill(t, &s) >= 0)
		fail_msg("was filled: '%s'", part);
	if (!strstr(t->err.msg, part))
		fail_msg("'%s' is not in '%s'", part, t->err.msg);
	arena_done(&t->arena);
}

static const SpecMount *mount_on(const Spec *s, const char *place)
{
	const SpecMount *found = NULL;
	for (size_t i = 0; i < s->mounts_count; i++)
		if (strcmp(s->mounts[i].destination, place) == 0) {
			assert_null(found);
			found = &s->mounts[i];
		}
	return found;
}

/* "TYPE SOURCE WORD WORD", or "none". */
static void mount_is(TestRun *t, const Spec *s, const char *place, const char *want)
{
	const SpecMount *m = mount_on(s, place);
	char *got = m ? arena_printf(&t->arena, "%s %s", m->type, m->source)
		      : arena_strdup(&t->arena, "none");
	for (size_t i = 0; m && i < m->options.count; i++)
		got = arena_printf(&t->arena, "%s %s", got, m->options.items[i]);
	assert_string_equal(got, want);
}

/* ---- mounts ---- */

static void mounts_of_all_options(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/a:/v:ro");
	add(&t, &t.request.mounts, "type=bind,src=/b,dst=/m");
	add(&t, &t.request.tmpfs, "/t:size=1m");
	add(&t, &t.request.mounts, "type=tmpfs,dst=/dev/shm,tmpfs-size=1m");
	Spec s = filled(&t);
	mount_is(&t, &s, "/v", "bind /a rbind rprivate rro");
	mount_is(&t, &s, "/m", "bind /b rbind rprivate");
	mount_is(&t, &s, "/t", "tmpfs tmpfs noexec nosuid nodev size=1m");
	mount_is(&t, &s, "/dev/shm", "tmpfs tmpfs noexec nosuid nodev size=1048576"); /* in place of ours */
	arena_done(&t.arena);
}

static void two_on_one_place(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/a:/v");
	add(&t, &t.request.mounts, "type=tmpfs,dst=/x/../v/");
	refused(&t, "two mounts on /v");
	t = make_run(&v2_root);
	add(&t, &t.request.tmpfs, "/v");
	add(&t, &t.request.tmpfs, "/v");
	refused(&t, "two mounts on /v");
}

static void a_tmpfs_of_the_user(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	t.context.user = (User){ .uid = 12, .gid = 34, .home = "/" };
	add(&t, &t.request.tmpfs, "/t:U");
	add(&t, &t.request.mounts, "type=tmpfs,dst=/m,U");
	Spec s = filled(&t);
	mount_is(&t, &s, "/t", "tmpfs tmpfs noexec nosuid nodev uid=12 gid=34");
	mount_is(&t, &s, "/m", "tmpfs tmpfs noexec nosuid nodev uid=12 gid=34");
	assert_false(mount_on(&s, "/t")->chown_source);
	arena_done(&t.arena);
}

/* docker: who mounts /dev sees it as it is. */
static void ours_below_dev_go_with_a_volume_there(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/dev:/dev");
	add(&t, &t.request.tmpfs, "/dev/mine");
	Spec s = filled(&t);
	mount_is(&t, &s, "/dev", "bind /dev rbind rprivate");
	mount_is(&t, &s, "/dev/pts", "none");
	mount_is(&t, &s, "/dev/shm", "none");
	mount_is(&t, &s, "/dev/mqueue", "none");
	assert_non_null(mount_on(&s, "/dev/mine"));
	arena_done(&t.arena);

	t = make_run(&v2_root);
	t.request.tty = true;
	add(&t, &t.request.volumes, "/dev:/dev");
	s = filled(&t);
	assert_non_null(mount_on(&s, "/dev/pts")); /* the terminal is of it */
	assert_null(mount_on(&s, "/dev/shm"));
	arena_done(&t.arena);
}

static void writable_places_of_a_read_only_root(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	t.request.read_only_tmpfs = true; /* alone it asks for nothing */
	Spec s = filled(&t);
	mount_is(&t, &s, "/tmp", "none");
	t.request.read_only = true;
	add(&t, &t.request.volumes, "/a:/tmp");
	s = filled(&t);
	mount_is(&t, &s, "/tmp", "bind /a rbind rprivate");
	mount_is(&t, &s, "/run", "tmpfs tmpfs nosuid nodev tmpcopyup mode=755");
	mount_is(&t, &s, "/var/tmp", "tmpfs tmpfs nosuid nodev tmpcopyup mode=1777");
	t.request.read_only_tmpfs = false;
	s = filled(&t);
	mount_is(&t, &s, "/run", "none");
	t.request.read_only_tmpfs = true;
	t.request.volumes.count = 0;
	t.context.root_kind = ROOT_HOST; /* whose /run and /tmp are fresh, and nothing of the host's is copied */
	s = filled(&t);
	mount_is(&t, &s, "/run", "tmpfs tmpfs nosuid nodev mode=755");
	mount_is(&t, &s, "/var/tmp", "tmpfs tmpfs nosuid nodev mode=1777");
	arena_done(&t.arena);
}

static void shared_volumes(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.uidmaps, "0:100000:65536");
	add(&t, &t.request.volumes, "/:/v:rshared");
	refused(&t, "mount on /v: the kernel lets no mount out of a user namespace; 'rslave' lets them in");
	t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/no/such/source:/v:rshared"); /* its absence is init's to tell */
	Spec s = filled(&t);
	mount_is(&t, &s, "/v", "bind /no/such/source rbind rshared");
	arena_done(&t.arena);
}

/* ---- devices ---- */

static void device_is(const Spec *s, size_t i, const char *path, uint32_t major, uint32_t minor)
{
	assert_true(i < s->linux_.devices_count);
	const SpecDevice *d = &s->linux_.devices[i];
	assert_string_equal(d->path, path);
	assert_int_equal(d->major, major);
	assert_int_equal(d->minor, minor);
}

/* The last rules of the description, "c 1:3 rw". */
static void last_rule_is(TestRun *t, const Spec *s, size_t from_end, const char *want)
{
	const SpecResources *r = &s->linux_.resources;
	const DeviceRule *d = &r->devices[r->devices_count - 1 - from_end];
	assert_true(d->allow);
	assert_string_equal(arena_printf(&t->arena, "%c %lld:%lld %s%s%s", d->type,
					 (long long)d->major, (long long)d->minor, d->read ? "r" : "",
					 d->write ? "w" : "", d->mknod ? "m" : ""),
			    want);
}

static void devices_in_dev_are_nodes(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(stat("/dev/null", &st), 0);
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.devices, "/dev/null:/dev/deep/none:r");
	add(&t, &t.request.devices, "/dev/zero");
	add(&t, &t.request.devices, "/dev/zero:/dev/zero:rw"); /* once more is once */
	add(&t, &t.request.device_rules, "a 42:* r");
	Spec s = filled(&t);
	assert_int_equal(s.linux_.devices_count, 2);
	device_is(&s, 0, "/dev/deep/none", 1, 3);
	assert_int_equal(s.linux_.devices[0].mode, st.st_mode & 07777);
	assert_int_equal(s.linux_.devices[0].uid, st.st_uid);
	device_is(&s, 1, "/dev/zero", 1, 5);
	last_rule_is(&t, &s, 4, "c 1:3 r");
	last_rule_is(&t, &s, 3, "c 1:5 rwm");
	last_rule_is(&t, &s, 2, "c 1:5 rw");
	last_rule_is(&t, &s, 1, "b 42:-1 r");
	last_rule_is(&t, &s, 0, "c 42:-1 r");
	arena_done(&t.arena);
}

/* The node would stay in the root, or cannot be made. */
static void other_devices_are_bound(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.devices, "/dev/null:/opt/none");
	Spec s = filled(&t);
	assert_int_equal(s.linux_.devices_count, 0);
	mount_is(&t, &s, "/opt/none", "bind /dev/null bind rprivate ro nosuid noexec");
	last_rule_is(&t, &s, 0, "c 1:3 rwm");
	arena_done(&t.arena);

	t = make_run(&v2_root);
	add(&t, &t.request.uidmaps, "0:100000:65536");
	add(&t, &t.request.devices, "/dev/null:/dev/none");
	s = filled(&t);
	assert_int_equal(s.linux_.devices_count, 0);
	mount_is(&t, &s, "/dev/none", "bind /dev/null bind rprivate ro nosuid noexec");
	arena_done(&t.arena);
}

/* Rules reach the program of cgroup v2, and the files of v1. */
static void rules_reach_the_plan(void **state)
{
	(void)state;
	const HostFacts *hosts[] = { &v2_root, &v1_root };
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		Plan p;
		TestRun t = make_run(hosts[i]);
		add(&t, &t.request.devices, "/dev/null:/dev/none:r");
		add(&t, &t.request.device_rules, "c 42:* rw");
		Spec s = filled(&t);
		const PlanInput in = { .container_id = ID, .scratch_dir = "/run/x" };
		if (runtime_plan(&s, hosts[i], &in, &t.arena, &p, &t.err) < 0)
			fail_msg("%s", t.err.msg);
		const char *text = plan_dump(&p, hosts[i], &t.arena);
		assert_non_null(strstr(text, i ? "devices.allow = c 42:* rw\n"
					       : "device rule allow c 42:-1 rw\n"));
		assert_non_null(strstr(text, i ? "devices.allow = c 1:3 r\n"
					       : "device rule allow c 1:3 r\n"));
		assert_non_null(strstr(text, "device /dev/none mode 020"));
		arena_done(&t.arena);
	}
}

static void device_refused(const HostFacts *facts, const char *device, const char *part)
{
	TestRun t = make_run(facts);
	add(&t, &t.request.devices, device);
	refused(&t, part);
}

static void devices_that_are_none(void **state)
{
	(void)state;
	device_refused(&v2_root, "/dev/no/such", "--device '/dev/no/such': look at '/dev/no/such'");
	device_refused(&v2_root, "/etc/passwd",
		       "'/etc/passwd' is neither a device nor a directory with devices");
	device_refused(&v2_root, top, "is neither a device nor a directory with devices");
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.devices, "/dev/null:/dev/x");
	add(&t, &t.request.devices, "/dev/zero:/dev/x");
	refused(&t, "two devices on /dev/x");
	t = make_run(&v2_root);
	add(&t, &t.request.devices, "/dev/null:/x");
	add(&t, &t.request.volumes, "/a:/x");
	refused(&t, "two mounts on /x");
}

static void devices_in_a_dev_that_is_a_volume(void **state)
{
	(void)state;
	TestRun t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/dev:/dev");
	add(&t, &t.request.devices, "/dev/null");
	Spec s = filled(&t);
	assert_int_equal(s.linux_.devices_count, 0); /* it is there */
	last_rule_is(&t, &s, 0, "c 1:3 rwm");
	arena_done(&t.arena);
	t = make_run(&v2_root);
	add(&t, &t.request.volumes, "/dev:/dev");
	add(&t, &t.request.devices, "/dev/null:/dev/none");
	refused(&t, "/dev is a volume, no device can be made in it as /dev/none");
	t = make_run(&v2_root);
	t.request.privileged = true;
	add(&t, &t.request.volumes, "/dev:/dev");
	s = filled(&t);
	assert_int_equal(s.linux_.devices_count, 0);
	arena_done(&t.arena);
}

/* Nothing there can hold a container back from a device. */
static void hosts_without_limits_on_devices(void **state)
{
	(void)state;
	const HostFacts *hosts[] = { &bare_root, &v1_user, &v2_user };
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		device_refused(hosts[i], "/dev/null:r", "--device '/dev/null:r': no cgroup hierarchy");
		TestRun t = make_run(hosts[i]);
		add(&t, &t.request.device_rules, "c 42:* rwm");
		refused(&t, "--device-cgroup-rule 'c 42:* rwm': no cgroup hierarchy");
		t = make_run(hosts[i]);
		add(&t, &t.request.devices, "/dev/null:/dev/none");
		(void)filled(&t);
		arena_done(&t.arena);
	}
}

/* ---- the host's files ---- */

static Spec with_source(SpecMount *m, const char *source)
{
	Spec s;
	spec_init(&s);
	*m = (SpecMount){ .type = "bind", .source = source, .destination = "/v" };
	s.mounts = m;
	s.mounts_count = 1;
	return s;
}

static void a_source_is_made(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SpecMount m;
	Err e = { 0 };
	struct stat st;
	Spec s = with_source(&m, arena_printf(&a, "%s/new/deep", top));
	assert_int_equal(volumes_prepare(&s, &a, &e), 0); /* not asked for */
	assert_int_equal(faccessat(root_fd, "new", F_OK, 0), -1);
	m.create_source = true;
	mode_t old = umask(022);
	assert_int_equal(volumes_prepare(&s, &a, &e), 0);
	assert_int_equal(volumes_prepare(&s, &a, &e), 0); /* there already */
	umask(old);
	assert_int_equal(fstatat(root_fd, "new/deep", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(symlinkat("/nonexistent/x", root_fd, "dangling"), 0);
	m.source = arena_printf(&a, "%s/dangling/y", top);
	assert_true(volumes_prepare(&s, &a, &e) < 0);
	assert_non_null(strstr(e.msg, "mount on /v: make the source"));
}

static void the_system_is_not_given_away(void **state)
{
	(void)state;
	static const char *const dirs[] = { "/",    "/etc",           "/usr/bin/", "/tmp/../tmp",
					    "/var", "/proc/sys",      "/root",     "/etc/passwd",
					    "/dev", "/proc/self/root" };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SpecMount m;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		Err e = { 0 };
		Spec s = with_source(&m, dirs[i]);
		m.chown_source = true;
		s.process.uid = geteuid();
		s.process.gid = getegid();
		if (volumes_prepare(&s, &a, &e) != -EPERM || !strstr(e.msg, "which is the system's"))
			fail_msg("%s: %s", dirs[i], e.msg);
	}
	/* a link to it is as good */
	assert_int_equal(symlinkat("/etc", root_fd, "link"), 0);
	Spec s = with_source(&m, arena_printf(&a, "%s/link", top));
	m.chown_source = true;
	assert_int_equal(volumes_prepare(&s, &a, NULL), -EPERM);
}

static void the_home_is_not_given_away(void **state)
{
	(void)state;
	SpecMount m;
	Err e = { 0 };
	const char *home = getenv("HOME");
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const char *old = home ? arena_strdup(&a, home) : NULL;
	assert_int_equal(setenv("HOME", top, 1), 0);
	Spec s = with_source(&m, top);
	m.chown_source = true;
	int r = volumes_prepare(&s, &a, &e);
	assert_int_equal(old ? setenv("HOME", old, 1) : unsetenv("HOME"), 0);
	assert_int_equal(r, -EPERM);
}

/* With a user namespace the owner is who the host knows the user as. */
static void a_source_is_given_to_the_user_of_the_host(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SpecMount m;
	Err e = { 0 };
	struct stat st;
	SpecIdMap maps[] = { { 0, 5000, 10 }, { 10, 9000, 100 } };
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	assert_int_equal(mkdirat(root_fd, "d", 0755) | mkdirat(root_fd, "d/sub", 0755), 0);
	Spec s = with_source(&m, arena_printf(&a, "%s/d", top));
	m.chown_source = true;
	s.process.uid = 12;
	s.process.gid = 3;
	s.linux_.uid_mappings = s.linux_.gid_mappings = maps;
	s.linux_.uid_mappings_count = s.linux_.gid_mappings_count = ARRAY_LEN(maps);
	if (volumes_prepare(&s, &a, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(fstatat(root_fd, "d/sub", &st, 0), 0);
	assert_int_equal(st.st_uid, 9002);
	assert_int_equal(st.st_gid, 5003);
	s.linux_.uid_mappings_count = s.linux_.gid_mappings_count = 0;
	assert_int_equal(volumes_prepare(&s, &a, &e), 0);
	assert_int_equal(fstatat(root_fd, "d", &st, 0), 0);
	assert_int_equal(st.st_uid, 12);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, top_make, top_remove)
	const struct CMUnitTest tests[] = {
		TEST(mounts_of_all_options),
		TEST(two_on_one_place),
		TEST(a_tmpfs_of_the_user),
		TEST(ours_below_dev_go_with_a_volume_there),
		TEST(writable_places_of_a_read_only_root),
		TEST(shared_volumes),
		TEST(devices_in_dev_are_nodes),
		TEST(other_devices_are_bound),
		TEST(rules_reach_the_plan),
		TEST(devices_that_are_none),
		TEST(devices_in_a_dev_that_is_a_volume),
		TEST(hosts_without_limits_on_devices),
		TEST(a_source_is_made),
		TEST(the_system_is_not_given_away),
		TEST(the_home_is_not_given_away),
		TEST(a_source_is_given_to_the_user_of_the_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
