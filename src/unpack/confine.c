#include "unpack/confine.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "fmt/seccomp.h"
#include "kern/mount.h"
#include "kern/process.h"
#include "kern/sys.h"

#define BIT(n)     (1u << (n))
#define MEMORY_MAX (1ull << 30) /* address space; zstd's window may take 128 MiB of it */

/* All are below 32 but none of those above is needed. */
static int caps_keep(bool as_user, Err *e)
{
	const uint32_t keep = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) |
			      BIT(CAP_FSETID) | BIT(CAP_MKNOD) | BIT(CAP_SETFCAP) |
			      (as_user ? 0 : BIT(CAP_SYS_ADMIN));
	struct __user_cap_data_struct now[2];
	if (sys_capget(now) < 0)
		return err_sys(e, "read own capabilities");
	const struct __user_cap_data_struct then[2] = {
		{ .effective = now[0].permitted & keep, .permitted = now[0].permitted & keep },
	};
	return sys_capset(then) < 0 ? err_sys(e, "drop own capabilities") : 0;
}

/* The working directory is the folder: with it came a mount of this namespace. */
static int root_make(int *ret_root, Err *e)
{
	AUTO(fd_close) int root = FD_NONE;
	AUTO(fd_close) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0)
		return err_sys(e, "open it");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make all mounts private");
	root = sys_open_tree(here, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open_tree");
	TRY(mount_set(root, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0, e));
	TRY(mount_attach(root, here, e));
	if (fchdir(root) < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		return err_sys(e, "make it the root");
	*ret_root = TAKE_FD(root);
	return 0;
}

int confine_to(int tree, bool as_user, int *ret_root, Err *e)
{
	const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };
	AUTO(fd_close) int root = FD_NONE;
	if (fchdir(tree) < 0)
		return err_sys(e, "enter the layer's folder");
	TRY(process_unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC, e));
	int r = root_make(&root, e);
	if (r < 0)
		return err_wrap(e, r, "shut in with the layer's folder");
	TRY(caps_keep(as_user, e));
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
	if (setrlimit(RLIMIT_AS, &memory) < 0)
		return err_sys(e, "limit own memory");
#endif
	(void)memory;
	*ret_root = TAKE_FD(root);
	return 0;
}

static const char *const allowed[] = {
	/* files */
	"read",
	"write",
	"pread64",
	"pwrite64",
	"readv",
	"writev",
	"lseek",
	"close",
	"openat",
	"openat2",
	"mkdirat",
	"mknodat",
	"symlinkat",
	"linkat",
	"unlinkat",
	"renameat2",
	"fchownat",
	"fchown",
	"fchmod",
	"fchmodat",
	"fsetxattr",
	"lsetxattr",
	"utimensat",
	"newfstatat",
	"fstat",
	"statx",
	"ftruncate",
	"getdents64",
	"fchdir",
	"umask",
	"fcntl",
	/* memory and threads */
	"brk",
	"mmap",
	"munmap",
	"mremap",
	"mprotect",
	"madvise",
	"futex",
	"clone",
	"set_robust_list",
	"rseq",
	"sched_yield",
	"sched_getaffinity",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"restart_syscall",
	"getrandom",
	"gettid",
	"getpid",
	"tgkill",
	"clock_gettime",
	"clock_nanosleep",
	"exit",
	"exit_group",
};

int confine_calls(Err *e)
{
#ifdef __SANITIZE_ADDRESS__ /* which has calls of its own */
	(void)allowed;
	(void)e;
	return 0;
#else
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SeccompRule rules[2] = {
		{ .action = SECCOMP_ACT_ALLOW },
		{ .action = SECCOMP_ACT_ERRNO, .has_errno = true, .errno_ret = ENOSYS }, /* libc then takes clone */
	};
	Seccomp s = { .default_action = SECCOMP_ACT_KILL_PROCESS,
		      .rules = rules,
		      .rules_count = ARRAY_LEN(rules) };
	SeccompProgram p;
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		strlist_add(&a, &rules[0].names, allowed[i]);
	strlist_add(&a, &rules[1].names, "clone3");
	TRY(seccomp_compile(&s, &a, &p, e));
	const struct sock_fprog program = { .len = p.count, .filter = p.code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)&program) < 0)
		return err_sys(e, "filter own system calls");
	return 0;
#endif
}
