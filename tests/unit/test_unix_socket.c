/* kern/unix_socket.h: packets. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/unix_socket.h"

typedef struct Pair {
	int ours, theirs;
} Pair;

static Pair pair_make(void)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	return (Pair){ ends[0], ends[1] };
}

static void assert_received(int socket, const char *expected)
{
	char text[16] = "";
	int fd = FD_NONE;
	Err e = { 0 };
	assert_int_equal(unix_receive_packet(socket, text, sizeof text, &fd, &e), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(fd, FD_NONE);
}

static void what_was_said_before_the_end_is_heard(void **state)
{
	(void)state;
	Pair p = pair_make();
	assert_int_equal(write(p.theirs, "first", 5), 5);
	assert_int_equal(write(p.theirs, "second", 6), 6);
	close(p.theirs);
	assert_received(p.ours, "first");
	assert_received(p.ours, "second");
	assert_received(p.ours, "");
	close(p.ours);
}

/* The kernel tells of packets that nobody has read before it gives what the other side had said. */
static void also_when_it_has_not_listened(void **state)
{
	(void)state;
	Pair p = pair_make();
	assert_int_equal(write(p.ours, "unread", 6), 6);
	assert_int_equal(write(p.theirs, "last", 4), 4);
	close(p.theirs);
	assert_received(p.ours, "last");
	assert_received(p.ours, "");
	close(p.ours);
}

static void there_may_be_nothing_to_hear(void **state)
{
	(void)state;
	Pair p = pair_make();
	assert_int_equal(write(p.ours, "unread", 6), 6);
	close(p.theirs);
	assert_received(p.ours, "");
	close(p.ours);
}

/* Two fit into the padding of room for one; more are cut off by the kernel. Neither stays open here. */
static void descriptors_that_nobody_expects_are_closed(void **state)
{
	(void)state;
	for (size_t count = 2; count <= 3; count++) {
		Pair p = pair_make();
		char text[16], space[CMSG_SPACE(3 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
		int fds[3] = { p.ours, p.ours, p.ours }, fd = 7;
		struct iovec iov = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = space,
				      .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
		int next = dup(0);
		close(next);
		Err e = { 0 };
		assert_int_equal(sendmsg(p.theirs, &msg, 0), 1);
		ssize_t n = unix_receive_packet(p.ours, text, sizeof text, &fd, &e);
		assert_true(count == 2 ? n == 1 : n == -EPROTO);
		assert_int_equal(fd, FD_NONE);
		int after = dup(0);
		assert_int_equal(after, next);
		close(after);
		close(p.ours);
		close(p.theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_said_before_the_end_is_heard),
		cmocka_unit_test(also_when_it_has_not_listened),
		cmocka_unit_test(there_may_be_nothing_to_hear),
		cmocka_unit_test(descriptors_that_nobody_expects_are_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
