/* `mounts add` and `mounts remove`, as crun has them: a list of mounts for a container that is there, or away from it.
 *
 * What `add` has put there is on record in mounts.json, by the numbers that mounts have in /proc/PID/mountinfo: the container may move
 * its folders and links about, and `remove` still takes away nothing but what was added, or what config.json had mounted there. */
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "disk/json_file.h"
#include "kern/mountinfo.h"
#include "kern/regular_file.h"
#include "oci/container.h"
#include "runtime/parent.h"

#define FILE_MOUNTS "mounts.json"
#define VERSION     1

typedef struct Mounts {
	OciContainer c;
	bool remove;
	Spec spec;    /* the container's, but with the mounts of the list */
	StrList own;  /* destinations of config.json, where no mask lies over them */
	int32_t *ids; /* of mounts that may go */
	size_t ids_count;
	HostFacts facts;
	Plan plan;
	Arena *arena;
} Mounts;

static int list_read(Mounts *m, const char *path, Err *e)
{
	const char *text;
	size_t len;
	TRY(regular_file_read(path, path, LIMIT_CONFIG_BYTES, ERR_SPEC, m->arena, &text, &len, e));
	int r = spec_decode_mounts(text, len, m->arena, &m->spec.mounts, &m->spec.mounts_count, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	bundle_sources_resolve(m->c.bundle, &m->spec, m->arena);
	return 0;
}

static int spec_read(Mounts *m, Err *e)
{
	SpecLinux *l = &m->spec.linux_;
	TRY(oci_container_spec(&m->c, m->arena, &m->spec, e));
	for (size_t i = 0; i < m->spec.mounts_count; i++) {
		const char *at = m->spec.mounts[i].destination;
		if (!strlist_has(&l->masked_paths, at) && !strlist_has(&l->readonly_paths, at))
			strlist_add(m->arena, &m->own, at);
	}
	l->no_cgroups = m->c.record.groups.count == 0;
	return 0;
}

static int mounts_of(const Mounts *m, char **ret, Err *e)
{
	const char *file = arena_printf(m->arena, "/proc/%d/mountinfo", (int)m->c.pid);
	return mountinfo_read(file, m->arena, ret, e);
}

/* ---- the numbers ---- */

static bool has_id(const Mounts *m, int id)
{
	for (size_t i = 0; i < m->ids_count; i++)
		if (m->ids[i] == id)
			return true;
	return false;
}

static void id_add(Mounts *m, int id)
{
	*arena_push(m->arena, &m->ids, &m->ids_count, int32_t) = id;
}

static int ids_read(Mounts *m, Err *e)
{
	const JsonValue *v;
	StrList texts = { 0 };
	uint32_t id;
	int r = json_file_read(m->c.dir_fd, FILE_MOUNTS, VERSION, m->arena, &v, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	TRY(json_file_strings(v, FILE_MOUNTS, "ids", m->arena, &texts, e));
	for (size_t i = 0; i < texts.count; i++) {
		if (num_parse_u32(texts.items[i], INT32_MAX, &id) < 0)
			return err_make(e, ERR_STATE, EINVAL,
					FILE_MOUNTS ": ids: '%s' is no number", texts.items[i]);
		id_add(m, (int)id);
	}
	return 0;
}

static int ids_write(const Mounts *m, const StrList *ids, Err *e)
{
	JsonWriter w = json_writer(m->arena, false);
	json_write_object(&w, NULL);
	json_write_u64(&w, "version", VERSION);
	json_file_write_strings(&w, "ids", ids);
	json_write_end(&w);
	return json_file_replace(m->c.dir_fd, FILE_MOUNTS, FILE_MOUNTS ".new", &w, e);
}

/* Those that the container has from its beginning, where the list names their very place. */
static int ids_add_own(Mounts *m, Err *e)
{
	char *text;
	MountInfo i;
	TRY(mounts_of(m, &text, e));
	while (mountinfo_next(&text, &i))
		if (strlist_has(&m->own, i.mountpoint))
			id_add(m, i.id);
	return 0;
}

/* All mounts before: what is there afterwards besides them was added. Of the ids on record those stay that are still there. */
static int ids_update(const Mounts *m, const StrList *before, Err *e)
{
	char *text;
	MountInfo i;
	StrList ids = { 0 };
	TRY(mounts_of(m, &text, e));
	while (mountinfo_next(&text, &i)) {
		const char *id = arena_printf(m->arena, "%d", i.id);
		if (has_id(m, i.id) || (before && !strlist_has(before, id)))
			strlist_add(m->arena, &ids, id);
	}
	return ids_write(m, &ids, e);
}

static int ids_list(const Mounts *m, StrList *ret, Err *e)
{
	char *text;
	MountInfo i;
	TRY(mounts_of(m, &text, e));
	while (mountinfo_next(&text, &i))
		strlist_add(m->arena, ret, arena_printf(m->arena, "%d", i.id));
	return 0;
}

/* ---- the deed ---- */

static int mounts_start(Mounts *m, Err *e)
{
	const TimelineShared untimed = TIMELINE_NONE;
	const StrList no_groups = { 0 };
	const RuntimeJoin join = { .pidfd = m->c.pidfd, .groups = &no_groups };
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(container_close) Container process = CONTAINER_NONE;
	ProcessEnd end;
	TRY(wait_signals_block(false, &signals, e));
	const RuntimeStart in = {
		.plan = &m->plan,
		.facts = &m->facts,
		.join = &join,
		.state = "",
		.signals = &signals,
		.timeline = &untimed,
		.start_fd = FD_NONE,
		.arena = m->arena,
	};
	TRY(runtime_start(&in, &process, e));
	return process_wait(process.pidfd, &end, e);
}

static int mounts_plan(Mounts *m, Err *e)
{
	const PlanMountsInput in = {
		.container_id = m->c.id,
		.remove = m->remove,
		.ids = m->ids,
		.ids_count = m->ids_count,
	};
	TRY(oci_container_maps(&m->c, &m->spec, m->arena, e));
	TRY(host_facts_probe("", oci_facts_wanted(&m->spec), m->arena, &m->facts, e));
	m->facts.setgroups_denied = oci_container_denies_setgroups(&m->c, m->arena);
	TRY(runtime_plan_mounts(&m->spec, &m->facts, &in, m->arena, &m->plan, e));
	for (size_t i = 0; i < m->plan.warnings.count; i++)
		log_warn("%s", m->plan.warnings.items[i]);
	return 0;
}

static int mounts(Mounts *m, const OciGlobal *g, const StrList *args, Err *e)
{
	StrList before = { 0 };
	TRY(oci_container_open(g, args->items[1], m->arena, &m->c, e));
	if (m->c.status == OCI_STOPPED || m->c.status == OCI_CREATING)
		return err_make(e, ERR_STATE, 0, "container %s is not running: %s", m->c.id,
				oci_status_name(m->c.status));
	TRY(spec_read(m, e));
	TRY(list_read(m, args->items[2], e));
	TRY(ids_read(m, e));
	if (!m->remove)
		TRY(ids_list(m, &before, e));
	else
		TRY(ids_add_own(m, e));
	TRY(mounts_plan(m, e));
	TRY(mounts_start(m, e));
	return ids_update(m, m->remove ? NULL : &before, e);
}

static int mounts_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	Mounts m = { .c = OCI_CONTAINER_NONE, .arena = a };
	(void)opts; /* there are none */
	m.remove = strcmp(args->items[0], "remove") == 0;
	if (!m.remove && strcmp(args->items[0], "add") != 0)
		return err_make(e, ERR_USAGE, 0, "mounts '%s': not add or remove", args->items[0]);
	int r = mounts(&m, g, args, e);
	oci_container_close(&m.c);
	return r < 0 ? err_wrap(e, r, "mounts %s", args->items[0]) : 0;
}

static const Opt opts_table[] = { OPT_END };

const OciCmd oci_mounts = {
	.name = "mounts",
	.args = "add|remove ID FILE",
	.summary = "Put mounts into a container that is there, or take them away",
	.opts = { opts_table },
	.opts_size = 1,
	.min_args = 3,
	.max_args = 3,
	.run = mounts_main,
};
