/* Profiles as files, in docker's and podman's form. That the filters which come of them are right is test_seccomp_compile.c's. */
#include "unit.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "fmt/seccomp_file.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

static const SeccompFileHost usual = { .arch = SYSCALL_X86_64, .kernel_major = 6, .kernel_minor = 1 };

static char *read_text(Arena *a, const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return NULL;
	char *text = arena_alloc(a, LIMIT_SECCOMP_BYTES + 1);
	size_t n = fread(text, 1, LIMIT_SECCOMP_BYTES, f);
	text[n] = '\0';
	(void)fclose(f); /* only read */
	return text;
}

static int decode(Arena *a, const char *text, const SeccompFileHost *host, Seccomp *ret, Err *e)
{
	return seccomp_file_decode(text, strlen(text), host, a, ret, e);
}

/* ---- what is read ---- */

static char *rules_text(Arena *a, const Seccomp *s)
{
	char *text = arena_strdup(a, "");
	for (size_t i = 0; i < s->rules_count; i++) {
		const SeccompRule *r = &s->rules[i];
		text = arena_printf(a, "%s%s%s/%zu:%s", text, i ? " " : "", r->names.items[0],
				    r->names.count,
				    seccomp_action_name(r->action) + strlen("SCMP_ACT_"));
		if (r->has_errno)
			text = arena_printf(a, "%s=%u", text, r->errno_ret);
		for (size_t k = 0; k < r->args_count; k++)
			text = arena_printf(a, "%s[%u %s %llu %llu]", text, r->args[k].index,
					    seccomp_op_name(r->args[k].op) + strlen("SCMP_CMP_"),
					    (unsigned long long)r->args[k].value,
					    (unsigned long long)r->args[k].value_two);
	}
	return text;
}

static void every_form_is_read(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Seccomp s;
	Err e = { 0 };
	char *text = read_text(&a, "data/seccomp/errno.json");
	if (decode(&a, text, &usual, &s, &e) < 0)
		fail_msg("%s", e.msg);
	memset(text, 'x', strlen(text)); /* the text may go away */
	assert_int_equal(s.default_action, SECCOMP_ACT_ERRNO);
	assert_true(s.has_default_errno && s.default_errno == 38);
	assert_int_equal(s.archs, 1U << SYSCALL_X86_64 | 1U << SYSCALL_AARCH64 | 1U << SYSCALL_X86);
	assert_int_equal(s.flags.count, 2);
	assert_string_equal(s.flags.items[1], "SECCOMP_FILTER_FLAG_SPEC_ALLOW");
	assert_string_equal(rules_text(&a, &s),
			    "read/3:ALLOW mount/1:ERRNO=1 umount2/1:ERRNO=95 "
			    "socket/1:ERRNO=22[0 EQ 16 0][2 EQ 9 0] socket/1:ALLOW[2 NE 9 0] "
			    "socket/1:ALLOW[0 NE 16 0] socket/1:ALLOW[2 NE 9 0] "
			    "kill/1:KILL_THREAD tkill/1:KILL_PROCESS tgkill/1:TRAP ptrace/1:TRACE=7");
	assert_int_equal(s.rules[1].line, 9);
}

/* ---- conditions ---- */

/* The names of the first calls of all rules that count. */
static void expect_rules(const SeccompFileHost *host, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Seccomp s;
	Err e = { 0 };
	char *got = arena_strdup(&a, "");
	if (decode(&a, read_text(&a, "data/seccomp/shape.json"), host, &s, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 1; i < s.rules_count; i++)
		got = arena_printf(&a, "%s%s%s%s", got, i > 1 ? " " : "", s.rules[i].names.items[0],
				   s.rules[i].args_count ? "?" : "");
	assert_string_equal(got, want);
}

#define SOCKETS "socket? socket? socket? personality? personality?"

static void conditions_are_asked(void **state)
{
	(void)state;
	SeccompFileHost h = usual;
	expect_rules(&h, "process_vm_readv " SOCKETS " arch_prctl modify_ldt clone? clone3 acct");
	h.caps = CAP(SYS_ADMIN);
	expect_rules(&h, "process_vm_readv " SOCKETS " arch_prctl modify_ldt mount acct");
	h.caps = CAP(BPF) | CAP(SYS_BOOT) | CAP(SYS_CHROOT);
	expect_rules(&h, "process_vm_readv " SOCKETS
			 " arch_prctl modify_ldt clone? clone3 reboot chroot bpf acct");
	h.caps = UINT64_MAX; /* a capability without a name is held by nobody */
	expect_rules(&h, "process_vm_readv " SOCKETS
			 " arch_prctl modify_ldt mount reboot chroot bpf acct");
	h = (SeccompFileHost){ .arch = SYSCALL_AARCH64, .kernel_major = 4, .kernel_minor = 8 };
	expect_rules(&h, "process_vm_readv cachestat " SOCKETS " cacheflush clone? clone3 acct");
	h.kernel_minor = 7;
	expect_rules(&h, "cachestat " SOCKETS " cacheflush clone? clone3 acct");
	h = (SeccompFileHost){ .arch = SYSCALL_X86_64, .kernel_major = 5, .kernel_minor = 4 };
	expect_rules(&h, "process_vm_readv " SOCKETS " arch_prctl modify_ldt clone? clone3 acct");
	h.kernel_minor = 3;
	expect_rules(&h, "process_vm_readv cachestat " SOCKETS
			 " arch_prctl modify_ldt clone? clone3 acct");
}

/* Several conditions in one rule. */
static void expect_counts(const char *condition, uint64_t caps, bool want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SeccompFileHost h = usual;
	Seccomp s;
	Err e = { 0 };
	h.caps = caps;
	char *text = arena_printf(&a,
				  "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"read\","
				  "\"action\":\"SCMP_ACT_LOG\",%s}]}",
				  condition);
	if (decode(&a, text, &h, &s, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	if ((s.rules_count == 1) != want)
		fail_msg("%s with %#llx: %zu rules", condition, (unsigned long long)caps, s.rules_count);
}

static void conditions_are_joined(void **state)
{
	(void)state;
	uint64_t one = CAP(KILL), two = CAP(KILL) | CAP(CHOWN);
	const char *all = "\"includes\":{\"caps\":[\"CAP_KILL\",\"CAP_CHOWN\"]}",
		   *none = "\"excludes\":{\"caps\":[\"CAP_KILL\",\"CAP_CHOWN\"]}";
	expect_counts(all, 0, false);
	expect_counts(all, one, false);
	expect_counts(all, two, true);
	expect_counts(none, 0, true);
	expect_counts(none, one, false);
	expect_counts(none, two, false);
	expect_counts("\"includes\":{},\"excludes\":{\"caps\":[],\"arches\":[]}", two, true);
	expect_counts("\"includes\":{\"arches\":[\"amd64\"],\"caps\":[\"CAP_KILL\"]}", one, true);
	expect_counts("\"includes\":{\"arches\":[\"arm64\"],\"caps\":[\"CAP_KILL\"]}", one, false);
	expect_counts("\"includes\":{\"arches\":[\"amd64\"]},\"excludes\":{\"arches\":[\"amd64\"]}",
		      0, false);
	expect_counts("\"includes\":{\"minKernel\":\"6.2\",\"arches\":[\"amd64\"]}", 0, false);
	expect_counts("\"includes\":{\"minKernel\":\"5.200\"}", 0, true);
	expect_counts("\"excludes\":{\"minKernel\":\"6.1\"}", 0, false);
	expect_counts("\"excludes\":{\"minKernel\":\"7.0\"}", 0, true);
	expect_counts("\"excludes\":{\"caps\":[\"CAP_X\"],\"arches\":[\"x86\"]}", UINT64_MAX, true);
	expect_counts("\"includes\":{\"caps\":[\"CAP_X\"]}", UINT64_MAX, false);
	expect_counts("\"includes\":{\"caps\":[\"CAP_kill\"]}", UINT64_MAX, false);
}

static void expect_archs(const char *members, SyscallArch host, uint32_t want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	SeccompFileHost h = usual;
	Seccomp s;
	Err e = { 0 };
	h.arch = host;
	char *text = arena_printf(&a, "{\"defaultAction\":\"SCMP_ACT_ALLOW\"%s%s}",
				  *members ? "," : "", members);
	if (decode(&a, text, &h, &s, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_int_equal(s.archs, want);
}

static void architectures(void **state)
{
	(void)state;
	const char *map = "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]},"
			  "{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X32\"]},"
			  "{\"architecture\":\"SCMP_ARCH_S390X\",\"subArchitectures\":[\"SCMP_ARCH_S390\"]}]";
	expect_archs("", SYSCALL_X86_64, 0);
	expect_archs(map, SYSCALL_X86_64, 1U << SYSCALL_X86_64 | 1U << SYSCALL_X86); /* the first entry */
	expect_archs(map, SYSCALL_AARCH64, 0);
	expect_archs("\"archMap\":[],\"architectures\":[\"SCMP_ARCH_ARM\"]", SYSCALL_X86_64,
		     1U << SYSCALL_ARM);
	expect_archs("\"archMap\":null,\"architectures\":[]", SYSCALL_X86_64, 0);
}

/* ---- refusals ---- */

#define ALLOW "{\"defaultAction\":\"SCMP_ACT_ALLOW\","
#define RULE(members) \
	ALLOW "\n\"syscalls\":[\n{\"name\":\"read\",\"action\":\"SCMP_ACT_LOG\"," members "}]}"
#define ARCHES(member) ALLOW "\"archMap\":[" member "]}"

static const struct {
	const char *text, *message;
} wrong[] = {
	{ "", "line 1, column 1: expected a value, found the end of the text" },
	{ "[]", "the profile must be an object, not an array (line 1)" },
	{ "{}", "defaultAction is missing (line 1)" }, /* to docker it is no filter at all */
	{ "{\"defaultAction\":null}", "defaultAction is missing (line 1)" },
	{ "{\"defaultaction\":\"SCMP_ACT_ALLOW\"}",
	  "the profile has the unknown key 'defaultaction' (line 1)" },
	{ ALLOW "\"syscall\":[]}", "the profile has the unknown key 'syscall' (line 1)" },
	{ ALLOW "\"syscalls\":{}}", "syscalls must be an array, not an object (line 1)" },
	{ ALLOW "\"syscalls\":[null]}", "syscalls[0] must be an object, not null (line 1)" },
	{ ALLOW "\"flags\":[\"LOG\"]}",
	  "flags has a word that is none of SECCOMP_FILTER_FLAG_TSYNC, _LOG, _SPEC_ALLOW, _WAIT_KILLABLE_RECV (line 1)" },
	{ ALLOW "\"listenerPath\":\"/run/x\"}", "listenerPath is not supported yet (line 1)" },
	{ ALLOW "\"listenerMetadata\":\"x\"}", "listenerMetadata is not supported yet (line 1)" },
	{ ALLOW "\"defaultErrno\":\"EPER\"}",
	  "defaultErrno must be an error such as EPERM, not 'EPER' (line 1)" },
	{ ALLOW "\"defaultErrno\":1}", "defaultErrno must be a string, not a number (line 1)" },
	{ ALLOW "\"defaultErrnoRet\":1,\"defaultErrno\":\"ENOSYS\"}",
	  "defaultErrno is 'ENOSYS', which is not the number that stands beside it, 1 (line 1)" },
	{ ALLOW "\"architectures\":[\"SCMP_ARCH_S390\"],\"archMap\":[{\"architecture\":\"SCMP_ARCH_ARM\"}]}",
	  "the profile has both architectures and archMap (line 1)" },
	{ ARCHES("{}"), "archMap[0].architecture is missing (line 1)" },
	{ ARCHES("{\"architecture\":\"amd64\"}"),
	  "archMap[0] has 'amd64', which is no architecture such as SCMP_ARCH_X86_64 (line 1)" },
	{ ARCHES("{\"architecture\":\"SCMP_ARCH_ARM\",\"subArchitectures\":[\"\"]}"),
	  "archMap[0] has '', which is no architecture such as SCMP_ARCH_X86_64 (line 1)" },
	{ ARCHES("{\"architecture\":\"SCMP_ARCH_ARM\",\"subArches\":[]}"),
	  "archMap[0] has the unknown key 'subArches' (line 1)" },
	{ RULE("\"names\":[\"write\"]"), "syscalls[0] has both name and names (line 3)" },
	{ RULE("\"arg\":[]"), "syscalls[0] has the unknown key 'arg' (line 3)" },
	{ RULE("\"include\":{}"), "syscalls[0] has the unknown key 'include' (line 3)" },
	{ RULE("\"errno\":\"EPERM\",\"errnoRet\":2"),
	  "syscalls[0].errno is 'EPERM', which is not the number that stands beside it, 2 (line 3)" },
	{ RULE("\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]"),
	  "syscalls[0].args[0].index must be from 0 to 5 (line 3)" },
	{ RULE("\"args\":[null]"), "syscalls[0].args[0] must be an object, not null (line 3)" },
	{ RULE("\n\"includes\":[]"), "syscalls[0].includes must be an object, not an array (line 4)" },
	{ RULE("\"includes\":{\"cap\":[]}"), "syscalls[0].includes has the unknown key 'cap' (line 3)" },
	{ RULE("\"excludes\":{\"caps\":[\"CAP_KILL\",\"KILL\"]}"),
	  "syscalls[0].excludes.caps[1] must be a capability such as CAP_SYS_ADMIN, not 'KILL' (line 3)" },
	{ RULE("\"excludes\":{\"caps\":[5]}"),
	  "syscalls[0].excludes.caps[0] must be a string, not a number (line 3)" },
	{ RULE("\"includes\":{\"arches\":\"amd64\"}"),
	  "syscalls[0].includes.arches must be an array, not a string (line 3)" },
	{ RULE("\"includes\":{\"minKernel\":4.8}"),
	  "syscalls[0].includes.minKernel must be a string, not a number (line 3)" },
	{ RULE("\"includes\":{\"minKernel\":\"4\"}"),
	  "syscalls[0].includes.minKernel must be the first two numbers of a kernel, such as 4.8, not '4' (line 3)" },
	{ RULE("\"includes\":{\"minKernel\":\"4.8.1\"}"),
	  "syscalls[0].includes.minKernel must be the first two numbers of a kernel, such as 4.8, not '4.8.1' (line 3)" },
	{ RULE("\"includes\":{\"minKernel\":\"\"}"),
	  "syscalls[0].includes.minKernel must be the first two numbers of a kernel, such as 4.8, not '' (line 3)" },
	{ ALLOW "\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_LOG\"}]}",
	  "syscalls[0] names no system call (line 1)" },
	{ ALLOW "\"syscalls\":[{\"name\":\"\",\"action\":\"SCMP_ACT_LOG\"}]}",
	  "syscalls[0] names no system call (line 1)" },
	{ ALLOW "\"syscalls\":[{\"name\":\"read\"}]}", "syscalls[0].action is missing (line 1)" },
	{ ALLOW "\"syscalls\":[{\"name\":\"read\",\"action\":\"ALLOW\"}]}",
	  "syscalls[0].action must be an action such as SCMP_ACT_ERRNO, not 'ALLOW' (line 1)" },
	{ ALLOW "\"syscalls\":[{\"name\":\"read\",\"action\":\"SCMP_ACT_NOTIFY\"}]}",
	  "syscalls[0] has the action SCMP_ACT_NOTIFY, which is not supported yet (line 1)" },
};

static void wrong_files_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		Seccomp s;
		Err e = { 0 };
		if (decode(&a, wrong[i].text, &usual, &s, &e) >= 0)
			fail_msg("accepted: %s", wrong[i].text);
		assert_string_equal(e.msg, wrong[i].message);
		assert_int_equal(e.kind, ERR_SPEC);
		assert_true(decode(&a, wrong[i].text, &usual, &s, NULL) < 0);
	}
}

static void notes_are_no_keys(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Seccomp s;
	Err e = { 0 };
	const char *text = RULE("\"comment\":[1],\"//\":0,\"_x\":{},\"includes\":{\"#\":null,\"comment\":1},"
				"\"listener\\u0050ath\":\"\"");
	assert_true(decode(&a, text, &usual, &s, &e) < 0); /* the last one is a key all the same */
	assert_string_equal(e.msg, "syscalls[0] has the unknown key 'listenerPath' (line 3)");
	/* a rule that does not count may want what is not there */
	text = RULE("\"includes\":{\"caps\":[\"CAP_KILL\"]},\"comment\":0");
	assert_int_equal(decode(&a, text, &usual, &s, &e), 0);
	text = ALLOW "\"listenerPath\":\"\",\"syscalls\":[{\"name\":\"read\",\"action\":\"SCMP_ACT_NOTIFY\","
		     "\"includes\":{\"caps\":[\"CAP_KILL\"]}}]}";
	assert_int_equal(decode(&a, text, &usual, &s, &e), 0);
	assert_int_equal(s.rules_count, 0);
}

static void a_large_file_is_refused(void **state)
{
	(void)state;
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Seccomp s;
	Err e = { 0 };
	char *text = arena_alloc(&a, LIMIT_SECCOMP_BYTES + 2);
	memset(text, ' ', LIMIT_SECCOMP_BYTES + 1);
	memcpy(text, "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", 34);
	assert_true(decode(&a, text, &usual, &s, &e) < 0);
	assert_string_equal(e.msg, "it has 1048577 bytes; at most 1048576 are allowed");
	text[LIMIT_SECCOMP_BYTES] = '\0';
	assert_int_equal(decode(&a, text, &usual, &s, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(conditions_are_asked),
		cmocka_unit_test(conditions_are_joined),
		cmocka_unit_test(architectures),
		cmocka_unit_test(wrong_files_are_refused_by_name),
		cmocka_unit_test(notes_are_no_keys),
		cmocka_unit_test(a_large_file_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
