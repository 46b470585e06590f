/* confine.h - takes from this process all but what a layer needs: what it reads is hostile.     (unpack/, may include base fmt kern)
 *
 * Runs in:   the unpacker, while it has one thread. What is opened before stays open: the blob, and where it is kept.
 * Threat:    a mistake in what inflates or in what reads the archive. Then: the tree is the root of all paths, in a mount namespace of its own,
 *            without devices that work; no network; of capabilities those that owners, modes, nodes and attributes take; a filter that lets
 *            through what files and memory need.
 */
#pragma once
#include <stdbool.h>

#include "base/err.h"

/* tree: the folder. Makes it "/" and returns a descriptor of it, the caller's. as_user: trusted attributes are not needed. */
int confine_to(int tree, bool as_user, int *ret_root, Err *e);

/* The filter, once nothing else is to be set up; threads may be made after it. */
int confine_calls(Err *e);
