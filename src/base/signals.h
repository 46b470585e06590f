/* signals.h - names and numbers of signals.                                                 (base/, used by all)
 *
 * Numbers of real-time signals are those of glibc and docker (RTMIN 34, RTMAX 64) with whatever libc we are built: SIGRTMIN of musl
 * is 35, since it keeps one more for itself, but "RTMIN+3" means the same number in every container.
 * Source: signal(7); the runtime specification's stop signals.
 */
#pragma once

#define SIGNAL_RT_MIN 34
#define SIGNAL_MAX    64 /* _NSIG of the kernel, also RTMAX */

/* "TERM", "SIGTERM", "term", "15", "RTMIN+3", "SIGRTMAX-1" -> 1 to 64; -EINVAL for anything else ("0" too). */
int signal_from_name(const char *name);

/* "SIGTERM", "SIGRTMIN+3"; "SIG32" and "SIG33" for the two without a name; NULL when n is not 1 to 64. */
const char *signal_name(int n);
