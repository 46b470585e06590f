/* dirs.h - where state and data live.                                                    (engine/)
 *
 * root:           /run/mydocker (this boot) and /var/lib/mydocker (data).
 * ordinary users: $XDG_RUNTIME_DIR/mydocker, without that variable /run/user/UID/mydocker or /tmp/mydocker-UID; and $XDG_DATA_HOME/mydocker,
 *                 without that $HOME/.local/share/mydocker (XDG Base Directory Specification).
 * unshare:        who is root in a user namespace has those of $MYDOCKER_STATE and $MYDOCKER_ROOT, which `unshare` sets: he is the user still.
 * configuration:  /etc/mydocker/config.json, and $XDG_CONFIG_HOME/mydocker/config.json, without that variable $HOME/.config/mydocker/config.json.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define DIRS_ENV_STATE "MYDOCKER_STATE"
#define DIRS_ENV_ROOT  "MYDOCKER_ROOT"

/* The directories to use: what was asked for, made absolute, or the defaults above. Nothing is made or opened. */
int dirs_state(const char *asked, Arena *a, const char **ret, Err *e);
int dirs_root(const char *asked, Arena *a, const char **ret, Err *e);

/* The user's own configuration file, root's, too. NULL when nothing says where it is, or when the environment is not to be believed:
 * we came to our privileges by a set-user-id bit or by capabilities of the file. */
const char *dirs_user_config(Arena *a);
