/* kern/process.h: descriptors of processes. What makes and ends processes is tested with those who do it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/process.h"

static void a_process_that_lives(void **state)
{
	(void)state;
	AUTO(fd_close) int fd = FD_NONE;
	Err e = { 0 };
	assert_int_equal(process_open(getpid(), &fd, &e), 0);
	assert_true(fd >= 0);
}

/* Begins a session, leaves a process in it that ends when `talk` is closed, and goes. */
static _Noreturn void leave_a_session(int talk, int other_end)
{
	char c;
	(void)close(other_end);
	if (setsid() < 0 || fork() != 0)
		_exit(0);
	(void)!read(talk, &c, 1); /* the end of it */
	_exit(0);
}

/* Linux before 6.9 says EINVAL of a number that names a session, but no process any more. */
static void a_number_that_only_names_a_session_is_no_process(void **state)
{
	(void)state;
	int ends[2], fd = FD_NONE;
	Err e = { 0 };
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		leave_a_session(ends[0], ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_open(pid, &fd, &e), -ESRCH);
	assert_int_equal(e.kind, ERR_STATE);
	assert_non_null(strstr(e.msg, "has ended"));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_lives),
		cmocka_unit_test(a_number_that_only_names_a_session_is_no_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
