/* seccomp_profile.c - the filter of containers that do not bring their own.
 *
 * Three answers: what ordinary programs need is allowed; what the kernel has but a container may not use is EPERM; all else, above all
 * what came after this table, is ENOSYS, so that programs fall back to older calls. A call of syscalls_table.c that stands in no list
 * here gets ENOSYS, too; the test knows those by name, so that a new call is a decision and not an accident.
 *
 * What docker allows by default is allowed here, except, on purpose:
 * - ioctl TIOCSTI and TIOCLINUX: they put input into a terminal that may be shared with the host (CVE-2017-5226 and its kin).
 * - socket AF_VSOCK and AF_ALG: a way to the hypervisor past the network namespace; a large and rarely used part of the kernel.
 * - A NETLINK_AUDIT socket without CAP_AUDIT_WRITE, which we do not give by default: EINVAL, which libaudit takes for "no audit in this
 *   kernel"; with EPERM at its first message su, sudo and sshd would refuse to work.
 * Like docker's, and unlike podman's, it has no mount, unshare, setns, pivot_root or key ring without CAP_SYS_ADMIN (nested user
 * namespaces are the way into most of the kernel's privilege escalations), no io_uring (its operations pass the filter unseen), and
 * clone3 is ENOSYS (its flags are behind a pointer; libc falls back to clone).
 * Beyond docker's: the attribute calls of Linux 6.13 to 6.17, uprobe (put into the program by the kernel), rseq_slice_yield; userfaultfd
 * with CAP_SYS_PTRACE. x86's socketcall(2) is allowed, as in docker's: 32-bit programs reach all socket families through it.
 *
 * Arguments that the kernel reads as 32 bits are compared as such (MASKED_EQ with 0xffffffff): else a value with garbage in its upper
 * half would pass for another one.
 */
#include "fmt/seccomp.h"

#include <linux/capability.h>

#define LOW_WORD 0xffffffffU
#define CLONE_NAMESPACE \
	0x7e020000U /* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
#define CAP(name) (UINT64_C(1) << CAP_##name)

/* Lists are words in one string: a pointer for each would have to be relocated at every start of the program. */
typedef struct Group {
	uint64_t caps; /* any of these allows the calls */
	const char *names;
} Group;

static const char allowed[] =
	/* files and directories */
	"access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 "
	"fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr "
	"file_getattr file_setattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate "
	"ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat lchown lchown32 lgetxattr link linkat listmount listxattr "
	"listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at "
	"newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat "
	"readv removexattr removexattrat rename renameat renameat2 rmdir sendfile sendfile64 setxattr setxattrat splice stat stat64 "
	"statfs statfs64 statmount statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs tee truncate truncate64 umask "
	"unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev arm_fadvise64_64 arm_sync_file_range "
	/* waiting for events */
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 "
	"fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents "
	"io_pgetevents_time64 io_setup io_submit _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4 "
	/* memory */
	"brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect "
	"mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages "
	/* processes, threads, signals */
	"alarm arch_prctl breakpoint cacheflush capget capset execve execveat exit exit_group fork futex futex_requeue futex_time64 "
	"futex_wait futex_waitv futex_wake get_robust_list get_thread_area getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 "
	"getgroups getgroups32 getitimer getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 "
	"getrlimit getrusage getsid gettid getuid getuid32 ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset "
	"landlock_restrict_self modify_ldt pause pidfd_open pidfd_send_signal prctl prlimit64 process_vm_readv process_vm_writev ptrace "
	"restart_syscall rseq rseq_slice_yield rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
	"rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity "
	"sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity "
	"sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address set_tls "
	"setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 "
	"setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 sigaltstack sigprocmask "
	"sigreturn tgkill tkill ugetrlimit uprobe uretprobe vfork wait4 waitid waitpid "
	/* sockets and System V; socketcall and ipc are x86's other way to them */
	"accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open mq_timedreceive "
	"mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd recv recvfrom recvmmsg "
	"recvmmsg_time64 recvmsg semctl semget semop semtimedop semtimedop_time64 send sendmmsg sendmsg sendto setsockopt shmat shmctl "
	"shmdt shmget shutdown socketcall socketpair "
	/* time and the rest */
	"adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
	"clock_nanosleep_time64 getrandom gettimeofday nanosleep sysinfo time timer_create timer_delete timer_getoverrun timer_gettime "
	"timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
	"timerfd_settime64 times uname";

/* Each call is allowed with one of the capabilities and EPERM without. */
static const Group by_capability[] = {
	{ CAP(SYS_ADMIN) | CAP(BPF), "bpf" },
	{ CAP(SYS_ADMIN) | CAP(PERFMON), "perf_event_open" },
	{ CAP(SYS_ADMIN) | CAP(SYSLOG), "syslog" },
	{ CAP(SYS_ADMIN),
	  "fanotify_init fsconfig fsmount fsopen fspick listns lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount "
	  "mount_setattr move_mount open_tree open_tree_attr quotactl quotactl_fd setdomainname sethostname setns umount umount2 unshare" },
	{ CAP(SYS_BOOT), "reboot" },
	{ CAP(SYS_CHROOT), "chroot" },
	{ CAP(SYS_MODULE), "delete_module finit_module init_module" },
	{ CAP(SYS_PACCT), "acct" },
	{ CAP(SYS_PTRACE), "kcmp pidfd_getfd process_madvise userfaultfd" },
	{ CAP(SYS_RAWIO), "ioperm iopl" },
	{ CAP(SYS_TIME), "clock_settime clock_settime64 settimeofday stime" },
	{ CAP(SYS_TTY_CONFIG), "vhangup" },
	{ CAP(SYS_NICE), "get_mempolicy mbind set_mempolicy set_mempolicy_home_node" },
	{ CAP(DAC_READ_SEARCH), "open_by_handle_at" },
};

/* The kernel has these; no capability opens them. */
/* clang-format off */
static const char forbidden[] =
	"add_key io_uring_enter io_uring_register io_uring_setup kexec_file_load kexec_load keyctl migrate_pages move_pages "
	"pciconfig_iobase pciconfig_read pciconfig_write pivot_root request_key swapoff swapon sysfs uselib ustat vm86 vm86old";
/* clang-format on */

/* Rules with conditions. In each group the last one, "GE 0", is what happens otherwise (seccomp.h, Meaning). */
typedef struct Special {
	const char *name;
	SeccompAction action;
	uint32_t errno_ret;
	uint64_t unless_caps; /* left out when one of these is there */
	size_t args_count;
	SeccompArg args[2];
} Special;

#define WORD(i, v)                                                                             \
	{                                                                                      \
		.index = (i), .op = SECCOMP_CMP_MASKED_EQ, .value = LOW_WORD, .value_two = (v) \
	}
#define OTHERWISE(i)                                           \
	{                                                      \
		.index = (i), .op = SECCOMP_CMP_GE, .value = 0 \
	}

/* clang-format off */
static const Special specials[] = {
	{ "ioctl", SECCOMP_ACT_ERRNO, EPERM, 0, 1, { WORD(1, 0x5412) } }, /* TIOCSTI */
	{ "ioctl", SECCOMP_ACT_ERRNO, EPERM, 0, 1, { WORD(1, 0x541c) } }, /* TIOCLINUX */
	{ "ioctl", SECCOMP_ACT_ALLOW, 0, 0, 1, { OTHERWISE(1) } },
	{ "socket", SECCOMP_ACT_ERRNO, EPERM, 0, 1, { WORD(0, 38) } }, /* AF_ALG */
	{ "socket", SECCOMP_ACT_ERRNO, EPERM, 0, 1, { WORD(0, 40) } }, /* AF_VSOCK */
	{ "socket", SECCOMP_ACT_ERRNO, EINVAL, CAP(AUDIT_WRITE), 2, { WORD(0, 16), WORD(2, 9) } }, /* AF_NETLINK, NETLINK_AUDIT */
	{ "socket", SECCOMP_ACT_ALLOW, 0, 0, 1, { OTHERWISE(0) } },
	{ "personality", SECCOMP_ACT_ALLOW, 0, 0, 1, { WORD(0, 0) } },           /* PER_LINUX */
	{ "personality", SECCOMP_ACT_ALLOW, 0, 0, 1, { WORD(0, 0x8) } },         /* PER_LINUX32 */
	{ "personality", SECCOMP_ACT_ALLOW, 0, 0, 1, { WORD(0, 0x20000) } },     /* UNAME26 */
	{ "personality", SECCOMP_ACT_ALLOW, 0, 0, 1, { WORD(0, 0x20008) } },
	{ "personality", SECCOMP_ACT_ALLOW, 0, 0, 1, { WORD(0, 0xffffffff) } },  /* asks for the present one */
	{ "personality", SECCOMP_ACT_ERRNO, EPERM, 0, 1, { OTHERWISE(0) } },
	{ "clone", SECCOMP_ACT_ALLOW, 0, CAP(SYS_ADMIN), 1,
	  { { .index = 0, .op = SECCOMP_CMP_MASKED_EQ, .value = CLONE_NAMESPACE, .value_two = 0 } } },
	{ "clone", SECCOMP_ACT_ERRNO, EPERM, CAP(SYS_ADMIN), 1, { OTHERWISE(0) } },
};
/* clang-format on */

/* The words of a list; their text goes into the arena at once. */
static StrList words(Arena *a, const char *list)
{
	char *text = arena_strdup(a, list);
	StrList ret = { .count = 1 };

	for (const char *c = text; *c; c++)
		ret.count += *c == ' ';
	ret.items = arena_new_array(a, ret.count, const char *);
	for (size_t i = 0; i < ret.count; i++) {
		char *end = strchrnul(text, ' ');
		ret.items[i] = text;
		if (*end)
			*end++ = '\0';
		text = end;
	}
	return ret;
}

static void rule_add(Seccomp *s, Arena *a, const char *names, SeccompAction action, uint32_t errno_ret)
{
	*arena_push(a, &s->rules, &s->rules_count,
		    SeccompRule) = (SeccompRule){ .names = words(a, names),
						  .action = action,
						  .has_errno = action == SECCOMP_ACT_ERRNO,
						  .errno_ret = errno_ret };
}

static void specials_add(Seccomp *s, Arena *a, uint64_t caps)
{
	for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
		if (caps & specials[i].unless_caps)
			continue;
		rule_add(s, a, specials[i].name, specials[i].action, specials[i].errno_ret);
		s->rules[s->rules_count - 1].args = specials[i].args;
		s->rules[s->rules_count - 1].args_count = specials[i].args_count;
	}
}

int seccomp_profile_default(const SeccompProfileParams *params, Arena *a, Seccomp *ret)
{
	Seccomp s = { .default_action = SECCOMP_ACT_ERRNO,
		      .has_default_errno = true,
		      .default_errno = ENOSYS };

	if (params->host == SYSCALL_X86_64)
		s.archs = 1U << SYSCALL_X86_64 | 1U << SYSCALL_X86 | 1U << SYSCALL_X32;
	else if (params->host == SYSCALL_AARCH64)
		s.archs = 1U << SYSCALL_AARCH64 | 1U << SYSCALL_ARM;
	else
		return -ENOTSUP;
	rule_add(&s, a, allowed, SECCOMP_ACT_ALLOW, 0);
	rule_add(&s, a, forbidden, SECCOMP_ACT_ERRNO, EPERM);
	for (size_t i = 0; i < ARRAY_LEN(by_capability); i++) {
		bool have = params->caps & by_capability[i].caps;
		rule_add(&s, a, by_capability[i].names,
			 have ? SECCOMP_ACT_ALLOW : SECCOMP_ACT_ERRNO, EPERM);
	}
	if (params->caps & CAP(SYS_ADMIN))
		rule_add(&s, a, "clone clone3", SECCOMP_ACT_ALLOW, 0);
	specials_add(&s, a, params->caps);
	*ret = s;
	return 0;
}
