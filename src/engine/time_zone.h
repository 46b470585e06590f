/* time_zone.h - the option --tz.                                                            (engine/) */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* The host's file for the zone ("Europe/Berlin"; "local": what the host itself has) as a read-only mount on /etc/localtime. ERR_USAGE for
 * a name that is none or that the host does not have. */
int time_zone_mount(const char *zone, Arena *a, SpecMount *ret, Err *e);
