#include <errno.h>
#include <string.h>

#include "fmt/spec_rows.h"

#include "fmt/seccomp.h"

static int decode_action(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *word;
	TRY(json_get_string(v, &word, d->e));
	int action = seccomp_action_parse(word);
	if (action < 0)
		return spec_fail(d, v, "must be an action such as SCMP_ACT_ERRNO, not '%.64s'", word);
	*(SeccompAction *)((char *)base + row->offset) = (SeccompAction)action;
	return 0;
}

/* ---- rules ---- */

static int decode_op(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *word;
	(void)row;
	TRY(json_get_string(v, &word, d->e));
	int op = seccomp_op_parse(word);
	if (op < 0)
		return spec_fail(d, v, "must be a comparison such as SCMP_CMP_EQ, not '%.64s'", word);
	((SeccompArg *)base)->op = (SeccompOp)op;
	return 0;
}

static const SpecRow arg_rows[] = {
	SPEC_U32("index", SeccompArg, index, 5, .flags = SPEC_REQUIRED), /* a system call has six arguments */
	SPEC_U64("value", SeccompArg, value, .flags = SPEC_REQUIRED),
	SPEC_U64("valueTwo", SeccompArg, value_two),
	SPEC_ROW("op", decode_op, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static int decode_args(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = arg_rows, .size = sizeof(SeccompArg) };
	SeccompRule *rule = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &rule->args, &rule->args_count);
}

static int decode_errno(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_u32(d, v, base, row));
	((SeccompRule *)base)->has_errno = true;
	return 0;
}

const SpecRow spec_seccomp_rule_rows[] = {
	SPEC_ROW("action", decode_action, .offset = SPEC_FIELD(SeccompRule, action, SeccompAction),
		 .flags = SPEC_REQUIRED),
	SPEC_ROW("errnoRet", decode_errno, .offset = SPEC_FIELD(SeccompRule, errno_ret, uint32_t),
		 .max = UINT32_MAX),
	SPEC_ROW("args", decode_args),
	SPEC_ROWS_END,
};

static int decode_names(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_strings(d, v, base, row));
	if (((SeccompRule *)base)->names.count == 0)
		return spec_fail(d, v, "must have at least one element");
	return 0;
}

static int finish_rule(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	static const SpecRow rows[] = {
		SPEC_ROW("names", decode_names, .offset = SPEC_FIELD(SeccompRule, names, StrList),
			 .flags = SPEC_REQUIRED),
		SPEC_ROWS_END,
	};
	(void)index;
	((SeccompRule *)item)->line = v->line;
	return spec_decode_object(d, v, rows, item);
}

static int decode_rules(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = { .rows = spec_seccomp_rule_rows,
				       .size = sizeof(SeccompRule),
				       .check = finish_rule };
	Seccomp *s = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &s->rules, &s->rules_count);
}

/* ---- the whole ---- */

static int decode_default_errno(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_u32(d, v, base, row));
	((Seccomp *)base)->has_default_errno = true;
	return 0;
}

/* An architecture that we have no numbers for is not one that this machine could run calls of: there is nothing to filter. */
static int decode_archs(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Seccomp *s = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_array(v, d->e));
	for (const JsonValue *element = v->as.list.first; element; element = element->next, i++) {
		const char *word;
		spec_enter(d, NULL, i);
		TRY(json_get_string(element, &word, d->e));
		int arch = seccomp_arch_parse(word);
		if (arch < 0 && arch != -ENOTSUP)
			return spec_fail(d, element,
					 "must be an architecture such as SCMP_ARCH_X86_64, not '%.64s'",
					 word);
		spec_leave(d);
		if (arch >= 0)
			s->archs |= (uint32_t)1 << arch;
	}
	return 0;
}

static int decode_flags(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	uint32_t bits;
	TRY(spec_row_strings(d, v, base, row));
	if (seccomp_flags_to_kernel(&((Seccomp *)base)->flags, &bits, NULL) < 0)
		return spec_fail(d, v,
				 "has a word that is none of SECCOMP_FILTER_FLAG_TSYNC, _LOG, _SPEC_ALLOW, _WAIT_KILLABLE_RECV");
	return 0;
}

/* config-linux.md "Seccomp"; what rules contradict each other is seccomp_compile()'s to say. */
const SpecRow spec_seccomp_rows[] = {
	SPEC_ROW("defaultAction", decode_action,
		 .offset = SPEC_FIELD(Seccomp, default_action, SeccompAction), .flags = SPEC_REQUIRED),
	SPEC_ROW("defaultErrnoRet", decode_default_errno,
		 .offset = SPEC_FIELD(Seccomp, default_errno, uint32_t), .max = UINT32_MAX),
	SPEC_ROW("architectures", decode_archs),
	SPEC_ROW("flags", decode_flags, .offset = SPEC_FIELD(Seccomp, flags, StrList)),
	SPEC_ROWS_END,
};

static const SpecRow oci_rows[] = {
	SPEC_TEXT("listenerPath", Seccomp, listener_path),
	SPEC_TEXT("listenerMetadata", Seccomp, listener_metadata),
	SPEC_ROW("syscalls", decode_rules),
	SPEC_ROWS_END,
};

int spec_decode_seccomp(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	Seccomp *s = arena_new(d->arena, Seccomp);
	(void)row;
	TRY(spec_decode_object(d, v, spec_seccomp_rows, s));
	TRY(spec_decode_object(d, v, oci_rows, s));
	if (s->listener_metadata && !s->listener_path) {
		spec_enter(d, "listenerMetadata", 0);
		return spec_fail(d, v, "must not be set without listenerPath");
	}
	((SpecLinux *)base)->seccomp = s;
	return 0;
}
