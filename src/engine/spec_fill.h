/* spec_fill.h - from the options of `run` to the OCI structure that the runtime plans from.   (engine/)
 *
 * Runs in:   the engine, before anything is made. Each part fills its members of the Spec; spec_fill() is the order.
 * Input:     option strings come from the user; the root's files (passwd, group) are HOSTILE: read by user.c under limits.
 * Ownership: the Spec lives in the context's arena.
 */
#pragma once
#include "engine/run.h"
#include "engine/user.h"
#include "engine/userns.h"
#include "fmt/spec.h"
#include "runtime/facts.h"

typedef struct RunContext {
	const RunRequest *request;
	const HostFacts *facts;
	Arena *arena;
	const char *id;            /* 64 digits */
	const char *container_dir; /* holds hosts, hostname, resolv.conf */
	const char *overlay_dir;   /* where a throw-away layer goes on disk */
	const char *hostname;      /* as seen inside */
	const char *root_path;     /* absolute, resolved */
	SpecRootKind root_kind;
	int root_fd; /* the root directory, or its lower layer */
	const char *root_idmap; /* "idmap", perhaps with a value: by which ids the root's files show; NULL: as they are */
	User user;     /* resolved in the root */
	Userns userns; /* what was asked about ids */
	UsernsIds ids; /* none: no user namespace of its own */
} RunContext;

/* Fills the whole structure; *ret is initialised first. */
int spec_fill(const RunContext *c, Spec *ret, Err *e);

/* The parts, one file each. */
int spec_fill_process(const RunContext *c, Spec *s, Err *e);    /* spec_process.c */
int spec_fill_privileges(const RunContext *c, Spec *s, Err *e); /* spec_privileges.c */
int spec_fill_mounts(const RunContext *c, Spec *s, Err *e);     /* spec_mounts.c */
int spec_fill_linux(const RunContext *c, Spec *s, Err *e); /* spec_linux.c: namespaces, id maps, devices */
int spec_fill_resources(const RunContext *c, Spec *s, Err *e); /* spec_resources.c: limits and groups */

void spec_fill_masks(const RunContext *c, Spec *s); /* spec_masks.c: masked and read-only paths */

/* True when --security-opt unmask covers this path. */
bool run_is_unmasked(const RunContext *c, const char *path);

/* True when the container shares the host's namespace of this kind: --pid, --ipc, --uts, --network. */
bool run_shares(const char *option);
bool run_has_userns(const RunContext *c);

/* True when the container's root is not the host's: its own user namespace, or the one we are in ourselves, is not the first. */
bool run_is_inner(const RunContext *c);
