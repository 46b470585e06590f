/* volume.h - the strings of -v and --tmpfs, and what they have in common with --mount.       (engine/)
 *
 * Pure functions: text in, OCI mounts out; whether a source exists is for init to find. Errors are ERR_USAGE and name the string.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* "SRC:DST[:OPTION[,OPTION]]": SRC is absolute, or begins with '.' and is taken from cwd (absolute); options are those of
 * volume_words.h. Named and anonymous volumes are refused by name. */
int volume_parse(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e);

/* "/path[:OPTION[,OPTION]]", docker's defaults noexec, nosuid and nodev first (without nodev on /dev). Of contradicting options the last
 * one wins, as for docker. */
int tmpfs_parse(const char *text, Arena *a, SpecMount *ret, Err *e);

/* For all of them; errors do not name the text, callers add it. */
int volume_source(const char *src, const char *cwd, Arena *a, const char **ret, Err *e);
int volume_target(const char *dst, Arena *a, const char **ret, Err *e);
void tmpfs_defaults_add(Arena *a, SpecMount *m);
