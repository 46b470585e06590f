/* login.h - the verbs `login` and `logout`: credentials that a registry takes are kept.        (engine/, may include all but cli)
 *
 * On disk:   registry_config.h says where.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/registry_config.h"

/* Asks the registry, then keeps them. -EACCES: it does not take them, and nothing is changed. ret_where: the file's name. */
int engine_login(const RegistryOptions *o, const char *domain, const RegistryLogin *login, Arena *a,
		 const char **ret_where, Err *e);

/* ret_was: there were some. */
int engine_logout(const RegistryOptions *o, const char *domain, Arena *a, bool *ret_was, Err *e);
