/* option_file.h - files that hold one value of an option a line: --env-file, --label-file.                 (cli/)
 *
 * Input:     the caller's own files; still: regular files only (a FIFO would block, a device never end), limited size.
 * Ownership: lines live in the arena.
 * Source:    docker's rules. Blank lines and those beginning with '#' are skipped, white space before the line is cut, a final CR is cut. A
 *            line is KEY or KEY=VALUE; KEY has no white space in it.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Adds the lines of one file to *ret. `what` ("env") is for messages: ERR_USAGE names file and line. */
int option_file_read(const char *what, const char *file, Arena *a, StrList *ret, Err *e);
