/* rlimits.h - names of resource limits.                                                     (base/, used by all)
 *
 * Source: getrlimit(2); config.md "rlimits" and docker's --ulimit use the same names, upper case with RLIMIT_ and lower case without.
 */
#pragma once

#define RLIMIT_NAME_COUNT 16

/* "nofile", "RLIMIT_NOFILE", "NoFile" -> RLIMIT_NOFILE; -ENOENT for anything else. */
int rlimit_from_name(const char *name);

/* "RLIMIT_NOFILE"; NULL when the resource is none of the table. */
const char *rlimit_name(int resource);
