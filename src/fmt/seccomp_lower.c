/* seccomp_lower.c - what rules mean: from names and conditions to one verdict table for each architecture.
 *
 * A table of slots, one for each number that a call can have, is filled rule by rule and then read from below: that sorts the numbers
 * for nothing. A slot knows either one verdict or a chain of matches in the order in which they are tried.
 */
#include "fmt/seccomp_filter.h"
#include "fmt/seccomp_match.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#define SLOTS_PLAIN       1024U /* numbers below; tests/unit/test_seccomp_tables.c watches over it */
#define SLOTS_PRIVATE     16U   /* ARM's, from ARM_NR_BASE */
#define SLOTS             (SLOTS_PLAIN + SLOTS_PRIVATE)
#define ARM_NR_BASE       0xf0000U
#define X86_NR_SOCKETCALL 102
#define X86_NR_IPC        117
#define MATCHES_MAX \
	2048 /* for one call: each takes two instructions or more, and BPF_MAXINSNS is 4096 */

#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U
#endif

typedef struct Slot {
	enum { SLOT_FREE, SLOT_ALWAYS, SLOT_CHAIN } state;
	uint32_t value; /* SLOT_ALWAYS: the verdict; SLOT_CHAIN: index of the chain */
} Slot;

typedef struct Chain {
	const SeccompMatch **matches;
	size_t count;
} Chain;

typedef struct MatchList {
	SeccompMatch *items;
	size_t count; /* 0: the rule has no conditions */
} MatchList;

/* A rule, looked up once for all architectures. */
typedef struct Prepared {
	uint32_t line; /* SeccompRule.line */
	uint32_t verdict;
	bool redundant; /* says what the default says: counts only as a known name */
	const SyscallRow **rows;
	size_t rows_count;
	MatchList matches[2]; /* for 32 and for 64 bits */
} Prepared;

typedef struct Lower {
	Arena *arena;
	Err *e;
	Prepared *rules;
	size_t rules_count;
	Slot *slots;
	Chain *chains;
	size_t chains_count;
	uint32_t default_verdict;
	bool tail_enosys;
	SeccompFilter out;
} Lower;

static const struct {
	uint32_t audit;
	bool wide;
} arch_facts[SYSCALL_ARCH_COUNT] = {
	[SYSCALL_X86_64] = { AUDIT_ARCH_X86_64, true },
	[SYSCALL_X32] = { AUDIT_ARCH_X86_64, false },
	[SYSCALL_X86] = { AUDIT_ARCH_I386, false },
	[SYSCALL_AARCH64] = { AUDIT_ARCH_AARCH64, true },
	[SYSCALL_ARM] = { AUDIT_ARCH_ARM, false },
};

static const uint32_t verdicts[] = {
	[SECCOMP_ACT_KILL_THREAD] = SECCOMP_RET_KILL_THREAD,
	[SECCOMP_ACT_KILL_PROCESS] = SECCOMP_RET_KILL_PROCESS,
	[SECCOMP_ACT_TRAP] = SECCOMP_RET_TRAP,
	[SECCOMP_ACT_ERRNO] = SECCOMP_RET_ERRNO,
	[SECCOMP_ACT_TRACE] = SECCOMP_RET_TRACE,
	[SECCOMP_ACT_ALLOW] = SECCOMP_RET_ALLOW,
	[SECCOMP_ACT_LOG] = SECCOMP_RET_LOG,
	[SECCOMP_ACT_NOTIFY] = SECCOMP_RET_USER_NOTIF,
};

static int verdict_make(SeccompAction action, bool has_errno, uint32_t errno_ret, uint32_t *ret, Err *e)
{
	bool takes_errno = action == SECCOMP_ACT_ERRNO || action == SECCOMP_ACT_TRACE;

	if (has_errno && !takes_errno)
		return err_make(e, ERR_SPEC, EINVAL, "seccomp action %s takes no errnoRet",
				seccomp_action_name(action));
	if (has_errno && errno_ret > SECCOMP_RET_DATA)
		return err_make(e, ERR_SPEC, EINVAL, "seccomp errnoRet %u is no error number",
				errno_ret);
	*ret = verdicts[action];
	if (takes_errno)
		*ret |= has_errno ? errno_ret : EPERM;
	return 0;
}

/* Conditions on the same argument make each condition a rule of its own, as runc does. */
static bool has_repeated_argument(const SeccompRule *r)
{
	unsigned seen = 0;

	for (size_t i = 0; i < r->args_count; i++) {
		if (seen & (1U << r->args[i].index))
			return true;
		seen |= 1U << r->args[i].index;
	}
	return false;
}

static MatchList matches_make(Arena *a, const SeccompRule *r, bool wide, uint32_t verdict)
{
	MatchList list = { 0 };

	if (r->args_count == 0)
		return list;
	if (!has_repeated_argument(r)) {
		list.items = arena_new(a, SeccompMatch);
		list.count = 1;
		seccomp_match_make(r->args, r->args_count, wide, verdict, list.items);
		return list;
	}
	list.items = arena_new_array(a, r->args_count, SeccompMatch);
	list.count = r->args_count;
	for (size_t i = 0; i < r->args_count; i++)
		seccomp_match_make(&r->args[i], 1, wide, verdict, &list.items[i]);
	return list;
}

static int rule_prepare(Lower *l, const SeccompRule *r, Prepared *ret)
{
	ret->line = r->line;
	if (r->names.count == 0)
		return err_make(l->e, ERR_SPEC, EINVAL, "a seccomp rule names no system call");
	TRY(verdict_make(r->action, r->has_errno, r->errno_ret, &ret->verdict, l->e));
	for (size_t i = 0; i < r->args_count; i++) {
		if (r->args[i].index >= SECCOMP_ARGS)
			return err_make(l->e, ERR_SPEC, EINVAL,
					"a seccomp rule for '%s' tests argument %u; there are 0 to 5",
					r->names.items[0], r->args[i].index);
	}
	ret->redundant = ret->verdict == l->default_verdict;
	ret->rows = arena_new_array(l->arena, r->names.count, const SyscallRow *);
	for (size_t i = 0; i < r->names.count; i++) {
		const SyscallRow *row = syscall_find(r->names.items[i]);
		if (row)
			ret->rows[ret->rows_count++] = row;
		else
			l->out.unknown_names++;
	}
	ret->matches[false] = matches_make(l->arena, r, false, ret->verdict);
	ret->matches[true] = matches_make(l->arena, r, true, ret->verdict);
	if (r->action == SECCOMP_ACT_NOTIFY && ret->rows_count > 0)
		l->out.notifies = true;
	return 0;
}

/* Puts m where it belongs in the chain. */
static int chain_insert(Lower *l, Chain *c, const SeccompMatch *m, const char *name)
{
	size_t at = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!seccomp_match_same(c->matches[i], m))
			continue;
		if (c->matches[i]->verdict == m->verdict)
			return 0;
		return err_make(l->e, ERR_SPEC, EINVAL,
				"two seccomp rules for '%s' have the same conditions and different actions",
				name);
	}
	if (c->count == MATCHES_MAX)
		return err_make(l->e, ERR_SPEC, E2BIG, "more than %d seccomp rules for '%s'",
				MATCHES_MAX, name);
	while (at < c->count && seccomp_match_order(m, c->matches[at]) >= 0)
		at++;
	(void)arena_push(l->arena, &c->matches, &c->count, const SeccompMatch *);
	memmove(&c->matches[at + 1], &c->matches[at], (c->count - 1 - at) * sizeof(c->matches[0]));
	c->matches[at] = m;
	return 0;
}

/* m is NULL for a rule without conditions. */
static int slot_add(Lower *l, Slot *slot, const SeccompMatch *m, uint32_t verdict, const char *name)
{
	if (slot->state == SLOT_ALWAYS)
		return 0;
	if (!m || m->tests_count == 0) {
		*slot = (Slot){ SLOT_ALWAYS, verdict };
		return 0;
	}
	if (slot->state == SLOT_FREE) {
		*slot = (Slot){ SLOT_CHAIN, (uint32_t)l->chains_count };
		(void)arena_push(l->arena, &l->chains, &l->chains_count, Chain);
	}
	return chain_insert(l, &l->chains[slot->value], m, name);
}

static Slot *slot_of(Lower *l, int number)
{
	uint32_t n = (uint32_t)number & ~(uint32_t)SYSCALL_X32_BIT;

	return &l->slots[n < SLOTS_PLAIN ? n : SLOTS_PLAIN + (n - ARM_NR_BASE)];
}

/* x86's second way to a socket or System V call: the carrier's first argument says which call it is. The real arguments are behind a
 * pointer, but libseccomp compares the carrier's other arguments with the rule's conditions, and profiles were tested with that. */
static int add_other_way(Lower *l, const Prepared *r, const SyscallRow *row)
{
	bool ipc = row->x86_way & SYSCALL_X86_IPC;
	Slot *slot = slot_of(l, ipc ? X86_NR_IPC : X86_NR_SOCKETCALL);
	size_t count = r->matches[false].count;

	for (size_t i = 0; i == 0 || i < count; i++) {
		SeccompMatch *m = arena_new(l->arena, SeccompMatch);
		*m = count > 0 ? r->matches[false].items[i] : (SeccompMatch){ .verdict = r->verdict };
		seccomp_match_force(m, row->x86_way & ~(unsigned)SYSCALL_X86_IPC);
		TRY(slot_add(l, slot, m, r->verdict, row->name));
	}
	return 0;
}

static int rule_add(Lower *l, const Prepared *r, const SyscallRow *row, SyscallArch arch)
{
	const MatchList *list = &r->matches[arch_facts[arch].wide];
	int number = syscall_number(row, arch);

	if (arch == SYSCALL_X86 && row->x86_way != 0)
		TRY(add_other_way(l, r, row));
	if (number < 0)
		return 0;
	for (size_t i = 0; i == 0 || i < list->count; i++)
		TRY(slot_add(l, slot_of(l, number), list->count ? &list->items[i] : NULL,
			     r->verdict, row->name));
	return 0;
}

/* The number that a named call is at, or that of its carrier on x86 when that is higher; negative when there is none. */
static int highest_of(const SyscallRow *row, SyscallArch arch)
{
	int number = syscall_number(row, arch);
	int carrier = row->x86_way & SYSCALL_X86_IPC ? X86_NR_IPC : X86_NR_SOCKETCALL;

	return arch == SYSCALL_X86 && row->x86_way != 0 && number < carrier ? carrier : number;
}

/* After a failure that is about a rule: says where it stands, when it comes from a text. The caller returns the failure. */
static void name_line(Err *e, uint32_t line)
{
	if (!e || line == 0)
		return;
	Err old = *e;
	(void)err_raise(e, old.kind, old.sys, old.where, "%s (line %u)", old.msg, line); /* as old is */
}

/* Fills the slots for one architecture. *ret_highest: the highest number that a rule names, or -1. */
static int slots_fill(Lower *l, SyscallArch arch, int *ret_highest)
{
	int highest = -1;

	memset(l->slots, 0, SLOTS * sizeof(l->slots[0]));
	for (size_t i = 0; i < l->rules_count; i++) {
		const Prepared *r = &l->rules[i];
		for (size_t j = 0; j < r->rows_count; j++) {
			int number = highest_of(r->rows[j], arch);
			if (number > highest)
				highest = number;
			int added = r->redundant ? 0 : rule_add(l, r, r->rows[j], arch);
			if (added < 0) {
				name_line(l->e, r->line);
				return added;
			}
		}
	}
	*ret_highest = highest;
	return 0;
}

static uint32_t leaf_of_verdict(Lower *l, uint32_t verdict)
{
	for (size_t i = 0; i < l->out.leaves_count; i++) {
		if (l->out.leaves[i].matches_count == 0 && l->out.leaves[i].verdict == verdict)
			return (uint32_t)i;
	}
	*arena_push(l->arena, &l->out.leaves, &l->out.leaves_count,
		    SeccompLeaf) = (SeccompLeaf){ .verdict = verdict };
	return (uint32_t)l->out.leaves_count - 1;
}

/* Calls that are told apart by the same rules share one leaf. */
static uint32_t leaf_of_chain(Lower *l, const Chain *c, bool wide)
{
	for (size_t i = 0; i < l->out.leaves_count; i++) {
		const SeccompLeaf *leaf = &l->out.leaves[i];
		if (leaf->matches_count == c->count && leaf->wide == wide &&
		    memcmp(leaf->matches, c->matches, c->count * sizeof(c->matches[0])) == 0)
			return (uint32_t)i;
	}
	(void)leaf_of_verdict(l, l->default_verdict);
	for (size_t i = 0; i < c->count; i++)
		(void)leaf_of_verdict(l, c->matches[i]->verdict);
	*arena_push(l->arena, &l->out.leaves, &l->out.leaves_count, SeccompLeaf) = (SeccompLeaf){
		.verdict = l->default_verdict, .wide = wide, .matches = c->matches, .matches_count = c->count
	};
	return (uint32_t)l->out.leaves_count - 1;
}

static uint32_t leaf_of_slot(Lower *l, const Slot *slot, bool wide)
{
	if (slot->state == SLOT_CHAIN)
		return leaf_of_chain(l, &l->chains[slot->value], wide);
	return leaf_of_verdict(l, slot->state == SLOT_ALWAYS ? slot->value : l->default_verdict);
}

/* From `first` on it is this leaf. Called with rising numbers. */
static void range_push(Lower *l, SeccompTable *t, uint32_t first, uint32_t leaf)
{
	if (t->ranges_count > 0 && t->ranges[t->ranges_count - 1].leaf == leaf)
		return;
	*arena_push(l->arena, &t->ranges, &t->ranges_count, SeccompRange) = (SeccompRange){ first, leaf };
}

static void ranges_of_slots(Lower *l, SeccompTable *t, SyscallArch arch, uint32_t base,
			    uint32_t slot, uint32_t end)
{
	for (uint32_t first = slot; slot < end; slot++)
		range_push(l, t, base + (slot - first),
			   leaf_of_slot(l, &l->slots[slot], arch_facts[arch].wide));
}

/* The numbers of one architecture from its first on. */
static int table_append(Lower *l, SeccompTable *t, SyscallArch arch)
{
	uint32_t base = arch == SYSCALL_X32 ? SYSCALL_X32_BIT : 0;
	uint32_t other = leaf_of_verdict(l, l->default_verdict);
	int highest;

	TRY(slots_fill(l, arch, &highest));
	if (highest < 0) {
		range_push(l, t, base, other);
		return 0;
	}
	if ((uint32_t)highest < ARM_NR_BASE || arch == SYSCALL_X32) {
		ranges_of_slots(l, t, arch, base, 0, (uint32_t)highest - base + 1);
	} else {
		ranges_of_slots(l, t, arch, base, 0, SLOTS_PLAIN);
		range_push(l, t, SLOTS_PLAIN, other);
		ranges_of_slots(l, t, arch, ARM_NR_BASE, SLOTS_PLAIN,
				SLOTS_PLAIN + ((uint32_t)highest - ARM_NR_BASE) + 1);
	}
	range_push(l, t, (uint32_t)highest + 1,
		   l->tail_enosys ? leaf_of_verdict(l, SECCOMP_RET_ERRNO | ENOSYS) : other);
	return 0;
}

/* x86_64 and x32 are one architecture to the kernel. -1 is what a tracer puts in place of a number to skip the call; it must not kill. */
static int table_make(Lower *l, SyscallArch arch, uint32_t archs)
{
	SeccompTable t = { .audit_arch = arch_facts[arch].audit };
	bool x86_64 = archs & (1U << SYSCALL_X86_64), x32 = archs & (1U << SYSCALL_X32);

	if (arch == SYSCALL_X32 && !x86_64)
		range_push(l, &t, 0, l->out.bad_arch);
	TRY(table_append(l, &t, arch));
	if (arch == SYSCALL_X86_64 && x32)
		TRY(table_append(l, &t, SYSCALL_X32));
	if (arch == SYSCALL_X86_64 && !x32) {
		range_push(l, &t, SYSCALL_X32_BIT, l->out.bad_arch);
		range_push(l, &t, UINT32_MAX, leaf_of_verdict(l, l->default_verdict));
	}
	*arena_push(l->arena, &l->out.tables, &l->out.tables_count, SeccompTable) = t;
	return 0;
}

static int tables_make(Lower *l, uint32_t archs)
{
	SyscallArch native = seccomp_arch_native();

	l->slots = arena_new_array(l->arena, SLOTS, Slot);
	TRY(table_make(l, native, archs));
	for (SyscallArch arch = 0; arch < SYSCALL_ARCH_COUNT; arch++) {
		bool done = arch == native || (arch == SYSCALL_X32 && archs & (1U << SYSCALL_X86_64));
		if (archs & (1U << arch) && !done)
			TRY(table_make(l, arch, archs));
	}
	return 0;
}

int seccomp_lower(const Seccomp *s, Arena *a, SeccompFilter *ret, Err *e)
{
	Lower l = { .arena = a, .e = e, .rules_count = s->rules_count };

	if (s->default_action == SECCOMP_ACT_NOTIFY)
		return err_make(e, ERR_SPEC, EINVAL,
				"SCMP_ACT_NOTIFY cannot be the default seccomp action");
	TRY(verdict_make(s->default_action, s->has_default_errno, s->default_errno,
			 &l.default_verdict, e));
	l.tail_enosys = s->default_action != SECCOMP_ACT_ALLOW &&
			s->default_action != SECCOMP_ACT_LOG && s->default_action != SECCOMP_ACT_TRACE;
	l.rules = arena_new_array(a, s->rules_count, Prepared);
	for (size_t i = 0; i < s->rules_count; i++) {
		int r = rule_prepare(&l, &s->rules[i], &l.rules[i]);
		if (r < 0) {
			name_line(e, s->rules[i].line);
			return r;
		}
	}
	l.out.bad_arch = leaf_of_verdict(&l, SECCOMP_RET_KILL_THREAD);
	TRY(tables_make(&l, s->archs | (1U << seccomp_arch_native())));
	*ret = l.out;
	return 0;
}
