#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/undo.h"

static char trail[64];

static void note(void *arg)
{
	size_t n = strlen(trail);
	assert_true(n + 1 < sizeof trail);
	trail[n] = *(const char *)arg;
	trail[n + 1] = '\0';
	errno = EIO; /* what an undo step does to errno must not reach the caller */
}

static void push(Undo *u, char letter)
{
	static char letters[] = "abcxy12";
	undo_push(u, note, strchr(letters, letter));
}

static int clear_trail(void **state)
{
	(void)state;
	trail[0] = '\0';
	return 0;
}

static void steps_run_newest_first(void **state)
{
	(void)state;
	Undo u = UNDO_EMPTY;
	push(&u, 'a');
	push(&u, 'b');
	push(&u, 'c');
	errno = ENOSPC;
	undo_run(&u);
	assert_string_equal(trail, "cba");
	assert_int_equal(errno, ENOSPC);
	undo_run(&u); /* what has run is forgotten */
	assert_string_equal(trail, "cba");
}

static int job(int fail)
{
	AUTO(undo_run) Undo u = UNDO_EMPTY;
	push(&u, '1');
	push(&u, '2');
	TRY(fail);
	undo_commit(&u);
	return 0;
}

static void a_failed_job_is_taken_back(void **state)
{
	(void)state;
	assert_int_equal(job(-EPERM), -EPERM);
	assert_string_equal(trail, "21");
}

static void a_committed_job_stays(void **state)
{
	(void)state;
	assert_int_equal(job(0), 0);
	assert_string_equal(trail, "");
}

static void a_committed_stack_is_usable_again(void **state)
{
	(void)state;
	Undo u = UNDO_EMPTY;
	push(&u, 'a');
	undo_commit(&u);
	push(&u, 'b');
	undo_run(&u);
	assert_string_equal(trail, "b");
}

static void one_step_too_many_aborts(void **state)
{
	(void)state;
	Undo u = UNDO_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(u.steps); i++)
		push(&u, 'x');
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit no_core = { 0, 0 };
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)close(STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
		push(&u, 'y');
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	undo_run(&u);
	assert_int_equal(strlen(trail), ARRAY_LEN(u.steps));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(steps_run_newest_first, clear_trail),
		cmocka_unit_test_setup(a_failed_job_is_taken_back, clear_trail),
		cmocka_unit_test_setup(a_committed_job_stays, clear_trail),
		cmocka_unit_test_setup(a_committed_stack_is_usable_again, clear_trail),
		cmocka_unit_test_setup(one_step_too_many_aborts, clear_trail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
