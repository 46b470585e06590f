/* seccomp_filter.h - what lies between rules and BPF: for each architecture, ranges of numbers and what happens to them.   (fmt/, private
 * to seccomp_*.c)
 *
 * seccomp_lower.c decides what the rules mean, seccomp_emit.c how that is written as instructions. Neither knows the other's half.
 * Ownership: all in the compile call's arena.
 */
#pragma once
#include "fmt/seccomp.h"

#define SECCOMP_ARGS 6

/* One condition, reduced to the width of its architecture. value has no bit outside of mask. */
typedef struct SeccompTest {
	uint32_t index;
	SeccompOp op;
	uint64_t mask, value; /* mask: all ones but for MASKED_EQ, and never zero */
} SeccompTest;

/* One rule's conditions, by rising argument, and its verdict when all hold. */
typedef struct SeccompMatch {
	uint32_t verdict; /* SECCOMP_RET_* with its data */
	uint32_t tests_count;
	SeccompTest tests[SECCOMP_ARGS];
} SeccompMatch;

/* What happens to a call: the first match's verdict, or `verdict` when none matches. */
typedef struct SeccompLeaf {
	uint32_t verdict;
	bool wide; /* the arguments have 64 bits */
	const SeccompMatch **matches;
	size_t matches_count;
} SeccompLeaf;

/* The numbers from `first` up to the next range. */
typedef struct SeccompRange {
	uint32_t first, leaf;
} SeccompRange;

/* All numbers, from 0 to UINT32_MAX, of one AUDIT_ARCH_*. */
typedef struct SeccompTable {
	uint32_t audit_arch;
	SeccompRange *ranges;
	size_t ranges_count;
} SeccompTable;

typedef struct SeccompFilter {
	SeccompLeaf *leaves; /* every verdict that occurs is also a leaf without matches */
	size_t leaves_count;
	SeccompTable *tables; /* this machine's first */
	size_t tables_count;
	uint32_t bad_arch; /* leaf of architectures without a table */
	bool notifies;
	size_t unknown_names;
} SeccompFilter;

/* Rules to tables. Errors as seccomp_compile(). */
int seccomp_lower(const Seccomp *s, Arena *a, SeccompFilter *ret, Err *e);

/* Tables to instructions; -E2BIG when there are too many. */
int seccomp_emit(const SeccompFilter *f, Arena *a, SeccompProgram *ret, Err *e);
