/* userns_why.h - why a user namespace cannot be had: the kernel says EPERM for a dozen reasons.   (runtime/, may include base)
 *
 * Runs in:   the parent, on a failure only. Reads sysctls and tells which of them it was.
 * root:      "" in the product; tests give a directory that holds a fake proc/.
 */
#pragma once
#include "base/err.h"

/* clone3(2) with CLONE_NEWUSER failed with r, as *e says. Says more in *e where something is found; returns r. */
int userns_why_not_made(const char *root, int r, Err *e);

/* It was made without privilege, and what its first process was about to do failed with r. */
int userns_why_powerless(const char *root, int r, Err *e);
