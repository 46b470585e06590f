/* user.h - who the command runs as: USER[:GROUP] looked up in the container's root.       (engine/)
 *
 * Input:     /etc/passwd and /etc/group of the root are HOSTILE: opened inside the root only, regular files without following a last
 *            link out of it, at most LIMIT_PASSWD_BYTES; a FIFO or device there is never opened for reading.
 * Rules:     docker's: a name must exist; a number need not. A number is never looked up as a name. Without GROUP the group is that of
 *            the passwd entry (0 without one) and the supplementary groups are those that list the user; with GROUP there are none.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef struct User {
	uint32_t uid, gid;
	const uint32_t *groups; /* supplementary */
	size_t groups_count;
	const char *home; /* "/" when there is no entry */
} User;

/* The name of a uid in the text of a passwd file, which is cut to pieces; NULL when it has none. */
const char *user_name_of(char *passwd, uint32_t uid);

/* The highest id in the root's passwd and group files, 0 where there is none. Those of nobody, at the end of the 16-bit ids, do not count. */
int user_find_highest_id(int root_fd, Arena *a, uint32_t *ret, Err *e);

/* Finds supplementary groups that are asked for by name or id in the root's /etc/group and puts them into *ret_gids. ERR_SPEC names
 * one that is unknown. */
int user_find_groups(int root_fd, const StrList *names, Arena *a, const uint32_t **ret_gids,
		     size_t *ret_count, Err *e);

/* text: "", "name", "uid", "name:group", "uid:gid" ...; NULL and "" mean root (0:0). Errors name user or group (ERR_SPEC). */
int user_lookup(int root_fd, const char *text, Arena *a, User *ret, Err *e);
