/* out.h - what a command prints: standard output, through one buffer, with every failed write noticed.   (cli/)
 *
 * Errors and warnings never come through here: main prints errors once, base/log.h the warnings.
 * Ownership: an Out is a value on its user's stack; out_flush() must be its last call.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct Out {
	int fd; /* standard output, or standard error where that is the command's */
	size_t used;
	int failed; /* a negative errno of an earlier write; nothing more is written then */
	bool colour;
	unsigned width; /* columns to wrap at; 0: not a terminal, do not wrap */
	char buf[4096];
} Out;

/* Looks at standard output: colour only on a terminal, when NO_COLOR is unset or empty and TERM is not "dumb" (no-color.org). */
void out_init(Out *o);
void out_init_error(Out *o); /* the same for standard error */

void out_bytes(Out *o, const char *bytes, size_t len);
void out_text(Out *o, const char *s);
void out_spaces(Out *o, size_t n);
void out_format(Out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); /* at most 1 KiB, longer is cut */

/* Text in bold, where colour is on. */
void out_bold(Out *o, const char *s);

/* Text in lines of at most `width` columns (0: one line) that begin at column `indent`; the first is assumed to stand there. No
 * newline at the end. Words longer than a line are not broken. */
void out_wrapped(Out *o, const char *text, size_t indent, size_t width);

/* Writes what is left. ERR_SYS when this or an earlier write failed. */
int out_flush(Out *o, Err *e);
