/* why.h - the verb `why`: what ended or refused a container, in words.                     (engine/, may include all but cli)
 *
 * Theory:    a run that fails leaves what is known about its end (runtime/ended.h), among it the lines of the kernel's log that speak of it.
 *            why_tell() draws conclusions from that, and is pure. Where the kernel does not tell, nothing is guessed: the answer says so.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/ended.h"

/* The failed run that `which` names (an id's beginning or a name; NULL: the last one). */
int engine_why(const char *state_dir, const char *which, Arena *a, Ended *ret, Err *e);

/* What happened, most telling sentence first, then what can be done about it. */
typedef struct Why {
	const char *cause; /* one sentence without a period */
	StrList details;   /* sentences; what the kernel said, in its words */
	StrList advice;
} Why;
void why_tell(const Ended *x, Arena *a, Why *ret);

/* Keeps a run that failed, with what the kernel's log says of it since `since_us` (kmsg_now()): lines with its id or its first process. On a
 * terminal, an end by a signal that nobody passed on is said in one line. Whatever fails here is in the debug log alone. */
void why_remember(const char *state_dir, Ended *x, uint64_t since_us, Arena *a);
