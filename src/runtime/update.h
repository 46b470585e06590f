/* update.h - new limits for a container that lives.                          (runtime/, may include base fmt kern)
 *
 * Runs in:   any process with the rights to the container's groups. Nothing is said to the container.
 * Limits:    what is given is changed, what is not stays. Either all is set, or nothing (kern/cgroup_update.h).
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fmt/spec_resources.h"
#include "runtime/record.h"

/* of: the container's record, which has its groups and its unit. ERR_SPEC: the limits contradict each other or what is set, or have no
 * controller there. Systemd is told last, after the kernel has taken all; it is asked whether it listens before. */
int runtime_update(const Record *of, const SpecResources *r, Arena *a, Err *e);
