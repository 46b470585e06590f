/* The conversation between parent and init, with a forked process at the other end. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/own.h"
#include "wire/sync.h"
#include "wire/wire.h"

/* What sync.c sends, to send what it would not. */
typedef struct Message {
	uint32_t step, fds;
	Err err;
} Message;

typedef struct Pair {
	Sync parent, init;
} Pair;

static Pair make_pair(void)
{
	Pair p;
	Err e = { 0 };
	if (sync_pair(&p.parent, &p.init, &e) < 0)
		fail_msg("%s", e.msg);
	return p;
}

static void close_pair(Pair *p)
{
	sync_close(&p->parent);
	sync_close(&p->init);
}

/* Forks a process that plays init and ends with what `play` returns; the child's asserts would not be seen. */
static pid_t fork_init(Pair *p, int (*play)(Sync *init))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGPIPE, SIG_DFL);
		sync_close(&p->parent);
		_exit(play(&p->init));
	}
	sync_close(&p->init);
	return pid;
}

static int wait_status(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_exit(pid_t pid, int code)
{
	int status = wait_status(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void expect_error(int r, const Err *e, ErrKind kind, int sys, const char *part)
{
	assert_int_equal(r, -sys);
	assert_int_equal(e->kind, kind);
	assert_int_equal(e->sys, sys);
	if (!strstr(e->msg, part))
		fail_msg("'%s' is not in '%s'", part, e->msg);
}

static unsigned count_fds(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

/* ---- the whole way ---- */

static int play_all(Sync *s)
{
	Err e = { 0 };
	AUTO(fd_close) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (sync_expect(s, SYNC_MAPPED, NULL, &e) < 0)
		return 1;
	if (sync_send(s, SYNC_ROOTFS_READY, null, &e) < 0)
		return 2;
	if (sync_send(s, SYNC_EXECING, FD_NONE, &e) < 0)
		return 3;
	return 0;
}

static void all_steps_go_through_in_order(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	struct stat got, null;
	int fd = FD_NONE;
	pid_t pid = fork_init(&p, play_all);
	assert_int_equal(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), 0);
	assert_int_equal(sync_expect(&p.parent, SYNC_ROOTFS_READY, &fd, &e), 0);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(stat("/dev/null", &null), 0);
	assert_true(S_ISCHR(got.st_mode) && got.st_rdev == null.st_rdev);
	fd_close(fd);
	assert_int_equal(sync_expect(&p.parent, SYNC_EXECING, NULL, &e), 0);
	assert_int_equal(sync_expect_exec(&p.parent, &e), 0);
	expect_exit(pid, 0);
	close_pair(&p);
}

/* A step that may carry a descriptor need not. */
static void descriptors_are_optional(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	int fd = 77;
	p.parent.next = p.init.next = SYNC_ROOTFS_READY;
	assert_int_equal(sync_send(&p.init, SYNC_ROOTFS_READY, FD_NONE, &e), 0);
	assert_int_equal(sync_expect(&p.parent, SYNC_ROOTFS_READY, &fd, &e), 0);
	assert_int_equal(fd, FD_NONE);
	close_pair(&p);
}

static void both_ends_close_on_exec(void **state)
{
	(void)state;
	Pair p = make_pair();
	assert_true(fcntl(p.parent.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(p.init.fd, F_GETFD) & FD_CLOEXEC);
	close_pair(&p);
	assert_int_equal(p.parent.fd, FD_NONE);
	close_pair(&p); /* twice does no harm */
}

/* ---- what execve leaves ---- */

static int play_exec(Sync *s)
{
	Err e = { 0 };
	char *const argv[] = { (char[]){ "true" }, NULL };
	s->next = SYNC_EXECING;
	if (sync_send(s, SYNC_EXECING, FD_NONE, &e) < 0)
		return 1;
	(void)execv("/bin/true", argv); /* returns only on failure */
	return 2;
}

static int play_failing_exec(Sync *s)
{
	Err e = { 0 };
	char *const argv[] = { (char[]){ "none" }, NULL };
	s->next = SYNC_EXECING;
	if (sync_send(s, SYNC_EXECING, FD_NONE, &e) < 0)
		return 1;
	(void)execv("/none/such", argv);
	err_make(&e, ERR_CMD_MISSING, errno, "exec: \"none\"");
	sync_fail(s, &e);
	return 0;
}

static int play_step_after_the_last(Sync *s)
{
	Message m = { .step = SYNC_EXECING };
	return write(s->fd, &m, sizeof m) == (ssize_t)sizeof m ? 0 : 1;
}

static void end_of_file_after_execing_is_success(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	p.parent.next = SYNC_EXECING;
	pid_t pid = fork_init(&p, play_exec);
	assert_int_equal(sync_expect(&p.parent, SYNC_EXECING, NULL, &e), 0);
	assert_int_equal(sync_expect_exec(&p.parent, &e), 0);
	expect_exit(pid, 0);
	close_pair(&p);
}

static void a_failing_exec_comes_back(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	p.parent.next = SYNC_EXECING;
	pid_t pid = fork_init(&p, play_failing_exec);
	assert_int_equal(sync_expect(&p.parent, SYNC_EXECING, NULL, &e), 0);
	expect_error(sync_expect_exec(&p.parent, &e), &e, ERR_CMD_MISSING, ENOENT, "exec: \"none\"");
	expect_exit(pid, 0);
	close_pair(&p);
}

static void a_step_after_the_last_is_a_bug(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	pid_t pid = fork_init(&p, play_step_after_the_last);
	expect_error(sync_expect_exec(&p.parent, &e), &e, ERR_BUG, EPROTO, "EXECING after the last one");
	expect_exit(pid, 0);
	close_pair(&p);
}

/* ---- steps that some conversations have ---- */

static void steps_of_the_plan_alone(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	int fd = FD_NONE;
	p.parent.absent = p.init.absent = sync_absent(WIRE_FORK | WIRE_HOOKS);
	expect_error(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "where JOINED");
	assert_int_equal(sync_send(&p.init, SYNC_JOINED, STDIN_FILENO, &e), 0);
	assert_int_equal(sync_expect(&p.parent, SYNC_JOINED, &fd, &e), 0);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), 0);
	assert_int_equal(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), 0);
	expect_error(sync_send(&p.init, SYNC_ROOTFS_READY, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "where MOUNTED");
	assert_int_equal(sync_send(&p.init, SYNC_MOUNTED, FD_NONE, &e), 0);
	assert_int_equal(sync_expect(&p.parent, SYNC_MOUNTED, NULL, &e), 0);
	assert_int_equal(sync_send(&p.parent, SYNC_HOOKED, FD_NONE, &e), 0);
	assert_int_equal(sync_expect(&p.init, SYNC_HOOKED, NULL, &e), 0);
	assert_int_equal(sync_send(&p.init, SYNC_ROOTFS_READY, FD_NONE, &e), 0);
	close_pair(&p);
}

static void a_step_of_another_process(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	p.init.absent = sync_absent(WIRE_FORK);
	sync_pass(&p.init, SYNC_JOINED);
	assert_int_equal(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), 0);
	assert_int_equal(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), 0);
	close_pair(&p);
}

/* ---- wrong steps ---- */

static void steps_out_of_order_are_refused(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	expect_error(sync_send(&p.init, SYNC_ROOTFS_READY, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "step ROOTFS_READY");
	assert_non_null(strstr(e.msg, "MAPPED")); /* names both */
	expect_error(sync_expect(&p.parent, SYNC_EXECING, NULL, &e), &e, ERR_BUG, EPROTO,
		     "step EXECING");
	expect_error(sync_send(&p.parent, SYNC_STEP_COUNT, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "where MAPPED");
	expect_error(sync_send(&p.parent, SYNC_FAILED, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "where MAPPED");
	/* Nothing of that was sent, and nothing moved. */
	assert_int_equal(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), 0);
	assert_int_equal(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), 0);
	expect_error(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "where ROOTFS_READY");
	close_pair(&p);
}

static void steps_of_the_other_side_are_refused(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	expect_error(sync_send(&p.init, SYNC_MAPPED, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "MAPPED of init");
	expect_error(sync_expect(&p.parent, SYNC_MAPPED, NULL, &e), &e, ERR_BUG, EPROTO,
		     "MAPPED of init");
	p.parent.next = p.init.next = SYNC_EXECING;
	expect_error(sync_send(&p.parent, SYNC_EXECING, FD_NONE, &e), &e, ERR_BUG, EPROTO,
		     "EXECING of the parent");
	expect_error(sync_expect(&p.init, SYNC_EXECING, NULL, &e), &e, ERR_BUG, EPROTO,
		     "EXECING of the parent");
	close_pair(&p);
}

static void a_wrong_step_that_arrives_is_refused(void **state)
{
	(void)state;
	const uint32_t wrong[] = { SYNC_MAPPED, SYNC_ROOTFS_READY, SYNC_STEP_COUNT, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		Pair p = make_pair();
		Err e = { 0 };
		Message m = { .step = wrong[i] };
		p.parent.next = SYNC_EXECING;
		assert_int_equal(write(p.init.fd, &m, sizeof m), sizeof m);
		expect_error(sync_expect(&p.parent, SYNC_EXECING, NULL, &e), &e, ERR_BUG, EPROTO,
			     "where EXECING was due");
		assert_int_equal(p.parent.next, SYNC_EXECING);
		close_pair(&p);
	}
}

/* ---- descriptors where none belong ---- */

static void send_with_fds(int socket, const Message *m, size_t size, int fd, unsigned count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)m, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = CMSG_SPACE(count * sizeof fd) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof fd);
	for (unsigned i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof fd, &fd, sizeof fd);
	assert_int_equal(sendmsg(socket, &msg, MSG_NOSIGNAL), size);
}

static void sending_a_descriptor_where_none_belongs_is_refused(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	expect_error(sync_send(&p.parent, SYNC_MAPPED, STDIN_FILENO, &e), &e, ERR_BUG, EPROTO,
		     "carries no descriptor");
	assert_int_equal(p.parent.next, 0);
	close_pair(&p);
}

/* Whatever comes, no descriptor stays open here. */
static void expect_refused_without_leak(SyncStep step, const Message *m, size_t size,
					unsigned count, bool take, const char *part)
{
	Pair p = make_pair();
	Err e = { 0 };
	int fd = FD_NONE;
	p.parent.next = step;
	p.parent.absent = 0;
	send_with_fds(p.init.fd, m, size, STDERR_FILENO, count);
	unsigned before = count_fds();
	expect_error(sync_expect(&p.parent, step, take ? &fd : NULL, &e), &e, ERR_BUG, EPROTO, part);
	assert_int_equal(fd, FD_NONE);
	assert_int_equal(count_fds(), before);
	close_pair(&p);
}

static void a_descriptor_that_should_not_come_is_refused_and_closed(void **state)
{
	(void)state;
	const Message execing = { .step = SYNC_EXECING, .fds = 1 },
		      unannounced = { .step = SYNC_ROOTFS_READY },
		      announced = { .step = SYNC_ROOTFS_READY, .fds = 1 };
	const Message mounted = { .step = SYNC_MOUNTED, .fds = 1 };
	expect_refused_without_leak(SYNC_MOUNTED, &mounted, sizeof(Message), 1, true,
				    "came with a descriptor");
	expect_refused_without_leak(SYNC_EXECING, &execing, sizeof(Message), 1, false,
				    "came with a descriptor");
	expect_refused_without_leak(SYNC_ROOTFS_READY, &announced, sizeof(Message), 1, false,
				    "came with a descriptor");
	expect_refused_without_leak(SYNC_ROOTFS_READY, &unannounced, sizeof(Message), 1, true,
				    "wrong size");
	expect_refused_without_leak(SYNC_ROOTFS_READY, &execing, sizeof(Message), 1, true,
				    "where ROOTFS_READY was due");
	expect_refused_without_leak(SYNC_ROOTFS_READY, &announced, 8, 1, true, "wrong size");
}

static void more_descriptors_than_one_are_refused_and_closed(void **state)
{
	(void)state;
	const Message announced = { .step = SYNC_ROOTFS_READY, .fds = 1 },
		      two = { .step = SYNC_ROOTFS_READY, .fds = 2 };
	for (unsigned count = 2; count <= 4; count++) {
		expect_refused_without_leak(SYNC_ROOTFS_READY, &announced, sizeof(Message), count,
					    true, "wrong size");
		expect_refused_without_leak(SYNC_ROOTFS_READY, &two, sizeof(Message), count, true,
					    "wrong size");
	}
}

static void an_announced_descriptor_that_does_not_come_is_refused(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	int fd = FD_NONE;
	const Message m = { .step = SYNC_ROOTFS_READY, .fds = 1 };
	p.parent.next = SYNC_ROOTFS_READY;
	assert_int_equal(write(p.init.fd, &m, sizeof m), sizeof m);
	expect_error(sync_expect(&p.parent, SYNC_ROOTFS_READY, &fd, &e), &e, ERR_BUG, EPROTO,
		     "wrong size");
	close_pair(&p);
}

static void messages_of_another_size_are_refused(void **state)
{
	(void)state;
	const char bytes[2 * sizeof(Message)] = { 0 };
	const size_t sizes[] = {
		1, 4, 8, sizeof(Message) - 1, sizeof(Message) + 1, 2 * sizeof(Message)
	};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		Pair p = make_pair();
		Err e = { 0 };
		assert_int_equal(write(p.parent.fd, bytes, sizes[i]), sizes[i]);
		expect_error(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), &e, ERR_BUG, EPROTO,
			     "wrong size");
		close_pair(&p);
	}
}

/* ---- failures travel ---- */

static void a_failure_travels_whole(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err why = { .kind = ERR_STATE, .sys = EBUSY, .where = "rootfs.c:12" }, e = { 0 };
	memset(why.msg, 'm', sizeof why.msg - 1);
	why.msg[0] = '\n';
	sync_fail(&p.parent, &why);
	assert_int_equal(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), -EBUSY);
	assert_memory_equal(&e, &why, sizeof e);
	/* Without an errno, and to a caller that wants no text. */
	why.sys = 0;
	sync_fail(&p.parent, &why);
	assert_int_equal(sync_expect(&p.init, SYNC_MAPPED, NULL, NULL), -EIO);
	close_pair(&p);
}

/* A peer that was taken over cannot make us read beyond the Err, or take a failure for success. */
static void a_malformed_failure_is_made_safe(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	Message m = { .step = SYNC_FAILED, .err = { .kind = UINT16_MAX, .sys = 0 } };
	memset(m.err.where, 'w', sizeof m.err.where);
	memset(m.err.msg, 'm', sizeof m.err.msg);
	assert_int_equal(write(p.parent.fd, &m, sizeof m), sizeof m);
	assert_int_equal(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), -EIO);
	assert_int_equal(e.kind, ERR_BUG);
	assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
	assert_int_equal(strlen(e.where), sizeof e.where - 1);
	m.err = (Err){ .kind = ERR_OK, .sys = UINT16_MAX };
	assert_int_equal(write(p.parent.fd, &m, sizeof m), sizeof m);
	assert_int_equal(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), -UINT16_MAX);
	assert_int_equal(e.kind, ERR_BUG);
	close_pair(&p);
}

static void either_side_can_fail(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err why = { .kind = ERR_SYS, .sys = EPERM, .msg = "mount proc on /proc" }, e = { 0 };
	p.parent.next = p.init.next = SYNC_ROOTFS_READY;
	sync_fail(&p.init, &why);
	expect_error(sync_expect(&p.parent, SYNC_ROOTFS_READY, NULL, &e), &e, ERR_SYS, EPERM,
		     "mount proc on /proc");
	why.sys = EIO;
	sync_fail(&p.parent, &why);
	p.init.next = SYNC_MAPPED;
	expect_error(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), &e, ERR_SYS, EIO,
		     "mount proc on /proc");
	close_pair(&p);
}

/* ---- a peer that is gone ---- */

static int play_nothing(Sync *s)
{
	(void)s;
	return 0;
}

static int play_killed(Sync *s)
{
	Err e = { 0 };
	s->next = SYNC_ROOTFS_READY;
	if (sync_send(s, SYNC_ROOTFS_READY, FD_NONE, &e) < 0)
		return 1;
	(void)raise(SIGKILL);
	return 2;
}

static void end_of_file_before_a_step_is_death(void **state)
{
	(void)state;
	Err e = { 0 };
	for (SyncStep step = SYNC_ROOTFS_READY; step < SYNC_STEP_COUNT;
	     step++) { /* the parent's own stands before */
		Pair p = make_pair();
		p.parent.next = step;
		pid_t pid = fork_init(&p, play_nothing);
		int r = sync_expect(&p.parent, step, NULL, &e);
		expect_error(r, &e, ERR_STATE, ECONNRESET, "init ended before");
		assert_non_null(strstr(e.msg, sync_step_text(step)));
		expect_exit(pid, 0);
		close_pair(&p);
	}
}

static void a_killed_init_is_noticed(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	pid_t pid = fork_init(&p, play_killed);
	p.parent.next = SYNC_ROOTFS_READY;
	assert_int_equal(sync_expect(&p.parent, SYNC_ROOTFS_READY, NULL, &e), 0);
	expect_error(sync_expect(&p.parent, SYNC_EXECING, NULL, &e), &e, ERR_STATE, ECONNRESET,
		     "init ended before");
	assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
	p.parent.next = SYNC_MAPPED;
	expect_error(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), &e, ERR_STATE, EPIPE,
		     "the other side is gone");
	close_pair(&p);
}

/* In a process of its own, where SIGPIPE would kill. */
static int play_writing_to_the_dead(Sync *s)
{
	Err e = { 0 };
	char c;
	if (read(s->fd, &c, 1) != 0) /* until the parent's end is closed */
		return 1;
	s->next = SYNC_ROOTFS_READY;
	int r = sync_send(s, SYNC_ROOTFS_READY, FD_NONE, &e);
	sync_fail(s, &e);
	return r == -EPIPE && e.kind == ERR_STATE ? 7 : 2;
}

static void writing_to_the_dead_is_an_error_and_no_signal(void **state)
{
	(void)state;
	Pair p = make_pair();
	pid_t pid = fork_init(&p, play_writing_to_the_dead);
	sync_close(&p.parent);
	expect_exit(pid, 7);
}

/* The kernel says ECONNRESET, not end of file, when the peer died with something unread. */
static void death_with_a_message_unread_is_death(void **state)
{
	(void)state;
	Pair p = make_pair();
	Err e = { 0 };
	assert_int_equal(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), 0);
	sync_close(&p.init);
	expect_error(sync_expect(&p.parent, SYNC_ROOTFS_READY, NULL, &e), &e, ERR_STATE, ECONNRESET,
		     "init ended before");
	close_pair(&p);
	p = make_pair();
	p.init.next = SYNC_ROOTFS_READY;
	assert_int_equal(sync_send(&p.init, SYNC_ROOTFS_READY, FD_NONE, &e), 0);
	sync_close(&p.parent);
	p.init.next = SYNC_MAPPED;
	expect_error(sync_expect(&p.init, SYNC_MAPPED, NULL, &e), &e, ERR_STATE, ECONNRESET,
		     "the parent ended before");
	close_pair(&p);
}

/* Whatever the parent was doing meanwhile: a step that init did not read, or one that it cannot read any more. */
static void a_failure_is_heard_after_death(void **state)
{
	(void)state;
	const Err why = { .kind = ERR_SPEC, .sys = ENOENT, .msg = "mount /none on /data" };
	for (int unread = 0; unread < 2; unread++) {
		Pair p = make_pair();
		Err e = { 0 };
		if (unread)
			assert_int_equal(sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e), 0);
		sync_fail(&p.init, &why);
		sync_close(&p.init);
		int r = unread ? sync_expect(&p.parent, SYNC_ROOTFS_READY, NULL, &e)
			       : sync_send(&p.parent, SYNC_MAPPED, FD_NONE, &e);
		expect_error(r, &e, ERR_SPEC, ENOENT, "mount /none on /data");
		close_pair(&p);
	}
}

static void failing_without_a_peer_does_no_harm(void **state)
{
	(void)state;
	Sync none = SYNC_NONE;
	Err why = { .kind = ERR_BUG };
	sync_fail(&none, &why);
	sync_close(&none);
	assert_int_equal(none.fd, FD_NONE);
}

static void every_step_has_a_name_and_a_text(void **state)
{
	(void)state;
	for (SyncStep step = 0; step < SYNC_STEP_COUNT; step++) {
		assert_true(strlen(sync_step_name(step)) > 0);
		assert_true(strlen(sync_step_text(step)) > 0);
	}
	assert_string_equal(sync_step_name(SYNC_FAILED), "FAILED");
	assert_string_equal(sync_step_name((SyncStep)12345), "FAILED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_steps_go_through_in_order),
		cmocka_unit_test(descriptors_are_optional),
		cmocka_unit_test(both_ends_close_on_exec),
		cmocka_unit_test(end_of_file_after_execing_is_success),
		cmocka_unit_test(a_failing_exec_comes_back),
		cmocka_unit_test(a_step_after_the_last_is_a_bug),
		cmocka_unit_test(steps_of_the_plan_alone),
		cmocka_unit_test(a_step_of_another_process),
		cmocka_unit_test(steps_out_of_order_are_refused),
		cmocka_unit_test(steps_of_the_other_side_are_refused),
		cmocka_unit_test(a_wrong_step_that_arrives_is_refused),
		cmocka_unit_test(sending_a_descriptor_where_none_belongs_is_refused),
		cmocka_unit_test(a_descriptor_that_should_not_come_is_refused_and_closed),
		cmocka_unit_test(more_descriptors_than_one_are_refused_and_closed),
		cmocka_unit_test(an_announced_descriptor_that_does_not_come_is_refused),
		cmocka_unit_test(messages_of_another_size_are_refused),
		cmocka_unit_test(a_failure_travels_whole),
		cmocka_unit_test(a_malformed_failure_is_made_safe),
		cmocka_unit_test(either_side_can_fail),
		cmocka_unit_test(end_of_file_before_a_step_is_death),
		cmocka_unit_test(a_killed_init_is_noticed),
		cmocka_unit_test(writing_to_the_dead_is_an_error_and_no_signal),
		cmocka_unit_test(death_with_a_message_unread_is_death),
		cmocka_unit_test(a_failure_is_heard_after_death),
		cmocka_unit_test(failing_without_a_peer_does_no_harm),
		cmocka_unit_test(every_step_has_a_name_and_a_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
