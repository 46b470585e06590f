#include "unit.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/memfd.h"

static void a_sealed_one_cannot_be_changed(void **state)
{
	(void)state;
	Err e = { 0 };
	int fd;
	assert_int_equal(memfd_open("test", false, &fd, &e), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(memfd_seal(fd, "test", &e), 0);
	assert_int_equal(write(fd, "more", 4), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), -1); /* sealed is the sealing, too */
	fd_close(fd);
}

/* A mapping that is written through makes the kernel say EBUSY, as a page that it holds itself does. */
static void one_that_is_busy_for_a_moment_is_sealed_after_it(void **state)
{
	(void)state;
	Err e = { 0 };
	int fd, status;
	assert_int_equal(memfd_open("test", true, &fd, &e), 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	pid_t pid = fork(); /* its copy of the mapping goes with it */
	if (pid == 0) {
		const struct timespec wait = { .tv_nsec = 100000000 };
		(void)nanosleep(&wait, NULL);
		_exit(0);
	}
	assert_int_equal(munmap(map, 4096), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(memfd_seal(fd, "test", &e), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_one_cannot_be_changed),
		cmocka_unit_test(one_that_is_busy_for_a_moment_is_sealed_after_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
