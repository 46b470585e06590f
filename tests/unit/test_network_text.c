#include "unit.h"

#include <string.h>

#include "engine/network_text.h"

#define HOST \
	"# made by hand\nnameserver 10.0.0.1\n  nameserver\t10.0.0.2\nsearch old.example\ndomain old\noptions rotate\nsortlist 1.2.3.4\n"

static StrList list_of(Arena *a, const char *words)
{
	return *words ? str_split(a, words, ' ') : (StrList){ 0 };
}

static void expect_hosts(const char *words, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList add = list_of(&a, words);
	Err e = { 0 };
	const char *text = NULL;
	int r = network_hosts_lines(&add, &a, &text, &e);
	assert_int_equal(r < 0, want == NULL);
	if (want)
		assert_string_equal(text, want);
	else
		assert_int_equal(e.kind, ERR_USAGE);
}

static void expect_resolver(const char *servers, const char *search, const char *options,
			    const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const ResolverOptions o = { list_of(&a, servers), list_of(&a, search), list_of(&a, options) };
	Err e = { 0 };
	const char *text = NULL;
	int r = network_resolver_text(HOST, &o, &a, &text, &e);
	assert_int_equal(r < 0, want == NULL);
	if (want)
		assert_string_equal(text, want);
	else
		assert_int_equal(e.kind, ERR_USAGE);
}

static void hosts_lines_are_address_and_name(void **state)
{
	(void)state;
	expect_hosts("", "");
	expect_hosts("db:10.0.0.7", "10.0.0.7\tdb\n");
	expect_hosts("db=10.0.0.7 x:::1 y=[fe80::1]", "10.0.0.7\tdb\n::1\tx\nfe80::1\ty\n");
}

static void hosts_lines_that_are_none(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"db",           "db:",           ":10.0.0.1",    "db:10.0.0",       "db:10.0.0.1.2",
		"db:[10.0.0.1", "d\nb:10.0.0.1", "#db:10.0.0.1", "db:host-gateway", "="
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_hosts(bad[i], NULL);
}

static void the_resolver_s_file_is_the_host_s_but_for_what_is_given(void **state)
{
	(void)state;
	expect_resolver("", "", "", HOST);
	expect_resolver("192.0.2.1 ::1", "", "",
			"# made by hand\nsearch old.example\ndomain old\noptions rotate\nsortlist 1.2.3.4\n"
			"nameserver 192.0.2.1\nnameserver ::1\n");
	expect_resolver("", "a b", "",
			"# made by hand\nnameserver 10.0.0.1\n  nameserver\t10.0.0.2\noptions rotate\nsortlist 1.2.3.4\nsearch a b\n");
	expect_resolver("", ".", "",
			"# made by hand\nnameserver 10.0.0.1\n  nameserver\t10.0.0.2\noptions rotate\nsortlist 1.2.3.4\n");
	expect_resolver("", "", "ndots:2 debug",
			"# made by hand\nnameserver 10.0.0.1\n  nameserver\t10.0.0.2\nsearch old.example\ndomain old\nsortlist 1.2.3.4\n"
			"options ndots:2 debug\n");
}

static void what_would_add_lines_is_refused(void **state)
{
	(void)state;
	expect_resolver("10.0.0.1\nx", "", "", NULL);
	expect_resolver("nowhere", "", "", NULL);
	expect_resolver("", "a\nnameserver", "", NULL);
	expect_resolver("", "", "a\tb", NULL);
	expect_resolver("", "a#b", "", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_lines_are_address_and_name),
		cmocka_unit_test(hosts_lines_that_are_none),
		cmocka_unit_test(the_resolver_s_file_is_the_host_s_but_for_what_is_given),
		cmocka_unit_test(what_would_add_lines_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
