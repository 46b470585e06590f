/* Conclusions from what is known about a failed run. */
#include "unit.h"

#include <signal.h>
#include <string.h>

#include "engine/why.h"

#define ID "4f886c2a84b1c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ff"

static Arena arena = ARENA_EMPTY;

static Ended ended(int exit_code, int sig)
{
	return (Ended){ .id = ID,
			.pid = 123,
			.own_pids = true,
			.exit_code = exit_code,
			.signal = sig,
			.memory = { .limit = CGROUP_NO_LIMIT, .total_limit = CGROUP_NO_LIMIT } };
}

static Why told(const Ended *x)
{
	Why w;
	why_tell(x, &arena, &w);
	assert_non_null(w.cause);
	assert_true(w.cause[strlen(w.cause) - 1] != '.');
	return w;
}

static void has_detail(const Why *w, const char *part)
{
	for (size_t i = 0; i < w->details.count; i++)
		if (strstr(w->details.items[i], part))
			return;
	fail_msg("no detail says '%s'", part);
}

static void memory_names_who_and_how_much(void **state)
{
	(void)state;
	Ended x = ended(1, 0);
	x.memory = (CgroupMemory){
		.oom_kills = 2, .limit = 100 << 20, .total_limit = 100 << 20, .peak = 100 << 20
	};
	strlist_add(&arena, &x.kernel,
		    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/mydocker/" ID
		    ",task=stress,pid=99,uid=0");
	Why w = told(&x);
	assert_string_equal(w.cause, "stress was killed for memory");
	has_detail(&w, "2 processes were killed so");
	has_detail(&w, "the limit is 100 MiB");
	has_detail(&w, "ended by itself with exit code 1");
	assert_string_equal(w.advice.items[0], "if it needs that much, raise -m (and --memory-swap)");
}

static void the_hosts_own_shortage_is_told_from_the_limit(void **state)
{
	(void)state;
	Ended x = ended(137, SIGKILL);
	x.memory.oom_kills = 1;
	strlist_add(&arena, &x.kernel,
		    "oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/mydocker/" ID
		    ",task=java,pid=99,uid=0");
	Why w = told(&x);
	assert_string_equal(w.cause, "java was killed for memory: the host had none left");
	assert_non_null(strstr(w.advice.items[0], "give each container a limit"));
}

static void a_filters_victim_names_the_call(void **state)
{
	(void)state;
	Ended x = ended(159, SIGSYS);
	strlist_add(&arena, &x.kernel,
		    "audit: type=1326 audit(1.0:5): auid=0 uid=0 gid=0 ses=1 pid=123 comm=\"p\" exe=\"/bin/p\" sig=31 arch=c000003e syscall=165 compat=0 ip=0x1 code=0x80000000");
	assert_string_equal(told(&x).cause, "the seccomp filter killed it for the system call mount");
	x.kernel.items[0] = "audit: type=1326 pid=123 sig=31 arch=40000003 syscall=21 compat=1";
	assert_string_equal(told(&x).cause, "the seccomp filter killed it for the system call mount");
	x.kernel.items[0] = "audit: type=1326 pid=123 sig=31 arch=c000003e syscall=99999 compat=0";
	assert_string_equal(told(&x).cause,
			    "the seccomp filter killed it for the system call number 99999");
	x.kernel.count = 0;
	Why w = told(&x);
	assert_string_equal(w.cause, "the seccomp filter killed it for a system call that it forbids");
	has_detail(&w, "could not be read");
}

static void a_passed_signal_names_its_sender(void **state)
{
	(void)state;
	Ended x = ended(143, SIGTERM);
	x.passed = (WaitSignal){ .number = SIGTERM, .pid = 77, .uid = 1000 };
	assert_string_equal(told(&x).cause,
			    "SIGTERM ended it: process 77 of user 1000 sent it to mydocker, which passed it on");
	x.passed.pid = 0;
	assert_string_equal(told(&x).cause,
			    "SIGTERM ended it: a key of the terminal, passed on by mydocker");
	x.passed.number = SIGINT; /* another one: not what ended it */
	assert_non_null(strstr(told(&x).cause, "mydocker did not send it"));
}

static void signals_tell_their_side(void **state)
{
	(void)state;
	Ended x = ended(137, SIGKILL);
	Why w = told(&x);
	assert_non_null(strstr(w.cause, "SIGKILL from the host's side"));
	has_detail(&w, "its memory limit was not the reason");
	x.own_pids = false;
	assert_null(strstr(told(&x).cause, "host's side"));
	x = ended(139, SIGSEGV);
	strlist_add(&arena, &x.kernel, "probe[123]: segfault at 0 ip 1 sp 2 error 4 in probe");
	w = told(&x);
	assert_string_equal(w.cause, "SIGSEGV ended it: a fault of the program itself");
	has_detail(&w, "the kernel: probe[123]: segfault at 0");
	x = ended(134, SIGABRT);
	assert_non_null(strstr(told(&x).cause, "failed assertion"));
}

static void what_ended_by_itself_says_so(void **state)
{
	(void)state;
	Ended x = ended(3, 0);
	assert_string_equal(told(&x).cause,
			    "it ended by itself with exit code 3: the reason is its own, and in what it printed");
	x = ended(137, 0);
	Why w = told(&x);
	has_detail(&w, "ended by SIGKILL");
	x = ended(127, 0);
	w = told(&x);
	has_detail(&w, "is not found");
	x = ended(200, 0);
	assert_int_equal(told(&x).details.count, 0);
}

static void a_refused_run_has_its_error(void **state)
{
	(void)state;
	Ended x = ended(127, 0);
	x.pid = 0;
	x.error = "exec: \"sh\": executable file not found in $PATH";
	Why w = told(&x);
	assert_string_equal(w.cause, "it never began: exec: \"sh\": executable file not found in $PATH");
	assert_int_equal(w.advice.count, 1);
	x.pid = 123;
	x.exit_code = 125;
	x.error = "write the pid to 'p': No space left on device";
	assert_string_equal(told(&x).cause,
			    "mydocker failed while it ran: write the pid to 'p': No space left on device");
}

static void what_mydocker_did_is_no_riddle(void **state)
{
	(void)state;
	Ended x = ended(255, SIGKILL);
	x.ours = "mydocker killed it after the 3 seconds of --timeout";
	assert_string_equal(told(&x).cause, x.ours);
	x.memory.oom_kills = 1; /* which comes first: it may have been why it took so long */
	assert_non_null(strstr(told(&x).cause, "was killed for memory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_names_who_and_how_much),
		cmocka_unit_test(the_hosts_own_shortage_is_told_from_the_limit),
		cmocka_unit_test(a_filters_victim_names_the_call),
		cmocka_unit_test(a_passed_signal_names_its_sender),
		cmocka_unit_test(signals_tell_their_side),
		cmocka_unit_test(what_ended_by_itself_says_so),
		cmocka_unit_test(a_refused_run_has_its_error),
		cmocka_unit_test(what_mydocker_did_is_no_riddle),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
