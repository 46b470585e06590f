#include "kern/hook.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "kern/memfd.h"
#include "kern/process.h"
#include "kern/sys.h"

#define KILL_MS 2000 /* that a killed one has to end */

int hook_input(const char *text, const char *end, int *ret_fd, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	TRY(memfd_open("state", false, &fd, e));
	TRY(fd_write_all(fd, text, strlen(text), "the container's state", e));
	TRY(fd_write_all(fd, end, strlen(end), "the container's state", e));
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "rewind the container's state");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* In the child, which gets nothing else of ours or our caller's. A failure is the end of it, said where there is somebody who listens. */
static _Noreturn void become(const Hook *h, int output)
{
	Err e = { 0 };
	if (dup2(h->input_fd, 0) >= 0 && dup2(h->output_fd < 0 ? output : h->output_fd, 1) >= 0 &&
	    dup2(h->error_fd < 0 ? output : h->error_fd, 2) >= 0 &&
	    sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0 && process_reset_signals(&e) == 0)
		(void)execve(h->path, h->argv, h->envp); /* returns only on failure */
	(void)err_make(&e, ERR_SYS, 0,
		       errno == ENOENT ? "exec \"%s\": no such file or directory"
				       : "exec \"%s\": errno %d",
		       h->path, errno);
	(void)!write(output, e.msg, strlen(e.msg)); /* else the exit status alone tells */
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec t = { 0 };
	(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC,
		      &t); /* libc's brings its reader of the vDSO into init */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

typedef struct Said {
	char text[200];
	size_t len;
} Said;

/* What it prints is kept as far as there is room. False: nobody has the other end any more. */
static bool listen_to(int output, Said *s)
{
	char more[512];
	ssize_t n = read(output, more, sizeof more);
	size_t room = sizeof s->text - 1 - s->len, take = n > 0 && (size_t)n < room ? (size_t)n : room;
	if (n > 0) {
		memcpy(s->text + s->len, more, take);
		s->len += take;
	}
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Until it has ended, whoever it has left behind with the other end of its output. 0: it has; -ETIME. */
static int watch(int pidfd, int output, unsigned timeout, Said *s, Err *e)
{
	int64_t end = timeout ? now_ms() + (int64_t)timeout * 1000 : INT64_MAX;
	struct pollfd p[] = { { .fd = pidfd, .events = POLLIN }, { .fd = output, .events = POLLIN } };
	for (;;) {
		int64_t left = end - now_ms();
		int ms = !timeout ? -1 : left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
		int n = poll(p, ARRAY_LEN(p), ms);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "wait for it");
		if (p[1].revents && !listen_to(output, s))
			p[1].fd = -1;
		else if (p[0].revents)
			return 0;
		if (n == 0 && now_ms() >= end)
			return -ETIME;
		p[0].revents = p[1].revents = 0;
	}
}

static int explain_end(const ProcessEnd *end, Said *s, Err *e)
{
	if (!end->by_signal && end->number == 0)
		return 0;
	while (s->len > 0 && s->text[s->len - 1] == '\n')
		s->len--;
	s->text[s->len] = '\0';
	str_mask_controls(s->text);
	const char *colon = s->len ? ", output: " : "";
	if (end->by_signal)
		return err_make(e, ERR_STATE, 0, "error running hook: signal: %d%s%s%s", end->number,
				end->number == SIGSYS ? " (bad system call)" : "", colon, s->text);
	return err_make(e, ERR_STATE, 0, "exit status %d%s%s", end->number, colon, s->text);
}

static int hook_await(int pidfd, int output, const Hook *h, Err *e)
{
	Said said = { .len = 0 };
	ProcessEnd end;
	int r = watch(pidfd, output, h->timeout, &said, e);
	if (r < 0) {
		(void)process_signal(pidfd, SIGKILL); /* ended already is as good */
		if (!process_has_ended(pidfd, KILL_MS))
			return err_make(e, ERR_STATE, ETIME,
					"\"%s\" is killed but hangs in the kernel", h->path);
	}
	int waited = process_wait(pidfd, &end, r < 0 ? NULL : e);
	if (r == -ETIME)
		return err_make(e, ERR_STATE, 0, "\"%s\" was killed: it ran past its timeout of %u s",
				h->path, h->timeout);
	TRY(r);
	TRY(waited);
	return explain_end(&end, &said, e);
}

int hook_run(const Hook *h, Err *e)
{
	int ends[2];
	AUTO(fd_close) int pidfd = FD_NONE;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int ours = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	if (fcntl(theirs, F_SETFL, 0) < 0) /* the program does not expect to be told to try again */
		return err_sys(e, "make a pipe");
	pid_t pid = process_clone(0, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0)
		become(h, theirs);
	fd_close(TAKE_FD(theirs));
	return hook_await(pidfd, ours, h, e);
}
