/* What a plan says of the command's process besides golden files: names, personality, streams, descriptors, the reaper. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/init_option.h"
#include "plan_hosts.h"
#include "runtime/plan.h"

typedef struct Case {
	TestRun run;
	Spec spec;
	PlanInput in;
	Plan plan;
} Case;

static int root_fd;

static int open_root(void **state)
{
	(void)state;
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0;
}

static int close_root(void **state)
{
	(void)state;
	fd_close(root_fd);
	return 0;
}

static void case_init(Case *c)
{
	*c = (Case){ .in = { .container_id = ID, .scratch_dir = "/run/mydocker/x" } };
	test_run_init(&c->run, &v2_root, root_fd);
}

static int fill(Case *c)
{
	TRY(test_run_ids(&c->run, &no_subid_files));
	return spec_fill(&c->run.context, &c->spec, &c->run.err);
}

/* The plan's text; *ret_flags (may be NULL) is init's flags. */
static const char *planned(Case *c, uint32_t *ret_flags)
{
	if (fill(c) < 0 || runtime_plan(&c->spec, c->run.context.facts, &c->in, &c->run.arena,
					&c->plan, &c->run.err) < 0)
		fail_msg("%s", c->run.err.msg);
	if (ret_flags)
		*ret_flags = c->plan.wire.head.flags;
	return plan_dump(&c->plan, c->run.context.facts, &c->run.arena);
}

static void expect_line(const char *dump, const char *line, bool there)
{
	const char *at = strstr(dump, line);
	bool whole = at && (at == dump || at[-1] == '\n') && at[strlen(line)] == '\n';
	if (whole != there)
		fail_msg("'%s' is %s:\n%s", line, whole ? "there" : "not there", dump);
}

static void refuse(Case *c, const char *message)
{
	assert_true(fill(c) < 0);
	assert_int_equal(c->run.err.kind, ERR_USAGE);
	assert_string_equal(c->run.err.msg, message);
	arena_done(&c->run.arena);
}

static void nothing_of_it_by_default(void **state)
{
	(void)state;
	Case c;
	uint32_t flags;
	case_init(&c);
	const char *dump = planned(&c, &flags);
	assert_int_equal(flags & (WIRE_REAPER | WIRE_STDOUT_NULL | WIRE_STDERR_NULL |
				  WIRE_HAS_PERSONALITY),
			 0);
	expect_line(dump, "reaper", false);
	assert_null(strstr(dump, "domainname"));
	assert_null(strstr(dump, "oom_score_adj"));
	assert_null(strstr(dump, "personality"));
	assert_null(c.plan.oom_score_adj);
	arena_done(&c.run.arena);
}

static void names_and_scores(void **state)
{
	(void)state;
	Case c;
	uint32_t flags;
	case_init(&c);
	c.run.request.domainname = "example.org";
	c.run.request.oom_score_adj = -17;
	c.run.request.personality = "LINUX32";
	const char *dump = planned(&c, &flags);
	expect_line(dump, "domainname example.org", true);
	expect_line(dump, "oom_score_adj -17", true);
	expect_line(dump, "personality 0x8", true);
	assert_true(flags & WIRE_HAS_PERSONALITY);
	arena_done(&c.run.arena);

	case_init(&c);
	c.run.request.oom_score_adj = 0;
	c.run.request.personality = "LINUX";
	dump = planned(&c, NULL);
	expect_line(dump, "oom_score_adj 0", true);
	expect_line(dump, "personality 0x0", true);
	arena_done(&c.run.arena);
}

static void what_is_out_of_range_is_refused(void **state)
{
	(void)state;
	Case c;
	case_init(&c);
	c.run.request.oom_score_adj = 1001;
	refuse(&c, "--oom-score-adj 1001: not between -1000 and 1000");
	case_init(&c);
	c.run.request.oom_score_adj = -1001;
	refuse(&c, "--oom-score-adj -1001: not between -1000 and 1000");
	case_init(&c);
	c.run.request.personality = "ADDR_NO_RANDOMIZE";
	refuse(&c, "--personality 'ADDR_NO_RANDOMIZE': neither LINUX nor LINUX32");
}

static void a_domain_name_needs_its_namespace(void **state)
{
	(void)state;
	Case c;
	case_init(&c);
	assert_int_equal(fill(&c), 0);
	c.spec.hostname = NULL;
	c.spec.domainname = "example.org";
	c.spec.linux_.namespaces &= ~(unsigned)SPEC_NS_UTS;
	assert_true(runtime_plan(&c.spec, &v2_root, &c.in, &c.run.arena, &c.plan, &c.run.err) < 0);
	assert_int_equal(c.run.err.kind, ERR_SPEC);
	assert_string_equal(c.run.err.msg,
			    "domainname: unable to set domainname without a private UTS namespace");
	arena_done(&c.run.arena);
}

static void streams_descriptors_and_the_reaper(void **state)
{
	(void)state;
	static const int fds[] = { 3, 77 };
	Case c;
	uint32_t flags;
	case_init(&c);
	c.in.stdout_null = c.in.stderr_null = c.in.reaper = true;
	c.in.keep_fds = fds;
	c.in.keep_fds_count = ARRAY_LEN(fds);
	const char *dump = planned(&c, &flags);
	assert_true(flags & WIRE_STDOUT_NULL && flags & WIRE_STDERR_NULL && flags & WIRE_REAPER);
	assert_false(flags & WIRE_STDIN_NULL);
	expect_line(dump, "reaper", true);
	expect_line(dump, "descriptor 3", true);
	expect_line(dump, "descriptor 77", true);
	arena_done(&c.run.arena);
}

static void annotations_reach_the_description(void **state)
{
	(void)state;
	Case c;
	case_init(&c);
	strlist_add(&c.run.arena, &c.run.request.annotations, "a=1");
	strlist_add(&c.run.arena, &c.run.request.annotations, "a=2");
	assert_int_equal(fill(&c), 0);
	assert_int_equal(c.spec.annotations_count, 1);
	assert_string_equal(c.spec.annotations[0].value, "2");
	arena_done(&c.run.arena);
	case_init(&c);
	strlist_add(&c.run.arena, &c.run.request.annotations, "=1");
	refuse(&c, "--annotation '=1': the key is empty");
}

/* ---- --init-path ---- */

static void an_init_of_the_host_starts_the_command(void **state)
{
	(void)state;
	Case c;
	case_init(&c);
	c.run.request.init_path = "/proc/self/exe"; /* resolved: what is mounted is the program itself */
	assert_int_equal(fill(&c), 0);
	const StrList *args = &c.spec.process.args;
	assert_int_equal(args->count, 5);
	assert_string_equal(args->items[0], INIT_PLACE);
	assert_string_equal(args->items[1], "--");
	assert_string_equal(args->items[2], "sh");
	assert_string_equal(args->items[4], "true");
	const SpecMount *m = &c.spec.mounts[c.spec.mounts_count - 1];
	assert_string_equal(m->destination, INIT_PLACE);
	assert_string_equal(err_basename(m->source), "test_plan_process");
	assert_true(strlist_has(&m->options, "ro") && strlist_has(&m->options, "nosuid"));
	arena_done(&c.run.arena);
}

static void an_init_must_be_a_program(void **state)
{
	(void)state;
	Case c;
	case_init(&c);
	c.run.request.init_path = "/proc/version";
	refuse(&c, "--init-path '/proc/version': not a file that can be executed");
	case_init(&c);
	c.run.request.init_path = "/";
	refuse(&c, "--init-path '/': not a file that can be executed");
	case_init(&c);
	c.run.request.init_path = "/no/such/init";
	assert_int_equal(fill(&c), -ENOENT);
	assert_string_equal(c.run.err.msg, "--init-path '/no/such/init'");
	arena_done(&c.run.arena);
}

static void an_init_needs_the_containers_own_dev(void **state)
{
	static const char *const volumes[] = { "/dev:/dev", "/bin:" INIT_PLACE };
	(void)state;
	Case c;
	for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
		case_init(&c);
		c.run.request.init_path = "/proc/self/exe";
		strlist_add(&c.run.arena, &c.run.request.volumes, volumes[i]);
		refuse(&c, arena_printf(&c.run.arena,
					"--init-path: its program is mounted on " INIT_PLACE
					", where something else is mounted on %s",
					strchr(volumes[i], ':') + 1));
	}
	case_init(&c);
	c.run.request.init_path = "/proc/self/exe";
	strlist_add(&c.run.arena, &c.run.request.tmpfs, "/dev");
	assert_int_equal(fill(&c), 0);
	arena_done(&c.run.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_it_by_default),
		cmocka_unit_test(names_and_scores),
		cmocka_unit_test(what_is_out_of_range_is_refused),
		cmocka_unit_test(a_domain_name_needs_its_namespace),
		cmocka_unit_test(streams_descriptors_and_the_reaper),
		cmocka_unit_test(annotations_reach_the_description),
		cmocka_unit_test(an_init_of_the_host_starts_the_command),
		cmocka_unit_test(an_init_must_be_a_program),
		cmocka_unit_test(an_init_needs_the_containers_own_dev),
	};
	return cmocka_run_group_tests(tests, open_root, close_root);
}
