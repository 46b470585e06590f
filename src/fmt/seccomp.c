/* seccomp.c - the words of linux.seccomp. */
#include "fmt/seccomp.h"

#include <linux/seccomp.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

static const char *const actions[] = {
	[SECCOMP_ACT_KILL_THREAD] = "SCMP_ACT_KILL_THREAD",
	[SECCOMP_ACT_KILL_PROCESS] = "SCMP_ACT_KILL_PROCESS",
	[SECCOMP_ACT_TRAP] = "SCMP_ACT_TRAP",
	[SECCOMP_ACT_ERRNO] = "SCMP_ACT_ERRNO",
	[SECCOMP_ACT_TRACE] = "SCMP_ACT_TRACE",
	[SECCOMP_ACT_ALLOW] = "SCMP_ACT_ALLOW",
	[SECCOMP_ACT_LOG] = "SCMP_ACT_LOG",
	[SECCOMP_ACT_NOTIFY] = "SCMP_ACT_NOTIFY",
};

static const char *const ops[] = {
	[SECCOMP_CMP_NE] = "SCMP_CMP_NE",
	[SECCOMP_CMP_LT] = "SCMP_CMP_LT",
	[SECCOMP_CMP_LE] = "SCMP_CMP_LE",
	[SECCOMP_CMP_EQ] = "SCMP_CMP_EQ",
	[SECCOMP_CMP_GE] = "SCMP_CMP_GE",
	[SECCOMP_CMP_GT] = "SCMP_CMP_GT",
	[SECCOMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

static const char *const archs[] = {
	[SYSCALL_X86_64] = "SCMP_ARCH_X86_64", [SYSCALL_X32] = "SCMP_ARCH_X32",
	[SYSCALL_X86] = "SCMP_ARCH_X86",       [SYSCALL_AARCH64] = "SCMP_ARCH_AARCH64",
	[SYSCALL_ARM] = "SCMP_ARCH_ARM",
};

/* The specification's other architectures: known words, but no tables. */
static const char *const other_archs[] = {
	"SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPSEL",
	"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",         "SCMP_ARCH_PPC64",
	"SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",       "SCMP_ARCH_PARISC",
	"SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",     "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
	"SCMP_ARCH_SH",       "SCMP_ARCH_SHEB",
};

static const struct {
	const char *name;
	uint32_t bit;
} flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

static int word_index(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(words[i], word))
			return (int)i;
	}
	return -EINVAL;
}

int seccomp_action_parse(const char *word)
{
	if (str_eq(word, "SCMP_ACT_KILL"))
		return SECCOMP_ACT_KILL_THREAD;
	return word_index(actions, ARRAY_LEN(actions), word);
}

int seccomp_op_parse(const char *word)
{
	return word_index(ops, ARRAY_LEN(ops), word);
}

int seccomp_arch_parse(const char *word)
{
	int arch = word_index(archs, ARRAY_LEN(archs), word);

	if (arch < 0 && word_index(other_archs, ARRAY_LEN(other_archs), word) >= 0)
		return -ENOTSUP;
	return arch;
}

const char *seccomp_action_name(SeccompAction action)
{
	return actions[action];
}

const char *seccomp_op_name(SeccompOp op)
{
	return ops[op];
}

const char *seccomp_arch_name(SyscallArch arch)
{
	return archs[arch];
}

SyscallArch seccomp_arch_native(void)
{
#if defined(__x86_64__)
	return SYSCALL_X86_64;
#elif defined(__aarch64__)
	return SYSCALL_AARCH64;
#else
#error "base/syscalls_table.c has no numbers for this architecture"
#endif
}

const char *seccomp_flag_at(unsigned i)
{
	return i < ARRAY_LEN(flags) ? flags[i].name : NULL;
}

int seccomp_flags_to_kernel(const StrList *names, uint32_t *ret, Err *e)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < names->count; i++) {
		size_t f = 0;
		while (f < ARRAY_LEN(flags) && !str_eq(flags[f].name, names->items[i]))
			f++;
		if (f == ARRAY_LEN(flags))
			return err_make(e, ERR_SPEC, EINVAL, "unknown seccomp flag '%s'",
					names->items[i]);
		bits |= flags[f].bit;
	}
	*ret = bits;
	return 0;
}
