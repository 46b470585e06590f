/* What the compiler promises and libseccomp cannot vouch for: order, refusals, long programs, and that the kernel takes it all. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fmt/seccomp.h"
#include "seccomp_bpf.h"

#if defined(__x86_64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_X86_64
#else
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_AARCH64
#endif
#define REFUSED(number) (SECCOMP_RET_ERRNO | (uint32_t)(number))

static SeccompRule rule(const char *const *name, SeccompAction action, uint32_t errno_ret,
			const SeccompArg *args, size_t count)
{
	return (SeccompRule){ .names = { (const char **)(uintptr_t)name, 1 },
			      .action = action,
			      .has_errno = action == SECCOMP_ACT_ERRNO,
			      .errno_ret = errno_ret,
			      .args = args,
			      .args_count = count };
}

static uint32_t run(const SeccompProgram *p, const char *name, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data d = { .nr = syscall_number(syscall_find(name), seccomp_arch_native()),
				  .arch = AUDIT_ARCH_NATIVE,
				  .args = { arg0, arg1 } };

	return bpf_run(p->code, p->count, &d);
}

static void conditions_have_an_order(void **state)
{
	static const char *const read = "read", *const write = "write";
	static const SeccompArg args[] = {
		{ 0, SECCOMP_CMP_GE, 0, 0 },
		{ 0, SECCOMP_CMP_GT, 100, 0 },
		{ 0, SECCOMP_CMP_GT, 200, 0 },
		{ 0, SECCOMP_CMP_LT, 50, 0 },
		{ 0, SECCOMP_CMP_LT, 10, 0 },
		{ 0, SECCOMP_CMP_EQ, 5, 0 },
		{ 0, SECCOMP_CMP_MASKED_EQ, 0xffffffff, 300 },
		{ 1, SECCOMP_CMP_EQ, 7, 0 },
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SeccompRule rules[ARRAY_LEN(args) + 2];
	Seccomp s = { .default_action = SECCOMP_ACT_ALLOW,
		      .rules = rules,
		      .rules_count = ARRAY_LEN(rules) };
	SeccompProgram p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(args); i++)
		rules[i] = rule(&read, SECCOMP_ACT_ERRNO, (uint32_t)i, &args[i], 1);
	rules[8] = rule(&write, SECCOMP_ACT_ERRNO, 8, &args[0], 1);
	rules[9] = rule(&write, SECCOMP_ACT_KILL_PROCESS, 0, NULL, 0);
	assert_int_equal(seccomp_compile(&s, &a, &p, NULL), 0);
	assert_int_equal(run(&p, "read", 5, 0), REFUSED(5));
	assert_int_equal(run(&p, "read", 6, 0), REFUSED(4));
	assert_int_equal(run(&p, "read", 49, 0), REFUSED(3));
	assert_int_equal(run(&p, "read", 50, 0), REFUSED(0));
	assert_int_equal(run(&p, "read", 150, 0), REFUSED(1));
	assert_int_equal(run(&p, "read", 1UL << 40, 0), REFUSED(2));
	assert_int_equal(run(&p, "read", 0xabc00000000 | 300, 0), REFUSED(6));
	assert_int_equal(run(&p, "read", 5, 7), REFUSED(7)); /* a higher argument first */
	assert_int_equal(run(&p, "write", 5, 0), SECCOMP_RET_KILL_PROCESS); /* no condition before any */
	assert_int_equal(run(&p, "openat", 0, 0), SECCOMP_RET_ALLOW);
}

/* On x86 a condition on the upper half alone is none, and values that differ there only are the same. */
static void conditions_shrink_to_32_bits(void **state)
{
	static const char *const read = "read";
	static const SeccompArg args[] = {
		{ 0, SECCOMP_CMP_EQ, 1, 0 },
		{ 0, SECCOMP_CMP_MASKED_EQ, 0xff00000000, 0x100000000 },
		{ 0, SECCOMP_CMP_EQ, 0x100000001, 0 },
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	struct seccomp_data d = { .nr = 3, .arch = AUDIT_ARCH_I386, .args = { 1 } };
	SeccompRule rules[] = { rule(&read, SECCOMP_ACT_ERRNO, 1, &args[0], 1),
				rule(&read, SECCOMP_ACT_ERRNO, 2, &args[1], 1) };
	Seccomp s = { .default_action = SECCOMP_ACT_ALLOW,
		      .archs = 1U << SYSCALL_X86,
		      .rules = rules,
		      .rules_count = 2 };
	SeccompProgram p;

	(void)state;
	assert_int_equal(seccomp_compile(&s, &a, &p, NULL), 0);
	assert_int_equal(bpf_run(p.code, p.count, &d), REFUSED(2));
	assert_int_equal(run(&p, "read", 1, 0), REFUSED(1));
	assert_int_equal(run(&p, "read", 0x200000002, 0), SECCOMP_RET_ALLOW);
	rules[1].args = &args[2];
	assert_int_equal(seccomp_compile(&s, &a, &p, NULL), -EINVAL);
}

static void refuse(Seccomp *s, int number, const char *word)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SeccompProgram p = { 0 };
	Err e = { 0 };

	assert_int_equal(seccomp_compile(s, &a, &p, &e), -number);
	assert_int_equal(e.kind, ERR_SPEC);
	if (!strstr(e.msg, word))
		fail_msg("'%s' does not say '%s'", e.msg, word);
}

static void wrong_rules_are_refused(void **state)
{
	static const char *const read = "read";
	static const SeccompArg args[] = { { 0, SECCOMP_CMP_EQ, 1, 0 }, { 6, SECCOMP_CMP_EQ, 1, 0 } };
	SeccompRule rules[2] = { rule(&read, SECCOMP_ACT_ERRNO, 1, args, 1),
				 rule(&read, SECCOMP_ACT_ERRNO, 2, args, 1) };
	Seccomp s = { .default_action = SECCOMP_ACT_ALLOW, .rules = rules, .rules_count = 2 };

	(void)state;
	refuse(&s, EINVAL, "'read' have the same conditions");
	rules[1] = rule(&read, SECCOMP_ACT_ERRNO, 2, &args[1], 1);
	refuse(&s, EINVAL, "argument 6");
	rules[1] = rule(&read, SECCOMP_ACT_LOG, 2, NULL, 0);
	rules[1].has_errno = true;
	refuse(&s, EINVAL, "SCMP_ACT_LOG takes no errnoRet");
	rules[1] = rule(&read, SECCOMP_ACT_ERRNO, 65536, NULL, 0);
	refuse(&s, EINVAL, "65536");
	rules[1] = (SeccompRule){ .action = SECCOMP_ACT_LOG };
	refuse(&s, EINVAL, "names no system call");
	s.rules_count = 0;
	s.default_action = SECCOMP_ACT_NOTIFY;
	refuse(&s, EINVAL, "SCMP_ACT_NOTIFY");
}

/* A program of nearly the greatest length: jumps go through jumps. */
static void long_programs(void **state)
{
	static const char *const read = "read", *const nosuch = "nosuchcall";
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	size_t tests = 560, count = tests + 1 + syscall_row_count;
	SeccompRule *rules = arena_new_array(&a, count, SeccompRule);
	SeccompArg *args = arena_new_array(&a, count, SeccompArg);
	const char **names = arena_new_array(&a, count, const char *);
	Seccomp s = { .default_action = SECCOMP_ACT_ALLOW, .rules = rules, .rules_count = count };
	SeccompProgram p;

	(void)state;
	for (size_t i = 0; i < tests; i++) {
		args[i] = (SeccompArg){ .op = SECCOMP_CMP_EQ, .value = i << 32 | i };
		rules[i] = rule(&read, SECCOMP_ACT_ERRNO, (uint32_t)i + 1, &args[i], 1);
	}
	for (size_t i = 0; i < syscall_row_count; i++) {
		names[i] = strcmp(syscall_rows[i].name, "read") == 0 ? nosuch : syscall_rows[i].name;
		rules[tests + i] = rule(&names[i], SECCOMP_ACT_ERRNO, (uint32_t)i + 1000, NULL, 0);
	}
	rules[count - 1] = rule(&nosuch, SECCOMP_ACT_ERRNO, 1, NULL, 0);
	assert_int_equal(seccomp_compile(&s, &a, &p, NULL), 0);
	assert_true(p.count > 3500 && p.count <= BPF_MAXINSNS);
	assert_int_equal(p.unknown_names, 2);
	for (size_t i = 0; i < tests; i++) {
		assert_int_equal(run(&p, "read", i << 32 | i, 0), REFUSED(i + 1));
		assert_int_equal(run(&p, "read", i << 32 | (i + 1), 0), SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < syscall_row_count; i++) {
		if (names[i] != nosuch && syscall_number(&syscall_rows[i], seccomp_arch_native()) >= 0)
			assert_int_equal(run(&p, names[i], 1, 1), REFUSED(i + 1000));
	}
	s.archs = 1U << SYSCALL_X86_64 | 1U << SYSCALL_X86 | 1U << SYSCALL_X32 |
		  1U << SYSCALL_AARCH64 | 1U << SYSCALL_ARM;
	refuse(&s, E2BIG, "4096 BPF instructions");
}

static void words(void **state)
{
	static const char *flags[] = { "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC",
				       "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
				       "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
				       "SECCOMP_FILTER_FLAG_NONE" };
	uint32_t bits = 0;
	Err e = { 0 };

	(void)state;
	assert_int_equal(seccomp_action_parse("SCMP_ACT_KILL"), SECCOMP_ACT_KILL_THREAD);
	for (int i = SECCOMP_ACT_KILL_THREAD; i <= SECCOMP_ACT_NOTIFY; i++)
		assert_int_equal(seccomp_action_parse(seccomp_action_name((SeccompAction)i)), i);
	for (int i = SECCOMP_CMP_NE; i <= SECCOMP_CMP_MASKED_EQ; i++)
		assert_int_equal(seccomp_op_parse(seccomp_op_name((SeccompOp)i)), i);
	for (int i = 0; i < SYSCALL_ARCH_COUNT; i++)
		assert_int_equal(seccomp_arch_parse(seccomp_arch_name((SyscallArch)i)), i);
	assert_int_equal(seccomp_action_parse("SCMP_ACT_ALLOWED"), -EINVAL);
	assert_int_equal(seccomp_op_parse("EQ"), -EINVAL);
	assert_int_equal(seccomp_arch_parse("SCMP_ARCH_MIPS64"), -ENOTSUP);
	assert_int_equal(seccomp_arch_parse("x86"), -EINVAL);
	assert_int_equal(seccomp_flags_to_kernel(&(StrList){ flags, 4 }, &bits, &e), 0);
	assert_int_equal(bits, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC |
				       SECCOMP_FILTER_FLAG_SPEC_ALLOW | 1U << 5);
	assert_int_equal(seccomp_flags_to_kernel(&(StrList){ flags, 5 }, &bits, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "SECCOMP_FILTER_FLAG_NONE"));
}

static int load(const SeccompProgram *p)
{
	struct sock_fprog prog = { .len = p->count, .filter = p->code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static bool fails_with(long result, int number)
{
	return result == -1 && errno == number;
}

/* In a child under the filter: 0, or the number of the first wrong answer. */
static int under_the_filter(const SeccompProgram *p)
{
	char c;

	if (load(p) != 0)
		return 1;
	if (syscall(SYS_getppid) <= 0 || read(-1, &c, 1) != -1 || errno != EBADF)
		return 2;
	if (!fails_with(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM))
		return 3;
	if (!fails_with(syscall(5000), ENOSYS) || !fails_with(syscall(SYS_clone3, NULL, 0), ENOSYS))
		return 4;
	if (!fails_with(syscall(SYS_ioctl, -1, 0x5412, "x"), EPERM) ||
	    !fails_with(syscall(SYS_ioctl, -1, 0x5401, &c), EBADF))
		return 5;
	if (!fails_with(syscall(SYS_ioctl, -1, 0x1234500005412, "x"), EPERM))
		return 6;
	if (!fails_with(socket(38, SOCK_SEQPACKET, 0), EPERM) || socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		return 7;
	if (!fails_with(syscall(SYS_unshare, 0), EPERM) ||
	    !fails_with(syscall(SYS_personality, 0x40000), EPERM))
		return 8;
#if defined(__x86_64__)
	if (!fails_with(syscall(SYSCALL_X32_BIT + 5000L), ENOSYS))
		return 9;
#endif
	return 0;
}

static void the_kernel_enforces_it(void **state)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	int status = -1;
	SeccompProgram p;
	Seccomp s;
	pid_t pid;

	(void)state;
	assert_int_equal(seccomp_profile_default(&(SeccompProfileParams){ 0, seccomp_arch_native() },
						 &a, &s),
			 0);
	assert_int_equal(seccomp_compile(&s, &a, &p, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(under_the_filter(&p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_have_an_order),
		cmocka_unit_test(conditions_shrink_to_32_bits),
		cmocka_unit_test(wrong_rules_are_refused),
		cmocka_unit_test(long_programs),
		cmocka_unit_test(words),
		cmocka_unit_test(the_kernel_enforces_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
