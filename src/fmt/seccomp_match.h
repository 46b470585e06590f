/* seccomp_match.h - a rule's conditions: reduced to an architecture's width, compared and ordered.         (fmt/, private to seccomp_*.c)
 *
 * Source:    libseccomp 2.5.4, whose order of conditions is a promise to the profiles written for it.
 */
#pragma once
#include "fmt/seccomp_filter.h"

/* The conditions args[0..count) as one match; ones that are always true (MASKED_EQ without a mask) are left out. */
void seccomp_match_make(const SeccompArg *args, size_t count, bool wide, uint32_t verdict,
			SeccompMatch *ret);

/* Puts a test of argument 0 for `value` in the place of whatever m tested there. */
void seccomp_match_force(SeccompMatch *m, uint64_t value);

/* Below 0: a is tried before b; 0: in the order of their rules. */
int seccomp_match_order(const SeccompMatch *a, const SeccompMatch *b);

/* True when both have the very same conditions. */
bool seccomp_match_same(const SeccompMatch *a, const SeccompMatch *b);
