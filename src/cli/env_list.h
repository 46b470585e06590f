/* env_list.h - --env and --env-file: the variables of the container's command.              (cli/)
 *
 * Input:     files are read by option_file.h.
 * Ownership: the list grows in the arena; its strings live there or in argv and the caller's environment.
 * Source:    docker's rules. A line is NAME=VALUE or NAME; what follows '=' is the value as it is (no quotes, no expansion, no comment).
 *            NAME alone takes the caller's value, or is left out when the caller has none.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Merges what is in *ret, files, then variables ("NAME=VALUE" or "NAME" from --env) into *ret as "NAME=VALUE"; later ones come later. A NAME alone that
 * the caller does not have also takes away what came before it. ERR_USAGE names the file and line, or the option's value. */
int env_list_resolve(const StrList *files, const StrList *vars, Arena *a, StrList *ret, Err *e);

/* All variables of the caller, before any other: --env-host. */
void env_list_add_caller(Arena *a, StrList *ret);
