/* security_option.h - the words of --security-opt.                                            (cli/)
 *
 * A word is "NAME", "NAME=VALUE" or "NAME:VALUE", as docker and podman read it. Each is a row of one table.
 */
#pragma once
#include "engine/run.h"

/* Reads all words into the request; lists grow in the arena. Of seccomp, apparmor, no-new-privileges and proc-opts the last one wins, the
 * others collect. ERR_USAGE for unknown ones and wrong values. */
int security_options_read(const StrList *words, Arena *a, RunRequest *r, Err *e);
