/* parent_reach.h - what init cannot reach in a new user namespace, and the parent can.        (runtime/, may include base fmt kern wire)
 *
 * Theory:    init opens root and sources with the ids of the caller, but the kernel gives it no say over files of ids that its namespace
 *            does not map: a folder with mode 0700 of another user is closed to it, root or not. The parent makes these copies.
 */
#pragma once
#include "kern/wait_signals.h"
#include "runtime/parent_idmap.h"

/* Adds to *m, which is the caller's to close, what the plan names and only privilege reaches. A signal ends the wait for a file system
 * that does not answer: errors of wait_signals_readable(). */
int reach_copies_make(const Plan *p, WaitSignals *signals, Arena *a, Idmaps *m, Err *e);
