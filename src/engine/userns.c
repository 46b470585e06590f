#include "engine/userns.h"

#include <string.h>

#include "engine/idmap_option.h"

#define AUTO_LEAST 1024  /* podman's auto-userns-min-size */
#define AUTO_MOST  65536 /* and -max-size */

/* ---- options ---- */

static int maps_parse(const char *option, const StrList *texts, Arena *a, IdMaps *ret, Err *e)
{
	for (size_t i = 0; i < texts->count; i++) {
		SpecIdMap m;
		TRY(idmap_option_parse(option, texts->items[i], a, &m, e));
		*arena_push(a, &ret->items, &ret->count, SpecIdMap) = m;
	}
	return 0;
}

static int contradictions(const RunRequest *r, const Userns *u, Err *e)
{
	bool maps = r->uidmaps.count > 0 || r->gidmaps.count > 0,
	     names = r->subuid_name || r->subgid_name;
	UsernsMode mode = u->option.mode;
	if (mode != USERNS_DEFAULT && maps)
		return err_make(e, ERR_USAGE, 0, "--userns and --uidmap or --gidmap exclude each other");
	if (names && maps)
		return err_make(e, ERR_USAGE, 0,
				"--subuidname or --subgidname and --uidmap or --gidmap exclude each other");
	if (names && mode != USERNS_DEFAULT && mode != USERNS_PRIVATE && mode != USERNS_AUTO)
		return err_make(e, ERR_USAGE, 0,
				"--subuidname and --subgidname go with --userns private or auto, not with %s",
				userns_mode_name(mode));
	return 0;
}

/* Where only one of two was given it serves for both, as podman. */
int userns_read(const RunRequest *r, Arena *a, Userns *ret, Err *e)
{
	Userns u = {
		.subuid_name = r->subuid_name ? r->subuid_name : r->subgid_name,
		.subgid_name = r->subgid_name ? r->subgid_name : r->subuid_name,
	};
	TRY(userns_option_parse(r->userns, a, &u.option, e));
	TRY(contradictions(r, &u, e));
	TRY(maps_parse("--uidmap", r->uidmaps.count ? &r->uidmaps : &r->gidmaps, a, &u.uid_maps, e));
	TRY(maps_parse("--gidmap", r->gidmaps.count ? &r->gidmaps : &r->uidmaps, a, &u.gid_maps, e));
	if (u.subuid_name && u.option.mode == USERNS_DEFAULT)
		u.option.mode = USERNS_PRIVATE;
	*ret = u;
	return 0;
}

const char *userns_default_user(const Userns *u, const HostFacts *f, Arena *a)
{
	const UsernsOption *o = &u->option;
	if (o->mode != USERNS_KEEP_ID || (f->privileged && !o->has_uid && !o->has_gid))
		return NULL;
	return arena_printf(a, "%u:%u",
			    o->has_uid      ? o->uid
			    : f->privileged ? 0
					    : f->euid,
			    o->has_gid      ? o->gid
			    : f->privileged ? 0
					    : f->egid);
}

unsigned userns_needs_files(const Userns *u, const HostFacts *f)
{
	UsernsMode mode = u->option.mode;
	if (!f->privileged || mode == USERNS_PRIVATE || mode == USERNS_AUTO)
		return SUBID_FILES_RANGES | SUBID_FILES_MAPS;
	return mode == USERNS_KEEP_ID || u->uid_maps.count > 0 ? SUBID_FILES_MAPS : 0;
}

bool userns_is_auto(const Userns *u)
{
	return u->option.mode == USERNS_AUTO;
}

int userns_auto_size(uint32_t highest_id, uint32_t *ret, Err *e)
{
	if (highest_id >= AUTO_MOST)
		return err_make(e, ERR_SPEC, 0,
				"--userns auto: the root's passwd and group files, or the user, have ids up to %u, and at most %u are "
				"taken unasked; use --userns auto:size=%u",
				highest_id, AUTO_MOST, highest_id + 1);
	*ret = highest_id >= AUTO_LEAST ? highest_id + 1 : AUTO_LEAST;
	return 0;
}

/* ---- the choice, for user and for group ids alike ---- */

typedef struct Side {
	const char *what, *file, *option; /* "user", "/etc/subuid", "--uidmap" */
	const char *text;                 /* the file's */
	const char *name, *number;        /* whose lines: name may be NULL */
	uint32_t own, inside;             /* the caller's id, and keep-id's for it */
	const IdMaps *given;              /* --uidmap */
	const char *own_map;              /* this process's */
	IdMaps forced;                    /* auto's uidmapping= */
	IdRanges used, ranges;
	IdMaps maps;
} Side;

typedef struct Choice {
	const Userns *u;
	const UsernsHost *h;
	Arena *arena;
	Side sides[2];
	bool asked; /* for ids by name: what cannot be had is an error and not a warning */
} Choice;

static const char *owner_of(const Side *s)
{
	return s->name ? s->name : s->number;
}

static int side_ranges(Choice *c, Side *s, Err *e)
{
	TRY(subids_find(s->text, s->file, s->name, s->number, c->arena, &s->ranges, e));
	if (!c->h->facts->privileged && id_ranges_has(&s->ranges, s->own))
		return err_make(e, ERR_STATE, 0, "%s: the ranges of '%s' contain the own id, %u",
				s->file, owner_of(s), s->own);
	return 0;
}

/* As root: auto's ranges are those of "containers", as podman's; else root's. */
static int root_ranges(Choice *c, Side *s, const char *asked, Err *e)
{
	bool is_auto = c->u->option.mode == USERNS_AUTO;
	s->name = asked ? asked : is_auto ? "containers" : "root";
	s->number = asked || is_auto ? s->name : "0";
	TRY(side_ranges(c, s, e));
	if (s->ranges.count > 0 || asked || !is_auto)
		return 0;
	s->name = "root";
	s->number = "0";
	return side_ranges(c, s, e);
}

static int find_ranges(Choice *c, Err *e)
{
	const HostFacts *f = c->h->facts;
	const char *names[] = { c->u->subuid_name, c->u->subgid_name };
	const char *user = f->privileged ? NULL : subids_user_name(c->h->files, f->euid, c->arena);
	for (size_t i = 0; i < ARRAY_LEN(c->sides); i++) {
		Side *s = &c->sides[i];
		s->name = names[i] ? names[i] : user;
		s->number = names[i] ? names[i] : arena_printf(c->arena, "%u", f->euid);
		TRY(f->privileged ? root_ranges(c, s, names[i], e) : side_ranges(c, s, e));
	}
	return 0;
}

/* The ranges may speak of ids that there are not here, in a user namespace such as that of a container around us. */
static bool find_missing(const Choice *c, const Side *s, const IdRanges *ids, uint32_t *ret)
{
	IdMaps here = id_maps_identity(s->own_map, 0, c->arena);
	IdRanges there = id_maps_host_ids(&here, c->arena);
	IdRanges missing = id_ranges_subtract(c->arena, ids, &there);
	if (here.count == 0 || missing.count == 0)
		return false;
	*ret = missing.items[0].start;
	return true;
}

/* Why there are no ids but the own one, or NULL when there are. */
static const char *why_alone(const Choice *c)
{
	const HostFacts *f = c->h->facts;
	const char *option = c->u->option.mode == USERNS_AUTO && f->privileged ? "containers" : NULL;
	for (size_t i = 0; i < ARRAY_LEN(c->sides); i++) {
		const Side *s = &c->sides[i];
		const char *who = option && !c->u->subuid_name ? option : owner_of(s);
		if (s->ranges.count == 0)
			return arena_printf(c->arena,
					    "%s has no line for '%s'; add one, such as '%s:100000:65536'",
					    s->file, who, who);
	}
	for (size_t i = 0; i < ARRAY_LEN(c->sides); i++) {
		uint32_t id;
		if (find_missing(c, &c->sides[i], &c->sides[i].ranges, &id))
			return arena_printf(c->arena,
					    "the %s id %u in %s does not exist in the user namespace that mydocker runs in (/proc/self/%cid_map)",
					    c->sides[i].what, id, c->sides[i].file, *c->sides[i].what);
	}
	return f->privileged || f->newuidmap ? NULL : f->no_id_helpers;
}

/* Without ranges of its own an ordinary user gets one id, and a warning only where something of it is there. */
static int ranges_check(Choice *c, UsernsIds *ids, Err *e)
{
	const char *why = why_alone(c);
	if (!why)
		return 0;
	if (c->asked)
		return err_make(e, ERR_STATE, 0, "--userns %s: %s",
				userns_mode_name(c->u->option.mode), why);
	if (c->sides[0].ranges.count > 0 || c->sides[1].ranges.count > 0)
		strlist_add(c->arena, &ids->warnings,
			    arena_printf(c->arena, "only your own id is mapped: %s", why));
	c->sides[0].ranges.count = c->sides[1].ranges.count = 0;
	return 0;
}

static int side_auto(const Choice *c, Side *s, Err *e)
{
	uint64_t left;
	uint32_t size = c->u->option.size ? c->u->option.size : c->h->auto_size;
	IdRanges there = id_ranges_subtract(c->arena, &s->ranges, &s->used);
	if (id_maps_auto(&there, &s->forced, size, c->arena, &s->maps, &left))
		return 0;
	return err_make(e, ERR_STATE, 0,
			"--userns auto: %u %s ids are needed, and of those of '%s' in %s %llu are free; end a container, ask for fewer with "
			"size=, or add a range",
			size, s->what, owner_of(s), s->file, (unsigned long long)left);
}

/* An ordinary user may map the own id and the own ranges, and nobody an id that there is not. */
static int given_check(const Choice *c, const Side *s, const IdMaps *maps, Err *e)
{
	IdRanges mine = { 0 };
	id_ranges_add(c->arena, &mine, s->own, 1);
	for (size_t i = 0; i < s->ranges.count; i++)
		id_ranges_add(c->arena, &mine, s->ranges.items[i].start, s->ranges.items[i].size);
	IdRanges asked = id_maps_host_ids(maps, c->arena);
	IdRanges foreign = id_ranges_subtract(c->arena, &asked, &mine);
	uint32_t id;
	if (find_missing(c, s, &asked, &id))
		return err_make(e, ERR_STATE, 0,
				"%s: the %s id %u does not exist in the user namespace that mydocker runs in (/proc/self/%cid_map)",
				s->option, s->what, id, *s->what);
	if (foreign.count == 0 || c->h->facts->privileged)
		return 0;
	return err_make(e, ERR_SPEC, 0, "%s: the host's %s id %u is not yours to map; yours is %u%s%s",
			s->option, s->what, foreign.items[0].start, s->own,
			s->ranges.count > 0 ? ", and those in " : ", and none in ", s->file);
}

static int side_choose(const Choice *c, Side *s, Err *e)
{
	const UsernsOption *o = &c->u->option;
	bool privileged = c->h->facts->privileged;
	switch (o->mode) {
	case USERNS_DEFAULT:
	case USERNS_HOST:
		if (s->given->count > 0) {
			s->maps = *s->given;
			return given_check(c, s, &s->maps, e);
		}
		s->maps = id_maps_root_is(s->own, &s->ranges, c->arena);
		return 0;
	case USERNS_PRIVATE:
		s->maps = privileged || c->u->subuid_name
				  ? id_maps_of_ranges(&s->ranges, c->arena)
				  : id_maps_root_is(s->own, &s->ranges, c->arena);
		return 0;
	case USERNS_KEEP_ID:
		s->maps = privileged ? id_maps_identity(s->own_map, o->size, c->arena)
				     : id_maps_keep(s->own, s->inside, &s->ranges, o->size, c->arena);
		return 0;
	case USERNS_AUTO: TRY(given_check(c, s, &s->forced, e)); return side_auto(c, s, e);
	case USERNS_NOMAP: s->maps = id_maps_of_ranges(&s->ranges, c->arena); return 0;
	}
	return err_make(e, ERR_BUG, 0, "--userns: no such mode");
}

static Choice choice_begin(const Userns *u, const UsernsHost *h, Arena *a)
{
	const HostFacts *f = h->facts;
	const UsernsOption *o = &u->option;
	return (Choice){
		.u = u,
		.h = h,
		.arena = a,
		.asked = o->mode == USERNS_PRIVATE || o->mode == USERNS_AUTO ||
			 o->mode == USERNS_NOMAP || (o->mode == USERNS_KEEP_ID && o->size > 1),
		.sides = { { .what = "user",
			     .file = "/etc/subuid",
			     .option = "--uidmap",
			     .text = h->files->subuid,
			     .own = f->euid,
			     .inside = o->has_uid ? o->uid : f->euid,
			     .given = &u->uid_maps,
			     .own_map = h->files->uid_map,
			     .forced = { o->uid_maps, o->uid_maps_count },
			     .used = h->used_uids },
			   { .what = "group",
			     .file = "/etc/subgid",
			     .option = "--gidmap",
			     .text = h->files->subgid,
			     .own = f->egid,
			     .inside = o->has_gid ? o->gid : f->egid,
			     .given = &u->gid_maps,
			     .own_map = h->files->gid_map,
			     .forced = { o->gid_maps, o->gid_maps_count },
			     .used = h->used_gids } },
	};
}

/* As root, files that belong to 0 on disk are to be 0's inside, which with ids of its own takes id-mapped mounts. --uidmap is the
 * plain map that it says. */
static bool wants_idmap(const Choice *c, const UsernsIds *ids)
{
	UsernsMode mode = c->u->option.mode;
	return c->h->facts->privileged && mode != USERNS_DEFAULT && mode != USERNS_HOST &&
	       (!id_maps_are_identity(&ids->uids) || !id_maps_are_identity(&ids->gids));
}

int userns_choose(const Userns *u, const UsernsHost *h, Arena *a, UsernsIds *ret, Err *e)
{
	UsernsIds ids = { 0 };
	UsernsMode mode = u->option.mode;
	bool privileged = h->facts->privileged, shared = mode == USERNS_DEFAULT || mode == USERNS_HOST;
	if (privileged && mode == USERNS_NOMAP)
		return err_make(e, ERR_USAGE, 0,
				"--userns nomap is for ordinary users: root's own id is never mapped by 'private' and 'auto'");
	if (!privileged || !shared || u->uid_maps.count > 0) {
		Choice c = choice_begin(u, h, a);
		if (!privileged || mode == USERNS_PRIVATE || mode == USERNS_AUTO) {
			TRY(find_ranges(&c, e));
			if (u->uid_maps.count == 0)
				TRY(ranges_check(&c, &ids, e));
		}
		for (size_t i = 0; i < ARRAY_LEN(c.sides); i++)
			TRY(side_choose(&c, &c.sides[i], e));
		ids.uids = c.sides[0].maps;
		ids.gids = c.sides[1].maps;
		ids.idmap_root = wants_idmap(&c, &ids);
	}
	*ret = ids;
	return 0;
}

bool userns_allows_setgroups(const HostFacts *f, const IdMaps *gids)
{
	return !f->setgroups_denied && (f->privileged || gids->count != 1 || gids->items[0].size != 1 ||
					gids->items[0].host_id != f->egid);
}
