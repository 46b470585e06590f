/* Id-mapped mounts: from "idmap", "idmap=uids=C-H-N#...;gids=..." and a mount's own uidMappings to the maps of a user namespace.
 *
 * Theory: a triple says that files which belong to C, C+1, ... show as H, H+1, ..., ids of the host. The container's own maps, which
 * are meant when nothing else is said, then make the owner 0 on disk the container's 0. With '@' before a triple H is an id of the
 * container; a range that several of its maps cover becomes several lines. */
#include <string.h>

#include "base/num.h"
#include "runtime/plan_parts.h"

/* User or group ids of one id-mapped mount. */
typedef struct IdmapSide {
	const char *what;     /* "uid" */
	const SpecIdMap *own; /* the container's maps */
	size_t own_count;
	const SpecIdMap *given; /* the mount's */
	size_t given_count;
	SpecIdMap *maps; /* what the text says */
	size_t count;
} IdmapSide;

static const char *idmap_value(const char *word)
{
	const char *rest = str_after(word, *word == 'r' ? "ridmap" : "idmap");
	return rest && (*rest == '=' || !*rest) ? rest : NULL;
}

bool plan_option_is_idmap(const char *word)
{
	return idmap_value(word) != NULL;
}

static const char *place_of(const PlanContext *c, const SpecMount *m)
{
	return m ? arena_printf(c->arena, "mount on %s", m->destination) : "root directory";
}

static void triple_push(const PlanContext *c, IdmapSide *s, SpecIdMap m)
{
	*arena_push(c->arena, &s->maps, &s->count, SpecIdMap) = m;
}

/* The container's map that has this id of it, or NULL. */
static const SpecIdMap *own_map_of(const IdmapSide *s, uint32_t id)
{
	for (size_t i = 0; i < s->own_count; i++)
		if (id >= s->own[i].container_id && id - s->own[i].container_id < s->own[i].size)
			return &s->own[i];
	return NULL;
}

/* A triple whose second number is an id of the container, piece by piece. */
static int relative_add(const PlanContext *c, IdmapSide *s, SpecIdMap m, Err *e)
{
	while (m.size > 0) {
		const SpecIdMap *own = own_map_of(s, m.host_id);
		if (!own)
			return err_make(e, ERR_SPEC, 0, "%s %u is not mapped into the container",
					s->what, m.host_id);
		uint32_t skip = m.host_id - own->container_id, n = own->size - skip;
		if (n > m.size)
			n = m.size;
		triple_push(c, s, (SpecIdMap){ m.container_id, own->host_id + skip, n });
		m = (SpecIdMap){ m.container_id + n, m.host_id + n, m.size - n };
	}
	return 0;
}

/* "0-100000-65536", perhaps with '@' before it. */
static int triple_add(const PlanContext *c, IdmapSide *s, const char *text, Err *e)
{
	bool relative = *text == '@';
	StrList parts = str_split(c->arena, relative ? text + 1 : text, '-');
	SpecIdMap m;
	if (parts.count != 3 || num_parse_u32(parts.items[0], UINT32_MAX - 1, &m.container_id) < 0 ||
	    num_parse_u32(parts.items[1], UINT32_MAX - 1, &m.host_id) < 0 ||
	    num_parse_u32(parts.items[2], UINT32_MAX, &m.size) < 0 || m.size == 0 ||
	    m.size > UINT32_MAX - m.container_id || m.size > UINT32_MAX - m.host_id)
		return err_make(e, ERR_SPEC, 0, "'%s' is not of the form FILE-HOST-SIZE", text);
	if (relative && s->own_count > 0) /* without maps of its own the container's ids are the host's */
		return relative_add(c, s, m, e);
	triple_push(c, s, m);
	return 0;
}

/* "uids=0-1-10#10-11-10;gids=0-100-10" */
static int value_parse(const PlanContext *c, IdmapSide sides[2], const char *text, Err *e)
{
	StrList each = str_split(c->arena, text, ';');
	for (size_t i = 0; i < each.count; i++) {
		const char *uids = str_after(each.items[i], "uids="),
			   *gids = str_after(each.items[i], "gids=");
		IdmapSide *s = &sides[uids ? 0 : 1];
		if ((!uids && !gids) || s->count > 0)
			return err_make(e, ERR_SPEC, 0,
					"'%s' is not of the form uids=...;gids=..., each once", text);
		StrList triples = str_split(c->arena, uids ? uids : gids, '#');
		for (size_t k = 0; k < triples.count; k++)
			TRY(triple_add(c, s, triples.items[k], e));
	}
	return 0;
}

/* The text, else the mount's own maps, else those of the container. */
static int side_text(const PlanContext *c, const IdmapSide *s, const char **ret, Err *e)
{
	if (s->count > 0 && s->given_count > 0)
		return err_make(e, ERR_SPEC, 0, "the option and %sMappings exclude each other", s->what);
	if (s->count > 0)
		return userns_map_text(s->maps, s->count, s->what, c->arena, ret, e);
	if (s->given_count > 0)
		return userns_map_text(s->given, s->given_count, s->what, c->arena, ret, e);
	if (s->own_count > 0)
		return userns_map_text(s->own, s->own_count, s->what, c->arena, ret, e);
	return err_make(e, ERR_SPEC, 0,
			"'idmap' without %ss needs a user namespace of the container, whose ids it means",
			s->what);
}

static int idmap_text(const PlanContext *c, const char *option, const SpecMount *m, PlanIdmap *ret,
		      Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	const char *value = idmap_value(option);
	IdmapSide sides[2] = {
		{ .what = "uid", .own = l->uid_mappings, .own_count = l->uid_mappings_count },
		{ .what = "gid", .own = l->gid_mappings, .own_count = l->gid_mappings_count },
	};
	if (!(l->namespaces & SPEC_NS_USER))
		sides[0].own_count = sides[1].own_count = 0;
	if (m) {
		sides[0].given = m->uid_mappings;
		sides[0].given_count = m->uid_mappings_count;
		sides[1].given = m->gid_mappings;
		sides[1].given_count = m->gid_mappings_count;
	}
	if (value && *value == '=')
		TRY(value_parse(c, sides, value + 1, e));
	TRY(side_text(c, &sides[0], &ret->uid_map, e));
	return side_text(c, &sides[1], &ret->gid_map, e);
}

int plan_idmap(const PlanContext *c, Plan *p, const char *option, const SpecMount *m, uint32_t *ret,
	       Err *e)
{
	PlanIdmap idmap;
	if (!c->facts->privileged)
		return err_make(e, ERR_SPEC, EPERM,
				"%s: option 'idmap' needs privilege over the file system; run as root",
				place_of(c, m));
	if (!c->facts->user_ns)
		return err_make(e, ERR_SPEC, 0,
				"%s: option 'idmap' needs user namespaces, which this kernel has not",
				place_of(c, m));
	int r = idmap_text(c, option, m, &idmap, e);
	if (r < 0)
		return err_wrap(e, r, "%s", place_of(c, m));
	for (*ret = 0; *ret < p->idmaps_count; (*ret)++)
		if (str_eq(p->idmaps[*ret].uid_map, idmap.uid_map) &&
		    str_eq(p->idmaps[*ret].gid_map, idmap.gid_map))
			return 0;
	*arena_push(c->arena, &p->idmaps, &p->idmaps_count, PlanIdmap) = idmap;
	return 0;
}
