/* Any text as a seccomp profile, in docker's form and as linux.seccomp of a config.json: it is refused with a message, or the program that
 * comes of it answers as its text says.
 *
 * What the text says is read here once more, from the JSON and in the plainest way: no tables, no ranges, no instructions, and nothing of
 * the decoder's or the compiler's but the list of system calls. The rules that it follows are those of seccomp.h ("Meaning"). */
#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/caps.h"
#include "base/errno_names.h"
#include "base/num.h"
#include "base/syscalls.h"
#include "fmt/json.h"
#include "fmt/seccomp.h"
#include "fmt/seccomp_file.h"
#include "fmt/spec.h"

#define CALLS_MAX 48 /* numbers that are tried on each architecture */
#define ARGS_MAX  6
#define ROUNDS    6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the program, as the kernel runs it ---- */

static uint32_t run_program(const SeccompProgram *p, const struct seccomp_data *d)
{
	uint32_t acc = 0;
	for (size_t pc = 0; pc < p->count; pc++) {
		const struct sock_filter *i = &p->code[pc];
		bool yes;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert(i->k % 4 == 0 && i->k <= sizeof *d - 4);
			memcpy(&acc, (const char *)d + i->k, sizeof acc);
			continue;
		case BPF_ALU | BPF_AND | BPF_K: acc &= i->k; continue;
		case BPF_RET | BPF_K: return i->k;
		case BPF_JMP | BPF_JA: pc += i->k; continue;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = acc == i->k; break;
		case BPF_JMP | BPF_JGT | BPF_K: yes = acc > i->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = acc >= i->k; break;
		default: assert(!"an instruction that the kernel does not take"); return 0;
		}
		pc += yes ? i->jt : i->jf;
	}
	assert(!"the program runs over its end");
	return 0;
}

/* ---- the text, word by word ---- */

static uint32_t action_of(const char *word, uint32_t number)
{
	static const struct {
		const char *word;
		uint32_t ret;
	} actions[] = {
		{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
		{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
		{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
		{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
		{ "SCMP_ACT_NOTIFY", 0x7fc00000U },
		{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
		{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
	};
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(word, actions[i].word) == 0)
			return actions[i].ret | (i >= 7 ? number : 0);
	assert(!"an action that should have been refused");
	return 0;
}

/* A member that is there; docker's form takes null for "not there". */
static const JsonValue *member(const JsonValue *v, const char *key)
{
	const JsonValue *m = json_member(v, key);
	return m && m->type != JSON_NULL ? m : NULL;
}

/* The error number of "errnoRet" and, in docker's form, "errno"; or of the two with "default" before. 1 (EPERM) when there is none. */
static uint32_t number_of(const JsonValue *v, const char *number_key, const char *name_key)
{
	const JsonValue *number = member(v, number_key), *name = name_key ? member(v, name_key) : NULL;
	uint32_t n;
	if (number)
		return (uint32_t)number->as.magnitude;
	if (!name)
		return EPERM;
	return num_parse_u32(name->as.string, UINT32_MAX, &n) == 0
		       ? n
		       : (uint32_t)errno_from_name(name->as.string);
}

static const JsonValue *first_of(const JsonValue *list)
{
	return list ? list->as.list.first : NULL;
}

static bool list_has(const JsonValue *list, const char *word)
{
	for (const JsonValue *e = first_of(list); e; e = e->next)
		if (strcmp(e->as.string, word) == 0)
			return true;
	return false;
}

static bool kernel_reaches(const JsonValue *version, const SeccompFileHost *host)
{
	unsigned major = 0, minor = 0;
	assert(sscanf(version->as.string, "%u.%u", &major, &minor) == 2);
	return host->kernel_major * 1000 + host->kernel_minor >= major * 1000 + minor;
}

static bool is_held(const char *cap, const SeccompFileHost *host)
{
	for (int i = 0; i < CAP_COUNT; i++)
		if (strcmp(cap, cap_name(i)) == 0)
			return host->caps >> i & 1;
	return false;
}

static bool is_excluded(const JsonValue *out, const char *arch, const SeccompFileHost *host)
{
	for (const JsonValue *c = first_of(member(out, "caps")); c; c = c->next)
		if (is_held(c->as.string, host))
			return true;
	if (list_has(member(out, "arches"), arch))
		return true;
	return member(out, "minKernel") && kernel_reaches(member(out, "minKernel"), host);
}

static bool is_included(const JsonValue *in, const char *arch, const SeccompFileHost *host)
{
	const JsonValue *arches = member(in, "arches");
	for (const JsonValue *c = first_of(member(in, "caps")); c; c = c->next)
		if (!is_held(c->as.string, host))
			return false;
	if (arches && arches->count > 0 && !list_has(arches, arch))
		return false;
	return !member(in, "minKernel") || kernel_reaches(member(in, "minKernel"), host);
}

/* ---- rules ---- */

typedef struct Test {
	uint64_t index, value, two;
	char op[24];
} Test;

/* A way in which a rule can hold: all of its tests. The tests are sorted by their index. */
typedef struct Way {
	uint32_t verdict;
	size_t count;
	Test tests[ARGS_MAX + 1];
} Way;

/* What is asked: which call on which architecture, and what the profile says of it. */
typedef struct Profile {
	const JsonValue *root;
	const SeccompFileHost *host; /* NULL: not docker's form, there are no conditions */
	uint32_t archs, by_default;
	bool tail_is_enosys;
	int64_t highest[SYSCALL_ARCH_COUNT]; /* highest_of() */
	Arena *arena;
} Profile;

typedef struct Question {
	SyscallArch arch;
	uint32_t nr;
	bool wide, always; /* always: some rule has no condition, and this is what it says */
	uint32_t always_verdict;
	Way *ways;
	size_t ways_count;
} Question;

static uint64_t narrow(const Question *q, uint64_t v)
{
	return q->wide ? v : (uint32_t)v;
}

static bool is_masked(const Test *t)
{
	return strcmp(t->op, "SCMP_CMP_MASKED_EQ") == 0;
}

static bool test_holds(const Question *q, const Test *t, const uint64_t *args)
{
	uint64_t have = narrow(q, args[t->index]), want = narrow(q, t->value);
	const char *op = t->op + strlen("SCMP_CMP_");
	if (is_masked(t))
		return (have & want) == (narrow(q, t->two) & want);
	if (strcmp(op, "NE") == 0)
		return have != want;
	if (strcmp(op, "LT") == 0)
		return have < want;
	if (strcmp(op, "LE") == 0)
		return have <= want;
	if (strcmp(op, "EQ") == 0)
		return have == want;
	if (strcmp(op, "GE") == 0)
		return have >= want;
	assert(strcmp(op, "GT") == 0);
	return have > want;
}

/* What the argument is compared with. */
static uint64_t compared_with(const Question *q, const Test *t)
{
	return is_masked(t) ? narrow(q, t->two & t->value) : narrow(q, t->value);
}

static bool same_test(const Question *q, const Test *a, const Test *b)
{
	return a->index == b->index && strcmp(a->op, b->op) == 0 &&
	       compared_with(q, a) == compared_with(q, b) &&
	       (!is_masked(a) || narrow(q, a->value) == narrow(q, b->value));
}

/* 3: equality of some kind, 2: an upper bound, 1: a lower bound */
static int kind_of(const Test *t)
{
	if (strstr(t->op, "_L"))
		return 2;
	return strstr(t->op, "_G") ? 1 : 3;
}

/* -1: a is tried before b, 1: after it, 0: in the order of the text. */
static int order(const Question *q, const Way *a, const Way *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		const Test *x = &a->tests[i], *y = &b->tests[i];
		uint64_t v = compared_with(q, x), w = compared_with(q, y);
		if (x->index != y->index)
			return x->index > y->index ? -1 : 1;
		if (kind_of(x) != kind_of(y))
			return kind_of(x) > kind_of(y) ? -1 : 1;
		if (v != w && kind_of(x) == 2)
			return v < w ? -1 : 1; /* the smaller upper bound is narrower, as the greater lower one is */
		if (v != w)
			return v > w ? -1 : 1;
		if (!same_test(q, x, y))
			return 0;
	}
	return 0;
}

static bool same_way(const Question *q, const Way *a, const Way *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = same_test(q, &a->tests[i], &b->tests[i]);
	return same;
}

static void way_add(const Profile *p, Question *q, const Way *way)
{
	size_t at = 0;
	if (q->always)
		return;
	if (way->count == 0) {
		q->always = true;
		q->always_verdict = way->verdict;
		return;
	}
	for (size_t i = 0; i < q->ways_count; i++)
		if (same_way(q, &q->ways[i], way)) {
			assert(q->ways[i].verdict == way->verdict); /* else it had been refused */
			return;
		}
	while (at < q->ways_count && order(q, way, &q->ways[at]) >= 0)
		at++;
	(void)arena_push(p->arena, &q->ways, &q->ways_count, Way);
	memmove(&q->ways[at + 1], &q->ways[at], (q->ways_count - 1 - at) * sizeof(Way));
	q->ways[at] = *way;
}

/* Tests by rising index; those with an empty mask hold always and are none. first: whatever the rule says of argument 0, it has to be this
 * number, by which x86's carriers know the call. */
static void way_of(const Profile *p, Question *q, const JsonValue *args, size_t from, size_t count,
		   uint32_t verdict, const uint64_t *first)
{
	Way way = { .verdict = verdict };
	if (first)
		way.tests[way.count++] = (Test){ .value = *first, .op = "SCMP_CMP_EQ" };
	for (uint64_t index = first ? 1 : 0; index < ARGS_MAX; index++) {
		size_t i = 0;
		for (const JsonValue *a = first_of(args); a; a = a->next, i++) {
			const JsonValue *two = member(a, "valueTwo");
			if (i < from || i >= from + count || member(a, "index")->as.magnitude != index)
				continue;
			Test t = { .index = index,
				   .value = member(a, "value")->as.magnitude,
				   .two = two ? two->as.magnitude : 0 };
			(void)snprintf(t.op, sizeof t.op, "%s",
				       member(a, "op")->as.string); /* the longest word fits */
			if (!is_masked(&t) || narrow(q, t.value) != 0)
				way.tests[way.count++] = t;
		}
	}
	way_add(p, q, &way);
}

/* Two conditions on one argument make each condition a rule of its own. */
static bool is_split(const JsonValue *args)
{
	for (const JsonValue *a = first_of(args); a; a = a->next)
		for (const JsonValue *b = a->next; b; b = b->next)
			if (member(a, "index")->as.magnitude == member(b, "index")->as.magnitude)
				return true;
	return false;
}

static void rule_ask(const Profile *p, Question *q, const JsonValue *rule, uint32_t verdict,
		     const uint64_t *first)
{
	const JsonValue *args = member(rule, "args");
	size_t count = args ? args->count : 0;
	if (!is_split(args)) {
		way_of(p, q, args, 0, count, verdict, first);
		return;
	}
	for (size_t i = 0; i < count; i++)
		way_of(p, q, args, i, 1, verdict, first);
}

/* x86: the number of the call through which this one can be reached, too, or -1. */
static int64_t carrier_of(const SyscallRow *row, SyscallArch arch)
{
	if (arch != SYSCALL_X86 || !row || row->x86_way == 0)
		return -1;
	return row->x86_way & SYSCALL_X86_IPC ? 117 : 102;
}

static void name_ask(const Profile *p, Question *q, const JsonValue *rule, const char *name,
		     uint32_t verdict)
{
	const SyscallRow *row = syscall_find(name);
	if (!row)
		return;
	if (carrier_of(row, q->arch) == (int64_t)q->nr) {
		const uint64_t which = row->x86_way & ~(unsigned)SYSCALL_X86_IPC;
		rule_ask(p, q, rule, verdict, &which);
	}
	int number = syscall_number(row, q->arch);
	if (number >= 0 && (uint32_t)number == q->nr)
		rule_ask(p, q, rule, verdict, NULL);
}

static bool rule_counts(const Profile *p, const JsonValue *rule)
{
	const char *arch = p->host && p->host->arch == SYSCALL_AARCH64 ? "arm64" : "amd64";
	return !p->host || (!is_excluded(member(rule, "excludes"), arch, p->host) &&
			    is_included(member(rule, "includes"), arch, p->host));
}

/* The next name of a rule after `last` (NULL: the first), which may stand in "name" or in "names". */
static const JsonValue *next_name(const JsonValue *rule, const JsonValue *last)
{
	const JsonValue *one = member(rule, "name"), *many = member(rule, "names");
	if (last)
		return last == one ? NULL : last->next;
	return many && many->count > 0 ? first_of(many) : one;
}

/* The highest number that any rule that counts names, or -1. */
static int64_t highest_of(const Profile *p, SyscallArch arch)
{
	int64_t highest = -1;
	for (const JsonValue *r = first_of(member(p->root, "syscalls")); r; r = r->next)
		for (const JsonValue *n = rule_counts(p, r) ? next_name(r, NULL) : NULL; n;
		     n = next_name(r, n)) {
			const SyscallRow *row = syscall_find(n->as.string);
			int64_t number = row ? syscall_number(row, arch) : -1;
			if (carrier_of(row, arch) > number)
				number = carrier_of(row, arch);
			if (number > highest)
				highest = number;
		}
	return highest;
}

/* Collects what the rules say about one number. */
static Question question_make(const Profile *p, SyscallArch arch, uint32_t nr)
{
	Question q = { .arch = arch, .nr = nr, .wide = arch == SYSCALL_X86_64 || arch == SYSCALL_AARCH64 };
	if (!(p->archs & (1U << arch)))
		return q; /* no rule is about it */
	for (const JsonValue *r = first_of(member(p->root, "syscalls")); r; r = r->next) {
		uint32_t verdict = action_of(member(r, "action")->as.string,
					     number_of(r, "errnoRet", p->host ? "errno" : NULL));
		if (verdict == p->by_default || !rule_counts(p, r))
			continue;
		for (const JsonValue *n = next_name(r, NULL); n; n = next_name(r, n))
			name_ask(p, &q, r, n->as.string, verdict);
	}
	return q;
}

static uint32_t answer(const Profile *p, const Question *q, const uint64_t *args)
{
	int64_t highest = p->highest[q->arch];
	if (!(p->archs & (1U << q->arch))) /* -1 is a call that a tracer skips */
		return q->arch == SYSCALL_X32 && q->nr == UINT32_MAX ? p->by_default
								     : SECCOMP_RET_KILL_THREAD;
	if (highest >= 0 && (int64_t)q->nr > highest && p->tail_is_enosys)
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (q->always)
		return q->always_verdict;
	for (size_t i = 0; i < q->ways_count; i++) {
		bool holds = true;
		for (size_t k = 0; k < q->ways[i].count; k++)
			holds &= test_holds(q, &q->ways[i].tests[k], args);
		if (holds)
			return q->ways[i].verdict;
	}
	return p->by_default;
}

/* ---- questions ---- */

static uint64_t rng_state;
static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

/* A value that some test is about, or is near to one. */
static uint64_t pick(const Question *q, uint64_t index)
{
	uint64_t v = rng() % 4 ? rng() % 64 : rng();
	for (size_t i = 0; i < q->ways_count; i++)
		for (size_t k = 0; k < q->ways[i].count; k++) {
			const Test *t = &q->ways[i].tests[k];
			if (t->index == index && rng() % 3 == 0)
				v = is_masked(t) && rng() % 2 ? t->two : t->value;
		}
	switch (rng() % 8) {
	case 0: return v + 1;
	case 1: return v - 1;
	case 2: return v ^ (rng() << 32);
	case 3: return (uint32_t)v;
	case 4: return v ^ (UINT64_C(1) << rng() % 64);
	default: return v;
	}
}

static void compare(const Profile *p, const SeccompProgram *program, SyscallArch arch, uint32_t nr)
{
	static const uint32_t audit[SYSCALL_ARCH_COUNT] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64,
							    AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
							    AUDIT_ARCH_ARM };
	if (arch == SYSCALL_X86_64 || arch == SYSCALL_X32) /* to the kernel they are one, told apart by a bit */
		arch = nr & SYSCALL_X32_BIT || nr > INT32_MAX ? SYSCALL_X32 : SYSCALL_X86_64;
	Question q = question_make(p, arch, nr);
	for (size_t i = 0; i < (q.ways_count ? ROUNDS : 1); i++) {
		uint64_t args[ARGS_MAX];
		struct seccomp_data d = { .nr = (int)nr, .arch = audit[arch] };
		for (size_t k = 0; k < ARGS_MAX; k++)
			d.args[k] = args[k] = pick(&q, k);
		uint32_t ours = run_program(program, &d), theirs = answer(p, &q, args);
		if (ours != theirs)
			fprintf(stderr, "%s %#x (%#llx %#llx %#llx): %#x, not %#x\n",
				seccomp_arch_name(arch), nr, (unsigned long long)args[0],
				(unsigned long long)args[1], (unsigned long long)args[2], ours, theirs);
		assert(ours == theirs);
	}
}

static void compare_arch(const Profile *p, const SeccompProgram *program, SyscallArch arch)
{
	const uint32_t base = arch == SYSCALL_X32 ? SYSCALL_X32_BIT : 0;
	const uint32_t odd[] = { base,       102,        117,        base + 500, 0x3fffffff,
				 0x40000000, 0x7fffffff, 0x80000000, 0xf0005,    UINT32_MAX };
	size_t calls = 0;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		compare(p, program, arch, odd[i]);
	compare(p, program, arch, (uint32_t)(p->highest[arch] + 1));
	for (const JsonValue *r = first_of(member(p->root, "syscalls")); r; r = r->next)
		for (const JsonValue *n = next_name(r, NULL); n && calls < CALLS_MAX;
		     n = next_name(r, n)) {
			const SyscallRow *row = syscall_find(n->as.string);
			int number = row ? syscall_number(row, arch) : -1;
			if (number < 0)
				continue;
			compare(p, program, arch, (uint32_t)number);
			calls++;
		}
}

/* A SeccompArch's word of the specification, or 0 for what we have no numbers for. */
static uint32_t arch_bit(const char *word)
{
	static const char *const words[SYSCALL_ARCH_COUNT] = { "SCMP_ARCH_X86_64", "SCMP_ARCH_X32",
							       "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64",
							       "SCMP_ARCH_ARM" };
	for (unsigned i = 0; i < SYSCALL_ARCH_COUNT; i++)
		if (strcmp(word, words[i]) == 0)
			return 1U << i;
	return 0;
}

static uint32_t archs_of(const JsonValue *root, const SeccompFileHost *host)
{
	uint32_t archs = 1U << seccomp_arch_native();
	for (const JsonValue *e = first_of(member(root, "architectures")); e; e = e->next)
		archs |= arch_bit(e->as.string);
	for (const JsonValue *m = host ? first_of(member(root, "archMap")) : NULL; m; m = m->next) {
		if (arch_bit(member(m, "architecture")->as.string) != 1U << host->arch)
			continue;
		archs |= 1U << host->arch;
		for (const JsonValue *e = first_of(member(m, "subArchitectures")); e; e = e->next)
			archs |= arch_bit(e->as.string);
		break;
	}
	return archs;
}

static void check(const Seccomp *s, const JsonValue *root, const SeccompFileHost *host, Arena *a)
{
	SeccompProgram program;
	Err e = { 0 };
	if (seccomp_compile(s, a, &program, &e) < 0) {
		assert(e.kind == ERR_SPEC && e.msg[0]);
		return;
	}
	const char *word = member(root, "defaultAction")->as.string;
	Profile p = { .root = root, .host = host, .arena = a, .archs = archs_of(root, host) };
	p.by_default = action_of(word, number_of(root, "defaultErrnoRet", host ? "defaultErrno" : NULL));
	p.tail_is_enosys = strcmp(word, "SCMP_ACT_ALLOW") != 0 &&
			   strcmp(word, "SCMP_ACT_LOG") != 0 && strcmp(word, "SCMP_ACT_TRACE") != 0;
	for (SyscallArch arch = 0; arch < SYSCALL_ARCH_COUNT; arch++)
		p.highest[arch] = highest_of(&p, arch);
	for (SyscallArch arch = 0; arch < SYSCALL_ARCH_COUNT; arch++)
		compare_arch(&p, &program, arch);
	const struct seccomp_data unknown = { .arch = 12345 };
	assert(run_program(&program, &unknown) == SECCOMP_RET_KILL_THREAD);
}

static void try_file(const uint8_t *data, size_t size, const SeccompFileHost *host)
{
	Arena a = ARENA_EMPTY;
	const JsonValue *root;
	Seccomp s;
	Err e = { 0 };
	if (seccomp_file_decode((const char *)data, size, host, &a, &s, &e) < 0) {
		assert(e.kind == ERR_SPEC && e.msg[0] && e.msg[0] != ' ');
	} else {
		assert(json_parse((const char *)data, size, &a, &root, NULL) == 0);
		check(&s, root, host, &a);
	}
	arena_done(&a);
}

static void try_config(const uint8_t *data, size_t size)
{
	static const char before[] = "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"/\"},\"linux\":{\"seccomp\":",
			  after[] = "}}";
	Arena a = ARENA_EMPTY;
	const JsonValue *root;
	Spec spec;
	Err e = { 0 };
	size_t len = sizeof before - 1 + size + sizeof after - 1;
	char *text = arena_alloc(&a, len), *at = text;
	at = (char *)memcpy(at, before, sizeof before - 1) + sizeof before - 1;
	if (size > 0)
		memcpy(at, data, size);
	memcpy(at + size, after, sizeof after - 1);
	if (spec_decode(text, len, &a, &spec, &e) < 0) {
		assert(e.kind == ERR_SPEC && e.msg[0] && e.msg[0] != ' ');
	} else if (spec.linux_.seccomp) {
		assert(json_parse(text, len, &a, &root, NULL) == 0);
		check(spec.linux_.seccomp, json_member(json_member(root, "linux"), "seccomp"), NULL, &a);
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const SeccompFileHost hosts[] = {
		{ .arch = SYSCALL_X86_64, .kernel_major = 6, .kernel_minor = 1 },
		{ .arch = SYSCALL_X86_64, .kernel_major = 4, .kernel_minor = 8, .caps = UINT64_MAX },
		{ .arch = SYSCALL_AARCH64, .kernel_major = 4, .kernel_minor = 7, .caps = 0x800405fb },
	};
	rng_state = 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		try_file(data, size, &hosts[i]);
	try_config(data, size);
	return 0;
}
