/* What is said to criu and heard from it, byte by byte. */
#include "unit.h"

#include <string.h>

#include "base/arena.h"
#include "criu/message.h"

static void bytes_are(const PbWriter *w, const char *expected, size_t len)
{
	assert_int_equal(w->len, len);
	assert_memory_equal(w->data, expected, len);
}

/* The examples of the encoding's own description. */
static void numbers_and_texts(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	PbWriter w = { .arena = &a }, text = { .arena = &a }, outer = { .arena = &a };
	pb_number(&w, 1, 150);
	bytes_are(&w, "\x08\x96\x01", 3);
	pb_string(&text, 2, "testing");
	bytes_are(&text, "\x12\x07testing", 9);
	pb_message(&outer, 3, &w);
	bytes_are(&outer, "\x1a\x03\x08\x96\x01", 5);
	pb_string(&outer, 4, NULL);
	assert_int_equal(outer.len, 5);
	PbWriter flag = { .arena = &a };
	pb_flag(&flag, 16, true);
	bytes_are(&flag, "\x80\x01\x01", 3);
	PbWriter all = { .arena = &a };
	pb_number(&all, 1, UINT64_MAX);
	bytes_are(&all, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
}

static void what_was_written_is_read(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	PbWriter w = { .arena = &a };
	for (unsigned i = 1; i < 500; i++) { /* grows more than once */
		pb_number(&w, i, (uint64_t)i << i % 50);
		pb_string(&w, i, "some text");
	}
	PbReader r = { .data = w.data, .len = w.len };
	PbField f;
	for (unsigned i = 1; i < 500; i++) {
		assert_int_equal(pb_next(&r, &f), 1);
		assert_int_equal(f.number, i);
		assert_int_equal(f.value, (uint64_t)i << i % 50);
		assert_null(f.bytes.data);
		assert_int_equal(pb_next(&r, &f), 1);
		assert_int_equal(f.bytes.len, 9);
		assert_memory_equal(f.bytes.data, "some text", 9);
	}
	assert_int_equal(pb_next(&r, &f), 0);
}

static void what_is_cut_or_odd_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "\x08", 1 },         /* no value */
		{ "\x08\xff", 2 },     /* an unfinished number */
		{ "\x12\x07test", 6 }, /* shorter than it says */
		{ "\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10 },
		{ "\x0b\x00", 2 },         /* a group, which nobody writes */
		{ "\x00\x01", 2 },         /* field 0 */
		{ "\x09\x01\x02\x03", 4 }, /* half of eight bytes */
		{ "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 }, /* a number of eleven bytes */
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		PbReader r = { .data = (const uint8_t *)bad[i].bytes, .len = bad[i].len };
		PbField f;
		assert_int_equal(pb_next(&r, &f), -EBADMSG);
	}
}

/* The value of a field of a request's options; -1: it has none. */
static int64_t option_of(PbReader request, unsigned number, PbField *ret)
{
	PbField f;
	while (pb_next(&request, &f) == 1)
		if (f.number == 2)
			for (PbReader inner = f.bytes; pb_next(&inner, ret) == 1;)
				if (ret->number == number)
					return (int64_t)ret->value;
	return -1;
}

static void a_dump_says_what_it_wants(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	CriuPair mount = { .key = "/data", .value = "/name" };
	CriuOptions o = { .images_fd = 7,
			  .work_fd = -1,
			  .pid = 1234,
			  .log_file = "dump.log",
			  .leave_running = true,
			  .cgroups = CRIU_CGROUPS_STRICT,
			  .mounts = { .items = &mount, .count = 1 },
			  .page_address = "::1",
			  .page_port = 900 };
	PbField f;
	PbReader r = criu_request(CRIU_DUMP, &o, &a);
	assert_memory_equal(r.data, "\x08\x01\x12", 3); /* type, then options */
	assert_int_equal(option_of(r, 1, &f), 7);
	assert_int_equal(option_of(r, 2, &f), 1234);
	assert_int_equal(option_of(r, 3, &f), 1);
	assert_int_equal(option_of(r, 5, &f), 0);
	assert_int_equal(option_of(r, 17, &f), -1); /* no directory of its own for work */
	assert_int_equal(option_of(r, 26, &f), -1); /* nothing of a restore */
	assert_int_equal(option_of(r, 34, &f), 5);
	assert_int_equal(option_of(r, 24, &f), 1);
	assert_int_equal(option_of(r, 50, &f), 1);
	assert_int_equal(option_of(r, 10, &f), 0);
	assert_memory_equal(f.bytes.data, "dump.log", 8);
	assert_int_equal(option_of(r, 23, &f), 0);
	assert_memory_equal(f.bytes.data, "\x0a\x05/data\x12\x05/name", f.bytes.len);
	assert_int_equal(option_of(r, 11, &f), 0);
	assert_memory_equal(f.bytes.data, "\x0a\x03::1\x10\x84\x07", f.bytes.len);
	assert_int_equal(option_of(r, 14, &f), -1);
}

static void a_restore_says_more(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	CriuFd fd = { .key = "extRootNetNS", .fd = 9 };
	CriuPair roots[] = { { .key = "cpu,cpuacct", .value = "/a" }, { .key = NULL, .value = "/b" } };
	CriuOptions o = { .images_fd = 3,
			  .work_fd = 4,
			  .restores = true,
			  .inherited = { .items = &fd, .count = 1 },
			  .cgroup_roots = { .items = roots, .count = 2 } };
	PbField f;
	PbReader r = criu_request(CRIU_RESTORE, &o, &a);
	assert_memory_equal(r.data, "\x08\x02\x12", 3);
	assert_int_equal(option_of(r, 2, &f), -1); /* nobody to dump */
	assert_int_equal(option_of(r, 17, &f), 4);
	assert_int_equal(option_of(r, 26, &f), 1);
	assert_int_equal(option_of(r, 6, &f), 1);
	assert_int_equal(option_of(r, 27, &f), 0);
	assert_memory_equal(f.bytes.data,
			    "\x0a\x0c"
			    "extRootNetNS"
			    "\x10\x09",
			    f.bytes.len);
	assert_int_equal(option_of(r, 25, &f), 0);
	assert_memory_equal(f.bytes.data,
			    "\x0a\x0b"
			    "cpu,cpuacct"
			    "\x12\x02/a",
			    f.bytes.len);
}

static CriuResponse response(const char *bytes, size_t len, Arena *a)
{
	CriuResponse r;
	Err e = { 0 };
	if (criu_response((PbReader){ .data = (const uint8_t *)bytes, .len = len }, a, &r, &e) < 0)
		fail_msg("%s", e.msg);
	return r;
}

static void responses(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	static const char notify[] = "\x08\x06\x10\x01\x2a\x0d\x0a\x09post-dump\x10\x2a";
	CriuResponse r = response(notify, sizeof notify - 1, &a);
	assert_int_equal(r.kind, CRIU_NOTIFY);
	assert_string_equal(r.script, "post-dump");
	assert_int_equal(r.pid, 42);
	assert_true(r.success);
	static const char failed[] = "\x08\x01\x10\x00\x38\x34\x4a\x03"
				     "why"
				     "\xf8\x07\x01"; /* and a field of the future */
	r = response(failed, sizeof failed - 1, &a);
	assert_int_equal(r.kind, CRIU_DUMP);
	assert_false(r.success);
	assert_null(r.script);
	assert_int_equal(r.number, 52);
	assert_string_equal(r.why, "why");
	static const char restored[] = "\x08\x02\x10\x01\x22\x03\x08\xe8\x07";
	assert_int_equal(response(restored, sizeof restored - 1, &a).pid, 1000);
	static const char version[] = "\x08\x0a\x10\x01\x52\x06\x08\x03\x10\x11\x20\x01";
	assert_int_equal(response(version, sizeof version - 1, &a).version, 31701);
	static const char features[] = "\x08\x09\x10\x01\x42\x04\x08\x01\x10\x00";
	r = response(features, sizeof features - 1, &a);
	assert_true(r.tracks_memory && !r.has_lazy_pages);
}

static void what_is_no_response(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	static const char *const bad[] = { "", "\x10\x01", "\x08\x06\x2a\x05\x0a\x09post", "\x08" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CriuResponse r;
		Err e = { 0 };
		PbReader text = { .data = (const uint8_t *)bad[i], .len = strlen(bad[i]) };
		assert_int_equal(criu_response(text, &a, &r, &e), -EBADMSG);
		assert_non_null(strstr(e.msg, "criu"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_texts),
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(what_is_cut_or_odd_is_refused),
		cmocka_unit_test(a_dump_says_what_it_wants),
		cmocka_unit_test(a_restore_says_more),
		cmocka_unit_test(responses),
		cmocka_unit_test(what_is_no_response),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
