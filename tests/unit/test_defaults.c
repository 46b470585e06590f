/* Defaults of options from configuration files: what reaches the options, in which order, every error's text, and hostile files. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "cli/defaults.h"
#include "cli/run_options.h"
#include "fmt/spec.h"

typedef struct World {
	Arena arena;
	Defaults defaults;
	CliGlobal global;
	RunOpts opts;
	Err err;
	int r;
} World;

static void add_text(World *w, const char *path, const char *text)
{
	DefaultsFile *f = &w->defaults.files[w->defaults.count++];
	f->path = path;
	assert_int_equal(json_parse(text, strlen(text), &w->arena, &f->root, &w->err), 0);
}

/* Applies the texts of two files (NULL: only one) for `run`, without these keys, which are separated by '|'. */
static World apply_without(const char *first, const char *second, const char *keys)
{
	World w = { .arena = ARENA_EMPTY };
	StrList without = { 0 };
	if (*keys)
		without = str_split(&w.arena, keys, '|');
	add_text(&w, "one.json", first);
	if (second)
		add_text(&w, "two.json", second);
	cmd_run.opts_init(&w.opts);
	w.r = defaults_check_keys(&without, &w.err);
	if (w.r >= 0)
		w.r = defaults_apply(&w.defaults, &without, &cmd_run, &w.global, &w.opts, &w.arena,
				     &w.err);
	return w;
}

static World apply(const char *first, const char *second)
{
	return apply_without(first, second, "");
}

static void expect_error(const char *text, const char *msg)
{
	World w = apply(text, NULL);
	if (w.r >= 0)
		fail_msg("accepted: %s", text);
	assert_int_equal(w.err.kind, ERR_SPEC);
	assert_string_equal(w.err.msg, msg);
	arena_done(&w.arena);
}

static void values_reach_their_options(void **state)
{
	(void)state;
	World w = apply("{\"state\": \"/x\", \"debug\": true, \"run\": {\"memory\": \"512m\", \"pids-limit\": 100,"
			" \"cpus\": 1.5, \"user\": 1000, \"umask\": \"027\", \"memory-swap\": -1, \"cap-drop\": [\"ALL\"],"
			" \"group-add\": [\"sound\", 29], \"read-only\": true, \"rm\": false}}",
			NULL);
	const RunRequest *q = &w.opts.request;
	assert_int_equal(w.r, 0);
	assert_string_equal(w.global.state_dir, "/x");
	assert_true(w.global.debug);
	assert_true(q->memory == 512 << 20);
	assert_true(q->pids_limit == 100);
	assert_true(q->nano_cpus == 1500000000);
	assert_string_equal(q->user, "1000");
	assert_string_equal(q->umask, "027");
	assert_true(q->memory_swap == -1);
	assert_int_equal(q->cap_drop.count, 1);
	assert_int_equal(q->group_add.count, 2);
	assert_string_equal(q->group_add.items[1], "29");
	assert_true(q->read_only);
	assert_false(q->rm);
	arena_done(&w.arena);
}

static void later_scalars_win_and_lists_collect(void **state)
{
	(void)state;
	World w = apply(
		"{\"run\": {\"memory\": \"1g\", \"env\": [\"A=1\", \"B=1\"], \"tty\": true, \"net\": \"none\"}}",
		"{\"run\": {\"memory\": \"2g\", \"env\": [\"A=2\"], \"tty\": false, \"network\": \"host\"}}");
	assert_int_equal(w.r, 0);
	assert_true(w.opts.request.memory == (int64_t)2 << 30);
	assert_int_equal(w.opts.env.count, 3);
	assert_string_equal(w.opts.env.items[0], "A=1");
	assert_string_equal(w.opts.env.items[2], "A=2");
	assert_false(w.opts.request.tty);
	assert_string_equal(w.opts.request.network, "host");
	arena_done(&w.arena);
}

static void null_takes_away_what_the_first_file_says(void **state)
{
	(void)state;
	World w = apply("{\"debug\": true, \"state\": \"/x\", \"run\": {\"memory\": \"1g\", \"cap-drop\": [\"ALL\"], \"tty\": true}}",
			"{\"debug\": null, \"run\": {\"memory\": null, \"cap-drop\": null}}");
	assert_int_equal(w.r, 0);
	assert_false(w.global.debug);
	assert_string_equal(w.global.state_dir, "/x");
	assert_true(w.opts.request.memory == SPEC_UNSET);
	assert_int_equal(w.opts.request.cap_drop.count, 0);
	assert_true(w.opts.request.tty);
	arena_done(&w.arena);

	w = apply("{\"run\": {\"memory\": \"1g\", \"tty\": true}}", "{\"run\": null}");
	assert_int_equal(w.r, 0);
	assert_true(w.opts.request.memory == SPEC_UNSET);
	assert_false(w.opts.request.tty);
	arena_done(&w.arena);

	w = apply("{\"run\": {\"memory\": null}, \"info\": null}", NULL);
	assert_int_equal(w.r, 0);
	arena_done(&w.arena);
}

static void keys_can_be_left_out(void **state)
{
	(void)state;
	static const char text[] = "{\"state\": \"/x\", \"run\": {\"memory\": \"nonsense\", \"cap-drop\": [\"ALL\"]}}";
	World w = apply_without(text, NULL, "run.memory|state");
	assert_int_equal(w.r, 0);
	assert_null(w.global.state_dir);
	assert_true(w.opts.request.memory == SPEC_UNSET);
	assert_int_equal(w.opts.request.cap_drop.count, 1);
	arena_done(&w.arena);

	w = apply_without(text, NULL, "run");
	assert_int_equal(w.r, 0);
	assert_int_equal(w.opts.request.cap_drop.count, 0);
	arena_done(&w.arena);
}

static void keys_to_leave_out_must_exist(void **state)
{
	static const char *const wrong[] = { "run.memroy", "memory", "rum",   "rum.memory", "",
					     ".",          "run.",   "__cli", "run.a.b" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		StrList keys = { .items = (const char **)&wrong[i], .count = 1 };
		Err e = { 0 };
		char msg[128];
		assert_true(defaults_check_keys(&keys, &e) < 0);
		assert_int_equal(e.kind, ERR_USAGE);
		(void)str_format(msg, sizeof msg,
				 "--no-default takes keys such as run.memory or debug; there is no '%s'",
				 wrong[i]);
		assert_string_equal(e.msg, msg);
	}
}

static void errors_name_file_line_and_key(void **state)
{
	(void)state;
#define AT(line) "configuration file 'one.json', line " line ": "
	expect_error("{\n\"run\": {\n\"memroy\": 1}}",
		     AT("3") "there is no option run.memroy, did you mean run.memory?");
	expect_error("{\"xyzzy\": 1}", AT("1") "there is no option xyzzy");
	expect_error("{\"stat\": 1}", AT("1") "there is no option stat, did you mean state?");
	expect_error("{\"rnu\": 1}", AT("1") "there is no option rnu, did you mean run?");
	expect_error("{\"rnu\": {}}", AT("1") "unknown command 'rnu', did you mean 'run'?");
	expect_error("{\"exec\": {}}", AT("1") "command 'exec' is not there yet");
	expect_error("{\"__cli\": {}}", AT("1") "there is no option __cli");
	expect_error("{\"run\": []}",
		     AT("1") "run takes an object with the command's options, not an array");
	expect_error("{\"run\": {\"help\": true}}", AT("1") "there is no option run.help");
	expect_error("{\"run\": {\"\": true}}", AT("1") "there is no option run.");
	expect_error("{\"run\": {\"detach\": true}}", AT("1") "option run.detach is not there yet");
	expect_error("{\"run\": {\"memory\": \"5x\"}}",
		     AT("1") "invalid value '5x' for run.memory: not a size such as 512m or 1.5g");
	expect_error("{\"run\": {\"cpu-quota\": 1.5}}",
		     AT("1") "invalid value '1.5' for run.cpu-quota: not a whole number");
	expect_error("{\"run\": {\"pids-limit\": 99999999999999999999}}",
		     AT("1") "invalid value '99999999999999999999' for run.pids-limit: too large");
	expect_error("{\"run\": {\"memory\": true}}",
		     AT("1") "run.memory takes a string or a number, not a boolean");
	expect_error("{\"run\": {\"memory\": [1]}}",
		     AT("1") "run.memory takes a string or a number, not an array");
	expect_error("{\"run\": {\"user\": {}}}",
		     AT("1") "run.user takes a string or a number, not an object");
	expect_error("{\"run\": {\"tty\": \"true\"}}",
		     AT("1") "run.tty takes true or false, not a string");
	expect_error("{\"run\": {\"tty\": 1}}", AT("1") "run.tty takes true or false, not a number");
	expect_error("{\"run\": {\"env\": \"A=1\"}}",
		     AT("1") "run.env takes an array of strings, not a string");
	expect_error("{\"run\": {\"env\": [\"A=1\",\nnull]}}",
		     AT("2") "run.env takes strings, not null");
	expect_error("{\"info\": {\"format\": [\"json\"]}}",
		     AT("1") "info.format takes a string or a number, not an array");
	expect_error("{\"info\": {\"tty\": true}}", AT("1") "there is no option info.tty");
}

static void what_belongs_to_one_call_has_no_default(void **state)
{
	(void)state;
	expect_error("{\"config\": \"x\"}", AT("1") "option config has no default");
	expect_error("{\"no-default\": [\"run\"]}", AT("1") "option no-default has no default");
	expect_error("{\"version\": true}", AT("1") "option version has no default");
	expect_error("{\"run\": {\"name\": \"x\"}}", AT("1") "option run.name has no default");
}

/* ---- errors of later checks ---- */

static const char *explained(World *w, const char *msg, const char *given)
{
	const Opt *row = opt_find_name(cmd_run.opts, given, strlen(given));
	DefaultsGiven g = { .own = { .rows = &row, .count = row ? 1 : 0 } };
	int r = err_make(&w->err, ERR_USAGE, 0, "%s", msg);
	assert_int_equal(defaults_explain(&w->defaults, &g, r, &w->err), r);
	return w->err.msg;
}

static void later_errors_name_the_file(void **state)
{
	(void)state;
	World w = apply("{\"state\": \"\", \"run\": {\"memory\": \"1m\",\n\"cpus\": 1, \"cpuset-cpus\": \"x\",\n"
			"\"volume\": [\"a:b\", \"c:d\"], \"network\": \"x\", \"umask\": \"9\"}}",
			NULL);
	assert_int_equal(w.r, 0);
	assert_string_equal(explained(&w, "--memory is too small", ""), AT("1") "--memory is too small");
	assert_string_equal(explained(&w, "--memory is too small", "memory"), "--memory is too small");
	assert_string_equal(explained(&w, "--memory-swap is too small", ""),
			    "--memory-swap is too small");
	assert_string_equal(explained(&w, "--cpuset-cpus x", ""), AT("2") "--cpuset-cpus x");
	assert_string_equal(explained(&w, "--cpu-quota and --cpus differ", "cpu-quota"),
			    AT("2") "--cpu-quota and --cpus differ");
	assert_string_equal(explained(&w, "volume 'c:d': no", ""), AT("3") "volume 'c:d': no");
	assert_string_equal(explained(&w, "volume 'c:d': no", "volume"), AT("3") "volume 'c:d': no");
	assert_string_equal(explained(&w, "volume 'c:d:e': no", "volume"), "volume 'c:d:e': no");
	assert_string_equal(explained(&w, "--network x is not there yet", "net"),
			    "--network x is not there yet");
	assert_string_equal(explained(&w, "umask '9': not octal", ""), AT("3") "umask '9': not octal");
	assert_string_equal(explained(&w, "--state is empty", ""), AT("1") "--state is empty");
	(void)err_make(&w.err, ERR_SYS, ENOENT, "open --memory");
	assert_int_equal(defaults_explain(&w.defaults, &(DefaultsGiven){ 0 }, -ENOENT, &w.err), -ENOENT);
	assert_string_equal(w.err.msg, "open --memory");
	arena_done(&w.arena);
}

/* ---- files ---- */

typedef struct Place {
	char dir[64], path[128];
} Place;

/* A home whose configuration directory there is, without the file. */
static Place make_home(void)
{
	Place p = { .dir = "/tmp/test_defaults.XXXXXX" };
	char dir[128];
	assert_non_null(mkdtemp(p.dir));
	assert_true(str_format(dir, sizeof dir, "%s/mydocker", p.dir) > 0);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_true(str_format(p.path, sizeof p.path, "%s/config.json", dir) > 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", p.dir, 1), 0);
	return p;
}

static void remove_home(Place *p)
{
	char dir[128];
	(void)unlink(p->path); /* may be a directory, or not there */
	(void)rmdir(p->path);
	assert_true(str_format(dir, sizeof dir, "%s/mydocker", p->dir) > 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(p->dir), 0);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text), path, NULL), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

/* Reads the user's file (asked NULL) or that one; a system file of this host comes first and is left out. */
static World read_files(const char *asked)
{
	World w = { .arena = ARENA_EMPTY };
	w.r = defaults_read(asked, &w.arena, &w.defaults, &w.err);
	if (w.defaults.count > 0 && strcmp(w.defaults.files[0].path, "/etc/mydocker/config.json") == 0) {
		w.defaults.files[0] = w.defaults.files[1];
		w.defaults.count--;
	}
	return w;
}

static void expect_read(const char *asked, size_t count)
{
	World w = read_files(asked);
	if (w.r < 0)
		fail_msg("%s", w.err.msg);
	assert_int_equal(w.defaults.count, count);
	arena_done(&w.arena);
}

static void expect_refused(const char *asked, const char *path, const char *why)
{
	World w = read_files(asked);
	char msg[512];
	assert_true(w.r < 0);
	assert_true(str_format(msg, sizeof msg, "configuration file '%s'%s", path, why) > 0);
	assert_string_equal(w.err.msg, msg);
	assert_int_equal(w.defaults.count, 0);
	arena_done(&w.arena);
}

static void a_file_that_is_there_is_read(void **state)
{
	(void)state;
	Place p = make_home();
	expect_read(NULL, 0);
	write_file(p.path, "{}", 0644);
	expect_read(NULL, 1);
	expect_read("", 0);
	expect_read(p.path, 1);
	remove_home(&p);
}

static void files_that_are_no_configuration_are_refused(void **state)
{
	(void)state;
	Place p = make_home();
	write_file(p.path, "{\"a\":\n]", 0644);
	expect_refused(NULL, p.path, ": line 2, column 1: expected a value, found ']'");
	write_file(p.path, "[]", 0644);
	expect_refused(NULL, p.path, ": must be an object, not an array (line 1)");
	write_file(p.path, "", 0644);
	expect_refused(p.path, p.path,
		       ": line 1, column 1: expected a value, found the end of the text");
	assert_int_equal(truncate(p.path, LIMIT_DEFAULTS_BYTES + 1), 0);
	expect_refused(NULL, p.path, " is larger than 1048576 bytes");
	assert_int_equal(unlink(p.path), 0);
	assert_int_equal(mkfifo(p.path, 0600), 0); /* nobody writes: a reader that waits would wait for ever */
	expect_refused(NULL, p.path, " is not a regular file");
	assert_int_equal(unlink(p.path), 0);
	assert_int_equal(mkdir(p.path, 0700), 0);
	expect_refused(p.path, p.path, " is not a regular file");
	expect_refused("/dev/zero", "/dev/zero", " is not a regular file");
	remove_home(&p);
	World w = read_files("/nowhere/at/all");
	assert_int_equal(w.r, -ENOENT);
	assert_string_equal(w.err.msg, "open configuration file '/nowhere/at/all'");
	arena_done(&w.arena);
}

static void what_others_can_write_is_refused(void **state)
{
	(void)state;
	Place p = make_home();
	write_file(p.path, "{}", 0664);
	expect_refused(NULL, p.path,
		       " can be written by others (mode 0664): chmod go-w takes that away");
	write_file(p.path, "{}", 0602);
	expect_refused(NULL, p.path,
		       " can be written by others (mode 0602): chmod go-w takes that away");
	expect_read(p.path, 1); /* who names it answers for it */
	write_file(p.path, "{}", 0644);
	if (geteuid() == 0) {
		assert_int_equal(chown(p.path, 4711, 0), 0);
		expect_refused(NULL, p.path,
			       " belongs to user 4711, not to root; --config FILE uses it all the same");
		expect_read(p.path, 1);
	}
	remove_home(&p);
}

static void homes_that_are_none_are_not_looked_at(void **state)
{
	(void)state;
	char *home = getenv("HOME"), *kept = home ? strdup(home) : NULL;
	assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
	assert_int_equal(setenv("HOME", "relative", 1), 0);
	expect_read(NULL, 0);
	assert_int_equal(setenv("HOME", "/proc/self/exe", 1), 0); /* no directory */
	expect_read(NULL, 0);
	assert_int_equal(unsetenv("HOME"), 0);
	expect_read(NULL, 0);
	if (kept)
		assert_int_equal(setenv("HOME", kept, 1), 0);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_reach_their_options),
		cmocka_unit_test(later_scalars_win_and_lists_collect),
		cmocka_unit_test(null_takes_away_what_the_first_file_says),
		cmocka_unit_test(keys_can_be_left_out),
		cmocka_unit_test(keys_to_leave_out_must_exist),
		cmocka_unit_test(errors_name_file_line_and_key),
		cmocka_unit_test(what_belongs_to_one_call_has_no_default),
		cmocka_unit_test(later_errors_name_the_file),
		cmocka_unit_test(a_file_that_is_there_is_read),
		cmocka_unit_test(files_that_are_no_configuration_are_refused),
		cmocka_unit_test(what_others_can_write_is_refused),
		cmocka_unit_test(homes_that_are_none_are_not_looked_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
