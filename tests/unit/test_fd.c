#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static char dir[] = "/tmp/test_fd.XXXXXX";
static int dirfd_ = FD_NONE;

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlinkat(dirfd_, "f", 0);
	fd_close(dirfd_);
	return rmdir(dir);
}

static void put(const char *text, size_t len)
{
	AUTO(fd_close) int fd = openat(dirfd_, "f", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void closing_keeps_errno(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	errno = ENOSPC;
	fd_close(fd);
	assert_int_equal(errno, ENOSPC);
	assert_false(is_open(fd));
	errno = ENOSPC;
	fd_close(FD_NONE);
	assert_int_equal(errno, ENOSPC);
}

static int borrow(bool give, int *ret)
{
	AUTO(fd_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	*ret = fd;
	if (give)
		*ret = TAKE_FD(fd);
	return 0;
}

static void auto_closes_what_was_not_taken(void **state)
{
	(void)state;
	int fd;
	(void)borrow(false, &fd);
	assert_false(is_open(fd));
	(void)borrow(true, &fd);
	assert_true(is_open(fd));
	fd_close(fd);
	assert_true(openat(FD_NONE, ".", O_RDONLY | O_CLOEXEC) < 0 &&
		    errno == EBADF); /* never the current directory */
}

static void keep_for_exec_clears_the_flag(void **state)
{
	(void)state;
	Err e = { 0 };
	AUTO(fd_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_keep_for_exec(fd, &e), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(fd_keep_for_exec(FD_NONE, &e), -EBADF);
	assert_non_null(strstr(e.msg, "descriptor"));
}

/* In a child: closes what is asked for, fills up, and exits with 0 when all is as it should be. */
static int fill_in_child(unsigned closed)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (int fd = 0; fd <= 2; fd++)
			if (closed & (1u << fd))
				(void)close(fd);
		Err e = { 0 };
		if (fd_open_missing_stdio(&e) < 0)
			_exit(1);
		for (int fd = 0; fd <= 2; fd++) {
			int flags = fcntl(fd, F_GETFL);
			if (flags < 0 || fcntl(fd, F_GETFD) & FD_CLOEXEC)
				_exit(2);
			struct stat st, null;
			if (fstat(fd, &st) < 0 || stat("/dev/null", &null) < 0)
				_exit(3);
			if (closed & (1u << fd) && (st.st_rdev != null.st_rdev ||
						    (flags & O_ACCMODE) != (fd ? O_WRONLY : O_RDONLY)))
				_exit(4);
		}
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void closed_stdio_is_filled(void **state)
{
	(void)state;
	for (unsigned closed = 0; closed < 8; closed++)
		assert_int_equal(fill_in_child(closed), 0);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A megabyte through a socket whose reader is slow, with a signal in the middle: short writes and EINTR both happen. */
static void write_all_writes_all(void **state)
{
	(void)state;
	enum { SIZE = 1 << 20 };
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	char *data = malloc(SIZE);
	assert_non_null(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 251);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		Err e = { 0 };
		const struct sigaction act = { .sa_handler = on_alarm }; /* no SA_RESTART */
		(void)sigaction(SIGUSR1, &act, NULL);
		fd_close(pair[0]);
		_exit(fd_write_all(pair[1], data, SIZE, "the socket", &e) < 0);
	}
	fd_close(pair[1]);
	char *got = malloc(SIZE + 1);
	assert_non_null(got);
	(void)usleep(50 * 1000); /* the writer is blocked in write(2) by now */
	(void)kill(pid, SIGUSR1);
	assert_int_equal(fd_read_up_to(pair[0], got, SIZE + 1), SIZE);
	assert_memory_equal(got, data, SIZE);
	int status = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(pair[0]);
	free(data);
	free(got);
}

static void a_failed_write_names_the_object(void **state)
{
	(void)state;
	Err e = { 0 };
	AUTO(fd_close) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(fd_write_all(fd, "x", 1, "the record", &e), -ENOSPC);
	assert_non_null(strstr(e.msg, "the record"));
	assert_int_equal(fd_write_all(fd, "", 0, "nothing", &e), 0);
}

static void read_up_to_stops_at_the_size(void **state)
{
	(void)state;
	char buf[8] = "........";
	put("12345678", 8);
	AUTO(fd_close) int fd = openat(dirfd_, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_read_up_to(fd, buf, 5), 5);
	assert_memory_equal(buf, "12345...", 8);
	assert_int_equal(fd_read_up_to(fd, buf, 8), 3);
	assert_int_equal(fd_read_up_to(fd, buf, 8), 0);
	assert_int_equal(fd_read_up_to(FD_NONE, buf, 8), -EBADF);
	assert_int_equal(errno, EBADF);
}

static void small_text_files(void **state)
{
	(void)state;
	char buf[8];
	put("hello\n", 6);
	assert_int_equal(fd_read_text_at(dirfd_, "f", buf, sizeof buf), 5);
	assert_string_equal(buf, "hello");
	put("a\n\n", 3); /* one newline goes, no more */
	assert_int_equal(fd_read_text_at(dirfd_, "f", buf, sizeof buf), 2);
	assert_string_equal(buf, "a\n");
	put("", 0);
	assert_int_equal(fd_read_text_at(dirfd_, "f", buf, sizeof buf), 0);
	assert_string_equal(buf, "");
	put("1234567", 7);
	assert_int_equal(fd_read_text_at(dirfd_, "f", buf, sizeof buf), 7);
	put("12345678", 8); /* no room for the NUL */
	assert_int_equal(fd_read_text_at(dirfd_, "f", buf, sizeof buf), -EFBIG);
	assert_int_equal(fd_read_text_at(dirfd_, "missing", buf, sizeof buf), -ENOENT);
	assert_int_equal(fd_read_text_at(dirfd_, ".", buf, sizeof buf), -EISDIR);
}

static void text_is_written_into_what_exists(void **state)
{
	(void)state;
	char buf[16];
	put("", 0);
	assert_int_equal(fd_write_text_at(dirfd_, "f", "max 100000"), 0);
	assert_int_equal(fd_read_text_at(dirfd_, "f", buf, sizeof buf), 10);
	assert_string_equal(buf, "max 100000");
	assert_int_equal(fd_write_text_at(dirfd_, "missing", "x"), -ENOENT); /* a kernel file is never created */
	assert_int_equal(fd_write_text_at(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_keeps_errno),
		cmocka_unit_test(auto_closes_what_was_not_taken),
		cmocka_unit_test(keep_for_exec_clears_the_flag),
		cmocka_unit_test(closed_stdio_is_filled),
		cmocka_unit_test(write_all_writes_all),
		cmocka_unit_test(a_failed_write_names_the_object),
		cmocka_unit_test(read_up_to_stops_at_the_size),
		cmocka_unit_test(small_text_files),
		cmocka_unit_test(text_is_written_into_what_exists),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
