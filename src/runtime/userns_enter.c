#include "runtime/userns_enter.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/signals.h"
#include "kern/process.h"
#include "runtime/userns_why.h"

/* The child, outside. Until it is told, or its parent has died. */
static _Noreturn void maps_write_when_told(const UsernsMaps *m, pid_t parent, int talk, Arena *a)
{
	char told;
	Err own = { 0 };
	if (fd_read_up_to(talk, &told, 1) == 1) {
		(void)userns_maps_write(m, parent, a, &own); /* how it went is in own */
		(void)fd_write_all(talk, &own, sizeof own, "to the parent", NULL); /* else it sees our end */
	}
	_exit(0);
}

/* Tells the child, and takes its answer. */
static int maps_await(int talk, Err *e)
{
	Err theirs;
	if (send(talk, "x", 1, MSG_NOSIGNAL) < 0)
		return err_sys(e, "speak to the process that writes the id maps");
	ssize_t n = fd_read_up_to(talk, &theirs, sizeof theirs);
	if (n < 0)
		return err_sys(e, "hear from the process that writes the id maps");
	if (n != sizeof theirs)
		return err_make(e, ERR_STATE, ECONNRESET,
				"the process that writes the id maps ended too early");
	if (theirs.kind == ERR_OK)
		return 0;
	*e = theirs;
	return theirs.sys ? -theirs.sys : -EIO;
}

/* When the child is gone without a word, its pidfd knows how. */
static int explain_death(int r, const ProcessEnd *end, Err *e)
{
	if ((r != -ECONNRESET && r != -EPIPE) || !end->by_signal)
		return r;
	return err_make(e, ERR_STATE, 0, "the process that writes the id maps was ended by %s",
			signal_name(end->number));
}

/* The kernel has made them so already, since mounts of more privilege are behind them: to say it again shows whether our privilege in the
 * namespace is worth anything. */
static int mounts_keep(Err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		return 0;
	int r = err_sys(e, "keep what is mounted in the namespace from the host");
	return userns_why_powerless("", r, e);
}

static int enter(const UsernsMaps *m, Arena *a, Err *e)
{
	int ends[2];
	ProcessEnd end;
	AUTO(fd_close) int pidfd = FD_NONE;
	const pid_t self = getpid();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "make a pair of sockets");
	AUTO(fd_close) int ours = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	pid_t pid = process_clone(0, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0) {
		fd_close(TAKE_FD(ours));
		maps_write_when_told(m, self, theirs, a);
	}
	fd_close(TAKE_FD(theirs));
	int r = process_unshare(CLONE_NEWUSER | CLONE_NEWNS, e);
	r = r < 0 ? userns_why_not_made("", r, e) : maps_await(ours, e);
	fd_close(TAKE_FD(ours)); /* who has not been told sees it, and ends */
	int waited = process_wait(pidfd, &end, r < 0 ? NULL : e);
	if (r < 0)
		return waited < 0 ? r : explain_death(r, &end, e);
	TRY(waited);
	return mounts_keep(e);
}

int userns_enter(const UsernsMaps *m, Arena *a, Err *e)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction callers;
	if (sigaction(SIGCHLD, &standard, &callers) < 0) /* who ignores it would have the kernel reap our child */
		return err_sys(e, "reset SIGCHLD");
	TRY(enter(m, a, e));
	if (sigaction(SIGCHLD, &callers, NULL) < 0) /* the command has it as the caller had */
		return err_sys(e, "set SIGCHLD as it was");
	return 0;
}
