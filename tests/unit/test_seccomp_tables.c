/* The names and numbers of system calls against libseccomp's own tables, in both directions. libseccomp is only the oracle.
 *
 * Where the two differ by design:
 * - x86's socket and System V calls (socket 359, semget 393, ...): libseccomp resolves these names to negative "pseudo" numbers, since
 *   a rule for them must also match socketcall(2) and ipc(2). The table has the kernel's direct numbers; seccomp_lower.c adds the rest.
 * - A name that exists on another architecture only resolves to a negative pseudo number there and to -ENOSYS here.
 * - Calls newer than libseccomp are unknown to it; `newer` lists every one that may be, so that a wrong extra name is found.
 *   (Debian's 2.5.4-1+deb12u1 knows those up to Linux 6.7; they are compared like all others.)
 * - map_shadow_stack was x86_64's alone when libseccomp took its number; the kernel's table has since made it x32's, too.
 * - sync_file_range2 on arm is the kernel header's second name for arm_sync_file_range; libseccomp has only the first there.
 */
#include "unit.h"

#include <errno.h>
#include <seccomp.h>

#include "base/str.h"
#include "base/syscalls.h"

static const struct {
	uint32_t scmp;
	SyscallArch arch;
	const char *name;
} archs[] = {
	{ SCMP_ARCH_X86_64, SYSCALL_X86_64, "x86_64" },
	{ SCMP_ARCH_X32, SYSCALL_X32, "x32" },
	{ SCMP_ARCH_X86, SYSCALL_X86, "x86" },
	{ SCMP_ARCH_AARCH64, SYSCALL_AARCH64, "aarch64" },
	{ SCMP_ARCH_ARM, SYSCALL_ARM, "arm" },
};

static const char *const newer[] = {
	"cachestat",        "fchmodat2",
	"file_getattr",     "file_setattr",
	"futex_requeue",    "futex_wait",
	"futex_wake",       "getxattrat",
	"listmount",        "listns",
	"listxattrat",      "lsm_get_self_attr",
	"lsm_list_modules", "lsm_set_self_attr",
	"map_shadow_stack", "mseal",
	"open_tree_attr",   "removexattrat",
	"rseq_slice_yield", "setxattrat",
	"statmount",        "uprobe",
	"uretprobe",
};

static bool is_newer(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(newer); i++) {
		if (str_eq(newer[i], name))
			return true;
	}
	return false;
}

/* libseccomp's pseudo numbers of the multiplexed calls: -101..-120 through socketcall, -201..-224 through ipc. */
static bool is_multiplexed(int number)
{
	return (number <= -100 && number >= -120) || (number <= -200 && number >= -224);
}

static void every_name_of_ours_is_libseccomps(void **state)
{
	(void)state;
	for (size_t i = 0; i < syscall_row_count; i++) {
		for (size_t a = 0; a < ARRAY_LEN(archs); a++) {
			const char *name = syscall_rows[i].name;
			int theirs = seccomp_syscall_resolve_name_arch(archs[a].scmp, name);
			int ours = syscall_number(&syscall_rows[i], archs[a].arch);

			if (is_newer(name) && theirs == __NR_SCMP_ERROR)
				continue;
			if (archs[a].arch == SYSCALL_X32 && str_eq(name, "map_shadow_stack"))
				continue;
			if (archs[a].arch == SYSCALL_ARM && str_eq(name, "sync_file_range2"))
				continue;
			if (archs[a].arch == SYSCALL_X86 && is_multiplexed(theirs)) {
				assert_true(ours == -ENOSYS || ours >= 337);
			} else if (ours >= 0 ? theirs != ours : theirs >= 0) {
				fail_msg("%s on %s: %d here, %d in libseccomp", name, archs[a].name,
					 ours, theirs);
			}
		}
	}
}

/* Every number that libseccomp has a name for; ARM's private ones are at 0xf0000. */
static void every_name_of_libseccomp_is_ours(void **state)
{
	static const int bases[] = { 0, SYSCALL_X32_BIT, 0xf0000, -300 };
	size_t seen = 0;

	(void)state;
	for (size_t a = 0; a < ARRAY_LEN(archs); a++) {
		for (size_t n = 0; n < 4 * 1100; n++) {
			int number = bases[n / 1100] + (int)(n % 1100);
			char *name = seccomp_syscall_resolve_num_arch(archs[a].scmp, number);
			const SyscallRow *row;

			if (!name)
				continue;
			if (archs[a].scmp == SCMP_ARCH_X32 && number >= 0 &&
			    !(number & SYSCALL_X32_BIT)) {
				free(name); /* it adds the bit itself */
				continue;
			}
			seen++;
			row = syscall_find(name);
			if (!row)
				fail_msg("%s (%d on %s) is missing", name, number, archs[a].name);
			else if (number >= 0 &&
				 !(archs[a].arch == SYSCALL_X86 &&
				   is_multiplexed(seccomp_syscall_resolve_name_arch(archs[a].scmp, name))) &&
				 syscall_number(row, archs[a].arch) != number)
				fail_msg("%s on %s: %d here, %d in libseccomp", name, archs[a].name,
					 syscall_number(row, archs[a].arch), number);
			free(name);
		}
	}
	assert_true(seen > 1700);
}

/* The direct numbers of x86's multiplexed calls, which libseccomp does not resolve by name: the kernel's own header. */
static void direct_calls_of_x86(void **state)
{
	static const struct {
		const char *name;
		int number;
	} direct[] = {
		{ "socket", 359 },   { "socketpair", 360 }, { "bind", 361 },
		{ "connect", 362 },  { "listen", 363 },     { "accept4", 364 },
		{ "recvmmsg", 337 }, { "sendmmsg", 345 },   { "shutdown", 373 },
		{ "semget", 393 },   { "shmget", 395 },     { "shmat", 397 },
		{ "msgget", 399 },   { "msgctl", 402 },     { "accept", -ENOSYS },
		{ "send", -ENOSYS }, { "semop", -ENOSYS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(direct); i++)
		assert_int_equal(syscall_number(syscall_find(direct[i].name), SYSCALL_X86),
				 direct[i].number);
}

static void rows_are_sorted_and_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < syscall_row_count; i++) {
		for (size_t a = 0; a < SYSCALL_ARCH_COUNT; a++) { /* what seccomp_lower.c has slots for */
			unsigned nr = syscall_rows[i].nr[a];
			assert_true(nr < 1024 || nr == SYSCALL_NONE ||
				    (a == SYSCALL_ARM && nr - SYSCALL_ARM_PRIVATE < 16));
		}
		assert_true(i == 0 || strcmp(syscall_rows[i - 1].name, syscall_rows[i].name) < 0);
		assert_ptr_equal(syscall_find(syscall_rows[i].name), &syscall_rows[i]);
	}
	assert_null(syscall_find(""));
	assert_null(syscall_find("openat3"));
	assert_null(syscall_find("~"));
	assert_string_equal(syscall_name(SYSCALL_X32_BIT | 520, SYSCALL_X32), "execve");
	assert_string_equal(syscall_name(0xf0005, SYSCALL_ARM), "set_tls");
	assert_null(syscall_name(5000, SYSCALL_X86_64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_of_ours_is_libseccomps),
		cmocka_unit_test(every_name_of_libseccomp_is_ours),
		cmocka_unit_test(direct_calls_of_x86),
		cmocka_unit_test(rows_are_sorted_and_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
