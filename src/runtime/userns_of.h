/* userns_of.h - the id maps of a user namespace that is there.                        (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent. The kernel tells a namespace's maps by a process that is in it, so a child goes there for as long as that takes.
 */
#pragma once
#include "fmt/spec.h"

/* Puts the maps of the namespace at path, as seen from ours, into uid_mappings and gid_mappings of l. Such as are there already must be the
 * same: ERR_SPEC. */
int userns_of(const char *path, SpecLinux *l, Arena *a, Err *e);
