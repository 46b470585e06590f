/* hooks.h - hooks of the runtime's namespaces.                                     (runtime/, may include base fmt kern)
 *
 * Runs in:   the command's process. Those of the container's namespaces are run by init (init/hooks.c).
 * Source:    runtime-spec, config.md "POSIX-platform Hooks", runtime.md "Lifecycle", "State".
 */
#pragma once
#include <sys/types.h>

#include "fmt/json_write.h"
#include "fmt/spec.h"

typedef struct RuntimeHooks {
	const SpecHooks *of_kind;   /* SPEC_HOOK_KINDS of them */
	const char *state;          /* as PlanInput.hook_state */
	const char *output, *error; /* files for what they print; NULL: it is kept for the message */
} RuntimeHooks;

/* annotated: whose annotations may name the files. */
RuntimeHooks runtime_hooks(const SpecHooks *of_kind, const char *state, const Spec *annotated);

/* Opens the files, to be added to; FD_NONE where there is none. The descriptors are the caller's. */
int runtime_hooks_open_files(const RuntimeHooks *h, int *ret_output, int *ret_error, Err *e);

/* The container's state for them, but "status" and "pid", as JSON without its end. */
const char *runtime_hooks_state(const char *id, const char *bundle, const Spec *s, Arena *a);

/* Runs all of a kind, in order; the first that fails ends it: its error names kind and number. pid 0: there is none any more. */
int runtime_hooks_run(const RuntimeHooks *h, SpecHookKind kind, pid_t pid, Arena *a, Err *e);

/* The same for what goes on whatever happens: each failure is a warning. */
void runtime_hooks_run_all(const RuntimeHooks *h, SpecHookKind kind, Arena *a);
