/* idmap_option.h - the strings of --uidmap and --gidmap.                                  (engine/) */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* "CONTAINER:HOST[:SIZE]", size 1 when it is left out. option names it in errors (ERR_USAGE). */
int idmap_option_parse(const char *option, const char *text, Arena *a, SpecIdMap *ret, Err *e);
