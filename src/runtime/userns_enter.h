/* userns_enter.h - this process itself goes into a user namespace of its own.                (runtime/, may include base fmt kern)
 *
 * Runs in:   the process that is to become a command afterwards: who makes the namespace is in it with every capability, and what follows by
 *            execve(2) is the command in place, with the caller's terminal, signals, parent and exit code.
 * Theory:    maps are written from outside. So a child is left outside first; told that the namespace is there, it has the maps written,
 *            answers with its Err, and has been awaited when userns_enter() returns.
 * Left over: nothing: both ends see the other's death, and namespaces end with who is in them.
 */
#pragma once
#include "runtime/userns_maps.h"

/* Goes into a new user namespace and a new mount namespace, which what is mounted inside does not leave. After a failure the process
 * may be in them without maps: it is only fit to end. */
int userns_enter(const UsernsMaps *m, Arena *a, Err *e);
