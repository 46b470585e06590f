#include "unit.h"

#include <string.h>

#include "kern/kmsg.h"

static void records_have_a_time_and_a_text(void **state)
{
	char record[] = "6,32190,12592984262,-,caller=T1;oom-kill:task=stress,pid=1;more\n SUBSYSTEM=x\n";
	const char *text;
	uint64_t us;
	(void)state;
	assert_int_equal(kmsg_parse(record, &us, &text), 0);
	assert_true(us == 12592984262);
	assert_string_equal(text, "oom-kill:task=stress,pid=1;more");
}

static void what_is_no_record_is_refused(void **state)
{
	const char *const bad[] = {
		"", "text", "6;text", "6,1;text", "6,1,x,-;text", "6,1,;text", "6,1,-5,-;text"
	};
	const char *text;
	uint64_t us;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char record[64];
		(void)snprintf(record, sizeof record, "%s", bad[i]);
		assert_int_equal(kmsg_parse(record, &us, &text), -EINVAL);
	}
}

static bool count_one(const char *text, void *arg)
{
	unsigned *count = arg;
	assert_true(strlen(text) < 8192 && !strchr(text, '\n'));
	return ++*count < 3;
}

static void the_log_is_read_up_to_its_end(void **state)
{
	unsigned count = 0;
	(void)state;
	int r = kmsg_each(0, count_one, &count);
	if (r == -EPERM || r == -ENOENT || r == -EACCES) {
		print_message("the kernel's log cannot be read here\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_true(count <= 3);
	count = 0;
	assert_int_equal(kmsg_each(UINT64_MAX, count_one, &count), 0);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_have_a_time_and_a_text),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(the_log_is_read_up_to_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
