/* What the command finds when it starts, apart from its privileges: session, terminal, standard input, keyring, signals, umask. */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <linux/keyctl.h>

#include "init/init.h"
#include "kern/sys.h"

static int stdio_replace(int fd, int last, Err *e)
{
	for (int to = 0; to <= last; to++)
		if (dup2(fd, to) < 0)
			return err_sys(e, "replace descriptor %d", to);
	return 0;
}

static int terminal_take(Init *in, Err *e)
{
	if (in->slave < 0)
		return 0;
	if (ioctl(in->slave, TIOCSCTTY, 0) < 0)
		return err_sys(e, "make the terminal the controlling one");
	TRY(stdio_replace(in->slave, STDERR_FILENO, e));
	fd_close(TAKE_FD(in->slave));
	fd_close(TAKE_FD(in->master)); /* the parent has it */
	return 0;
}

/* The container's own null device, so that what the command does to its standard input (fchmod) does not reach the host's. It is
 * looked at before it is opened: in a strange /dev it may be anything. */
static int stdin_null(const Init *in, Err *e)
{
	struct stat st;
	if (!init_has(in, WIRE_STDIN_NULL))
		return 0;
	if (lstat("/dev/null", &st) < 0)
		return err_sys(e, "look at the container's /dev/null for standard input");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_make(e, ERR_SPEC, ENODEV,
				"the container's /dev/null, its standard input, is not the null device");
	AUTO(fd_close) int fd = open("/dev/null", O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the container's /dev/null for standard input");
	return stdio_replace(fd, STDIN_FILENO, e);
}

/* An anonymous session keyring: one with a name could be another's that is joined. ENOSYS: a kernel without keys has none to
 * share. EPERM comes from no kernel, only from the seccomp filter of a container around us, which then forbids keys to the command
 * as well. Anything else (EDQUOT) would leave the caller's keys open to the command, and is an error. */
static int keyring_new(const Init *in, Err *e)
{
	if (!init_has(in, WIRE_NEW_KEYRING))
		return 0;
	if (sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0) >= 0 || errno == ENOSYS || errno == EPERM)
		return 0;
	if (errno == EDQUOT)
		return err_sys(e, "make a session keyring (this user's quota: /proc/sys/kernel/keys/maxkeys)");
	return err_sys(e, "make a session keyring");
}

/* Ignored signals and the mask outlive execve(2), signal(7). Raw calls: libc keeps 32 to 34 for itself. */
static int signals_reset(Err *e)
{
	const unsigned long dfl[4] = { 0 }; /* struct sigaction of the kernel: SIG_DFL, no flags, nothing masked */
	const uint64_t none = 0;
	for (int sig = 1; sig <= 64; sig++)
		if (sig != SIGKILL && sig != SIGSTOP &&
		    syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof none) < 0)
			return err_sys(e, "reset signal %d", sig);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none) < 0)
		return err_sys(e, "empty the signal mask");
	return 0;
}

int session_enter(Init *in, Err *e)
{
	/* EPERM: it already leads a process group; right only when it leads a session, too. */
	if (setsid() < 0 && getsid(0) != getpid())
		return err_sys(e, "make a session");
	TRY(terminal_take(in, e));
	TRY(stdin_null(in, e));
	TRY(keyring_new(in, e));
	TRY(signals_reset(e));
	umask(init_has(in, WIRE_HAS_UMASK) ? (mode_t)in->plan->umask : 022);
	return 0;
}
