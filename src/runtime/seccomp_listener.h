/* seccomp_listener.h - who decides about system calls in the filter's stead: the action SCMP_ACT_NOTIFY.   (runtime/, may include base fmt kern)
 *
 * Source:    runtime-spec, config-linux.md "Seccomp": listenerPath, "The Container Process State"; seccomp_unotify(2).
 */
#pragma once
#include <sys/types.h>

#include "runtime/plan.h"

/* Sends the listener's descriptor, which stays the caller's, with the container's state to plan->listener_path. state: as
 * PlanInput.hook_state; pid: of the process that has the filter. */
int seccomp_listener_send(const Plan *plan, const char *state, pid_t pid, int listener, Arena *a,
			  Err *e);
