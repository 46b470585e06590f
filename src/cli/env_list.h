/* env_list.h - --env and --env-file: the variables of the container's command.              (cli/)
 *
 * Input:     env files are the caller's own; still: regular files only (a FIFO would block, a device never end), limited size.
 * Ownership: the list grows in the arena; its strings live there or in argv and the caller's environment.
 * Source:    docker's rules. A line is NAME=VALUE or NAME; blank lines and those beginning with '#' are skipped, white space before
 *            the name is cut, what follows '=' is the value as it is (no quotes, no expansion, no comment), a final CR is cut. NAME
 *            alone takes the caller's value, or is left out when the caller has none.
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

/* One file's text, len bytes; `file` is for messages. Split off for tests. */
int env_list_read_text(const char *text, size_t len, const char *file, Arena *a, StrList *ret, Err *e);
