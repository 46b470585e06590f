/* seccomp_file.h - seccomp profiles as files: docker's form, which podman's is nearly the same as.       (fmt/, may include base)
 *
 * It is linux.seccomp of config.json (seccomp.h), and beside it:
 *  - archMap: for each architecture the ones that come with it. Only the entry of this machine's counts. Not together with `architectures`.
 *  - A rule may stand under a condition. `includes`: one of `arches`, all of `caps` and a kernel of at least `minKernel` must be there.
 *    `excludes`: none of them may. A rule whose condition fails is as good as not written.
 *  - `name` for one call, as before docker 1.13; `comment`; podman's `errno` and `defaultErrno`, numbers by name.
 * Input:     the caller's file, which may be anything: strict JSON (json.h), LIMIT_SECCOMP_BYTES.
 * Strict:    a key that is none of these is an error, since a condition or a flag that is not understood makes a filter that lets more
 *            through than was written; docker ignores them, and a profile without any key is no filter there. Keys that begin with
 *            no letter ("$schema", "_note") and `comment` are notes. null is "not given", as Go reads it.
 * Source:    moby profiles/seccomp (seccomp.go, seccomp_linux.go), containers/common pkg/seccomp.
 */
#pragma once
#include "fmt/seccomp.h"

/* What the conditions are asked about. */
typedef struct SeccompFileHost {
	uint64_t caps; /* bit n: the container's bounding set has capability n */
	SyscallArch arch;
	uint32_t kernel_major, kernel_minor; /* 6.1 of "6.1.0-13-amd64" */
} SeccompFileHost;

/* Reads a profile for this host. Errors (ERR_SPEC) name key and line ("syscalls[3].action must be ... (line 40)"); the caller adds the
 * file. All is copied into the arena. SCMP_ACT_NOTIFY and listenerPath are refused: there is nobody to listen. */
int seccomp_file_decode(const char *text, size_t len, const SeccompFileHost *host, Arena *a,
			Seccomp *ret, Err *e);
