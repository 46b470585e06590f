#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <linux/mount.h>

/* libcap has a function of the same name as one of ours. */
#define cap_from_name libcap_from_name
#include <sys/capability.h>
#undef cap_from_name

#include "base/caps.h"
#include "base/errno_names.h"
#include "base/mount_words.h"
#include "base/own.h"
#include "base/rlimits.h"
#include "base/signals.h"

static void capabilities_are_those_of_libcap(void **state)
{
	(void)state;
	for (int n = 0; n < CAP_COUNT; n++) {
		char *theirs = cap_to_name(n);
		assert_non_null(theirs);
		assert_int_equal(cap_from_name(theirs), n);
		assert_int_equal(strcasecmp(theirs, cap_name(n)), 0);
		cap_free(theirs);
	}
	assert_int_equal(CAP_COUNT, CAP_LAST_CAP + 1);
	assert_null(cap_name(CAP_COUNT));
	assert_null(cap_name(-1));
}

static void capability_names_have_many_forms(void **state)
{
	(void)state;
	assert_int_equal(cap_from_name("chown"), 0);
	assert_int_equal(cap_from_name("Cap_Sys_Admin"), CAP_SYS_ADMIN);
	assert_int_equal(cap_from_name("CAP_"), -ENOENT);
	assert_int_equal(cap_from_name(""), -ENOENT);
	assert_int_equal(cap_from_name("CAP_CAP_CHOWN"), -ENOENT);
	assert_int_equal(cap_from_name("ALL"), -ENOENT);
	assert_int_equal(cap_from_name("0"), -ENOENT);
}

static void signals_have_the_numbers_of_the_system(void **state)
{
	(void)state;
	for (int n = 1; n < 32; n++) {
		assert_non_null(signal_name(n));
		assert_int_equal(signal_from_name(signal_name(n)), n);
		assert_int_equal(signal_from_name(signal_name(n) + 3), n);
#ifdef __GLIBC__
		assert_string_equal(signal_name(n) + 3, n == SIGIO ? "IO" : sigabbrev_np(n));
#endif
	}
	for (int n = SIGNAL_RT_MIN; n <= SIGNAL_MAX; n++)
		assert_int_equal(signal_from_name(signal_name(n)), n);
}

static void signal_names_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int number;
	} cases[] = {
		{ "TERM", 15 },         { "SIGTERM", 15 },      { "term", 15 },
		{ "15", 15 },           { "RTMIN", 34 },        { "RTMIN+3", 37 },
		{ "SIGRTMAX-1", 63 },   { "sigrtmax", 64 },     { "64", 64 },
		{ "IOT", 6 },           { "SIGPOLL", 29 },      { "65", -EINVAL },
		{ "0", -EINVAL },       { "", -EINVAL },        { "BOGUS", -EINVAL },
		{ "SIG", -EINVAL },     { "-1", -EINVAL },      { "RTMIN+31", -EINVAL },
		{ "RTMIN-1", -EINVAL }, { "RTMAX+1", -EINVAL }, { "15 ", -EINVAL },
		{ "SIG15", -EINVAL },   { "RT", -EINVAL },      { "RTMIN+", -EINVAL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(signal_from_name(cases[i].name), cases[i].number);
	assert_string_equal(signal_name(37), "SIGRTMIN+3");
	assert_string_equal(signal_name(63), "SIGRTMAX-1");
	assert_string_equal(signal_name(32), "SIG32");
	assert_null(signal_name(0));
	assert_null(signal_name(65));
}

static void rlimits_are_complete(void **state)
{
	(void)state;
	assert_int_equal(RLIMIT_NAME_COUNT, RLIM_NLIMITS);
	for (int i = 0; i < RLIMIT_NAME_COUNT; i++) {
		char lower[32];
		snprintf(lower, sizeof lower, "%s", rlimit_name(i) + 7);
		for (char *p = lower; *p; p++)
			*p = (char)tolower(*p);
		assert_int_equal(rlimit_from_name(rlimit_name(i)), i);
		assert_int_equal(rlimit_from_name(lower), i);
	}
	assert_int_equal(rlimit_from_name("nofile"), RLIMIT_NOFILE);
	assert_int_equal(rlimit_from_name("nofiles"), -ENOENT);
	assert_int_equal(rlimit_from_name(""), -ENOENT);
	assert_null(rlimit_name(RLIM_NLIMITS));
}

/* Every word of config.md's table is known: MUST, SHOULD and MAY. */
static void mount_words_of_the_specification_are_known(void **state)
{
	(void)state;
	static const char *const spec[] = {
		"async",          "atime",      "bind",         "defaults",    "dev",
		"diratime",       "dirsync",    "exec",         "iversion",    "lazytime",
		"loud",           "mand",       "noatime",      "nodev",       "nodiratime",
		"noexec",         "noiversion", "nolazytime",   "nomand",      "norelatime",
		"nostrictatime",  "nosuid",     "nosymfollow",  "private",     "ratime",
		"rbind",          "rdev",       "rdiratime",    "relatime",    "remount",
		"rexec",          "rnoatime",   "rnodiratime",  "rnoexec",     "rnorelatime",
		"rnostrictatime", "rnosuid",    "rnosymfollow", "ro",          "rprivate",
		"rrelatime",      "rro",        "rrw",          "rshared",     "rslave",
		"rstrictatime",   "rsuid",      "rsymfollow",   "runbindable", "rw",
		"shared",         "silent",     "slave",        "strictatime", "suid",
		"symfollow",      "sync",       "tmpcopyup",    "unbindable",  "idmap",
		"ridmap",
	};
	for (size_t i = 0; i < ARRAY_LEN(spec); i++)
		if (!mount_word_find(spec[i]))
			fail_msg("no mount word '%s'", spec[i]);
	assert_null(mount_word_find("size=64m"));
	assert_null(mount_word_find(""));
	assert_null(mount_word_find("RO"));
	assert_true(mount_word_find("rslave")->propagation == (MS_SLAVE | MS_REC));
	assert_true(mount_word_find("rbind")->recursive);
	assert_int_equal(mount_word_find("rro")->attr_set, MOUNT_ATTR_RDONLY);
	assert_true(mount_word_find("rro")->recursive);
	assert_false(mount_word_find("ro")->recursive);
}

static void check_fold(const char *const *list, uint64_t want_set, uint64_t want_clear)
{
	uint64_t set = 0, clear = 0;
	for (; *list; list++)
		mount_word_fold_attr(mount_word_find(*list), &set, &clear);
	assert_int_equal(set, want_set);
	assert_int_equal(clear, want_clear);
}
#define CHECK_FOLD(set, clear, ...) \
	check_fold((const char *const[]){ __VA_ARGS__, NULL }, (set), (clear))

static void the_last_mount_word_wins(void **state)
{
	(void)state;
	const uint64_t atime = MOUNT_ATTR__ATIME;
	CHECK_FOLD(MOUNT_ATTR_RDONLY, 0, "rw", "ro");
	CHECK_FOLD(0, MOUNT_ATTR_RDONLY, "ro", "rw");
	CHECK_FOLD(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, "nosuid", "nodev",
		   "noexec", "exec");
	CHECK_FOLD(MOUNT_ATTR_NOATIME, atime, "noatime");
	CHECK_FOLD(MOUNT_ATTR_STRICTATIME, atime, "noatime", "strictatime");
	CHECK_FOLD(0, atime, "noatime", "relatime");
	CHECK_FOLD(0, atime, "strictatime", "nostrictatime");
	CHECK_FOLD(MOUNT_ATTR_NOATIME, atime, "noatime", "nostrictatime");
	CHECK_FOLD(0, 0, "norelatime");
}

static void errors_have_the_numbers_of_the_system(void **state)
{
	(void)state;
	assert_int_equal(errno_from_name("EPERM"), EPERM);
	assert_int_equal(errno_from_name("ENOSYS"), ENOSYS);
	assert_int_equal(errno_from_name("EHWPOISON"), EHWPOISON);
	assert_int_equal(errno_from_name("EWOULDBLOCK"), EAGAIN);
	assert_int_equal(errno_from_name("ENOTSUP"), ENOTSUP);
	assert_int_equal(errno_from_name("EDEADLOCK"), EDEADLK);
#ifdef __GLIBC__
	for (int n = 1; n <= EHWPOISON; n++) {
		const char *name = strerrorname_np(n);
		if (name)
			assert_int_equal(errno_from_name(name), n);
	}
#endif
	static const char *const none[] = { "",      "-", "EPER",         "EPERMX",
					    "eperm", "E", "EPERM ENOENT", "1" };
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(errno_from_name(none[i]), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_are_those_of_libcap),
		cmocka_unit_test(capability_names_have_many_forms),
		cmocka_unit_test(signals_have_the_numbers_of_the_system),
		cmocka_unit_test(signal_names_are_read),
		cmocka_unit_test(rlimits_are_complete),
		cmocka_unit_test(errors_have_the_numbers_of_the_system),
		cmocka_unit_test(mount_words_of_the_specification_are_known),
		cmocka_unit_test(the_last_mount_word_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
