/* kern/unix_socket.h: packets. */
#include "unit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_said_before_the_end_is_heard),
		cmocka_unit_test(also_when_it_has_not_listened),
		cmocka_unit_test(there_may_be_nothing_to_hear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
