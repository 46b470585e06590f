/* Signals as messages: what ends a wait, what stays for later, and that nothing of it outlives the wait. */
#include "unit.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kern/wait_signals.h"

static int sockets[2];
static WaitSignals signals;
static Err err;

static int setup(void **state)
{
	(void)state;
	err = (Err){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	return wait_signals_block(false, &signals, &err);
}

static int teardown(void **state)
{
	(void)state;
	wait_signals_restore(&signals);
	for (int i = 0; i < 2; i++)
		if (sockets[i] >= 0)
			close(sockets[i]);
	return 0;
}

static void peer_close(void)
{
	close(sockets[1]);
	sockets[1] = -1;
}

/* The signals that the descriptor holds, in the order of their numbers. */
static void expect_pending(const int *want, size_t count)
{
	struct signalfd_siginfo info;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(read(signals.fd, &info, sizeof info), sizeof info);
		assert_int_equal(info.ssi_signo, want[i]);
	}
	assert_int_equal(read(signals.fd, &info, sizeof info), -1);
}

static void the_end_of_the_peer_is_seen(void **state)
{
	(void)state;
	peer_close();
	assert_int_equal(wait_signals_hangup(&signals, sockets[0], &err), 0);
	assert_int_equal(signals.ended_by, 0);
}

/* Only the end counts, and what was said before can be read after it. */
static void messages_do_not_end_the_wait(void **state)
{
	char buf[4];
	(void)state;
	assert_int_equal(write(sockets[1], "abc", 3), 3);
	pid_t pid = fork();
	if (pid == 0) {
		close(sockets[0]);
		usleep(50000);
		_exit(write(sockets[1], "def", 3) == 3 ? 0 : 1);
	}
	peer_close();
	assert_int_equal(wait_signals_hangup(&signals, sockets[0], &err), 0);
	assert_int_equal(read(sockets[0], buf, sizeof buf), 3);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(read(sockets[0], buf, sizeof buf), 3);
	assert_memory_equal(buf, "def", 3);
	assert_int_equal(read(sockets[0], buf, sizeof buf), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Who has ended is not waited for, although we hold the other end; what it said first is there. */
static void a_process_that_ends_without_a_word(void **state)
{
	(void)state;
	for (int speaks = 0; speaks < 2; speaks++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(speaks && write(sockets[1], "abc", 3) != 3);
		int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		assert_true(pidfd >= 0);
		assert_int_equal(wait_signals_word(&signals, sockets[0], pidfd, &err),
				 speaks ? 0 : -ECONNRESET);
		close(pidfd);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

static void four_signals_end_the_wait(void **state)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ending); i++) {
		assert_int_equal(raise(ending[i]), 0);
		assert_int_equal(wait_signals_hangup(&signals, sockets[0], &err), -EINTR);
		assert_int_equal(signals.ended_by, ending[i]);
		assert_int_equal(err.kind, ERR_STATE);
	}
	expect_pending(NULL, 0);
}

static void a_peer_that_has_ended_comes_first(void **state)
{
	static const int term[] = { SIGTERM };
	(void)state;
	assert_int_equal(raise(SIGTERM), 0);
	peer_close();
	assert_int_equal(wait_signals_hangup(&signals, sockets[0], &err), 0);
	assert_int_equal(signals.ended_by, 0);
	expect_pending(term, 1);
}

static void other_signals_stay_for_later(void **state)
{
	static const int others[] = { SIGUSR1, SIGUSR2, SIGCONT, 40 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(kill(getpid(), others[i]), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(wait_signals_hangup(&signals, sockets[0], &err), -EINTR);
	assert_int_equal(signals.ended_by, SIGTERM);
	expect_pending(others, ARRAY_LEN(others));
}

static void what_the_caller_ignores_ends_nothing(void **state)
{
	static const int interrupt[] = { SIGINT };
	(void)state;
	assert_true(signal(SIGINT, SIG_IGN) != SIG_ERR);
	assert_false(wait_signals_would_end_us(SIGINT));
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(wait_signals_hangup(&signals, sockets[0], &err), -EINTR);
	assert_int_equal(signals.ended_by, SIGTERM);
	expect_pending(interrupt, 1);
	assert_true(signal(SIGINT, SIG_DFL) != SIG_ERR);
}

static void what_would_end_us(void **state)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGALRM, SIGPWR, 34, 64 };
	static const int harmless[] = { SIGCHLD, SIGCONT, SIGWINCH, SIGURG, SIGTSTP, SIGTTIN };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		assert_true(wait_signals_would_end_us(ending[i]));
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		assert_false(wait_signals_would_end_us(harmless[i]));
}

/* What came until the end was meant for what is over: it must not kill us now, of SIGTERM. */
static void what_is_pending_at_the_end_is_forgotten(void **state)
{
	sigset_t pending;
	(void)state;
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	wait_signals_restore(&signals);
	assert_int_equal(sigpending(&pending), 0);
	assert_false(sigismember(&pending, SIGTERM));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_end_of_the_peer_is_seen),
		TEST(messages_do_not_end_the_wait),
		TEST(a_process_that_ends_without_a_word),
		TEST(four_signals_end_the_wait),
		TEST(a_peer_that_has_ended_comes_first),
		TEST(other_signals_stay_for_later),
		TEST(what_the_caller_ignores_ends_nothing),
		TEST(what_would_end_us),
		TEST(what_is_pending_at_the_end_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
