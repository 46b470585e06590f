/* What is said of a request without looking at the host. */
#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "base/own.h"
#include "engine/request_check.h"

static RunRequest request(void)
{
	RunRequest q;
	run_request_init(&q);
	q.rootfs = "root";
	return q;
}

static void accepted(const RunRequest *q)
{
	Err e = { 0 };
	if (request_check(q, &e) < 0)
		fail_msg("%s", e.msg);
}

static void refused(const RunRequest *q, const char *msg)
{
	Err e = { 0 };
	assert_true(request_check(q, &e) < 0);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.msg, msg);
}

static void a_request_that_says_nothing_is_fine(void **state)
{
	(void)state;
	RunRequest q = request();
	accepted(&q);
	q.rootfs = NULL;
	refused(&q, "running an image is not there yet; give --rootfs DIR");
}

static void names(void **state)
{
	(void)state;
	static const char *const good[] = { "ab", "A_b.c-1", "00" };
	static const char *const bad[] = { "a",   "",    ".a",   "-a",
					   "a b", "a/b", "a\nb", "\xc3\xa4\xc3\xa4" };
	char longest[LIMIT_NAME + 2] = "", msg[256];
	RunRequest q = request();
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		q.name = good[i];
		accepted(&q);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		q.name = bad[i];
		(void)str_format(msg, sizeof msg,
				 "name '%s': 2 to %u letters, digits and any of '_.-' are allowed, beginning with a letter or digit",
				 bad[i], LIMIT_NAME);
		refused(&q, msg);
	}
	memset(longest, 'a', LIMIT_NAME);
	q.name = longest;
	accepted(&q);
	longest[LIMIT_NAME] = 'a';
	assert_true(request_check(&q, NULL) < 0);
}

static void host_and_domain_names(void **state)
{
	(void)state;
	static const char *const good[] = { "a", "some.host-1", "\xc3\xa4", "_" };
	static const char *const bad[] = { "",    "a b", "a\tb",      "a\nb",      "a\rb",
					   "a/b", "a#b", "\x1b[31ma", "\xc2\x9bx", "a\x7f" };
	char longest[LIMIT_HOST_NAME + 2] = "", msg[256];
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		RunRequest q = request();
		q.hostname = q.domainname = good[i];
		accepted(&q);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		RunRequest host = request(), domain = request();
		host.hostname = domain.domainname = bad[i];
#define WHY \
	" name '%s': 1 to %u characters without space, control characters, '/' and '#' are allowed"
		(void)str_format(msg, sizeof msg, "host" WHY, bad[i], LIMIT_HOST_NAME);
		refused(&host, msg);
		(void)str_format(msg, sizeof msg, "domain" WHY, bad[i], LIMIT_HOST_NAME);
		refused(&domain, msg);
	}
	RunRequest q = request();
	memset(longest, 'a', LIMIT_HOST_NAME);
	q.hostname = longest;
	accepted(&q);
	longest[LIMIT_HOST_NAME] = 'a';
	assert_true(request_check(&q, NULL) < 0);
}

static void names_are_not_given_to_the_host(void **state)
{
	(void)state;
	RunRequest host = request(), domain = request();
	host.hostname = domain.domainname = "box";
	host.uts = domain.uts = "host";
	refused(&host, "--hostname and --uts host exclude each other");
	refused(&domain, "--domainname and --uts host exclude each other");
}

static void namespaces(void **state)
{
	(void)state;
	RunRequest q = request(), bad;
	q.network = "none";
	q.pid = q.ipc = q.uts = q.cgroupns = "private";
	accepted(&q);
	q.network = q.pid = q.ipc = q.uts = q.cgroupns = "host";
	accepted(&q);
	bad = q;
	bad.network = "bridge";
	refused(&bad, "--network bridge is not there yet; 'none' and 'host' are");
	bad = q;
	bad.pid = "container:x";
	refused(&bad, "--pid container:x is not there yet; 'private' and 'host' are");
	bad = q;
	bad.ipc = "shareable";
	refused(&bad, "--ipc shareable is not there yet; 'private' and 'host' are");
	bad = q;
	bad.uts = "x";
	refused(&bad, "--uts x is not there yet; 'private' and 'host' are");
	bad = q;
	bad.cgroupns = "x";
	refused(&bad, "--cgroupns x is not there yet; 'private' and 'host' are");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_that_says_nothing_is_fine),
		cmocka_unit_test(names),
		cmocka_unit_test(host_and_domain_names),
		cmocka_unit_test(names_are_not_given_to_the_host),
		cmocka_unit_test(namespaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
