#include "fetch/confine.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/str.h"
#include "fmt/seccomp.h"
#include "kern/sys.h"

static const char *const refused[] = {
	/* other programs and processes */
	"execve",
	"execveat",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_getfd",
	"kill",
	"tkill",
	"pidfd_send_signal",
	"kcmp",
	/* files by their names */
	"creat",
	"mkdir",
	"mkdirat",
	"mknod",
	"mknodat",
	"link",
	"linkat",
	"symlink",
	"symlinkat",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"rmdir",
	"truncate",
	"chmod",
	"fchmodat",
	"chown",
	"lchown",
	"fchownat",
	"setxattr",
	"lsetxattr",
	"open_by_handle_at",
	/* the kernel */
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"fsopen",
	"open_tree",
	"move_mount",
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"io_uring_setup",
	"add_key",
	"request_key",
	"keyctl",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"swapon",
	"swapoff",
	"sethostname",
	"setdomainname",
	"acct",
	"quotactl",
	"clock_settime",
	"settimeofday",
	"adjtimex",
	"personality",
};

static int calls_refuse(Err *e)
{
#ifdef __SANITIZE_ADDRESS__ /* which has calls of its own */
	(void)refused;
	(void)e;
	return 0;
#else
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SeccompRule rule = { .action = SECCOMP_ACT_ERRNO, .has_errno = true, .errno_ret = EPERM };
	Seccomp s = { .default_action = SECCOMP_ACT_ALLOW, .rules = &rule, .rules_count = 1 };
	SeccompProgram p;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		strlist_add(&a, &rule.names, refused[i]);
	TRY(seccomp_compile(&s, &a, &p, e));
	const struct sock_fprog program = { .len = p.count, .filter = p.code };
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)&program) < 0)
		return err_sys(e, "filter own system calls");
	return 0;
#endif
}

int confine(Err *e)
{
	const struct __user_cap_data_struct none[2] = { 0 };
	const struct rlimit no_core = { 0, 0 };
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
		return err_sys(e, "keep own memory to itself");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	if (sys_capset(none) < 0)
		return err_sys(e, "drop own capabilities");
	return calls_refuse(e);
}
