/* What the command finds when it starts, apart from its privileges: session, terminal, standard streams, keyring, signals, umask,
 * personality. */
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/sysmacros.h>

#include <linux/keyctl.h>

#include "init/init.h"
#include "kern/process.h"
#include "kern/sys.h"

static int terminal_take(Init *in, Err *e)
{
	if (in->slave < 0)
		return 0;
	if (ioctl(in->slave, TIOCSCTTY, 0) < 0)
		return err_sys(e, "make the terminal the controlling one");
	for (int to = 0; to < 3; to++)
		if (dup2(in->slave, to) < 0)
			return err_sys(e, "replace descriptor %d", to);
	fd_close(TAKE_FD(in->slave));
	fd_close(TAKE_FD(in->master)); /* the parent has it */
	return 0;
}

/* The container's own null device, so that what the command does to a standard stream (fchmod) does not reach the host's. It is
 * looked at before it is opened: in a strange /dev it may be anything. */
static int streams_null(const Init *in, Err *e)
{
	static const uint32_t flags[] = { WIRE_STDIN_NULL, WIRE_STDOUT_NULL, WIRE_STDERR_NULL };
	struct stat st;
	if (!init_has(in, WIRE_STDIN_NULL | WIRE_STDOUT_NULL | WIRE_STDERR_NULL))
		return 0;
	if (lstat("/dev/null", &st) < 0)
		return err_sys(e, "look at the container's /dev/null for a standard stream");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_make(e, ERR_SPEC, ENODEV,
				"the container's /dev/null, a standard stream, is not the null device");
	int how = init_has(in, WIRE_STDOUT_NULL | WIRE_STDERR_NULL) ? O_RDWR : O_RDONLY;
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, "/dev/null", how | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the container's /dev/null for a standard stream");
	for (int to = 0; to < 3; to++)
		if (init_has(in, flags[to]) && dup2(fd, to) < 0)
			return err_sys(e, "replace descriptor %d", to);
	return 0;
}

/* A pipe belongs to who made it, and who may write to it by its descriptor may not open it again (/dev/stdout). Devices and files are
 * the host's, and stay its. Where ids are not mapped the kernel refuses it. */
static void streams_give(const Init *in)
{
	struct stat st;
	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != in->plan->uid)
			(void)!fchown(fd, in->plan->uid, (gid_t)-1); /* they work all the same */
}

/* An anonymous session keyring: one with a name could be another's that is joined. ENOSYS: a kernel without keys has none to
 * share. EPERM comes from no kernel, only from the seccomp filter of a container around us, which then forbids keys to the command
 * as well. Anything else (EDQUOT) would leave the caller's keys open to the command, and is an error. */
int keyring_new(const Init *in, Err *e)
{
	if (!init_has(in, WIRE_NEW_KEYRING))
		return 0;
	if (sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0) >= 0 || errno == ENOSYS || errno == EPERM)
		return 0;
	if (errno == EDQUOT)
		return err_sys(e, "make a session keyring (this user's quota: /proc/sys/kernel/keys/maxkeys)");
	return err_sys(e, "make a session keyring");
}

/* EPERM: it already leads a process group; right only when it leads a session, too. */
int session_new(Err *e)
{
	return setsid() < 0 && getsid(0) != getpid() ? err_sys(e, "make a session") : 0;
}

static int personality_set(const Init *in, Err *e)
{
	if (init_has(in, WIRE_HAS_PERSONALITY) && personality(in->plan->personality) < 0)
		return err_sys(e, "set the personality 0x%x", in->plan->personality);
	return 0;
}

int session_enter(Init *in, Err *e)
{
	TRY(session_new(e));
	TRY(terminal_take(in, e));
	TRY(streams_null(in, e));
	if (in->plan->uid != 0)
		streams_give(in);
	TRY(keyring_new(in, e));
	TRY(process_reset_signals(e));
	TRY(personality_set(in, e));
	/* config.md: if none is given, that of the caller stays. For a container that is 022, as runc has it. */
	if (init_has(in, WIRE_HAS_UMASK) || !init_has(in, WIRE_EXEC))
		umask(init_has(in, WIRE_HAS_UMASK) ? (mode_t)in->plan->umask : 022);
	return 0;
}
