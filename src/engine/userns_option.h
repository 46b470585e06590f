/* userns_option.h - the string of --userns.                                               (engine/)
 *
 * Pure: text in, structure out. Modes and options are podman's; docker knows "host" only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

typedef enum UsernsMode {
	USERNS_DEFAULT, /* not given: as "host" */
	USERNS_HOST,    /* root: none of its own; an ordinary user is root in it */
	USERNS_PRIVATE, /* the subordinate ids of /etc/subuid and /etc/subgid, from 0 on */
	USERNS_KEEP_ID, /* the caller has the same ids inside */
	USERNS_AUTO,    /* ids that no other container has */
	USERNS_NOMAP,   /* subordinate ids, and not the caller's own */
} UsernsMode;

typedef struct UsernsOption {
	UsernsMode mode;
	bool has_uid, has_gid;
	uint32_t uid, gid; /* keep-id: the caller's ids inside */
	uint32_t size;     /* keep-id: at most, auto: exactly so many ids; 0: not given */
	SpecIdMap *uid_maps, *gid_maps; /* auto: maps that must be there */
	size_t uid_maps_count, gid_maps_count;
} UsernsOption;

const char *userns_mode_name(UsernsMode m); /* "keep-id"; for USERNS_DEFAULT "host" */

/* text may be NULL; "" is "host", as in podman. ERR_USAGE names what is wrong. */
int userns_option_parse(const char *text, Arena *a, UsernsOption *ret, Err *e);
