/* prompt.h - asking the user at his terminal.                                                    (cli/) */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

#define PROMPT_BYTES 4096 /* of an answer: what a terminal holds of a line, termios(3) */

/* Prints the question and reads a line from standard input, which is a terminal; hidden: what is typed does not show. The terminal is as before
 * afterwards, also when a signal ends it. ERR_STATE: that, or the end of the input. */
int prompt_line(const char *question, bool hidden, Arena *a, const char **ret, Err *e);

/* All of standard input, without the newline at its end, as --password-stdin has it. */
int prompt_read_all(Arena *a, const char **ret, Err *e);
