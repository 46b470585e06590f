/* seccomp.h - system call filters: OCI's linux.seccomp as a structure, its compiler to BPF, the default profile.   (fmt/, may include base)
 *
 * Runs in:   the engine, before clone; init only loads the finished program. No system calls here.
 * Input:     rules may come from a HOSTILE config.json: limits and contradictions are checked in seccomp_compile().
 * Ownership: what is made lives in the caller's arena; a Seccomp borrows its strings and lists.
 * Meaning:   that of libseccomp as runc uses it, shown by a test that runs both:
 *  - Conditions of one rule are ANDed; when two of them test the same argument, each becomes a rule of its own.
 *  - Of the rules for one call, one without conditions wins over all that have some, and the first such wins. Rules with conditions
 *    are tried from special to general: first those that begin with a higher argument; then EQ, NE and MASKED_EQ before LT and LE
 *    before GT and GE; then by value. So "GE 0" is "otherwise". The same conditions with different actions are an error.
 *  - 32-bit architectures (x86, x32, arm) compare the low words alone. On x86 a rule for a socket or System V call also covers its way
 *    through socketcall(2) or ipc(2), where the call's number takes the place of a condition on argument 0. The call's own arguments
 *    are behind a pointer there: a profile that tests them must refuse socketcall.
 *  - A rule whose action is the default action is dropped; a name that no architecture has is skipped.
 *  - Architectures that are not listed get KILL_THREAD, and so do x32 calls where x86_64 is listed and x32 is not.
 *  - Numbers above the highest that any rule names get ENOSYS, unless the default action is ALLOW, LOG or TRACE: programs fall back to
 *    older calls on ENOSYS and fail on EPERM.
 * Source:    runtime-spec config-linux.md "Seccomp", seccomp(2), libseccomp 2.5.4, runc 1.1.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/syscalls.h"

typedef enum SeccompAction {
	SECCOMP_ACT_KILL_THREAD, /* also SCMP_ACT_KILL */
	SECCOMP_ACT_KILL_PROCESS,
	SECCOMP_ACT_TRAP,
	SECCOMP_ACT_ERRNO,
	SECCOMP_ACT_TRACE,
	SECCOMP_ACT_ALLOW,
	SECCOMP_ACT_LOG,
	SECCOMP_ACT_NOTIFY,
} SeccompAction;

typedef enum SeccompOp {
	SECCOMP_CMP_NE,
	SECCOMP_CMP_LT,
	SECCOMP_CMP_LE,
	SECCOMP_CMP_EQ,
	SECCOMP_CMP_GE,
	SECCOMP_CMP_GT,
	SECCOMP_CMP_MASKED_EQ, /* (argument & value) == value_two */
} SeccompOp;

typedef struct SeccompArg {
	uint32_t index; /* 0 to 5 */
	SeccompOp op;
	uint64_t value, value_two;
} SeccompArg;

typedef struct SeccompRule {
	StrList names;
	SeccompAction action;
	bool has_errno; /* errno_ret was given; EPERM otherwise. Only ERRNO and TRACE may have one */
	uint32_t errno_ret; /* TRACE: the number the tracer reads */
	const SeccompArg *args;
	size_t args_count;
	uint32_t line; /* of the text that it comes from, for messages; 0: from none */
} SeccompRule;

typedef struct Seccomp {
	SeccompAction default_action;
	bool has_default_errno;
	uint32_t default_errno;
	uint32_t archs; /* bit n is SyscallArch n; this machine's own is always covered */
	StrList flags;  /* SECCOMP_FILTER_FLAG_* by name */
	const char *listener_path, *listener_metadata;
	SeccompRule *rules;
	size_t rules_count;
} Seccomp;

struct sock_filter; /* linux/filter.h */
typedef struct SeccompProgram {
	struct sock_filter *code; /* at most BPF_MAXINSNS */
	uint16_t count;
	bool notifies; /* some verdict is NOTIFY: load it with SECCOMP_FILTER_FLAG_NEW_LISTENER */
	size_t unknown_names; /* names of calls that were skipped, for --debug */
} SeccompProgram;

/* The specification's words: "SCMP_ACT_ERRNO", "SCMP_CMP_EQ", "SCMP_ARCH_X86_64". A value of the enum, or -EINVAL for what is no such
 * word; -ENOTSUP for an architecture that there are no numbers for. */
int seccomp_action_parse(const char *word);
int seccomp_op_parse(const char *word);
int seccomp_arch_parse(const char *word);
const char *seccomp_action_name(SeccompAction action);
const char *seccomp_op_name(SeccompOp op);
const char *seccomp_arch_name(SyscallArch arch);

/* The architecture this program was built for. */
SyscallArch seccomp_arch_native(void);

/* The flags by their place in the table; NULL after the last. */
const char *seccomp_flag_at(unsigned i);

/* The bits for seccomp(2) of flags by name. ERR_SPEC names one that the specification does not have. */
int seccomp_flags_to_kernel(const StrList *names, uint32_t *ret, Err *e);

/* Compiles rules into a program for seccomp(SECCOMP_SET_MODE_FILTER). ERR_SPEC (-EINVAL) for contradictory or malformed rules and a
 * NOTIFY default; -E2BIG when the program would have more than BPF_MAXINSNS instructions. */
int seccomp_compile(const Seccomp *s, Arena *a, SeccompProgram *ret, Err *e);

typedef struct SeccompProfileParams {
	uint64_t caps;    /* bit n: the container's bounding set has capability n */
	SyscallArch host; /* SYSCALL_X86_64 (brings x86 and x32) or SYSCALL_AARCH64 (brings arm) */
} SeccompProfileParams;

/* The profile of containers that ask for none; seccomp_profile.c says what is in it and why. -ENOTSUP for another host. */
int seccomp_profile_default(const SeccompProfileParams *params, Arena *a, Seccomp *ret);

/* The default profile for exactly the capabilities that containers have by default, compiled beforehand (seccomp_compiled.c, shown to be
 * the same by test_seccomp_compiled.c): a start need not compile it. false for any other params. */
bool seccomp_profile_compiled(const SeccompProfileParams *params, SeccompProgram *ret);
