#include "kern/vfork.h"

#include <errno.h>

#include "kern/sys.h"

static long copy(struct clone_args *args, void (*run)(void *arg), void *arg)
{
	args->flags &= ~(uint64_t)(CLONE_VM | CLONE_VFORK);
	long r = sys_clone3(args);
	if (r == 0)
		run(arg);
	return r;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_WATCHED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define IS_WATCHED 1
#endif

/* The child may not return from here, for it would pull the stack away under its maker: it goes on from the very instruction, below whatever
 * the maker has on the stack and in its red zone. */
#if defined(__x86_64__) && !defined(IS_WATCHED)
static long share(struct clone_args *args, void (*run)(void *arg), void *arg)
{
	long r = SYS_clone3;
	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "subq $128, %%rsp\n\t"
			 "andq $-16, %%rsp\n\t"
			 "movq %[arg], %%rdi\n\t"
			 "callq *%[run]\n\t"
			 "hlt\n"
			 "1:"
			 : "+a"(r)
			 : "D"(args), "S"(sizeof *args), [run] "r"(run), [arg] "r"(arg)
			 : "rcx", "r11", "memory", "cc");
	return r;
}
#elif defined(__aarch64__) && !defined(IS_WATCHED)
static long share(struct clone_args *args, void (*run)(void *arg), void *arg)
{
	register long r __asm__("x0") = (long)args;
	register long size __asm__("x1") = sizeof *args;
	register long number __asm__("x8") = SYS_clone3;
	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x0, %[arg]\n\t"
			 "blr %[run]\n\t"
			 "brk #1\n"
			 "1:"
			 : "+r"(r)
			 : "r"(size), "r"(number), [run] "r"(run), [arg] "r"(arg)
			 : "memory", "cc");
	return r;
}
#else
#define IS_COPIED 1
#endif

long vfork_clone3(struct clone_args *args, void (*run)(void *arg), void *arg)
{
#ifndef IS_COPIED
	if (args->flags & CLONE_VM) {
		long r = share(args, run, arg);
		if (r >= 0)
			return r;
		errno = (int)-r;
		return -1;
	}
#endif
	return copy(args, run, arg);
}
