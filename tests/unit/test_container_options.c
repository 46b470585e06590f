/* Options of `run` about the container as such: from their strings to what is done. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "engine/container_options.h"
#include "engine/id_files.h"

static Arena arena;
static RunRequest request;
static Err err;

static int setup(void **state)
{
	(void)state;
	run_request_init(&request);
	err = (Err){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static ContainerOptions read_options(void)
{
	ContainerOptions o;
	if (container_options_read(&request, &arena, &o, &err) < 0)
		fail_msg("%s", err.msg);
	return o;
}

static void refuse(const char *message)
{
	ContainerOptions o;
	assert_true(container_options_read(&request, &arena, &o, &err) < 0);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_string_equal(err.msg, message);
	setup(NULL);
}

static void add(StrList *l, const char *text)
{
	strlist_add(&arena, l, text);
}

static void the_defaults(void **state)
{
	(void)state;
	ContainerOptions o = read_options();
	assert_true(o.stdout_attached && o.stderr_attached);
	assert_int_equal(o.keep_fds_count, 0);
	assert_int_equal(o.labels_count, 0);
	assert_int_equal(o.stop_signal, SIGTERM);
	assert_int_equal(o.stop_timeout, 10);
	assert_true(request.sig_proxy);
}

static void streams_to_attach(void **state)
{
	static const struct {
		const char *words[2];
		bool out, err;
	} cases[] = { { { "stdout" }, true, false },
		      { { "STDERR" }, false, true },
		      { { "stdin" }, false, false },
		      { { "stdin", "Stdout" }, true, false },
		      { { "stderr", "stdout" }, true, true } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		request.attach = (StrList){ 0 };
		for (size_t k = 0; k < 2 && cases[i].words[k]; k++)
			add(&request.attach, cases[i].words[k]);
		ContainerOptions o = read_options();
		assert_int_equal(o.stdout_attached, cases[i].out);
		assert_int_equal(o.stderr_attached, cases[i].err);
	}
	add(&request.attach, "stdlog");
	refuse("--attach 'stdlog': not one of stdin, stdout and stderr");
	add(&request.attach, "");
	refuse("--attach '': not one of stdin, stdout and stderr");
}

static void how_to_stop(void **state)
{
	static const struct {
		const char *text;
		int signal;
	} good[] = { { "SIGINT", 2 }, { "quit", 3 }, { "9", 9 }, { "SIGRTMIN+3", 37 }, { "rtmax", 64 } };
	static const char *const bad[] = { "", "0", "65", "SIGNONE", "RTMIN+31", "-1", "9x" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		request.stop_signal = good[i].text;
		assert_int_equal(read_options().stop_signal, good[i].signal);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		request.stop_signal = bad[i];
		refuse(arena_printf(&arena, "--stop-signal '%s': not a signal such as SIGINT, 2 or RTMIN+3",
				    bad[i]));
	}
	request.stop_timeout = -1;
	assert_int_equal(read_options().stop_timeout, -1);
	request.stop_timeout = 0;
	assert_int_equal(read_options().stop_timeout, 0);
	request.stop_timeout = -2;
	refuse("--stop-timeout -2: not a number of seconds (-1: wait for ever)");
	request.timeout = -1;
	refuse("--timeout -1: not a number of seconds");
}

static void labels_as_docker_takes_them(void **state)
{
	(void)state;
	add(&request.labels, "a=1");
	add(&request.labels, "empty");
	add(&request.labels, "b=x=y z");
	add(&request.labels, "a=2");
	ContainerOptions o = read_options();
	assert_int_equal(o.labels_count, 3);
	assert_string_equal(o.labels[0].key, "a");
	assert_string_equal(o.labels[0].value, "2"); /* the last one wins, in the place of the first */
	assert_string_equal(o.labels[1].value, "");
	assert_string_equal(o.labels[2].value, "x=y z");
	setup(NULL);
	add(&request.labels, "=1");
	refuse("--label '=1': the key is empty");
	add(&request.labels, "");
	refuse("--label '': the key is empty");
	add(&request.labels, "a b=1");
	refuse("--label 'a b': white space in the key");
	add(&request.labels, "a\t=1");
	refuse("--label 'a\t': white space in the key");
	add(&request.labels, "a=\xff");
	refuse("--label 'a=\xff': not UTF-8");
}

static void annotations_have_fewer_rules(void **state)
{
	(void)state;
	StrList texts = { 0 };
	SpecPair *pairs;
	size_t count;
	add(&texts, "run.oci/x y=1");
	add(&texts, "alone");
	assert_int_equal(container_options_pairs("--annotation", &texts, &arena, &pairs, &count, &err),
			 0);
	assert_int_equal(count, 2);
	assert_string_equal(pairs[0].key, "run.oci/x y");
	assert_string_equal(pairs[1].value, "");
	add(&texts, "=x");
	assert_true(container_options_pairs("--annotation", &texts, &arena, &pairs, &count, &err) < 0);
	assert_string_equal(err.msg, "--annotation '=x': the key is empty");
}

/* Whatever the test has inherited: descriptors of ours at places that are free. */
static int open_at(int fd)
{
	AUTO(fd_close) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(dup2(null, fd), fd);
	return fd;
}

static void descriptors_must_be_open(void **state)
{
	(void)state;
	int a = open_at(80), b = open_at(90);
	add(&request.preserve_fd, "");
	assert_int_equal(read_options().keep_fds_count, 0);
	add(&request.preserve_fd, "90,80");
	add(&request.preserve_fd, "80");
	ContainerOptions o = read_options();
	assert_int_equal(o.keep_fds_count, 3);
	assert_int_equal(o.keep_fds[0], 90);
	assert_int_equal(o.keep_fds[1], 80);
	add(&request.preserve_fd, "81");
	refuse("descriptor 81 is to be preserved, but is not open");
	add(&request.preserve_fd, "80,2");
	refuse("--preserve-fd '80,2': '2' is not a descriptor from 3 on");
	add(&request.preserve_fd, "80,");
	refuse("--preserve-fd '80,': '' is not a descriptor from 3 on");
	add(&request.preserve_fd, "x");
	refuse("--preserve-fd 'x': 'x' is not a descriptor from 3 on");
	request.preserve_fds = 100000;
	assert_true(container_options_read(&request, &arena, &o, &err) < 0);
	assert_non_null(strstr(err.msg, "is to be preserved, but is not open"));
	request.preserve_fds = -1;
	refuse("--preserve-fds -1: not a number of descriptors");
	request.preserve_fds = 1;
	add(&request.preserve_fd, "80");
	refuse("--preserve-fds and --preserve-fd exclude each other");
	fd_close(a);
	fd_close(b);
}

/* ---- files ---- */

static char folder[] = "/tmp/unit-ids.XXXXXX";

static const char *file(const char *name)
{
	return arena_printf(&arena, "%s/%s", folder, name);
}

static void expect_text(const char *path, const char *want)
{
	char text[128];
	assert_true(fd_read_text_at(AT_FDCWD, path, text, sizeof text) >= 0);
	assert_string_equal(text, want);
}

static void an_id_file_is_new(void **state)
{
	(void)state;
	assert_ptr_equal(mkdtemp(folder), folder);
	const char *path = file("cid");
	assert_int_equal(cid_file_make(path, "0123", &err), 0);
	expect_text(path, "0123");
	assert_true(cid_file_make(path, "4567", &err) < 0);
	assert_int_equal(err.kind, ERR_EXISTS);
	assert_non_null(strstr(err.msg, path));
	expect_text(path, "0123");
	assert_true(cid_file_make(file("no/cid"), "4567", &err) == -ENOENT);
	assert_int_equal(symlink("nowhere", file("link")), 0);
	assert_true(cid_file_make(file("link"), "4567", &err) < 0); /* docker makes what it leads to */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(file("link")), 0);
}

static void a_pid_file_keeps_its_text_until_there_is_a_pid(void **state)
{
	(void)state;
	PidFile f;
	const char *path = file("pid");
	assert_int_equal(pid_file_open(path, &f, &err), 0);
	assert_true(f.is_new);
	assert_int_equal(pid_file_write(&f, 123456, &err), 0);
	pid_file_close(&f);
	expect_text(path, "123456");
	assert_int_equal(pid_file_open(path, &f, &err), 0);
	assert_false(f.is_new);
	expect_text(path, "123456");
	assert_int_equal(pid_file_write(&f, 7, &err), 0);
	pid_file_close(&f);
	expect_text(path, "7");
	assert_int_equal(unlink(path), 0);
	assert_true(pid_file_open(file("no/pid"), &f, &err) == -ENOENT);
	assert_int_equal(mkfifo(file("fifo"), 0600), 0);
	assert_true(pid_file_open(file("fifo"), &f, &err) == -ENXIO); /* at once: nobody reads it */
	assert_int_equal(unlink(file("fifo")), 0);
	assert_true(pid_file_open(folder, &f, &err) == -EISDIR);
	assert_int_equal(rmdir(folder), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_defaults),
		TEST(streams_to_attach),
		TEST(how_to_stop),
		TEST(labels_as_docker_takes_them),
		TEST(annotations_have_fewer_rules),
		TEST(descriptors_must_be_open),
		TEST(an_id_file_is_new),
		TEST(a_pid_file_keeps_its_text_until_there_is_a_pid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
