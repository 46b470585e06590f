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

typedef struct Told {
	int number, pipe;
} Told;

/* A child of process_spawn(): says its number through the pipe and, in what may be our memory, that it was here. */
static void tell(void *arg)
{
	Told *t = arg;
	int said = t->number;
	ssize_t n = write(t->pipe, &said, sizeof said);
	t->number = 0;
	_exit(n == sizeof said ? 7 : 1);
}

static int spawn_tells(uint64_t flags, Told *t)
{
	int ends[2], said = 0;
	AUTO(fd_close) int pidfd = FD_NONE;
	Err e = { 0 };
	ProcessEnd end;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*t = (Told){ .number = 42, .pipe = ends[1] };
	const ProcessChild child = { .run = tell, .arg = t };
	pid_t pid = process_spawn(flags, FD_NONE, &child, &pidfd, &e);
	assert_true(pid > 0 && pidfd >= 0);
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(read(ends[0], &said, sizeof said), sizeof said);
	assert_int_equal(process_wait(pidfd, &end, &e), 0);
	assert_false(end.by_signal);
	assert_int_equal(end.number, 7);
	close(ends[0]);
	close(ends[1]);
	return said;
}

static void a_child_with_memory_of_its_own(void **state)
{
	(void)state;
	Told t;
	assert_int_equal(spawn_tells(0, &t), 42);
	assert_int_equal(t.number, 42);
}

/* Often, since a stack that is shared wrongly breaks only who comes back to it. */
static void a_child_in_our_memory(void **state)
{
	(void)state;
	Told t;
	for (int i = 0; i < 100; i++)
		assert_int_equal(spawn_tells(PROCESS_IN_OUR_MEMORY, &t), 42);
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__clang__) /* clang tells of sanitizers in another way */
	assert_int_equal(t.number, 0);
#endif
}

static void exec_true(void *arg)
{
	char name[] = "true";
	char *const argv[] = { name, NULL };
	execve(arg, argv, argv + 1);
	_exit(3);
}

static void a_child_that_executes(void **state)
{
	(void)state;
	AUTO(fd_close) int pidfd = FD_NONE;
	Err e = { 0 };
	ProcessEnd end;
	char path[] = "/bin/true";
	const ProcessChild child = { .run = exec_true, .arg = path };
	assert_true(process_spawn(PROCESS_IN_OUR_MEMORY, FD_NONE, &child, &pidfd, &e) > 0);
	assert_int_equal(process_wait(pidfd, &end, &e), 0);
	assert_false(end.by_signal);
	assert_int_equal(end.number, 0);
}

static void a_spawn_that_fails(void **state)
{
	(void)state;
	int pidfd = FD_NONE, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	Err e = { 0 };
	const ProcessChild child = { .run = exec_true };
	assert_true(null >= 0);
	assert_int_equal(process_spawn(PROCESS_IN_OUR_MEMORY, null, &child, &pidfd, &e), -EBADF); /* no cgroup */
	assert_int_equal(pidfd, FD_NONE);
	assert_non_null(strstr(e.msg, "make a process"));
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_lives),
		cmocka_unit_test(a_number_that_only_names_a_session_is_no_process),
		cmocka_unit_test(a_child_with_memory_of_its_own),
		cmocka_unit_test(a_child_in_our_memory),
		cmocka_unit_test(a_child_that_executes),
		cmocka_unit_test(a_spawn_that_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
