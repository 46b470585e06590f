#include "unit.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "fmt/seccomp.h"

/* CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP */
#define DEFAULT_CAPS UINT64_C(0x800405fb)
#define TABLE        "../../src/fmt/seccomp_compiled.inc"

static SeccompProgram compile(SyscallArch host, uint64_t caps, Arena *a)
{
	const SeccompProfileParams params = { .caps = caps, .host = host };
	Seccomp profile;
	SeccompProgram p;
	assert_int_equal(seccomp_profile_default(&params, a, &profile), 0);
	assert_int_equal(seccomp_compile(&profile, a, &p, NULL), 0);
	return p;
}

static void table_write(int fd, const char *name, SyscallArch host, Arena *a)
{
	SeccompProgram p = compile(host, DEFAULT_CAPS, a);
	const char *text = arena_printf(a, "static const struct sock_filter for_%s[] = {\n", name);
	assert_int_equal(fd_write_all(fd, text, strlen(text), TABLE, NULL), 0);
	for (uint16_t i = 0; i < p.count; i++) {
		text = arena_printf(a, "%sI(0x%02x, %u, %u, 0x%x),%s", i % 4 == 0 ? "\t" : " ",
				    p.code[i].code, p.code[i].jt, p.code[i].jf, p.code[i].k,
				    i % 4 == 3 || i == p.count - 1 ? "\n" : "");
		assert_int_equal(fd_write_all(fd, text, strlen(text), TABLE, NULL), 0);
	}
	assert_int_equal(fd_write_all(fd, "};\n", 3, TABLE, NULL), 0);
}

/* With UPDATE_GOLDEN=1 the table is made anew; the next build and run show that it fits. */
static void tables_update(void)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	AUTO(fd_close) int fd = open(TABLE, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	const char *head = arena_printf(
		&a,
		"/* seccomp_compiled.inc - the default seccomp profile as BPF.                                   (fmt/, private to seccomp_compiled.c) */\n"
		"#pragma once\n/* clang-format off */\n#define COMPILED_FOR_CAPS UINT64_C(0x%llx)\n",
		(unsigned long long)DEFAULT_CAPS);
	assert_int_equal(fd_write_all(fd, head, strlen(head), TABLE, NULL), 0);
	table_write(fd, "x86_64", SYSCALL_X86_64, &a);
	table_write(fd, "aarch64", SYSCALL_AARCH64, &a);
}

static void the_table_is_what_the_compiler_makes(void **state)
{
	(void)state;
	const SyscallArch hosts[] = { SYSCALL_X86_64, SYSCALL_AARCH64 };
	if (getenv("UPDATE_GOLDEN")) {
		tables_update();
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		const SeccompProfileParams params = { .caps = DEFAULT_CAPS, .host = hosts[i] };
		SeccompProgram want = compile(hosts[i], DEFAULT_CAPS, &a), got;
		assert_true(seccomp_profile_compiled(&params, &got));
		assert_int_equal(got.count, want.count);
		assert_memory_equal(got.code, want.code, want.count * sizeof *want.code);
		assert_false(want.notifies);
	}
}

static void other_capabilities_have_no_table(void **state)
{
	(void)state;
	SeccompProgram got;
	const SeccompProfileParams more = { .caps = DEFAULT_CAPS | 1 << 21, .host = SYSCALL_X86_64 };
	const SeccompProfileParams other = { .caps = DEFAULT_CAPS, .host = SYSCALL_ARM };
	assert_false(seccomp_profile_compiled(&more, &got));
	assert_false(seccomp_profile_compiled(&other, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_what_the_compiler_makes),
		cmocka_unit_test(other_capabilities_have_no_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
