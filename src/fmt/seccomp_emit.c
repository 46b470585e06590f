/* seccomp_emit.c - tables to BPF.
 *
 * Theory of operation. BPF jumps forward only, and a conditional jump reaches 255 instructions. So the program is written from its
 * end to its beginning: whatever is jumped to exists already, and its distance is known. The buffer therefore holds instructions in
 * reverse; a position in it is counted from the program's end, and the jump from position q to position p skips q - p - 1. A target
 * that has got too far away is brought near by an unconditional jump (which reaches everywhere), a verdict by a new return.
 *
 * From the end: blocks of argument tests; per architecture a binary search over number ranges, whose leaves are returns or such
 * blocks; the choice of the architecture. The search holds the number in the accumulator from its root to its leaf and loads no
 * argument: the kernel (5.11) can then tell for most calls that the verdict never changes, and stops running the filter for them.
 */
#include "fmt/seccomp_filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

/* One less than possible: making a second target near may put one instruction in between. */
#define REACH    254
#define NOWHERE  UINT32_MAX
#define LOW_WORD 0xffffffffU

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low word of an argument comes first");

/* Where a jump goes: to a leaf, wherever it is written, or to an instruction. */
typedef struct Label {
	bool is_leaf;
	uint32_t at; /* the leaf's index or the instruction's position */
} Label;

typedef struct Emit {
	const SeccompFilter *filter;
	struct sock_filter *code; /* in reverse */
	size_t count;
	Arena *arena;
	uint32_t *leaf_at; /* the latest position of each leaf, or NOWHERE */
	bool full;
} Emit;

static uint32_t put(Emit *em, struct sock_filter insn)
{
	if (em->count == BPF_MAXINSNS) {
		em->full = true;
		return (uint32_t)em->count - 1;
	}
	*arena_push(em->arena, &em->code, &em->count, struct sock_filter) = insn;
	return (uint32_t)em->count - 1;
}

static uint32_t distance(const Emit *em, uint32_t position)
{
	return (uint32_t)em->count - 1 - position;
}

/* The position of a place that behaves like the label and is near. */
static uint32_t reach(Emit *em, Label label)
{
	uint32_t at = label.is_leaf ? em->leaf_at[label.at] : label.at;

	if (at != NOWHERE && distance(em, at) < REACH)
		return at;
	if (label.is_leaf && em->filter->leaves[label.at].matches_count == 0)
		at = put(em, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							  em->filter->leaves[label.at].verdict));
	else
		at = put(em, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, distance(em, at)));
	if (label.is_leaf)
		em->leaf_at[label.at] = at;
	return at;
}

static Label put_jump(Emit *em, uint16_t test, uint32_t k, Label yes, Label no)
{
	uint32_t yes_at = reach(em, yes), no_at = reach(em, no);
	struct sock_filter insn = BPF_JUMP((uint16_t)(BPF_JMP | BPF_K | test), k, 0, 0);

	/* "no" may have put one instruction in front of a "yes" at the limit of its reach; REACH leaves room for it */
	insn.jt = (uint8_t)distance(em, yes_at);
	insn.jf = (uint8_t)distance(em, no_at);
	return (Label){ false, put(em, insn) };
}

static Label put_load(Emit *em, uint32_t offset)
{
	return (Label){ false, put(em, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)) };
}

static uint32_t word_offset(const SeccompTest *t, bool high)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) + t->index * sizeof(uint64_t) +
			  (high ? sizeof(uint32_t) : 0));
}

/* Loads one word of the argument and compares what the mask leaves of it. */
static Label put_word(Emit *em, const SeccompTest *t, bool high, uint16_t test, Label yes, Label no)
{
	uint32_t mask = (uint32_t)(high ? t->mask >> 32 : t->mask),
		 value = (uint32_t)(high ? t->value >> 32 : t->value);

	(void)put_jump(em, test, value, yes, no);
	if (mask != LOW_WORD)
		(void)put(em, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	return put_load(em, word_offset(t, high));
}

/* Equality: of both words on 64-bit architectures, but for words that the mask leaves nothing of. */
static Label put_equal(Emit *em, const SeccompTest *t, bool wide, Label yes, Label no)
{
	if ((uint32_t)t->mask != 0)
		yes = put_word(em, t, false, BPF_JEQ, yes, no);
	if (wide && t->mask >> 32 != 0)
		yes = put_word(em, t, true, BPF_JEQ, yes, no);
	return yes;
}

/* Greater (or equal, with BPF_JGE): the high words decide unless they are equal. */
static Label put_greater(Emit *em, const SeccompTest *t, bool wide, uint16_t test, Label yes, Label no)
{
	Label low = put_word(em, t, false, test, yes, no);

	if (!wide)
		return low;
	if (t->value >> 32 == 0)
		return put_word(em, t, true, BPF_JGT, yes, low);
	return put_word(em, t, true, BPF_JGT, yes,
			put_jump(em, BPF_JEQ, (uint32_t)(t->value >> 32), low, no));
}

static Label put_test(Emit *em, const SeccompTest *t, bool wide, Label yes, Label no)
{
	switch (t->op) {
	case SECCOMP_CMP_NE: return put_equal(em, t, wide, no, yes);
	case SECCOMP_CMP_EQ:
	case SECCOMP_CMP_MASKED_EQ: return put_equal(em, t, wide, yes, no);
	case SECCOMP_CMP_GT: return put_greater(em, t, wide, BPF_JGT, yes, no);
	case SECCOMP_CMP_GE: return put_greater(em, t, wide, BPF_JGE, yes, no);
	case SECCOMP_CMP_LT: return put_greater(em, t, wide, BPF_JGE, no, yes);
	case SECCOMP_CMP_LE: return put_greater(em, t, wide, BPF_JGT, no, yes);
	}
	return no;
}

/* "GE 0", the usual way to write "otherwise", needs no code. */
static bool is_always(const SeccompMatch *m)
{
	return m->tests_count == 1 && m->tests[0].op == SECCOMP_CMP_GE && m->tests[0].value == 0;
}

/* A match that fails with one unmasked word in the accumulator can skip the next match's load of the same word. */
static Label skip_load(const Emit *em, const SeccompMatch *m, bool wide, Label next)
{
	const SeccompTest *t = &m->tests[0];
	bool one_word = m->tests_count == 1 && (uint32_t)t->mask == LOW_WORD &&
			(!wide || t->mask >> 32 == 0);
	const struct sock_filter *insn;

	if (!one_word || next.is_leaf)
		return next;
	insn = &em->code[next.at];
	if (insn->code == (BPF_LD | BPF_W | BPF_ABS) && insn->k == word_offset(t, false))
		next.at--;
	return next;
}

static uint32_t leaf_of(const Emit *em, uint32_t verdict)
{
	for (uint32_t i = 0; i < em->filter->leaves_count; i++) {
		if (em->filter->leaves[i].matches_count == 0 && em->filter->leaves[i].verdict == verdict)
			return i;
	}
	return em->filter->bad_arch; /* not reached: seccomp_lower() has made a leaf for every verdict */
}

/* One call's matches, the first one first. */
static void put_leaf(Emit *em, uint32_t index)
{
	const SeccompLeaf *leaf = &em->filter->leaves[index];
	Label next = { true, leaf_of(em, leaf->verdict) };
	size_t count = 0;

	while (count < leaf->matches_count && !is_always(leaf->matches[count]))
		count++;
	if (count < leaf->matches_count)
		next.at = leaf_of(em, leaf->matches[count]->verdict);
	for (size_t i = count; i-- > 0;) {
		const SeccompMatch *m = leaf->matches[i];
		Label yes = { true, leaf_of(em, m->verdict) }, no = skip_load(em, m, leaf->wide, next);

		for (size_t j = m->tests_count; j-- > 0;)
			yes = put_test(em, &m->tests[j], leaf->wide, yes, no);
		next = yes;
	}
	em->leaf_at[index] = reach(em, next);
}

/* A balanced search for the number in the accumulator. */
static Label put_search(Emit *em, const SeccompRange *r, size_t count)
{
	size_t middle = count / 2;
	Label low, high;

	if (count == 1)
		return (Label){ true, r[0].leaf };
	if (count == 3 && r[0].leaf == r[2].leaf && r[2].first == r[1].first + 1)
		return put_jump(em, BPF_JEQ, r[1].first, (Label){ true, r[1].leaf },
				(Label){ true, r[0].leaf });
	high = put_search(em, r + middle, count - middle);
	low = put_search(em, r, middle);
	return put_jump(em, BPF_JGE, r[middle].first, high, low);
}

static void put_program(Emit *em)
{
	const SeccompFilter *f = em->filter;
	Label next = { true, f->bad_arch };

	for (uint32_t i = 0; i < f->leaves_count; i++)
		em->leaf_at[i] = NOWHERE;
	for (uint32_t i = 0; i < f->leaves_count; i++) {
		if (f->leaves[i].matches_count > 0)
			put_leaf(em, i);
	}
	for (size_t i = f->tables_count; i-- > 0;) {
		const SeccompTable *t = &f->tables[i];
		Label search = put_search(em, t->ranges, t->ranges_count);

		if (!search.is_leaf)
			search = put_load(em, offsetof(struct seccomp_data, nr));
		next = put_jump(em, BPF_JEQ, t->audit_arch, search, next);
	}
	(void)put_load(em, offsetof(struct seccomp_data, arch));
}

int seccomp_emit(const SeccompFilter *f, Arena *a, SeccompProgram *ret, Err *e)
{
	Emit em = { .filter = f, .arena = a };

	em.leaf_at = arena_new_array(a, f->leaves_count, uint32_t);
	put_program(&em);
	if (em.full)
		return err_make(e, ERR_SPEC, E2BIG,
				"the seccomp rules need more than %d BPF instructions; use fewer argument tests",
				BPF_MAXINSNS);
	for (size_t i = 0; i < em.count / 2; i++) {
		struct sock_filter insn = em.code[i];
		em.code[i] = em.code[em.count - 1 - i];
		em.code[em.count - 1 - i] = insn;
	}
	*ret = (SeccompProgram){ .code = em.code,
				 .count = (uint16_t)em.count,
				 .notifies = f->notifies,
				 .unknown_names = f->unknown_names };
	return 0;
}

int seccomp_compile(const Seccomp *s, Arena *a, SeccompProgram *ret, Err *e)
{
	SeccompFilter filter;

	TRY(seccomp_lower(s, a, &filter, e));
	return seccomp_emit(&filter, a, ret, e);
}
