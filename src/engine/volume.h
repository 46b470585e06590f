/* volume.h - the strings of -v and --tmpfs.                                               (engine/)
 *
 * Pure functions: text in, OCI mounts out; whether a source exists is for init to find. Errors are ERR_USAGE and name the string.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* "SRC:DST[:OPTION[,OPTION]]": SRC is absolute, or begins with '.' and is taken from cwd (absolute);
 * options are rw, ro, z and Z (no SELinux: without effect). Named and anonymous volumes are refused by name. */
int volume_parse(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e);

/* "/path[:OPTION[,OPTION]]", docker's defaults noexec, nosuid and nodev first (without nodev on /dev). */
int tmpfs_parse(const char *text, Arena *a, SpecMount *ret, Err *e);
