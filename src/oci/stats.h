/* stats.h - what a container has used, as runc's `events` tells it.                          (oci/) */
#pragma once
#include "fmt/json_write.h"
#include "oci/container.h"

/* The object "data". What no controller counts is zero or left out, as with runc. */
void oci_stats_write(const OciContainer *c, JsonWriter *w, Arena *a);

/* The object "intel_rdt" in it. */
void oci_stats_rdt_write(const OciContainer *c, JsonWriter *w, Arena *a);

/* Its group with this file; NULL: none has it. */
const char *oci_stats_group(const OciContainer *c, const char *file);
