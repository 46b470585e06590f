#include "runtime/userns_maps.h"

#include <string.h>

#include "base/limits.h"
#include "kern/process.h"

/* The highest id that a map can give away: 2^32-1 means "no id" everywhere. */
#define ID_MAX UINT32_MAX

static int map_check_line(const SpecIdMap *m, const char *what, Err *e)
{
	if (m->size == 0)
		return err_make(e, ERR_SPEC, 0, "%s map %u:%u:%u: the size is zero", what,
				m->container_id, m->host_id, m->size);
	if ((uint64_t)m->container_id + m->size > ID_MAX || (uint64_t)m->host_id + m->size > ID_MAX)
		return err_make(e, ERR_SPEC, 0, "%s map %u:%u:%u: goes beyond the last id", what,
				m->container_id, m->host_id, m->size);
	return 0;
}

static bool ranges_meet(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return (uint64_t)a < (uint64_t)b + b_size && (uint64_t)b < (uint64_t)a + a_size;
}

static int map_check_overlap(const SpecIdMap *maps, size_t i, const char *what, Err *e)
{
	for (size_t k = 0; k < i; k++)
		if (ranges_meet(maps[i].container_id, maps[i].size, maps[k].container_id, maps[k].size) ||
		    ranges_meet(maps[i].host_id, maps[i].size, maps[k].host_id, maps[k].size))
			return err_make(e, ERR_SPEC, 0, "%s maps %u:%u:%u and %u:%u:%u overlap",
					what, maps[k].container_id, maps[k].host_id, maps[k].size,
					maps[i].container_id, maps[i].host_id, maps[i].size);
	return 0;
}

/* user_namespaces(7) wants it in one write of less than a page. */
int userns_map_text(const SpecIdMap *maps, size_t count, const char *what, Arena *a,
		    const char **ret, Err *e)
{
	char *text = arena_strdup(a, "");
	if (count > LIMIT_ID_MAPS)
		return err_make(e, ERR_SPEC, 0, "%zu %s maps, the kernel takes at most %u", count,
				what, LIMIT_ID_MAPS);
	for (size_t i = 0; i < count; i++) {
		TRY(map_check_line(&maps[i], what, e));
		TRY(map_check_overlap(maps, i, what, e));
		text = arena_printf(a, "%s%u %u %u\n", text, maps[i].container_id, maps[i].host_id,
				    maps[i].size);
	}
	if (strlen(text) >= 4096)
		return err_make(e, ERR_SPEC, 0,
				"the %s maps are longer than the page the kernel takes", what);
	*ret = text;
	return 0;
}

/* Without privilege the kernel lets a process map just its own id (user_namespaces(7)); the set-user-ID programs newuidmap and
 * newgidmap map more, where /etc/subuid and /etc/subgid allow it. */
static int map_writer(const HostFacts *f, const SpecIdMap *maps, size_t count, const char *what,
		      const char **ret, Err *e)
{
	bool is_uid = *what == 'u';
	uint32_t own = is_uid ? f->euid : f->egid;
	const char *program = is_uid ? f->newuidmap : f->newgidmap;
	*ret = NULL;
	if (count == 1 && maps[0].size == 1 && maps[0].host_id == own)
		return 0;
	if (!program)
		return err_make(e, ERR_SPEC, EPERM,
				"%s map: without privilege only one id, your own %u, can be mapped%s%s",
				what, own, f->no_id_helpers ? ": " : "",
				f->no_id_helpers ? f->no_id_helpers : "");
	*ret = program;
	return 0;
}

int userns_maps_plan(const SpecLinux *l, const HostFacts *f, Arena *a, UsernsMaps *ret, Err *e)
{
	UsernsMaps m = { 0 };
	if (!f->user_ns)
		return err_make(e, ERR_SPEC, 0, "this kernel has no user namespaces (CONFIG_USER_NS)");
	if (l->uid_mappings_count == 0 || l->gid_mappings_count == 0)
		return err_make(e, ERR_SPEC, 0, "a user namespace needs maps of user and of group ids");
	TRY(userns_map_text(l->uid_mappings, l->uid_mappings_count, "uid", a, &m.uid_map, e));
	TRY(userns_map_text(l->gid_mappings, l->gid_mappings_count, "gid", a, &m.gid_map, e));
	if (!f->privileged) {
		TRY(map_writer(f, l->uid_mappings, l->uid_mappings_count, "uid", &m.newuidmap, e));
		TRY(map_writer(f, l->gid_mappings, l->gid_mappings_count, "gid", &m.newgidmap, e));
		m.deny_setgroups = !m.newgidmap;
	}
	*ret = m;
	return 0;
}

static int map_write(pid_t pid, const char *file, const char *map, const char *program, Arena *a,
		     NewIdmap *ret_writer, Err *e)
{
	return program ? newidmap_start(program, pid, map, ret_writer, a, e)
		       : process_file_write(pid, file, map, e);
}

int userns_maps_start(const UsernsMaps *m, pid_t pid, Arena *a, UsernsWriters *w, Err *e)
{
	if (m->deny_setgroups)
		TRY(process_file_write(pid, "setgroups", "deny", e));
	TRY(map_write(pid, "gid_map", m->gid_map, m->newgidmap, a, &w->gid, e));
	return map_write(pid, "uid_map", m->uid_map, m->newuidmap, a, &w->uid, e);
}

int userns_maps_finish(UsernsWriters *w, int r, Err *e)
{
	int gid = newidmap_finish(&w->gid, r < 0 ? NULL : e);
	r = r < 0 ? r : gid;
	int uid = newidmap_finish(&w->uid, r < 0 ? NULL : e);
	return r < 0 ? r : uid;
}

int userns_maps_write(const UsernsMaps *m, pid_t pid, Arena *a, Err *e)
{
	UsernsWriters writers = USERNS_WRITERS_NONE;
	int r = userns_maps_start(m, pid, a, &writers, e);
	return userns_maps_finish(&writers, r, e);
}
