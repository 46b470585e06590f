/* process.scheduler, ioPriority and execCPUAffinity, linux.memoryPolicy: from config.json to the plan. */
#include "unit.h"

#include <string.h>

#include "base/sched_names.h"
#include "plan_hosts.h"
#include "runtime/plan.h"

typedef struct Case {
	Arena arena;
	Spec spec;
	Plan plan;
	Err err;
} Case;

/* With these members in "process" and "linux". */
static int decode(Case *c, const char *process, const char *linux_part)
{
	*c = (Case){ .arena = ARENA_EMPTY };
	const char *text = arena_printf(
		&c->arena,
		"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"/r\"},\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]%s},"
		"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"}]%s}}",
		process, linux_part);
	return spec_decode(text, strlen(text), &c->arena, &c->spec, &c->err);
}

static const char *planned(Case *c, const char *process, const char *linux_part, bool exec)
{
	const PlanInput in = { .container_id = ID, .scratch_dir = "/run/mydocker/x" };
	if (decode(c, process, linux_part) < 0 ||
	    (exec ? runtime_plan_exec : runtime_plan)(&c->spec, &v2_root, &in, &c->arena, &c->plan,
						      &c->err) < 0)
		fail_msg("%s", c->err.msg);
	return plan_dump(&c->plan, &v2_root, &c->arena);
}

/* In the plan of a container, and in that of an `exec`. */
static void expect_line(const char *process, const char *linux_part, const char *line)
{
	for (int exec = 0; exec <= 1; exec++) {
		Case c;
		const char *dump = planned(&c, process, linux_part, exec);
		if (!strstr(dump, arena_printf(&c.arena, "\n%s\n", line)))
			fail_msg("'%s' is not there:\n%s", line, dump);
		arena_done(&c.arena);
	}
}

static void nothing_of_it_by_default(void **state)
{
	(void)state;
	for (int exec = 0; exec <= 1; exec++) {
		Case c;
		const char *dump = planned(&c, "", "", exec);
		assert_null(strstr(dump, "scheduler"));
		assert_null(strstr(dump, "io priority"));
		assert_null(strstr(dump, "memory policy"));
		assert_null(strstr(dump, "cpus"));
		assert_int_equal(c.plan.wire.head.flags & (WIRE_HAS_SCHEDULER |
							   WIRE_HAS_MEMORY_POLICY | WIRE_KEEP_CPUS),
				 0);
		arena_done(&c.arena);
	}
}

static void schedulers(void **state)
{
	(void)state;
	expect_line(",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":-20}", "",
		    "scheduler policy 0 nice -20 priority 0 flags 0x0 runtime 0 deadline 0 period 0");
	expect_line(",\"scheduler\":{\"policy\":\"SCHED_RR\",\"priority\":99,\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\",\"SCHED_FLAG_UTIL_CLAMP_MAX\"]}",
		    "",
		    "scheduler policy 2 nice 0 priority 99 flags 0x41 runtime 0 deadline 0 period 0");
	expect_line(",\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,\"deadline\":2,\"period\":18446744073709551615}",
		    ",\"resources\":{\"cpu\":{\"cpus\":\"0\"}}",
		    "scheduler policy 6 nice 0 priority 0 flags 0x0 runtime 1 deadline 2 period 18446744073709551615 with a cpuset");
}

static void priorities_of_input_and_output(void **state)
{
	(void)state;
	expect_line(",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":7}", "",
		    "io priority 0x2007");
	expect_line(",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_IDLE\"}", "", "io priority 0x6000");
}

static void memory_policies(void **state)
{
	(void)state;
	expect_line("", ",\"memoryPolicy\":{\"mode\":\"MPOL_DEFAULT\"}", "memory policy 0x0 nodes");
	expect_line("", ",\"memoryPolicy\":{\"mode\":\"MPOL_WEIGHTED_INTERLEAVE\",\"nodes\":\"1,64-65\",\"flags\":[\"MPOL_F_STATIC_NODES\",\"MPOL_F_NUMA_BALANCING\"]}",
		    "memory policy 0xa006 nodes 0x2 0x3");
	expect_line("", ",\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[]}",
		    "memory policy 0x2 nodes 0x1");
}

/* For `exec` alone: a container's first process has none of it. */
static void cpus(void **state)
{
	static const struct {
		const char *text, *initial, *final;
		bool keeps;
	} rows[] = {
		{ "{}", NULL, NULL, true },
		{ "{\"initial\":\"\",\"final\":\"\"}", NULL, NULL, true },
		{ "{\"initial\":\"0-1\"}", "\ninitial cpus 0x3\n", NULL, true },
		{ "{\"final\":\"65\"}", NULL, "\ncpus 0x0 0x2\n", false },
		{ "{\"initial\":\"1\",\"final\":\"0,3\"}", "\ninitial cpus 0x2\n", "\ncpus 0x9\n", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int exec = 0; exec <= 1; exec++) {
			Case c;
			char text[128];
			assert_true(str_format(text, sizeof text, ",\"execCPUAffinity\":%s",
					       rows[i].text) > 0);
			const char *dump = planned(&c, text, "", exec);
			assert_int_equal(strstr(dump, "\ninitial cpus") != NULL,
					 exec && rows[i].initial);
			assert_int_equal(strstr(dump, "\ncpus") != NULL, exec && rows[i].final);
			assert_true(!exec || !rows[i].initial || strstr(dump, rows[i].initial));
			assert_true(!exec || !rows[i].final || strstr(dump, rows[i].final));
			assert_int_equal((c.plan.wire.head.flags & WIRE_KEEP_CPUS) != 0,
					 exec && rows[i].keeps);
			arena_done(&c.arena);
		}
	}
}

static const struct {
	const char *process, *linux_part, *words;
} refusals[] = {
	{ ",\"scheduler\":{}", "", "process.scheduler.policy is missing (line 1)" },
	{ ",\"scheduler\":{\"policy\":\"\"}", "",
	  "process.scheduler.policy is empty: scheduler policy is required (line 1)" },
	{ ",\"scheduler\":{\"policy\":\"SCHED_NORMAL\"}", "",
	  "process.scheduler.policy is an invalid scheduler policy: 'SCHED_NORMAL' (line 1)" },
	{ ",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":-21}", "",
	  "process.scheduler.nice must be from -20 to 19: invalid scheduler.nice: -21 (line 1)" },
	{ ",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"flags\":[\"\"]}", "",
	  "process.scheduler.flags[0] is an invalid scheduler flag: '' (line 1)" },
	{ ",\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"priority\":1}", "",
	  "process.scheduler must have no priority with SCHED_DEADLINE: scheduler.priority can only be specified for SchedFIFO or SchedRR policy (line 1)" },
	{ ",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"period\":1}", "",
	  "process.scheduler must have no times with SCHED_OTHER: scheduler runtime/deadline/period can only be specified for SchedDeadline policy (line 1)" },
	{ ",\"ioPriority\":{}", "", "process.ioPriority.class is missing (line 1)" },
	{ ",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":-1}", "",
	  "process.ioPriority.priority must be from 0 to 7: invalid ioPriority.Priority: -1 (line 1)" },
	{ ",\"execCPUAffinity\":{\"initial\":\"8192\"}", "",
	  "process.execCPUAffinity.initial has an invalid CPU in '8192': the highest is 8191 (line 1)" },
	{ ",\"execCPUAffinity\":{\"final\":\"1-\"}", "",
	  "process.execCPUAffinity.final has an invalid CPU: '1-' is no list such as 0-3,7 (line 1)" },
	{ ",\"execCPUAffinity\":{\"final\":1}", "",
	  "process.execCPUAffinity.final must be a string, not a number (line 1)" },
	{ "", ",\"memoryPolicy\":{\"mode\":\"BIND\"}",
	  "linux.memoryPolicy.mode is an invalid memory policy mode: 'BIND' (line 1)" },
	{ "", ",\"memoryPolicy\":{\"mode\":\"\"}",
	  "linux.memoryPolicy.mode is an invalid memory policy mode: '' (line 1)" },
	{ "", ",\"memoryPolicy\":{}",
	  "linux.memoryPolicy has an invalid memory policy mode: mode is missing (line 1)" },
	{ "", ",\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"1024\"}",
	  "linux.memoryPolicy.nodes has an invalid memory policy node in '1024': the highest is 1023 (line 1)" },
	{ "", ",\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[\"MPOL_BIND\"]}",
	  "linux.memoryPolicy.flags[0] is an invalid memory policy flag: 'MPOL_BIND' (line 1)" },
};

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		Case c;
		if (decode(&c, refusals[i].process, refusals[i].linux_part) >= 0)
			fail_msg("accepted: %s%s", refusals[i].process, refusals[i].linux_part);
		assert_string_equal(c.err.msg, refusals[i].words);
		assert_int_equal(c.err.kind, ERR_SPEC);
		arena_done(&c.arena);
	}
}

static void an_ambient_capability_that_is_not_inheritable(void **state)
{
	Case c;
	(void)state;
	const char *dump = planned(&c, ",\"capabilities\":{\"permitted\":[\"CAP_KILL\",\"CAP_CHOWN\"],\"inheritable\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\",\"CAP_CHOWN\"]}",
				   "", false);
	assert_non_null(strstr(dump, "warning can't raise ambient capability CAP_CHOWN: "));
	assert_null(strstr(dump, "ambient capability CAP_KILL"));
	assert_int_equal(c.plan.wire.head.caps_ambient, 1 << 5);
	arena_done(&c.arena);
}

/* The names in both directions. */
static void names(void **state)
{
	(void)state;
	for (unsigned i = 0; sched_policy_name(i); i++)
		assert_int_equal(sched_policy_from_name(sched_policy_name(i)), i);
	for (unsigned i = 1; io_class_name(i); i++)
		assert_int_equal(io_class_from_name(io_class_name(i)), i);
	for (unsigned i = 0; mempolicy_mode_name(i); i++)
		assert_int_equal(mempolicy_mode_from_name(mempolicy_mode_name(i)), i);
	for (unsigned i = 0; mempolicy_flag_at(i); i++)
		assert_int_equal(mempolicy_flag_from_name(mempolicy_flag_at(i)), 1 << (13 + i));
	assert_null(io_class_name(0));
	assert_true(io_class_from_name("IOPRIO_CLASS_NONE") < 0 && sched_policy_from_name("") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_it_by_default),
		cmocka_unit_test(schedulers),
		cmocka_unit_test(priorities_of_input_and_output),
		cmocka_unit_test(memory_policies),
		cmocka_unit_test(cpus),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(an_ambient_capability_that_is_not_inheritable),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
