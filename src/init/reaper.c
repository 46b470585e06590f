/* The reaper of --init, theory of operation
 *
 * A command that is pid 1 ignores every signal that it has no handler for, and gets the zombies of others, which it does not wait for.
 * So the first process stays as pid 1, in this file, and its child goes on to become the command, with a session of its own and the
 * terminal. The reaper passes every signal on, reaps whoever ends, and ends as the command does; the kernel then kills the rest.
 *
 * Whoever may trace processes in the container (CAP_SYS_PTRACE) may trace the reaper, and would be what it is. So the reaper first becomes
 * less than the command: its user, CAP_KILL at most, no descriptor, no memory of the plan, and where the command has a filter, one
 * of its own that knows the six calls below. Only then is the command's process let through the gate.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "init/init.h"
#include "kern/sys.h"

#if defined(__x86_64__)
#define ARCH_OURS AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH_OURS AUDIT_ARCH_AARCH64
#else
#error "which architecture does seccomp call this?"
#endif

#define UNSEEN 255 /* exit code: how the command has ended is not known */

static const uint64_t all_signals = ~UINT64_C(0); /* the kernel's own 64 bits: libc keeps some to itself */

static int filter_load(Err *e)
{
#define LOAD(field)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, t, f)
#define ANSWER(what)    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##what)
	static const struct sock_filter code[] = {
		LOAD(arch),
		IF(ARCH_OURS, 0, 7),
		LOAD(nr),
		IF(SYS_rt_sigtimedwait, 6, 0),
		IF(SYS_wait4, 5, 0),
		IF(SYS_kill, 4, 0),
		IF(SYS_write, 3, 0),
		IF(SYS_close_range, 2, 0),
		IF(SYS_exit_group, 1, 0),
		ANSWER(KILL_PROCESS),
		ANSWER(ALLOW),
	};
#undef LOAD
#undef IF
#undef ANSWER
	struct sock_fprog program = {
		.len = ARRAY_LEN(code),
		.filter = (struct sock_filter *)(uintptr_t)code,
	};
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return err_sys(e, "load the reaper's seccomp filter");
	return 0;
}

/* The parent's death is ours from here on. One that died before leaves the command's process nobody to tell that it is ready. */
static int settle(Init *in, Err *e)
{
	TRY(session_new(e));
	TRY(keyring_new(in, e));
	TRY(privileges_reduce(in, e));
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0,
		    0); /* cannot fail; among the host's processes it is no pid 1 */
	(void)prctl(PR_SET_NAME, "mydocker-init"); /* for lists of processes */
	bool filtered = in->plan->filter.count > 0;
	(void)munmap((void *)(uintptr_t)in->plan, in->plan->size); /* cannot fail, it is one mapping */
	return filtered ? filter_load(e) : 0;
}

/* Before a call that does not return clang's sanitizer asks the kernel for the stack, which the filter does not allow. */
#define UNDER_THE_FILTER __attribute__((no_sanitize("address")))

UNDER_THE_FILTER static _Noreturn void leave(int status)
{
	for (;;)
		(void)syscall(SYS_exit_group,
			      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

UNDER_THE_FILTER static void reap(long command)
{
	int status;
	long pid;
	do
		pid = syscall(SYS_wait4, -1, &status, WNOHANG, NULL);
	while (pid > 0 && pid != command);
	if (pid != 0) /* no child at all is nobody to wait for any more */
		leave(pid < 0 ? UNSEEN << 8 : status);
}

static _Noreturn void reaper(Init *in, int gate, long command)
{
	Err e = { 0 };
	if (settle(in, &e) < 0 || write(gate, "", 1) != 1) {
		sync_fail(&in->sync, &e);
		_exit(1); /* the gate stays shut */
	}
	(void)sys_close_range(0, ~0u, 0); /* cannot fail */
	for (;;) {
		long sig = syscall(SYS_rt_sigtimedwait, &all_signals, NULL, NULL, sizeof all_signals);
		if (sig == SIGCHLD)
			reap(command);
		else if (sig > 0)
			(void)syscall(SYS_kill, command, sig); /* what it may not signal cannot be helped */
	}
}

int reaper_leave(Init *in, Err *e)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int gate[2];
	char byte;
	if (!init_has(in, WIRE_REAPER))
		return 0;
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, NULL, sizeof all_signals) < 0)
		return err_sys(e, "block signals");
	long command = syscall(SYS_pipe2, gate, O_CLOEXEC) < 0
			       ? -1
			       : sys_clone3(&args); /* libc's pipe2() is large */
	if (command < 0)
		return err_sys(e, "make the command's process");
	if (command > 0)
		reaper(in, gate[1], command);
	fd_close(gate[1]);
	bool open = read(gate[0], &byte, 1) == 1;
	fd_close(gate[0]);
	return open ? 0 : err_make(e, ERR_STATE, EPIPE, "the reaper has ended");
}
