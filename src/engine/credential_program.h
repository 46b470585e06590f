/* credential_program.h - programs that keep passwords for docker: docker-credential-NAME.       (engine/, may include all but cli)
 *
 * Theory:    executed with one word, "get", "store" or "erase"; what it is about goes to its standard input, what it says comes from its standard
 *            output, an error, too, when it ends with something else than 0. Source: docker-credential-helpers' README.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* -ENOENT: it knows none. Of a user "<token>" the secret is an identity token. */
int credential_program_get(const char *name, const char *server, Arena *a,
			   const char **ret_username, const char **ret_secret, Err *e);
int credential_program_store(const char *name, const char *server, const char *username,
			     const char *secret, Arena *a, Err *e);
int credential_program_erase(const char *name, const char *server, Arena *a, Err *e);
