/* volume_prepare.h - what is done to the host's files before a container starts: bind-create-src and "U".   (engine/)
 *
 * Runs in:   the engine, when everything is planned, just before the start. What is done stays, whatever becomes of the container: the files
 *            are the user's.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* Makes sources that are missing and may be made (0755), and gives those that are to be given to the command's user, as the host knows
 * it. Directories of the system are never given away. a: for what is needed meanwhile. */
int volumes_prepare(const Spec *s, Arena *a, Err *e);
