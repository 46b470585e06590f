/* mounts.h - the mounts that criu cannot make anew, and the root in which it makes the others.   (criu/, may include base fmt kern runtime)
 *
 * Theory:    what is bound from outside is external: an image holds its name, and a restore says what is bound there. Names are those that runc
 *            gives, which images hold: the destination with the root's own symbolic links resolved, and /dev/null for
 *            masked files.
 * Runs in:   the command's process; criu_root_make() in a mount namespace of its own, with which all of it goes.
 * Input:     the root is HOSTILE: its paths are resolved by the kernel, in it (kern/path.h).
 */
#pragma once
#include "criu/message.h"
#include "fmt/spec.h"
#include "runtime/plan.h"

/* Of a process of the container: mount point and name of each. */
int criu_mounts_of(int pid, const Spec *s, Arena *a, CriuPairs *ret, Err *e);

/* Name and source of each. */
int criu_mounts_for(const Spec *s, const Plan *p, const HostFacts *f, Arena *a, CriuPairs *ret, Err *e);

/* Shows the root at `dir`, as a mount of its own, with all mount points that the description needs in it and in what is bound there. */
int criu_root_make(const Spec *s, const char *dir, Err *e);
