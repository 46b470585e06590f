#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/tty.h"
#include "kern/wait_loop.h"

typedef struct Pty {
	int master, slave;
} Pty;

static Pty pty_open(void)
{
	char name[64];
	Pty p = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) };
	if (p.master < 0 || grantpt(p.master) < 0 || unlockpt(p.master) < 0 ||
	    ptsname_r(p.master, name, sizeof name) != 0)
		_exit(90);
	p.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p.slave < 0)
		_exit(91);
	return p;
}

static void pty_close(Pty *p)
{
	fd_close(p->master);
	fd_close(p->slave);
}

static void become_terminal(int fd)
{
	if (setsid() < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
		_exit(92);
}

static struct termios mode_of(int fd)
{
	struct termios t;
	assert_int_equal(tcgetattr(fd, &t), 0);
	return t;
}

static bool is_raw(int fd)
{
	struct termios t = mode_of(fd);
	return !(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_oflag & OPOST);
}

static void pause_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	(void)nanosleep(&t, NULL);
}

/* ---- the terminal alone ---- */

static void raw_mode_is_put_back(void **state)
{
	(void)state;
	Pty p = pty_open();
	struct termios before = mode_of(p.slave);
	Err e = { 0 };
	{
		AUTO(tty_restore) TtyRaw raw = TTY_RAW_NONE;
		assert_int_equal(tty_make_raw(p.slave, &raw, &e), 0);
		assert_true(is_raw(p.slave));
		tty_restore(&raw);
		assert_false(is_raw(p.slave));
		tty_make_raw_again(&raw);
		assert_true(is_raw(p.slave));
	}
	struct termios after = mode_of(p.slave);
	assert_int_equal(before.c_lflag, after.c_lflag);
	assert_int_equal(before.c_iflag, after.c_iflag);
	assert_int_equal(before.c_oflag, after.c_oflag);
	assert_memory_equal(before.c_cc, after.c_cc, sizeof before.c_cc);
	pty_close(&p);
}

static void what_is_no_terminal_is_left_alone(void **state)
{
	(void)state;
	int fds[2];
	Err e = { 0 };
	TtyRaw raw;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(tty_make_raw(fds[0], &raw, &e), 0);
	assert_int_equal(raw.fd, FD_NONE);
	tty_restore(&raw);
	tty_make_raw_again(&raw);
	fd_close(fds[0]);
	fd_close(fds[1]);
}

static void the_size_is_copied(void **state)
{
	(void)state;
	Pty a = pty_open(), b = pty_open();
	struct winsize size = { .ws_row = 33, .ws_col = 101 };
	assert_int_equal(ioctl(a.master, TIOCSWINSZ, &size), 0);
	tty_copy_size(a.slave, b.master);
	assert_int_equal(ioctl(b.slave, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_row, 33);
	assert_int_equal(size.ws_col, 101);
	pty_close(&a);
	pty_close(&b);
}

/* ---- the loop: a driver process stands for the parent, its child for the container ---- */

typedef int (*ChildFn)(void);

typedef struct Driver {
	pid_t pid;
	int in, out; /* our ends of its standard input and output */
} Driver;

static int child_main(int slave, ChildFn fn)
{
	uint64_t none = 0;
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none); /* as init does */
	if (slave >= 0) {
		become_terminal(slave);
		for (int fd = 0; fd < 2; fd++)
			if (dup2(slave, fd) < 0)
				return 93;
	}
	return fn();
}

static int driver_main(bool terminal, ChildFn fn)
{
	WaitSignals signals;
	WaitEnd end;
	Err e = { 0 };
	Pty p = { FD_NONE, FD_NONE };
	int pidfd;
	if (terminal)
		p = pty_open();
	if (wait_signals_block(terminal, &signals, &e) < 0)
		return 94;
	pid_t pid = process_clone(0, FD_NONE, &pidfd, &e);
	if (pid == 0)
		_exit(child_main(p.slave, fn));
	if (pid < 0)
		return 95;
	if (terminal)
		fd_close(p.slave);
	const WaitOpts opts = { .pidfd = pidfd,
				.signals_fd = signals.fd,
				.take_master_fd = p.master,
				.forward_stdin = true };
	if (process_wait_loop(&opts, &end, &e) < 0)
		return 96;
	wait_signals_restore(&signals);
	return process_end_code(&end.process);
}

/* stdin, stdout: what the driver gets as its own; a terminal as standard input becomes its controlling one. */
static pid_t driver_start(bool terminal, ChildFn fn, int in, int out)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (isatty(in))
			become_terminal(in);
		if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
			_exit(97);
		if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0) /* above all our ends of its pipes */
			_exit(99);
		alarm(60); /* should a test fail, nothing stays */
		_exit(driver_main(terminal, fn));
	}
	assert_true(pid > 0);
	return pid;
}

static Driver driver_on_pipes(bool terminal, ChildFn fn, int out_flags)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(fcntl(out[1], F_SETFL, out_flags), 0);
	Driver d = { .pid = driver_start(terminal, fn, in[0], out[1]), .in = in[1], .out = out[0] };
	fd_close(in[0]);
	fd_close(out[1]);
	return d;
}

static int driver_end(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Waits for one line of output: the child is where it should be. */
static void expect_line(int fd, const char *want)
{
	char got[128];
	size_t len = 0;
	while (len < sizeof got - 1 && read(fd, got + len, 1) == 1)
		if (got[len++] == '\n')
			break;
	got[len] = '\0';
	got[strcspn(got, "\r\n")] = '\0';
	assert_string_equal(got, want);
}

static void say(const char *line)
{
	if (write(1, line, strlen(line)) < 0)
		_exit(98);
}

#define BIG (2000000)

static int write_much(void)
{
	struct termios t;
	static char line[1000];
	memset(line, 'x', sizeof line);
	if (tcgetattr(1, &t) < 0)
		return 1;
	cfmakeraw(&t);
	if (tcsetattr(1, TCSANOW, &t) < 0)
		return 2;
	for (int i = 0; i < BIG / 1000; i++)
		if (write(1, line, sizeof line) != sizeof line)
			return 3;
	return 5;
}

static void output_is_whole(int out_flags)
{
	Driver d = driver_on_pipes(true, write_much, out_flags);
	static char buf[65536];
	size_t got = 0;
	pause_ms(100); /* let every buffer on the way fill up */
	for (ssize_t n; (n = read(d.out, buf, sizeof buf)) > 0; got += (size_t)n)
		pause_ms(1);
	assert_int_equal(driver_end(d.pid), 5);
	assert_int_equal(got, BIG);
	fd_close(d.in);
	fd_close(d.out);
}

static void output_is_not_cut_at_the_end(void **state)
{
	(void)state;
	output_is_whole(0);
	output_is_whole(O_NONBLOCK); /* a standard output that somebody else has made so */
}

static int copy(void)
{
	struct termios t;
	char buf[256];
	if (tcgetattr(0, &t) < 0)
		return 1;
	t.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(0, TCSANOW, &t) < 0)
		return 2;
	say("ready\n");
	for (ssize_t n; (n = read(0, buf, sizeof buf)) > 0;)
		if (write(1, buf, (size_t)n) != n)
			return 3;
	return 6;
}

static void the_end_of_standard_input_is_passed_on(void **state)
{
	(void)state;
	static const char *const texts[] = { "hello", "hello\n", "" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		Driver d = driver_on_pipes(true, copy, 0);
		char got[64] = "";
		expect_line(d.out, "ready");
		assert_int_equal(fd_write_all(d.in, texts[i], strlen(texts[i]), "pipe", NULL), 0);
		fd_close(d.in);
		assert_int_equal(driver_end(d.pid), 6);
		ssize_t n = fd_read_up_to(d.out, got, sizeof got - 1);
		assert_true(n >= 0);
		assert_memory_equal(got, texts[i], strcspn(texts[i], "\n"));
		fd_close(d.out);
	}
}

static int wait_for_signal(void)
{
	say("ready\n");
	for (;;)
		(void)poll(NULL, 0, -1);
	return 0;
}

static void signals_are_passed_on(void **state)
{
	(void)state;
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP, 37 };
	for (size_t i = 0; i < 2 * ARRAY_LEN(signals); i++) {
		int sig = signals[i / 2];
		Driver d = driver_on_pipes(i % 2 == 1, wait_for_signal, 0);
		expect_line(d.out, "ready");
		assert_int_equal(kill(d.pid, SIGURG), 0); /* ours: must not end anything */
		assert_int_equal(kill(d.pid, SIGPIPE), 0);
		assert_int_equal(kill(d.pid, sig), 0);
		assert_int_equal(driver_end(d.pid), 128 + sig);
		fd_close(d.in);
		fd_close(d.out);
	}
}

static int leave(void)
{
	return 42;
}

static void the_exit_code_comes_back(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		Driver d = driver_on_pipes(i == 1, leave, 0);
		assert_int_equal(driver_end(d.pid), 42);
		fd_close(d.in);
		fd_close(d.out);
	}
}

static void a_reader_that_leaves_stops_nobody(void **state)
{
	(void)state;
	Driver d = driver_on_pipes(true, write_much, 0);
	char buf[100];
	assert_true(read(d.out, buf, sizeof buf) > 0);
	fd_close(d.out);
	assert_int_equal(driver_end(d.pid), 5);
	fd_close(d.in);
}

static void a_reader_that_does_not_read_can_be_left(void **state)
{
	(void)state;
	Driver d = driver_on_pipes(true, write_much, 0);
	pause_ms(200);
	assert_int_equal(kill(d.pid, SIGTERM), 0); /* ends the writer, whose last output nobody takes */
	pause_ms(200);
	assert_int_equal(waitpid(d.pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(d.pid, SIGTERM), 0);
	assert_int_equal(driver_end(d.pid), 128 + SIGTERM);
	fd_close(d.in);
	fd_close(d.out);
}

/* Its terminal is closed by all for a while, as it is before a shell opens it again. */
static int reopen(void)
{
	char name[64];
	if (ttyname_r(0, name, sizeof name) != 0)
		return 1;
	fd_close(0);
	fd_close(1);
	pause_ms(150);
	int in = open(name, O_RDWR), out = open(name, O_RDWR);
	if (in != 0 || out != 1)
		return 2;
	say("back\n");
	return 8;
}

static void a_terminal_may_be_closed_and_opened_again(void **state)
{
	(void)state;
	Driver d = driver_on_pipes(true, reopen, 0);
	expect_line(d.out, "back");
	assert_int_equal(driver_end(d.pid), 8);
	fd_close(d.in);
	fd_close(d.out);
}

static int wait_for_size(void)
{
	struct winsize size;
	say("ready\n");
	for (int i = 0; i < 500; i++) {
		if (ioctl(0, TIOCGWINSZ, &size) == 0 && size.ws_row == 44 && size.ws_col == 133)
			return 9;
		pause_ms(10);
	}
	return 1;
}

static void size_changes_follow(void **state)
{
	(void)state;
	Pty outer = pty_open();
	pid_t pid = driver_start(true, wait_for_size, outer.slave, outer.slave);
	expect_line(outer.master, "ready");
	const struct winsize size = { .ws_row = 44, .ws_col = 133 };
	assert_int_equal(ioctl(outer.master, TIOCSWINSZ, &size), 0);
	assert_int_equal(driver_end(pid), 9);
	pty_close(&outer);
}

static void wait_until_stopped(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void the_outer_terminal_is_raw_only_while_we_run(void **state)
{
	(void)state;
	Pty outer = pty_open();
	struct termios before = mode_of(outer.slave);
	pid_t pid = driver_start(true, wait_for_signal, outer.slave, outer.slave);
	expect_line(outer.master, "ready");
	assert_true(is_raw(outer.slave));

	assert_int_equal(kill(pid, SIGTSTP), 0);
	wait_until_stopped(pid);
	assert_false(is_raw(outer.slave));
	assert_int_equal(kill(pid, SIGCONT), 0);
	for (int i = 0; i < 200 && !is_raw(outer.slave); i++)
		pause_ms(10);
	assert_true(is_raw(outer.slave));

	/* SIGSTOP cannot be seen coming; the shell then puts its own mode back. */
	assert_int_equal(kill(pid, SIGSTOP), 0);
	wait_until_stopped(pid);
	assert_int_equal(tcsetattr(outer.slave, TCSANOW, &before), 0);
	assert_int_equal(kill(pid, SIGCONT), 0);
	for (int i = 0; i < 200 && !is_raw(outer.slave); i++)
		pause_ms(10);
	assert_true(is_raw(outer.slave));

	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(driver_end(pid), 128 + SIGTERM);
	struct termios after = mode_of(outer.slave);
	assert_int_equal(before.c_lflag, after.c_lflag);
	assert_int_equal(before.c_oflag, after.c_oflag);
	pty_close(&outer);
}

/* What is typed as ^C in raw mode reaches the command's own terminal, which makes the signal. */
static void interrupt_is_for_the_command(void **state)
{
	(void)state;
	Pty outer = pty_open();
	pid_t pid = driver_start(true, wait_for_signal, outer.slave, outer.slave);
	expect_line(outer.master, "ready");
	assert_int_equal(write(outer.master, "\003", 1), 1);
	assert_int_equal(driver_end(pid), 128 + SIGINT);
	pty_close(&outer);
}

static void blocked_signals_come_back(void **state)
{
	(void)state;
	sigset_t before, after;
	WaitSignals s;
	Err e = { 0 };
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &before), 0);
	assert_int_equal(wait_signals_block(false, &s, &e), 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &after), 0);
	assert_true(sigismember(&after, SIGTERM));
	assert_false(sigismember(&after, SIGTSTP));
	assert_false(sigismember(&after, SIGCHLD));
	assert_false(sigismember(&after, SIGSEGV));
	wait_signals_restore(&s);
	wait_signals_restore(&s);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &after), 0);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_mode_is_put_back),
		cmocka_unit_test(what_is_no_terminal_is_left_alone),
		cmocka_unit_test(the_size_is_copied),
		cmocka_unit_test(blocked_signals_come_back),
		cmocka_unit_test(the_exit_code_comes_back),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(output_is_not_cut_at_the_end),
		cmocka_unit_test(the_end_of_standard_input_is_passed_on),
		cmocka_unit_test(a_reader_that_leaves_stops_nobody),
		cmocka_unit_test(a_reader_that_does_not_read_can_be_left),
		cmocka_unit_test(a_terminal_may_be_closed_and_opened_again),
		cmocka_unit_test(size_changes_follow),
		cmocka_unit_test(the_outer_terminal_is_raw_only_while_we_run),
		cmocka_unit_test(interrupt_is_for_the_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
