#include "kern/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "kern/sys.h"
#include "kern/vfork.h"

/* user_namespaces(7), clone(2), unshare(2): what errno says of a failed call for new namespaces, or for a process alone. */
static int namespaces_failed(uint64_t flags, const char *what, Err *e)
{
	if (errno == EPERM && (flags & CLONE_NEWUSER))
		return err_make(e, ERR_SYS, EPERM,
				"make a user namespace: not allowed in a chroot, or by a sysctl (kernel.unprivileged_userns_clone, "
				"kernel.apparmor_restrict_unprivileged_userns)");
	if (errno == ENOSPC && (flags & CLONE_NEWUSER))
		return err_make(e, ERR_SYS, ENOSPC,
				"make a user namespace: the sysctl user.max_user_namespaces is reached");
	if (errno == EAGAIN)
		return err_make(e, ERR_SYS, EAGAIN,
				"%s: a limit of processes is reached, of its group or one above (pids.max), of this user "
				"(ulimit -u) or of the host",
				what);
	return err_sys(e, "%s", what);
}

static struct clone_args clone_args(uint64_t flags, int cgroup_fd, int *pidfd)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	return args;
}

static int clone_failed(uint64_t flags, Err *e)
{
	if (errno == ENOSYS)
		return err_make(e, ERR_SYS, ENOSYS,
				"this kernel has no clone3 (Linux 5.7 is needed), or a seccomp filter hides it");
	return namespaces_failed(flags,
				 flags ? "make a process in new namespaces" : "make a process", e);
}

pid_t process_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd, Err *e)
{
	int pidfd = FD_NONE;
	struct clone_args args = clone_args(flags, cgroup_fd, &pidfd);
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return clone_failed(flags, e);
	if (pid > 0)
		*ret_pidfd = pidfd;
	return pid;
}

pid_t process_spawn(uint64_t flags, int cgroup_fd, const ProcessChild *child, int *ret_pidfd, Err *e)
{
	int pidfd = FD_NONE;
	struct clone_args args = clone_args(flags, cgroup_fd, &pidfd);
	pid_t pid = (pid_t)vfork_clone3(&args, child->run, child->arg);
	if (pid < 0)
		return clone_failed(flags & ~(uint64_t)PROCESS_IN_OUR_MEMORY, e);
	*ret_pidfd = pidfd;
	return pid;
}

int process_unshare(uint64_t flags, Err *e)
{
	return unshare((int)flags) < 0 ? namespaces_failed(flags, "make new namespaces", e) : 0;
}

int process_file_write(pid_t pid, const char *name, const char *text, Err *e)
{
	char path[64];
	TRY(str_format(path, sizeof path, "/proc/%d/%s", pid, name));
	int r = fd_write_text_at(AT_FDCWD, path, text);
	return r < 0 ? err_make(e, ERR_SYS, -r, "write '%.*s' to %s", (int)strcspn(text, "\n"), text, path)
		     : 0;
}

int process_open(pid_t pid, int *ret_pidfd, Err *e)
{
	int fd = sys_pidfd_open(pid, 0);
	/* EINVAL: nobody leads that process any more, but its number still names a session or a process group. */
	if (fd < 0 && (errno == ESRCH || errno == EINVAL))
		return err_make(e, ERR_STATE, ESRCH, "process %d has ended", (int)pid);
	if (fd < 0)
		return err_sys(e, "open process %d", (int)pid);
	*ret_pidfd = fd;
	return 0;
}

int process_signal(int pidfd, int sig)
{
	return sys_pidfd_send_signal(pidfd, sig) < 0 ? -errno : 0;
}

bool process_has_ended(int pidfd, int milliseconds)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;
	while ((n = poll(&p, 1, milliseconds)) < 0 && errno == EINTR)
		;
	return n > 0;
}

/* proc(5), /proc/PID/fdinfo: "Pid:\t123". */
int process_of_pidfd(int pidfd, pid_t *ret, Err *e)
{
	char path[48], text[512];
	uint32_t pid;
	(void)str_format(path, sizeof path, "/proc/self/fdinfo/%d", pidfd); /* it fits */
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", path);
	char *number = strstr(text, "Pid:\t");
	if (!number)
		return err_make(e, ERR_SYS, ENODEV, "%s tells of no process", path);
	number += strlen("Pid:\t");
	number[strcspn(number, "\n")] = '\0';
	if (num_parse_u32(number, INT32_MAX, &pid) < 0 || pid == 0) /* -1: ended; 0: of another namespace */
		return err_make(e, ERR_STATE, ESRCH, "a process has ended");
	*ret = (pid_t)pid;
	return 0;
}

/* Raw calls: libc keeps 32 to 34 for itself. */
int process_reset_signals(Err *e)
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

int process_wait(int pidfd, ProcessEnd *ret, Err *e)
{
	siginfo_t info;
	int r;
	do {
		info = (siginfo_t){ 0 };
		r = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_sys(e, "wait for a child");
	*ret = (ProcessEnd){
		.by_signal = info.si_code != CLD_EXITED,
		.dumped = info.si_code == CLD_DUMPED,
		.number = info.si_status,
	};
	return 0;
}

int process_end_code(const ProcessEnd *end)
{
	return end->by_signal ? 128 + end->number : end->number;
}

int process_start_time(pid_t pid, uint64_t *ret)
{
	char path[32], text[1024];
	int r = str_format(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (r < 0)
		return r;
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;

	/* The name, field 2, stands in parentheses and may itself hold any of them and spaces; nothing after it can. */
	char *field = strrchr(text, ')');
	for (int at = 2; field && at < 22; at++)
		field = strchr(field + 1, ' ');
	if (!field)
		return -EINVAL;
	field++;
	field[strcspn(field, " ")] = '\0';
	return num_parse_u64(field, UINT64_MAX, ret);
}

int boot_id(char ret[static BOOT_ID_SIZE], Err *e)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char text[64];
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n == BOOT_ID_SIZE - 1) {
		memcpy(ret, text, BOOT_ID_SIZE);
		return 0;
	}
	return err_make(e, ERR_SYS, n < 0 ? (int)-n : EINVAL, "read %s", path);
}
