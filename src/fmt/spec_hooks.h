/* spec_hooks.h - "hooks" of config.json as a structure. A part of spec.h.                   (fmt/, may include base)
 *
 * Ownership: the Spec's arena.
 * Source:    config.md "POSIX-platform Hooks".
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef enum SpecHookKind {
	SPEC_HOOK_PRESTART,
	SPEC_HOOK_CREATE_RUNTIME,
	SPEC_HOOK_CREATE_CONTAINER,
	SPEC_HOOK_START_CONTAINER,
	SPEC_HOOK_POSTSTART,
	SPEC_HOOK_POSTSTOP,
	SPEC_HOOK_KINDS
} SpecHookKind;
const char *spec_hook_kind_name(SpecHookKind kind); /* "createRuntime" */

typedef struct SpecHook {
	const char *path; /* absolute */
	StrList args, env;
	uint32_t timeout; /* seconds; 0: none */
} SpecHook;

typedef struct SpecHooks {
	SpecHook *items;
	size_t count;
} SpecHooks;
