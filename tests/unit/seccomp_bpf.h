/* seccomp_bpf.h - runs a seccomp program as the kernel does, to compare two of them.                                  (tests/unit/) */
#pragma once
#include <linux/filter.h>
#include <linux/seccomp.h>

/* The verdict, or fails the test when the program is not one that the kernel would take (seccomp_check_filter() and
 * bpf_check_classic() in the kernel: known instructions, aligned loads inside of seccomp_data, jumps inside of the program). */
static inline uint32_t bpf_run(const struct sock_filter *code, size_t count,
			       const struct seccomp_data *data)
{
	uint32_t acc = 0;

	for (size_t pc = 0; pc < count; pc++) {
		const struct sock_filter *i = &code[pc];
		bool yes;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % 4 == 0 && i->k <= sizeof(*data) - 4);
			memcpy(&acc, (const char *)data + i->k, sizeof(acc));
			continue;
		case BPF_ALU | BPF_AND | BPF_K: acc &= i->k; continue;
		case BPF_RET | BPF_K: return i->k;
		case BPF_JMP | BPF_JA: pc += i->k; continue;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = acc == i->k; break;
		case BPF_JMP | BPF_JGT | BPF_K: yes = acc > i->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = acc >= i->k; break;
		case BPF_JMP | BPF_JSET | BPF_K: yes = (acc & i->k) != 0; break;
		default:
			fail_msg("instruction %zu has the unknown code %#x", pc, i->code);
			return 0;
		}
		pc += yes ? i->jt : i->jf;
	}
	fail_msg("the program runs over its end");
	return 0;
}
