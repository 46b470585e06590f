/* subids.h - which ids of this host somebody may give away: /etc/subuid and /etc/subgid, subuid(5).   (engine/)
 *
 * Input:     files of the host's administrator, trusted as such, but read strictly: newuidmap(1) and the kernel would refuse what makes
 *            no sense, and say less about it. There is no name service in a static program: names come from /etc/passwd alone.
 * Ownership: everything lives in the arena.
 */
#pragma once
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id_range.h"

/* The texts; "" for a file that does not exist. */
typedef struct SubidFiles {
	const char *passwd, *subuid, *subgid;
	const char *uid_map, *gid_map; /* of this process: the ids that there are here */
} SubidFiles;

enum {
	SUBID_FILES_RANGES = 1 << 0, /* passwd, subuid, subgid */
	SUBID_FILES_MAPS = 1 << 1,   /* uid_map, gid_map */
};

/* Reads those that are wanted; the others are "". root is "" in the product; tests give a directory that holds fake etc/ and proc/. */
int subid_files_read(const char *root, unsigned what, Arena *a, SubidFiles *ret, Err *e);

/* The name of a user of this host, or NULL. */
const char *subids_user_name(const SubidFiles *f, uint32_t uid, Arena *a);

/* The ranges in text that stand behind name (may be NULL) or number, sorted, empty where there are none. file is for messages. ERR_STATE:
 * a line of theirs makes no sense, or two of them overlap. */
int subids_find(const char *text, const char *file, const char *name, const char *number, Arena *a,
		IdRanges *ret, Err *e);
