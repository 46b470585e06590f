/* container.h - a container of mydocker-runtime as it is on record.                         (oci/)
 *
 * On disk:   STATE/containers/<id>/  record.json, process.json (runtime/record.h), oci.json (below), config.json as the bundle's was, and
 *            start.fifo while it waits for `start`
 * Locking:   who makes a container holds the flock of its directory until that is done; `run` until the end. `delete` takes it.
 * Crashes:   each file is complete or not there. Without process.json there never was a process; without oci.json little is known,
 *            and it can still be deleted.
 */
#pragma once
#include "base/fd.h"
#include "fmt/json_write.h"
#include "oci/oci.h"
#include "runtime/record.h"
#include "runtime/state.h"

#define OCI_START_FIFO "start.fifo"

typedef enum OciStatus {
	OCI_CREATING,
	OCI_CREATED,
	OCI_RUNNING,
	OCI_PAUSED,
	OCI_STOPPED
} OciStatus;
const char *oci_status_name(OciStatus s);

typedef struct OciContainer {
	const char *id;
	State state;
	int dir_fd;
	OciStatus status;
	pid_t pid; /* 0 when stopped */
	int pidfd; /* of a process that lives */
	Record record;
	const char *bundle, *rootfs, *created, *owner; /* "" when not known */
	bool has_hooks; /* poststart or poststop, in its description */
} OciContainer;
#define OCI_CONTAINER_NONE \
	((OciContainer){ .state = STATE_NONE, .dir_fd = FD_NONE, .pidfd = FD_NONE })

void oci_container_close(OciContainer *c);
static inline void oci_container_close_auto(OciContainer *c)
{
	oci_container_close(c);
}

/* -ENOENT (ERR_NOT_FOUND): there is no such container. */
int oci_container_open(const OciGlobal *g, const char *id, Arena *a, OciContainer *ret, Err *e);

/* The ids of all, in the alphabet's order. No directory is as good as an empty one, unless it was asked for. */
int oci_container_ids(const OciGlobal *g, Arena *a, StrList *ret, Err *e);

/* Whether its oci.json can be read: 0 also when there is none. */
int oci_container_read(int dir_fd, Arena *a, Err *e);

/* The description that it was made from. */
int oci_container_spec(const OciContainer *c, Arena *a, Spec *ret, Err *e);

/* A group that tells of all its processes; NULL: it has none. */
const char *oci_container_group(const OciContainer *c);

/* The group by which it is frozen; NULL: it has none. */
const char *oci_container_freezer(const OciContainer *c);

/* In the user namespace of its process, user_namespaces(7): that is what counts there. */
bool oci_container_denies_setgroups(const OciContainer *c, Arena *a);

/* Of one in a user namespace that was there before: its maps, into its description. Where that was may lead elsewhere by now, so they are those
 * of its process. */
int oci_container_maps(const OciContainer *c, Spec *s, Arena *a, Err *e);

/* Writes oci.json and config.json of a new one. */
int oci_container_save(int dir_fd, const OciPlan *p, Arena *a, Err *e);

/* The state as runtime.md has it, with what runc adds, as a value of its own. */
void oci_container_write(const OciContainer *c, JsonWriter *w);
