#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "fmt/seccomp.h"

/* Made from seccomp_profile.c by UPDATE_GOLDEN=1 out/host/tests/unit/test_seccomp_compiled (in tests/unit); not to be edited. */
#define I(code, jt, jf, k)      \
	{                       \
		code, jt, jf, k \
	}
#include "fmt/seccomp_compiled.inc"

static const struct {
	SyscallArch host;
	const struct sock_filter *code;
	uint16_t count;
} programs[] = {
	{ SYSCALL_X86_64, for_x86_64, ARRAY_LEN(for_x86_64) },
	{ SYSCALL_AARCH64, for_aarch64, ARRAY_LEN(for_aarch64) },
};

bool seccomp_profile_compiled(const SeccompProfileParams *params, SeccompProgram *ret)
{
	for (size_t i = 0; params->caps == COMPILED_FOR_CAPS && i < ARRAY_LEN(programs); i++) {
		if (programs[i].host != params->host)
			continue;
		*ret = (SeccompProgram){ .code = (struct sock_filter *)(uintptr_t)programs[i].code,
					 .count = programs[i].count };
		return true;
	}
	return false;
}
