#include "init_child.h"

#include <elf.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <linux/seccomp.h>

#define BIT(cap) (1ull << (cap))

static bool message_has(const World *w, const char *text)
{
	if (strstr(w->e.msg, text))
		return true;
	dprintf(2, "# message: %s\n", w->e.msg);
	return false;
}

static uint64_t caps_of(int which)
{
	struct __user_cap_data_struct d[2];
	CHECK(sys_capget(d) == 0);
	const uint32_t *low = which == 'e'   ? &d[0].effective
			      : which == 'p' ? &d[0].permitted
					     : &d[0].inheritable;
	const uint32_t *high = which == 'e'   ? &d[1].effective
			       : which == 'p' ? &d[1].permitted
					      : &d[1].inheritable;
	return *low | (uint64_t)*high << 32;
}

static void need_ids(void)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0)
		_exit(WORLD_SKIPPED); /* an ordinary user has one id */
}

static void filter_without_chroot(World *w)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chroot, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 99),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	for (size_t i = 0; i < ARRAY_LEN(program); i++)
		*wire_add(&w->b, filter, WireFilter) = program[i];
}

DEFINE_WORLD_TEST(another_user_keeps_nothing, 0)
{
	uid_t u[3];
	gid_t g[3], groups[8];
	need_ids();
	w->b.head.flags = WIRE_SET_CAPS;
	w->b.head.uid = 1000;
	w->b.head.gid = 1001;
	w->b.head.caps_bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL);
	*wire_add(&w->b, groups, uint32_t) = 1001;
	*wire_add(&w->b, groups, uint32_t) = 5;
	filter_without_chroot(w);
	world_plan(w);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));

	CHECK(getresuid(&u[0], &u[1], &u[2]) == 0 && u[0] == 1000 && u[1] == 1000 && u[2] == 1000);
	CHECK(getresgid(&g[0], &g[1], &g[2]) == 0 && g[0] == 1001 && g[1] == 1001 && g[2] == 1001);
	CHECK(getgroups(8, groups) == 2 && groups[0] + groups[1] == 1006);
	/* for the filter, and no longer than to the next execve(2) */
	CHECK(caps_of('e') == BIT(CAP_SYS_ADMIN) && caps_of('p') == BIT(CAP_SYS_ADMIN) &&
	      caps_of('i') == 0);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		CHECK(prctl(PR_CAPBSET_READ, cap) != 1 || cap == CAP_CHOWN || cap == CAP_KILL);
		CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) != 1);
	}
	CHECK(prctl(PR_GET_SECCOMP) == 0);
	CHECK_OK(w, filter_seal(&w->in, &w->e));
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0); /* the filter came without it */
	CHECK(syscall(SYS_chroot, "/") < 0 && errno == 99);
}

DEFINE_WORLD_TEST(groups_may_stay_the_callers, 0)
{
	const gid_t mine[] = { 41, 42 };
	gid_t groups[8];
	need_ids();
	CHECK(syscall(SYS_setgroups, ARRAY_LEN(mine), mine) == 0);
	w->b.head.flags = WIRE_SET_CAPS | WIRE_KEEP_GROUPS;
	w->b.head.uid = w->b.head.gid = 1000;
	world_plan(w);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));
	CHECK(getgroups(8, groups) == 2 && groups[0] == 41 && groups[1] == 42);
}

DEFINE_WORLD_TEST(user_0_keeps_what_is_asked, 0)
{
	uint64_t keep = BIT(CAP_CHOWN) | BIT(CAP_SETUID);
	need_ids();
	w->b.head.flags = WIRE_SET_CAPS;
	w->b.head.caps_bounding = w->b.head.caps_permitted = keep;
	w->b.head.caps_effective = BIT(CAP_CHOWN);
	filter_without_chroot(w);
	world_plan(w);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));
	CHECK(caps_of('p') == (keep | BIT(CAP_SYS_ADMIN)) && caps_of('i') == 0);
	CHECK(getgroups(0, NULL) == 0);
	CHECK_OK(w, filter_seal(&w->in, &w->e));
	CHECK(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER);
}

/* It may wait for long: with the command's filter and capabilities, and no more. */
DEFINE_WORLD_TEST(who_waits_for_the_start_is_no_more_than_the_command, 0)
{
	int gate[2];
	need_ids();
	CHECK(pipe2(gate, O_CLOEXEC) == 0 && write(gate[1], "", 1) == 1);
	w->b.head.flags = WIRE_SET_CAPS;
	w->b.head.caps_bounding = w->b.head.caps_permitted = w->b.head.caps_effective = BIT(CAP_CHOWN);
	filter_without_chroot(w);
	world_plan(w);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));
	((WirePlan *)(uintptr_t)w->in.plan)->start_fd = gate[0];
	CHECK_OK(w, start_await(&w->in, &w->e));
	CHECK(caps_of('p') == BIT(CAP_CHOWN) && caps_of('e') == BIT(CAP_CHOWN));
	CHECK(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER);
	CHECK_OK(w, filter_seal(&w->in, &w->e)); /* which is loaded: no second one */
	CHECK(w->in.sync.fd == gate[0] && w->in.sync.is_pipe);
}

DEFINE_WORLD_TEST(ambient_only_when_asked, 0)
{
	need_ids();
	w->b.head.flags = WIRE_SET_CAPS;
	w->b.head.uid = w->b.head.gid = 1000;
	w->b.head.caps_bounding = w->b.head.caps_permitted = w->b.head.caps_effective = BIT(CAP_CHOWN) |
											BIT(CAP_KILL);
	w->b.head.caps_inheritable = w->b.head.caps_ambient = BIT(CAP_KILL);
	world_plan(w);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));
	CHECK(caps_of('p') == (BIT(CAP_CHOWN) | BIT(CAP_KILL)) && caps_of('i') == BIT(CAP_KILL));
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0) == 0);
}

DEFINE_WORLD_TEST(a_capability_not_held_is_an_error, 0)
{
	struct __user_cap_data_struct d[2];
	need_ids();
	CHECK(sys_capget(d) == 0);
	d[0].effective &= ~(1u << CAP_CHOWN);
	d[0].permitted &= ~(1u << CAP_CHOWN);
	CHECK(sys_capset(d) == 0);
	w->b.head.flags = WIRE_SET_CAPS;
	w->b.head.caps_bounding = w->b.head.caps_permitted = BIT(CAP_CHOWN) | BIT(CAP_KILL);
	world_plan(w);
	CHECK(privileges_drop(&w->in, &w->e) == -EPERM);
	CHECK(message_has(w, "does not hold 0x1 "));
}

DEFINE_WORLD_TEST(what_brought_capabilities_here_ends, 0)
{
	struct __user_cap_data_struct d[2];
	if (geteuid() == 0 && unshare(CLONE_NEWUSER) == 0)
		world_user_namespace(0, 0);
	CHECK(sys_capget(d) == 0);
	d[0].inheritable = d[0].permitted;
	CHECK(sys_capset(d) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0);
	w->b.head.flags = WIRE_USERNS | WIRE_NO_SETGROUPS;
	world_plan(w);
	CHECK_OK(w, identity_take(&w->in, &w->e));
	CHECK(caps_of('i') == 0 && caps_of('e') & BIT(CAP_SYS_ADMIN));
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0) == 0);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
}

DEFINE_WORLD_TEST(the_working_directory_need_not_be_open_to_the_user, 0)
{
	struct stat there, here;
	need_ids();
	CHECK(chmod(w->outside, 0700) == 0 && stat(w->outside, &there) == 0);
	w->b.head.cwd = world_str(w, w->outside);
	w->b.head.flags = WIRE_SET_CAPS;
	w->b.head.uid = w->b.head.gid = 1000;
	world_plan(w);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));
	CHECK(stat(".", &here) < 0 || here.st_ino == there.st_ino);
	CHECK(chdir(w->outside) < 0 && errno == EACCES);
}

/* User 1000 in a folder of `owner`, such as one of a network's file system, where root is nobody. */
static void workdir_of(World *w, uid_t owner)
{
	struct __user_cap_data_struct d[2];
	need_ids();
	CHECK(chmod(w->outside, 0700) == 0 && chown(w->outside, owner, owner) == 0);
	CHECK(sys_capget(d) == 0);
	d[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
	d[0].permitted &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
	CHECK(sys_capset(d) == 0);
	w->b.head.cwd = world_str(w, w->outside);
	w->b.head.flags = WIRE_SET_CAPS;
	w->b.head.uid = w->b.head.gid = 1000;
	world_plan(w);
}

DEFINE_WORLD_TEST(what_root_may_not_enter_the_user_may, 0)
{
	workdir_of(w, 1000);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));
}

DEFINE_WORLD_TEST(a_working_directory_closed_to_both_is_an_error, 0)
{
	workdir_of(w, 1001);
	CHECK(privileges_drop(&w->in, &w->e) == -EACCES);
	CHECK(message_has(w, w->outside) && message_has(w, "1000"));
}

DEFINE_WORLD_TEST(a_working_directory_out_of_reach_is_refused, 0)
{
	char cwd[64];
	int leak = open("/", O_PATH | O_DIRECTORY);
	(void)snprintf(cwd, sizeof cwd, "/proc/self/fd/%d", leak);
	world_mount(w, WIRE_MOUNT_BIND, "/proc", "/proc")->flags = WIRE_MOUNT_RECURSIVE;
	w->b.head.cwd = world_str(w, cwd);
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK_OK(w, rootfs_pivot(&w->in, &w->e));
	CHECK(privileges_drop(&w->in, &w->e) < 0);
	CHECK(message_has(w, "lies outside of the container"));
}

DEFINE_WORLD_TEST(no_new_privs_and_a_late_filter, 0)
{
	w->b.head.flags = WIRE_NO_NEW_PRIVS;
	filter_without_chroot(w);
	world_plan(w);
	CHECK_OK(w, privileges_drop(&w->in, &w->e));
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_SECCOMP) == 0);
	CHECK_OK(w, filter_seal(&w->in, &w->e));
	CHECK(syscall(SYS_chroot, "/") < 0 && errno == 99);
}

DEFINE_WORLD_TEST(default_limits_are_lowered_others_refused, 0)
{
	struct __user_cap_data_struct d[2];
	struct rlimit now, low = { 50, 100 };
	CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
	CHECK(sys_capget(d) == 0);
	d[0].effective &= ~(1u << CAP_SYS_RESOURCE);
	d[0].permitted &= ~(1u << CAP_SYS_RESOURCE);
	CHECK(sys_capset(d) == 0);
	*wire_add(&w->b, rlimits, WireRlimit) = (WireRlimit){ 1000, 2000, RLIMIT_NOFILE, 1 };
	*wire_add(&w->b, rlimits, WireRlimit) = (WireRlimit){ 0, 0, RLIMIT_CORE, 0 };
	*wire_add(&w->b, rlimits, WireRlimit) = (WireRlimit){ 1000, 2000, RLIMIT_NOFILE, 0 };
	world_plan(w);
	CHECK(limits_set(&w->in, &w->e) == -EPERM);
	CHECK(message_has(w, "nofile") && message_has(w, "1000:2000") &&
	      message_has(w, "hard limit of 100"));
	CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 100 && now.rlim_max == 100);
	CHECK(getrlimit(RLIMIT_CORE, &now) == 0 && now.rlim_max == 0);
}

DEFINE_WORLD_TEST(signals_session_and_stdin_are_fresh, CLONE_NEWPID)
{
	unsigned long ignore[4] = { 1 }, now[4]; /* SIG_IGN */
	uint64_t all = ~0ull, mask;
	struct stat st, null;
	long before = sys_keyctl(0 /* KEYCTL_GET_KEYRING_ID */, (unsigned long)-3 /* session */, 0),
	     after;
	for (int sig = 1; sig <= 64; sig++)
		(void)syscall(SYS_rt_sigaction, sig, ignore, NULL, 8); /* SIGKILL and SIGSTOP refuse */
	CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8) == 0);
	w->b.head.flags = WIRE_STDIN_NULL | WIRE_NEW_KEYRING;
	world_plan(w);
	CHECK_OK(w, session_enter(&w->in, &w->e));
	for (int sig = 1; sig <= 64; sig++)
		CHECK(syscall(SYS_rt_sigaction, sig, NULL, now, 8) == 0 && now[0] == 0);
	CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, 8) == 0 && mask == 0);
	CHECK(getsid(0) == getpid());
	CHECK(fstat(0, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev);
	CHECK(umask(0) == 022);
	after = sys_keyctl(0, (unsigned long)-3, 0);
	CHECK(before < 0 || after != before);
}

DEFINE_WORLD_TEST(the_kernels_part_is_set, CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWPID)
{
	struct utsname uts;
	struct ifreq lo = { .ifr_name = "lo" };
	w->b.head.hostname = world_str(w, "boxed");
	w->b.head.flags = WIRE_LOOPBACK_UP;
	world_mount(w, WIRE_MOUNT_FS, "proc", "/proc");
	*wire_add(&w->b, sysctls, WirePair) = (WirePair){ world_str(w, "net/ipv4/ip_default_ttl"),
							  world_str(w, "77") };
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK_OK(w, kernel_set(&w->in, &w->e));
	CHECK(uname(&uts) == 0 && strcmp(uts.nodename, "boxed") == 0);
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(ioctl(sock, SIOCGIFFLAGS, &lo) == 0 && lo.ifr_flags & IFF_UP);
	CHECK(strcmp(world_read(w, "/proc/sys/net/ipv4/ip_default_ttl"), "77\n") == 0);
}

DEFINE_WORLD_TEST(sysctls_do_not_lead_elsewhere, CLONE_NEWNET | CLONE_NEWPID)
{
	*wire_add(&w->b, sysctls, WirePair) = (WirePair){ world_str(w, "../self/comm"),
							  world_str(w, "x") };
	world_mount(w, WIRE_MOUNT_FS, "proc", "/proc");
	world_attach(w);
	CHECK_OK(w, mounts_make(&w->in, &w->e));
	CHECK(kernel_set(&w->in, &w->e) == -EXDEV);
	CHECK(message_has(w, "sysctl ../self/comm"));
}

/* What command_exec() says about argv[0] in w->root with this PATH. */
static void why(World *w, const char *path, const char *name, ErrKind kind, const char *text)
{
	static char env[300];
	(void)snprintf(env, sizeof env, "PATH=%s", path);
	WireBuild b;
	Arena a = ARENA_EMPTY;
	void *image;
	size_t size;
	wire_build_init(&b, &a);
	b.head.root = b.head.cwd = wire_add_str(&b, "/");
	*wire_add(&b, argv, WireStr) = wire_add_str(&b, name);
	*wire_add(&b, envp, WireStr) = wire_add_str(&b, env);
	CHECK(wire_finish(&b, &image, &size, NULL) == 0);
	w->in.plan = image;
	CHECK(command_exec(&w->in, &w->e) < 0);
	CHECK(message_has(w, text) && w->e.kind == kind);
	CHECK(message_has(w, "exec: \""));
}

static void put_file(World *w, const char *name, const void *data, size_t len, mode_t mode)
{
	int fd = open(world_path(w, w->root, name), O_CREAT | O_WRONLY | O_TRUNC, mode);
	CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len && fchmod(fd, mode) == 0);
	close(fd);
}

DEFINE_WORLD_TEST(a_failing_exec_is_explained, 0)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr interp;
		char loader[32];
	} elf = {
		.head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT },
			  .e_type = ET_EXEC,
			  .e_version = EV_CURRENT,
			  .e_phoff = sizeof(Elf64_Ehdr),
			  .e_ehsize = sizeof(Elf64_Ehdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1 },
		.interp = { .p_type = PT_INTERP,
			    .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			    .p_filesz = 16 },
		.loader = "/no/such/loader",
	};
	Elf64_Ehdr ours;
	int self = open("/proc/self/exe", O_RDONLY);
	CHECK(read(self, &ours, sizeof ours) == (ssize_t)sizeof ours);
	elf.head.e_machine = ours.e_machine;
	put_file(w, "loader", &elf, sizeof elf, 0755);
	elf.head.e_machine = EM_S390;
	put_file(w, "foreign", &elf, sizeof elf, 0755);
	put_file(w, "text", "hello\n", 6, 0755);
	put_file(w, "plain", "hello\n", 6, 0644);
	put_file(w, "script", "#! /no/such/interpreter -x\n", 27, 0755);
	CHECK(mkdir(world_path(w, w->root, "dir"), 0755) == 0);
	char *path = arena_printf(&w->arena, "%s/none:%s", w->dir, w->root);

	why(w, path, "nosuch", ERR_CMD_MISSING, "\"nosuch\": executable file not found in $PATH");
	why(w, path, "dir", ERR_CMD_MISSING, "not found in $PATH");
	why(w, path, "/nosuch", ERR_CMD_MISSING, "\"/nosuch\": stat /nosuch: no such file or directory");
	why(w, path, "", ERR_CMD_MISSING, "empty");
	why(w, path, w->root, ERR_CMD_INVOKE, "it is a directory");
	why(w, path, "plain", ERR_CMD_INVOKE,
	    "plain\": permission denied: it is not marked as executable");
	why(w, path, "text", ERR_CMD_INVOKE, "exec format error: neither a program nor a script");
	why(w, path, "script", ERR_CMD_MISSING,
	    "its interpreter \"/no/such/interpreter\" does not exist");
	why(w, path, "loader", ERR_CMD_MISSING, "its loader \"/no/such/loader\" does not exist");
	why(w, path, "foreign", ERR_CMD_INVOKE, "it is built for s390x");
	CHECK(chdir(w->root) == 0);
	why(w, ":/none", "plain", ERR_CMD_INVOKE,
	    "\"./plain\": permission denied"); /* an empty entry is where we are */
}

DEFINE_WORLD_TEST(the_command_gets_its_arguments, 0)
{
	int status, pipe_fds[2];
	char got[64] = "";
	CHECK(pipe(pipe_fds) == 0);
	w->b.head.root = w->b.head.cwd = world_str(w, "/");
	static const char *const argv[] = { "sh",  "-c",  "printf '%s|' \"$@\" \"$NAME\"; exit 7",
					    "sh",  "a b", "",
					    "c\nd" };
	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		*wire_add(&w->b, argv, WireStr) = world_str(w, argv[i]);
	*wire_add(&w->b, envp, WireStr) = world_str(w, "NAME=value");
	void *image;
	size_t size;
	CHECK_OK(w, wire_finish(&w->b, &image, &size, &w->e));
	w->in.plan = image;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pipe_fds[1], 1);
		(void)command_exec(&w->in, &w->e);
		_exit(99);
	}
	close(pipe_fds[1]);
	CHECK(fd_read_up_to(pipe_fds[0], got, sizeof got - 1) > 0);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	CHECK(strcmp(got, "a b||c\nd|value|") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_user_keeps_nothing),
		cmocka_unit_test(groups_may_stay_the_callers),
		cmocka_unit_test(user_0_keeps_what_is_asked),
		cmocka_unit_test(ambient_only_when_asked),
		cmocka_unit_test(a_capability_not_held_is_an_error),
		cmocka_unit_test(what_brought_capabilities_here_ends),
		cmocka_unit_test(who_waits_for_the_start_is_no_more_than_the_command),
		cmocka_unit_test(the_working_directory_need_not_be_open_to_the_user),
		cmocka_unit_test(what_root_may_not_enter_the_user_may),
		cmocka_unit_test(a_working_directory_closed_to_both_is_an_error),
		cmocka_unit_test(a_working_directory_out_of_reach_is_refused),
		cmocka_unit_test(no_new_privs_and_a_late_filter),
		cmocka_unit_test(default_limits_are_lowered_others_refused),
		cmocka_unit_test(signals_session_and_stdin_are_fresh),
		cmocka_unit_test(the_kernels_part_is_set),
		cmocka_unit_test(sysctls_do_not_lead_elsewhere),
		cmocka_unit_test(a_failing_exec_is_explained),
		cmocka_unit_test(the_command_gets_its_arguments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
