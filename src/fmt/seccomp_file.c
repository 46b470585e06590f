#include "fmt/seccomp_file.h"

#include <string.h>

#include "fmt/spec_rows.h"

#include "base/caps.h"
#include "base/errno_names.h"
#include "base/limits.h"
#include "base/num.h"

/* Docker's word for what a program is built for, not the specification's for what it calls. */
static const char *const arch_words[SYSCALL_ARCH_COUNT] = {
	[SYSCALL_X86_64] = "amd64",  [SYSCALL_X32] = "x32", [SYSCALL_X86] = "x86",
	[SYSCALL_AARCH64] = "arm64", [SYSCALL_ARM] = "arm",
};

typedef struct KernelVersion {
	uint32_t major, minor;
} KernelVersion;

typedef struct Condition {
	StrList arches;
	uint64_t caps;
	bool unknown_caps; /* some that this program does not know: no container of ours has them */
	bool has_min_kernel;
	KernelVersion min_kernel;
} Condition;

typedef struct Rule {
	SeccompRule rule; /* first: spec_seccomp_rule_rows fill it */
	const char *name;
	Condition includes, excludes;
} Rule;

typedef struct Profile {
	Seccomp s; /* first: spec_seccomp_rows fill it */
	uint32_t mapped_archs;
	bool has_arch_map;
	Rule *rules;
	size_t rules_count;
} Profile;

/* The profile is decoded for a host, which archMap already looks at. */
typedef struct FileDecoder {
	SpecDecoder d; /* first: rows get a pointer to it */
	const SeccompFileHost *host;
} FileDecoder;

static bool is_note(const char *key)
{
	char lower = (char)(*key | 0x20);
	return lower < 'a' || lower > 'z' || strcmp(key, "comment") == 0;
}

/* words: separated by one space */
static bool has_word(const char *words, const char *key)
{
	size_t len = strlen(key);
	for (; *words; words += strspn(words, " ")) {
		size_t n = strcspn(words, " ");
		if (n == len && memcmp(words, key, n) == 0)
			return true;
		words += n;
	}
	return false;
}

static int refuse_unknown(SpecDecoder *d, const JsonValue *v, const char *known)
{
	for (const JsonValue *m = v->as.list.first; m; m = m->next)
		if (!is_note(m->key) && !has_word(known, m->key))
			return spec_fail(d, m, "has the unknown key '%.64s'", m->key);
	return 0;
}

/* ---- conditions ---- */

static int decode_caps(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Condition *c = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_array(v, d->e));
	for (const JsonValue *element = v->as.list.first; element; element = element->next, i++) {
		const char *name;
		spec_enter(d, NULL, i);
		TRY(json_get_string(element, &name, d->e));
		if (!str_starts(name, "CAP_"))
			return spec_fail(d, element,
					 "must be a capability such as CAP_SYS_ADMIN, not '%.64s'",
					 name);
		spec_leave(d);
		int cap = cap_from_name(name);
		if (cap >= 0 && str_eq(name, cap_name(cap)))
			c->caps |= UINT64_C(1) << cap;
		else
			c->unknown_caps = true;
	}
	return 0;
}

static int decode_min_kernel(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Condition *c = base;
	const char *text;
	(void)row;
	TRY(json_get_string(v, &text, d->e));
	StrList parts = str_split(d->arena, text, '.');
	if (parts.count != 2 || num_parse_u32(parts.items[0], UINT8_MAX, &c->min_kernel.major) < 0 ||
	    num_parse_u32(parts.items[1], UINT8_MAX, &c->min_kernel.minor) < 0)
		return spec_fail(d, v,
				 "must be the first two numbers of a kernel, such as 4.8, not '%.64s'",
				 text);
	c->has_min_kernel = true;
	return 0;
}

static int decode_condition(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecRow rows[] = {
		SPEC_STRINGS("arches", Condition, arches),
		SPEC_ROW("caps", decode_caps),
		SPEC_ROW("minKernel", decode_min_kernel),
		SPEC_ROWS_END,
	};
	Condition *c = (Condition *)(void *)((char *)base + row->offset);
	TRY(json_expect_object(v, d->e));
	TRY(refuse_unknown(d, v, "arches caps minKernel"));
	return spec_decode_object(d, v, rows, c);
}

static bool kernel_is_at_least(const SeccompFileHost *host, const KernelVersion *v)
{
	return host->kernel_major != v->major ? host->kernel_major > v->major
					      : host->kernel_minor >= v->minor;
}

static bool rule_counts(const Rule *r, const SeccompFileHost *host)
{
	const Condition *in = &r->includes, *out = &r->excludes;
	const char *arch = arch_words[host->arch];
	if (strlist_has(&out->arches, arch) || (out->caps & host->caps) != 0 ||
	    (out->has_min_kernel && kernel_is_at_least(host, &out->min_kernel)))
		return false;
	return (in->arches.count == 0 || strlist_has(&in->arches, arch)) && !in->unknown_caps &&
	       (in->caps & ~host->caps) == 0 &&
	       (!in->has_min_kernel || kernel_is_at_least(host, &in->min_kernel));
}

/* ---- rules ---- */

static int decode_errno_word(SpecDecoder *d, const JsonValue *v, bool *has, uint32_t *number)
{
	const char *word;
	uint32_t n;
	TRY(json_get_string(v, &word, d->e));
	if (num_parse_u32(word, UINT32_MAX, &n) < 0) {
		int found = errno_from_name(word);
		if (found < 0)
			return spec_fail(d, v, "must be an error such as EPERM, not '%.64s'", word);
		n = (uint32_t)found;
	}
	if (*has && *number != n)
		return spec_fail(d, v, "is '%.64s', which is not the number that stands beside it, %u",
				 word, *number);
	*has = true;
	*number = n;
	return 0;
}

static int decode_rule_errno(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SeccompRule *r = base;
	(void)row;
	return decode_errno_word(d, v, &r->has_errno, &r->errno_ret);
}

static int finish_rule(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	static const SpecRow rows[] = {
		SPEC_ROW("errno", decode_rule_errno),
		SPEC_STRINGS("names", Rule, rule.names),
		SPEC_TEXT("name", Rule, name),
		SPEC_ROW("includes", decode_condition, .offset = SPEC_FIELD(Rule, includes, Condition)),
		SPEC_ROW("excludes", decode_condition, .offset = SPEC_FIELD(Rule, excludes, Condition)),
		SPEC_ROWS_END,
	};
	Rule *r = item;
	(void)index;
	TRY(refuse_unknown(d, v, "names name action errnoRet errno args includes excludes"));
	TRY(spec_decode_object(d, v, rows, r));
	if (r->name && r->rule.names.count > 0)
		return spec_fail(d, v, "has both name and names");
	if (r->name)
		strlist_add(d->arena, &r->rule.names, r->name);
	if (r->rule.names.count == 0)
		return spec_fail(d, v, "names no system call");
	r->rule.line = v->line;
	if (r->rule.action == SECCOMP_ACT_NOTIFY && rule_counts(r, ((FileDecoder *)(void *)d)->host))
		return spec_fail(d, v, "has the action SCMP_ACT_NOTIFY, which is not supported yet");
	return 0;
}

static int decode_rules(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = spec_seccomp_rule_rows,
				       .size = sizeof(Rule),
				       .check = finish_rule };
	Profile *p = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &p->rules, &p->rules_count);
}

/* ---- architectures ---- */

typedef struct ArchEntry {
	const char *arch;
	StrList subs;
} ArchEntry;

static int arch_of_word(SpecDecoder *d, const JsonValue *v, const char *word)
{
	int arch = seccomp_arch_parse(word);
	if (arch < 0 && arch != -ENOTSUP)
		return spec_fail(d, v, "has '%.64s', which is no architecture such as SCMP_ARCH_X86_64",
				 word);
	return arch;
}

static int finish_arch(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	const ArchEntry *entry = item;
	int arch = arch_of_word(d, v, entry->arch);
	(void)index;
	if (arch < 0 && arch != -ENOTSUP)
		return arch;
	for (size_t i = 0; i < entry->subs.count; i++) {
		int sub = arch_of_word(d, v, entry->subs.items[i]);
		if (sub < 0 && sub != -ENOTSUP)
			return sub;
	}
	return refuse_unknown(d, v, "architecture subArchitectures");
}

static int decode_arch_map(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecRow rows[] = {
		SPEC_TEXT("architecture", ArchEntry, arch, .flags = SPEC_REQUIRED),
		SPEC_STRINGS("subArchitectures", ArchEntry, subs),
		SPEC_ROWS_END,
	};
	static const SpecList list = { .rows = rows, .size = sizeof(ArchEntry), .check = finish_arch };
	const SyscallArch host = ((FileDecoder *)(void *)d)->host->arch;
	Profile *p = base;
	ArchEntry *entries;
	size_t count;
	(void)row;
	TRY(spec_decode_objects(d, v, &list, &entries, &count));
	p->has_arch_map = count > 0;
	for (size_t i = 0; i < count && p->mapped_archs == 0; i++) {
		if (seccomp_arch_parse(entries[i].arch) != (int)host)
			continue;
		p->mapped_archs = 1U << host;
		for (size_t k = 0; k < entries[i].subs.count; k++) {
			int sub = seccomp_arch_parse(entries[i].subs.items[k]);
			p->mapped_archs |= sub >= 0 ? 1U << sub : 0;
		}
	}
	return 0;
}

/* ---- the whole ---- */

static int decode_default_errno(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Seccomp *s = base;
	(void)row;
	return decode_errno_word(d, v, &s->has_default_errno, &s->default_errno);
}

static const SpecRow file_rows[] = {
	SPEC_ROW("archMap", decode_arch_map),
	SPEC_ROW("defaultErrno", decode_default_errno),
	SPEC_ROW("syscalls", decode_rules),
	SPEC_NOT_YET("listenerPath", SPEC_EMPTY_STRING),
	SPEC_NOT_YET("listenerMetadata", SPEC_EMPTY_STRING),
	SPEC_ROWS_END,
};

static int decode_profile(FileDecoder *f, const JsonValue *root, Profile *p)
{
	SpecDecoder *d = &f->d;
	TRY(json_expect_object(root, d->e));
	TRY(refuse_unknown(d, root,
			   "defaultAction defaultErrnoRet defaultErrno architectures archMap flags listenerPath "
			   "listenerMetadata syscalls"));
	TRY(spec_decode_object(d, root, spec_seccomp_rows, p));
	TRY(spec_decode_object(d, root, file_rows, p));
	const JsonValue *archs = json_member(root, "architectures");
	if (p->has_arch_map && archs && archs->count > 0)
		return spec_fail(d, root, "has both architectures and archMap");
	return 0;
}

int seccomp_file_decode(const char *text, size_t len, const SeccompFileHost *host, Arena *a,
			Seccomp *ret, Err *e)
{
	const JsonValue *root;
	FileDecoder f = { .d = { .arena = a, .e = e, .null_is_absent = true }, .host = host };
	Profile p = { 0 };

	if (len > LIMIT_SECCOMP_BYTES)
		return err_make(e, ERR_SPEC, 0, "it has %zu bytes; at most %u are allowed", len,
				LIMIT_SECCOMP_BYTES);
	TRY(json_parse(text, len, a, &root, e));
	int r = decode_profile(&f, root, &p);
	if (r < 0)
		return spec_name_key(&f.d, "the profile", e, r);
	p.s.archs |= p.mapped_archs;
	p.s.rules = arena_new_array(a, p.rules_count, SeccompRule);
	for (size_t i = 0; i < p.rules_count; i++)
		if (rule_counts(&p.rules[i], host))
			p.s.rules[p.s.rules_count++] = p.rules[i].rule;
	*ret = p.s;
	return 0;
}
