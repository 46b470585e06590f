/* dirs.h - where state and data live.                                                    (engine/)
 *
 * root:           /run/mydocker (this boot) and /var/lib/mydocker (data).
 * ordinary users: $XDG_RUNTIME_DIR/mydocker, without that variable /run/user/UID/mydocker or /tmp/mydocker-UID; and $XDG_DATA_HOME/mydocker,
 *                 without that $HOME/.local/share/mydocker (XDG Base Directory Specification).
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* The directories to use: what was asked for, made absolute, or the defaults above. Nothing is made or opened. */
int dirs_state(const char *asked, Arena *a, const char **ret, Err *e);
int dirs_root(const char *asked, Arena *a, const char **ret, Err *e);
