/* exec.h - finding a command and becoming it, and why that failed in words.                  (kern/, may include base)
 *
 * Runs in:   the process that is to become the command, also after clone: nothing here allocates.
 * Input:     what the command's name leads to may be HOSTILE: of it the first bytes of regular files are read, with bounds.
 */
#pragma once
#include "base/err.h"

/* argv and envp are execve(2)'s. A name without '/' is looked for in the PATH of envp, as by execvp(3). place: " in the container" or "",
 * for messages. Returns only on failure: ERR_CMD_MISSING, ERR_CMD_INVOKE. */
int exec_command(char *const *argv, char *const *envp, const char *place, Err *e);

/* Whether it could find the command, with its errors; what the kernel makes of the file is not known by that. */
int exec_find(const char *name, char *const *envp, const char *place, Err *e);

/* Fills *e with why execve(2) of path failed with `number`. Returns its negative errno. */
int exec_why(const char *path, int number, const char *place, Err *e);
