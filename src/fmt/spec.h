/* spec.h - a container's description: the OCI runtime specification's config.json as a structure.   (fmt/, may include base)
 *
 * Two doors lead here: `mydocker run` fills it from options (engine), spec_decode() reads it from JSON. Both go through the same plan.
 * Input:     config.json is HOSTILE: strict JSON (json.h), LIMIT_CONFIG_BYTES, every known but unsupported key refused by name, every
 *            unknown key ignored as config.md ("Extensibility") demands.
 * Ownership: a Spec and all it points to live in the arena it was made in; strings are NUL-terminated without NUL inside.
 * Source:    runtime-spec 1.3 config.md and config-linux.md; member names are the keys' names in snake case.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fmt/spec_hooks.h"
#include "fmt/spec_process.h"
#include "fmt/spec_resources.h"

#define SPEC_OCI_VERSION "1.3.0" /* the specification's that is meant throughout */

typedef struct Seccomp Seccomp;               /* fmt/seccomp.h */
typedef struct SeccompProgram SeccompProgram; /* fmt/seccomp.h */

typedef struct SpecPair { /* an annotation, a label */
	const char *key, *value;
} SpecPair;

typedef struct SpecIdMap {
	uint32_t container_id, host_id, size;
} SpecIdMap;

typedef struct SpecMount {
	const char *destination; /* absolute (1.3 lets Linux take a relative one from "/"; the decoder makes it absolute) */
	const char *type;   /* NULL: a bind */
	const char *source; /* may be NULL */
	StrList options;
	bool throw_away; /* a throw-away layer in memory over the folder `source`; the type is "overlay" (engine only) */
	bool create_source; /* make the folder, if it is missing, before anything starts (engine only) */
	bool chown_source; /* give it and all in it to the command's user before anything starts (engine only) */
	SpecIdMap *uid_mappings,
		*gid_mappings; /* of an id-mapped bind: ids of its files to ids of the host */
	size_t uid_mappings_count,
		gid_mappings_count; /* 0: the option "idmap" means those of the container */
} SpecMount;

typedef struct SpecDevice {
	const char *path;
	char type; /* 'c', 'b', 'u' (as 'c') or 'p' */
	uint32_t major, minor;
	uint32_t mode; /* permission bits; default 0666 */
	uint32_t uid, gid;
} SpecDevice;

/* What the root directory is made of. config.json can only say ROOT_DIRECTORY; the other two are the engine's. */
typedef enum SpecRootKind {
	ROOT_DIRECTORY, /* root.path itself */
	ROOT_OVERLAY,   /* a throw-away overlay over root.path */
	ROOT_HOST, /* the host's own tree seen copy-on-write: an overlay over / and over each mount below it */
} SpecRootKind;

typedef struct SpecRoot {
	SpecRootKind kind;
	const char *path; /* absolute on the host */
	bool readonly;
	const char *overlay_dir; /* ROOT_OVERLAY: holds upper/ and work/ on disk; NULL: the upper layer lives in memory */
	const char *idmap; /* "idmap" or "idmap=uids=...;gids=...", as the option of a mount; NULL: none (engine only) */
} SpecRoot;

enum { /* bits of SpecLinux.namespaces: a namespace of this kind that is not the runtime's */
       SPEC_NS_PID = 1 << 0,
       SPEC_NS_NETWORK = 1 << 1,
       SPEC_NS_MOUNT = 1 << 2,
       SPEC_NS_IPC = 1 << 3,
       SPEC_NS_UTS = 1 << 4,
       SPEC_NS_USER = 1 << 5,
       SPEC_NS_CGROUP = 1 << 6,
       SPEC_NS_TIME = 1 << 7,
       SPEC_NS_COUNT = 8,
};

/* The name of the bit's type in config.json, "network". */
const char *spec_namespace_name(unsigned bit);

typedef struct SpecSysctl {
	const char *key, *value;
} SpecSysctl;

typedef struct SpecTimeOffset {
	bool given;
	int64_t secs;
	uint32_t nanosecs;
} SpecTimeOffset;

typedef struct SpecLinux {
	unsigned namespaces;                        /* SPEC_NS_* */
	const char *namespace_paths[SPEC_NS_COUNT]; /* by the number of the bit: one to be joined; NULL: a new one */
	SpecTimeOffset offset_monotonic, offset_boottime; /* of a new time namespace */
	SpecIdMap *uid_mappings, *gid_mappings;
	size_t uid_mappings_count, gid_mappings_count;
	SpecSysctl *sysctl;
	size_t sysctl_count;
	const char *cgroups_path; /* NULL: /mydocker/<id> */
	bool no_cgroups; /* none is made; the container stays in its maker's (engine only) */
	SpecResources resources;
	SpecDevice *devices; /* besides the default ones */
	size_t devices_count;
	const Seccomp *seccomp;                /* NULL: none */
	const SeccompProgram *seccomp_program; /* a filter that is compiled already, in its stead (engine only) */
	StrList masked_paths, readonly_paths;
	bool has_personality;
	uint32_t personality; /* for personality(2) */
	uint64_t root_propagation; /* MS_SHARED etc., perhaps with MS_REC, of the root's mount; 0: not given, private */
	SpecNetDevice *net_devices;
	size_t net_devices_count;
	SpecIntelRdt intel_rdt;
	SpecMemoryPolicy memory_policy;
	const char *mount_label; /* SELinux context of the mounts that are made; NULL: none is set */
	bool mount_label_of_root; /* of their root directories alone, what is made in them gets its own (engine only) */
} SpecLinux;

typedef struct Spec {
	const char *oci_version;
	SpecProcess process;
	SpecRoot root;
	const char *hostname, *domainname; /* NULL: the host's */
	SpecMount *mounts;
	size_t mounts_count;
	SpecPair *annotations;
	size_t annotations_count;
	SpecHooks hooks[SPEC_HOOK_KINDS];
	SpecLinux linux_; /* "linux" is a macro of some compilers */
} Spec;

/* A Spec in which nothing is given: limits SPEC_UNSET, no namespaces, cwd "/". */
void spec_init(Spec *s);

/* The value of an annotation; NULL: there is none. */
const char *spec_annotation(const Spec *s, const char *key);

/* Reads a list as "mounts" of config.json has it. */
int spec_decode_mounts(const char *text, size_t len, Arena *a, SpecMount **ret, size_t *ret_count,
		       Err *e);

/* Reads config.json's text. Errors (ERR_SPEC) name the key by its path ("process.user.uid") and, for JSON itself, line and column.
 * Strings and lists are copied into the arena; text may go away. */
int spec_decode(const char *text, size_t len, Arena *a, Spec *ret, Err *e);
