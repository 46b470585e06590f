/* What is said when a container's init was killed, and what its groups counted: on files in place of groups. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/tree.h"
#include "runtime/group_report.h"

typedef struct Groups {
	char dir[64];
	Arena arena;
	HostCgroup tree;
	HostFacts facts;
	PlanGroup group;
	PlanCgroupWrite write;
	Plan plan;
} Groups;

static int set_up(void **state)
{
	Groups *g = calloc(1, sizeof *g);
	if (!g)
		return -1;
	(void)str_format(g->dir, sizeof g->dir, "/tmp/mydocker-test-report.XXXXXX");
	g->tree = (HostCgroup){ .controllers = "memory", .writable = true };
	g->facts = (HostFacts){ .cgroups = &g->tree, .cgroups_count = 1 };
	g->group = (PlanGroup){ .dir = g->dir };
	g->write = (PlanCgroupWrite){
		.controller = "pids",
		.write = { .file = "pids.max", .value = "7", .asked = true },
	};
	g->plan = (Plan){ .groups = &g->group, .groups_count = 1, .writes = &g->write, .writes_count = 1 };
	*state = g;
	return mkdtemp(g->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	Groups *g = *state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = tree_remove_at(tmp, g->dir + strlen("/tmp/"), NULL);
	arena_done(&g->arena);
	free(g);
	return r;
}

static void put(Groups *g, const char *name, const char *text)
{
	const char *path = arena_printf(&g->arena, "%s/%s", g->dir, name);
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text), path, NULL), 0);
}

static void expect_death(Groups *g, ProcessEnd end, const char *want)
{
	Err e = { 0 };
	(void)err_make(&e, ERR_SYS, ECONNRESET, "the socket is closed");
	assert_true(group_report_death(&g->plan, &g->facts, &end, -ECONNRESET, &e) < 0);
	assert_string_equal(e.msg, want);
}

static const ProcessEnd killed = { .by_signal = true, .number = SIGKILL };

static void a_kill_for_memory_is_told_from_others(void **state)
{
	Groups *g = *state;
	expect_death(g, killed, "init was killed by signal SIGKILL: the socket is closed"); /* nothing is counted */
	put(g, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	put(g, "memory.limit_in_bytes", "1048576\n");
	put(g, "memory.max_usage_in_bytes", "1048576\n");
	expect_death(g, killed, "init was killed by signal SIGKILL: the socket is closed");
	put(g, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	expect_death(g, killed, "start the container: its memory limit of 1 MiB is too small for that");
	put(g, "memory.limit_in_bytes", "9223372036854771712\n");
	expect_death(g, killed,
		     "start the container: the groups above it, or the host, have too little memory for it");
	expect_death(g, (ProcessEnd){ .by_signal = true, .number = SIGSEGV },
		     "init was killed by signal SIGSEGV: the socket is closed");
	expect_death(g, (ProcessEnd){ .number = 3 }, "init exited with 3: the socket is closed");
}

static void refused_forks_count_for_a_limit_that_was_asked_for(void **state)
{
	Groups *g = *state;
	uint64_t limit = 0;
	assert_true(group_report_forks(&g->plan, &limit) == 0); /* an old kernel */
	put(g, "pids.events", "max 3\n");
	assert_true(group_report_forks(&g->plan, &limit) == 3);
	assert_true(limit == 7);
	g->write.write.asked = false;
	assert_true(group_report_forks(&g->plan, &limit) == 0);
	g->plan.writes_count = 0;
	assert_true(group_report_forks(&g->plan, &limit) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_kill_for_memory_is_told_from_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused_forks_count_for_a_limit_that_was_asked_for,
						set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
