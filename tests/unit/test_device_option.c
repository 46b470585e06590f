/* The strings of --device, --device-cgroup-rule and --tz. */
#include "unit.h"

#include <string.h>

#include "engine/device_option.h"
#include "engine/time_zone.h"

static void device_is(const char *text, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	DeviceOption d;
	Err e = { 0 };
	if (device_option_parse(text, &a, &d, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_string_equal(arena_printf(&a, "%s > %s %s%s%s", d.host, d.inside, d.read ? "r" : "",
					 d.write ? "w" : "", d.mknod ? "m" : ""),
			    want);
}

static void devices(void **state)
{
	(void)state;
	device_is("/dev/fuse", "/dev/fuse > /dev/fuse rwm");
	device_is("/dev/fuse:/dev/x", "/dev/fuse > /dev/x rwm");
	device_is("/dev/fuse:r", "/dev/fuse > /dev/fuse r");
	device_is("/dev/fuse:mwr", "/dev/fuse > /dev/fuse rwm");
	device_is("/dev/fuse:/dev/x:rw", "/dev/fuse > /dev/x rw");
	device_is("/dev/../dev//fuse/", "/dev/../dev//fuse/ > /dev/fuse rwm");
	device_is("/dev/vendor/x=1", "/dev/vendor/x=1 > /dev/vendor/x=1 rwm");
}

static void device_fails(const char *text, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	DeviceOption d = { 0 };
	Err e = { 0 };
	assert_true(device_option_parse(text, &a, &d, &e) < 0);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_null(d.host);
	if (!strstr(e.msg, arena_printf(&a, "--device '%s': ", text)) || !strstr(e.msg, part))
		fail_msg("'%s' is not in '%s'", part, e.msg);
}

static void bad_devices(void **state)
{
	(void)state;
	device_fails("", "'' is not an absolute path");
	device_fails("fuse", "'fuse' is not an absolute path");
	device_fails("./fuse", "not an absolute path");
	device_fails("vendor.com/gpu=0", "CDI devices are not there yet");
	device_fails("vendor.com/class=all", "CDI devices are not there yet");
	device_fails("/dev/fuse:", "'' is neither an absolute path nor made of r, w and m");
	device_fails("/dev/fuse:x", "'x' is neither an absolute path");
	device_fails("/dev/fuse:rr", "'rr' is neither an absolute path");
	device_fails("/dev/fuse:/x:", "the permissions '' are not made of r, w and m");
	device_fails("/dev/fuse:/x:rwx", "the permissions 'rwx' are not made of r, w and m");
	device_fails("/dev/fuse:/x:rww", "the permissions 'rww'");
	device_fails("/dev/fuse:r:rw", "'r' is neither an absolute path");
	device_fails("/dev/fuse:/x:r:w", "not of the form HOST[:CONTAINER][:rwm]");
}

static void rule_is(const char *text, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	DeviceRule rules[2];
	Err e = { 0 };
	int n = device_rule_parse(text, &a, rules, &e);
	if (n < 0)
		fail_msg("%s: %s", text, e.msg);
	char *got = arena_strdup(&a, "");
	for (int i = 0; i < n; i++)
		got = arena_printf(&a, "%s%s%c %lld:%lld %s%s%s", got, i ? ", " : "", rules[i].type,
				   (long long)rules[i].major, (long long)rules[i].minor,
				   rules[i].read ? "r" : "", rules[i].write ? "w" : "",
				   rules[i].mknod ? "m" : "");
	assert_string_equal(got, want);
	assert_true(rules[0].allow);
}

static void rules(void **state)
{
	(void)state;
	rule_is("c 42:* rwm", "c 42:-1 rwm");
	rule_is("b *:7 r", "b -1:7 r");
	rule_is("c 4294967295:0 mw", "c 4294967295:0 wm");
	rule_is("a *:* rwm", "a -1:-1 rwm");
	rule_is("a 42:* rwm", "b 42:-1 rwm, c 42:-1 rwm");
	rule_is("a *:* r", "b -1:-1 r, c -1:-1 r");
}

static void bad_rules(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",         "c",           "c 1:2",      "c 1 r",
		"c 1:2: r", "d 1:2 r",     "cc 1:2 r",   " 1:2 r",
		"c -1:2 r", "c 1:2 ",      "c 1:2 x",    "c 1:2 rr",
		"c 1:2 r ", "c  1:2 r",    "c 1:** r",   "c 4294967296:0 r",
		"c : r",    "c 0x1:2 rwm", "c 1:2 rwmr", "p 1:2 rwm"
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		DeviceRule r[2];
		Err e = { 0 };
		if (device_rule_parse(bad[i], &a, r, &e) >= 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, arena_printf(&a, "--device-cgroup-rule '%s': not of the form",
							   bad[i])));
	}
}

static void zones_that_are_no_names(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",        "/etc/passwd", "..",   "../x",  "Europe/../../x",
		"Europe/", ".",           "a//b", "./UTC", "Europe/.hidden"
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SpecMount m = { 0 };
		Err e = { 0 };
		if (time_zone_mount(bad[i], &a, &m, &e) >= 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, arena_printf(&a, "time zone '%s': not a name", bad[i])));
		assert_null(m.source);
	}
}

static void zones_that_the_host_does_not_have(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SpecMount m;
	Err e = { 0 };
	assert_true(time_zone_mount("Nowhere/At_All", &a, &m, &e) < 0);
	assert_string_equal(e.msg,
			    "time zone 'Nowhere/At_All': the host has no /usr/share/zoneinfo/Nowhere/At_All");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices),
		cmocka_unit_test(bad_devices),
		cmocka_unit_test(rules),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(zones_that_are_no_names),
		cmocka_unit_test(zones_that_the_host_does_not_have),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
