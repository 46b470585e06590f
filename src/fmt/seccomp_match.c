/* seccomp_match.c - the conditions of seccomp rules. */
#include "fmt/seccomp_match.h"

#define LOW_WORD 0xffffffffU

/* False when the condition holds for every argument. */
static bool test_make(const SeccompArg *arg, bool wide, SeccompTest *ret)
{
	bool masked = arg->op == SECCOMP_CMP_MASKED_EQ;
	uint64_t mask = masked ? arg->value : UINT64_MAX;

	if (!wide)
		mask &= LOW_WORD;
	*ret = (SeccompTest){
		.index = arg->index,
		.op = arg->op,
		.mask = mask,
		.value = (masked ? arg->value_two : arg->value) & mask,
	};
	return mask != 0;
}

void seccomp_match_make(const SeccompArg *args, size_t count, bool wide, uint32_t verdict,
			SeccompMatch *ret)
{
	*ret = (SeccompMatch){ .verdict = verdict };
	for (uint32_t index = 0; index < SECCOMP_ARGS; index++) {
		for (size_t i = 0; i < count; i++) {
			SeccompTest test;
			if (args[i].index == index && test_make(&args[i], wide, &test))
				ret->tests[ret->tests_count++] = test;
		}
	}
}

void seccomp_match_force(SeccompMatch *m, uint64_t value)
{
	if (m->tests_count == 0 || m->tests[0].index != 0) {
		memmove(&m->tests[1], &m->tests[0], m->tests_count * sizeof(m->tests[0]));
		m->tests_count++;
	}
	m->tests[0] = (SeccompTest){ .index = 0, .op = SECCOMP_CMP_EQ, .mask = LOW_WORD, .value = value };
}

static int rank(SeccompOp op)
{
	switch (op) {
	case SECCOMP_CMP_GE:
	case SECCOMP_CMP_GT: return 1;
	case SECCOMP_CMP_LE:
	case SECCOMP_CMP_LT: return 2;
	default: return 3;
	}
}

static bool test_same(const SeccompTest *a, const SeccompTest *b)
{
	return a->index == b->index && a->op == b->op && a->mask == b->mask && a->value == b->value;
}

/* The narrower condition first: equality, then the smaller bound of LT and LE, then the greater one of GT and GE. */
static int test_order(const SeccompTest *a, const SeccompTest *b)
{
	if (a->index != b->index)
		return a->index > b->index ? -1 : 1;
	if (rank(a->op) != rank(b->op))
		return rank(a->op) > rank(b->op) ? -1 : 1;
	if (a->value == b->value)
		return 0;
	return (a->value < b->value) == (rank(a->op) == 2) ? -1 : 1;
}

int seccomp_match_order(const SeccompMatch *a, const SeccompMatch *b)
{
	for (size_t i = 0; i < a->tests_count && i < b->tests_count; i++) {
		int order = test_order(&a->tests[i], &b->tests[i]);
		if (order != 0 || !test_same(&a->tests[i], &b->tests[i]))
			return order;
	}
	return 0;
}

bool seccomp_match_same(const SeccompMatch *a, const SeccompMatch *b)
{
	if (a->tests_count != b->tests_count)
		return false;
	for (size_t i = 0; i < a->tests_count; i++) {
		if (!test_same(&a->tests[i], &b->tests[i]))
			return false;
	}
	return true;
}
