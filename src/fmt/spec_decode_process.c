#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "fmt/spec_rows.h"

#include "base/caps.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rlimits.h"

/* -1 means "leave it as it is" to setresuid(2) and chown(2), so it is no id. */
#define ID_MAX (UINT32_MAX - 1)

/* ---- user ---- */

static int decode_umask(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_u32(d, v, base, row));
	((SpecProcess *)base)->has_umask = true;
	return 0;
}

static int decode_groups(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecProcess *p = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_array(v, d->e));
	if (v->count > LIMIT_GROUPS)
		return spec_fail(d, v, "must have at most %u elements, not %u", LIMIT_GROUPS, v->count);
	uint32_t *gids = arena_new_array(d->arena, v->count, uint32_t);
	for (const JsonValue *element = v->as.list.first; element; element = element->next, i++) {
		uint64_t gid;
		spec_enter(d, NULL, i);
		TRY(json_get_u64(element, ID_MAX, &gid, d->e));
		spec_leave(d);
		gids[i] = (uint32_t)gid;
	}
	p->additional_gids = gids;
	p->additional_gids_count = i;
	return 0;
}

/* The specification wants both ids; runc takes 0 for one that is left out, and so do its callers. */
static const SpecRow user_rows[] = {
	SPEC_U32("uid", SpecProcess, uid, ID_MAX),
	SPEC_U32("gid", SpecProcess, gid, ID_MAX),
	SPEC_ROW("umask", decode_umask, .offset = SPEC_FIELD(SpecProcess, umask, uint32_t), .max = 0777),
	SPEC_ROW("additionalGids", decode_groups),
	SPEC_NOT_YET("username", SPEC_EMPTY_STRING), /* Windows */
	SPEC_ROWS_END,
};

/* ---- terminal, arguments ---- */

typedef struct ConsoleSize {
	uint32_t height, width;
} ConsoleSize;

static const SpecRow console_rows[] = {
	SPEC_U32("height", ConsoleSize, height, UINT16_MAX, .flags = SPEC_REQUIRED), /* struct winsize has 16 bits */
	SPEC_U32("width", ConsoleSize, width, UINT16_MAX, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static int decode_console_size(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecProcess *p = base;
	ConsoleSize size = { 0 };
	(void)row;
	if (!p->terminal) /* whose row stands before this one; config.md: "MUST ignore" */
		return 0;
	TRY(spec_decode_object(d, v, console_rows, &size));
	p->console_height = (uint16_t)size.height;
	p->console_width = (uint16_t)size.width;
	return 0;
}

static int decode_args(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_strings(d, v, base, row));
	if (((SpecProcess *)base)->args.count == 0)
		return spec_fail(d, v, "must have at least one element");
	return 0;
}

/* ---- capabilities ---- */

/* A name that we do not know is worth a warning and is no error (config.md, "MUST be logged as a warning"): the container gets less. */
static int decode_cap_set(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	uint64_t set = 0;
	const char *unknown = NULL;
	size_t unknown_count = 0, i = 0;

	TRY(json_expect_array(v, d->e));
	for (const JsonValue *element = v->as.list.first; element; element = element->next, i++) {
		const char *name;
		spec_enter(d, NULL, i);
		TRY(json_get_string(element, &name, d->e));
		spec_leave(d);
		int cap = cap_from_name(name);
		if (cap >= 0 && str_eq(name, cap_name(cap))) { /* the specification has no other spelling */
			set |= (uint64_t)1 << cap;
		} else {
			unknown = unknown ? unknown : name;
			unknown_count++;
		}
	}
	if (unknown_count > 0)
		log_warn("config.json: process.capabilities.%s: unknown capability '%.64s' ignored (%zu in all)",
			 row->key, unknown, unknown_count);
	*(uint64_t *)((char *)base + row->offset) = set;
	return 0;
}

#define CAP_SET(name, field) \
	SPEC_ROW(name, decode_cap_set, .offset = SPEC_FIELD(SpecCaps, field, uint64_t))
static const SpecRow caps_rows[] = {
	CAP_SET("bounding", bounding),       CAP_SET("effective", effective),
	CAP_SET("inheritable", inheritable), CAP_SET("permitted", permitted),
	CAP_SET("ambient", ambient),         SPEC_ROWS_END,
};

static int decode_caps(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecProcess *p = base;
	(void)row;
	TRY(spec_decode_object(d, v, caps_rows, &p->capabilities));
	p->has_capabilities = true;
	return 0;
}

/* ---- rlimits ---- */

static int decode_rlimit_type(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *name;
	(void)row;
	TRY(json_get_string(v, &name, d->e));
	int resource = rlimit_from_name(name);
	if (resource < 0 || !str_eq(name, rlimit_name(resource)))
		return spec_fail(d, v,
				 "must be a limit of getrlimit(2) such as RLIMIT_NOFILE, not '%.64s'",
				 name);
	((SpecRlimit *)base)->resource = resource;
	return 0;
}

static const SpecRow rlimit_rows[] = {
	SPEC_ROW("type", decode_rlimit_type, .flags = SPEC_REQUIRED),
	SPEC_U64("soft", SpecRlimit, soft, .flags = SPEC_REQUIRED),
	SPEC_U64("hard", SpecRlimit, hard, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static int check_rlimit(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	const SpecRlimit *limit = item;
	for (size_t i = 1; i <= index; i++)
		if (limit[-(ptrdiff_t)i].resource == limit->resource)
			return spec_fail(d, v, "is the second limit of the type %s",
					 rlimit_name(limit->resource));
	if (limit->soft > limit->hard)
		return spec_fail(d, v,
				 "has a soft limit (%" PRIu64 ") above its hard limit (%" PRIu64 ")",
				 limit->soft, limit->hard);
	return 0;
}

static int decode_rlimits(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	/* No type may stand twice, so more elements than types cannot be right. */
	static const SpecList list = {
		.rows = rlimit_rows,
		.size = sizeof(SpecRlimit),
		.max = RLIMIT_NAME_COUNT,
		.check = check_rlimit,
	};
	SpecProcess *p = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &p->rlimits, &p->rlimits_count);
}

/* ---- what the kernel kills first ---- */

static int decode_oom_score_adj(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecProcess *p = base;
	int64_t n;
	(void)row;
	TRY(json_get_i64(v, -1000, 1000, &n, d->e)); /* proc(5) */
	p->oom_score_adj = (int32_t)n;
	p->has_oom_score_adj = true; /* 0, too: whatever the caller's own is */
	return 0;
}

/* ---- the table ---- */

/* config.md "Process", "POSIX process", "Linux Process" */
const SpecRow spec_process_rows[] = {
	SPEC_BOOL("terminal", SpecProcess, terminal),
	SPEC_ROW("consoleSize", decode_console_size),
	SPEC_OBJECT("user", 0, user_rows),
	SPEC_ROW("args", decode_args, .offset = SPEC_FIELD(SpecProcess, args, StrList),
		 .flags = SPEC_REQUIRED),
	SPEC_STRINGS("env", SpecProcess, env),
	SPEC_PATH("cwd", SpecProcess, cwd, .flags = SPEC_REQUIRED),
	SPEC_ROW("capabilities", decode_caps),
	SPEC_ROW("rlimits", decode_rlimits),
	SPEC_BOOL("noNewPrivileges", SpecProcess, no_new_privileges),
	SPEC_NOT_YET("commandLine", SPEC_EMPTY_STRING), /* Windows */
	SPEC_TEXT("apparmorProfile", SpecProcess, apparmor_profile),
	SPEC_TEXT("selinuxLabel", SpecProcess, selinux_label),
	SPEC_ROW("oomScoreAdj", decode_oom_score_adj),
	SPEC_ROW("scheduler", spec_decode_scheduler),
	SPEC_ROW("ioPriority", spec_decode_io_priority),
	SPEC_ROW("execCPUAffinity", spec_decode_cpu_affinity),
	SPEC_ROWS_END,
};
