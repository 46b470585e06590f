/* userns.h - the user namespace of a container: which ids it has, from --userns, --uidmap, --subuidname and their kin.   (engine/)
 *
 * Theory:    userns_read() knows the options alone, userns_choose() the host besides: facts, files of ids, and ids that other containers
 *            have. Both are pure. Root has no user namespace unless asked; an ordinary user always has one, with as many ids as
 *            /etc/subuid, /etc/subgid and newuidmap(1) give.
 * Ownership: everything lives in the arena or is the request's.
 */
#pragma once
#include "engine/id_maps.h"
#include "engine/run.h"
#include "engine/subids.h"
#include "engine/userns_option.h"
#include "runtime/facts.h"

/* What was asked for. */
typedef struct Userns {
	UsernsOption option;
	const char *subuid_name, *subgid_name; /* whose ranges; both or none */
	IdMaps uid_maps, gid_maps;             /* --uidmap and --gidmap; both or none */
} Userns;

/* What the choice depends on besides. */
typedef struct UsernsHost {
	const HostFacts *facts;
	const SubidFiles *files;
	uint32_t auto_size;            /* auto without size: what the container needs */
	IdRanges used_uids, used_gids; /* auto: by other containers */
} UsernsHost;

typedef struct UsernsIds {
	IdMaps uids, gids; /* empty: no user namespace of its own */
	bool idmap_root;   /* the root's files are to show with these ids, too */
	StrList warnings;
} UsernsIds;

/* ERR_USAGE: options that contradict each other. */
int userns_read(const RunRequest *r, Arena *a, Userns *ret, Err *e);

/* keep-id: who the command is when nobody says otherwise, "UID:GID"; else NULL. */
const char *userns_default_user(const Userns *u, const HostFacts *f, Arena *a);

/* What userns_choose() needs: files (SUBID_FILES_*), and whether the ids of others. */
unsigned userns_needs_files(const Userns *u, const HostFacts *f);
bool userns_is_auto(const Userns *u);

/* auto without size: as many ids as the root's files, the command's user and a minimum ask for. ERR_SPEC: too many. */
int userns_auto_size(uint32_t highest_id, uint32_t *ret, Err *e);

int userns_choose(const Userns *u, const UsernsHost *h, Arena *a, UsernsIds *ret, Err *e);

/* False where setgroups(2) will be denied: with an ordinary user's map of nothing but the own group, and where it is already. */
bool userns_allows_setgroups(const HostFacts *f, const IdMaps *gids);
