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

/* The lines of the kernel's log since `since_us` (kmsg_now()) that speak of this container: its id, or its first process. Empty where the log may
 * not be read. */
void why_read_kernel(const char *id, pid_t pid, uint64_t since_us, Arena *a, StrList *ret);
