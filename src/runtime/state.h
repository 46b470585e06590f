/* state.h - the directory in which running containers are on record.                  (runtime/, may include base fmt kern)
 *
 * On disk:   STATE/containers/<id>/   record.json, process.json, hosts ... one directory for each container, mode 0700
 *            STATE/names/<name>       a symbolic link whose text is the id: taken by symlink(2), which is atomic
 * Locking:   whoever runs a container holds an exclusive flock on its directory; the kernel lets go when that process is gone. A
 *            directory whose lock is free belongs to nobody and may be swept (sweep.h). Readers take no lock. Taking and giving back a
 *            name hold a flock on names/, for as long as that takes; choosing ids that no other container has one on containers/, until the record
 *            with them is written.
 * Crashes:   record.json is complete before anything it names is made. Everything here is for this boot only: no fsync.
 * Ownership: State and ContainerDir own their descriptors; strings live in the caller's arena.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"

typedef struct State {
	const char *path; /* absolute */
	int containers_fd, names_fd;
} State;
#define STATE_NONE ((State){ .containers_fd = FD_NONE, .names_fd = FD_NONE })

typedef struct ContainerDir {
	const char *id;
	const char *path; /* absolute */
	int fd;           /* holds the flock */
	bool is_kept; /* something that the record names could not be taken back: the sweep of the next command goes on from it */
} ContainerDir;
#define CONTAINER_DIR_NONE ((ContainerDir){ .fd = FD_NONE })

/* Opens the state directory, making it (0700, parents 0755) when it is missing. A directory that belongs to somebody else or that
 * others may write is refused: -EPERM. */
int state_open(const char *path, Arena *a, State *ret, Err *e);
static inline bool state_is_open(const State *s)
{
	return s->containers_fd >= 0;
}
void state_close(State *s);
static inline void state_close_auto(State *s)
{
	state_close(s);
}

/* Makes and locks the directory of a new container. -EEXIST (ERR_EXISTS) when the id is taken. */
int state_add(State *s, const char *id, Arena *a, ContainerDir *ret, Err *e);

/* Locks the directory of an existing container: -EBUSY when somebody holds it, -ENOENT when it is gone; both without a message. */
int state_lock(State *s, const char *id, Arena *a, ContainerDir *ret, Err *e);

/* Removes a container's directory with all in it, and lets the lock go. What cannot be removed is an error, ENOENT is not. */
int state_remove(State *s, ContainerDir *d, Err *e);

/* Closes the directory, which lets the lock go; what is in it stays. */
void container_dir_close(ContainerDir *d);
static inline void container_dir_close_auto(ContainerDir *d)
{
	container_dir_close(d);
}

/* From looking which ids others have until one's own are on record nobody else may choose. The lock also goes with the State. */
int state_ids_lock(State *s, Err *e);
void state_ids_unlock(State *s);

/* Takes a name for an id. -EEXIST when it is taken; *ret_holder is then the id that has it ("" when it is just being given back). No
 * message. */
int state_name_take(State *s, const char *name, const char *id, Arena *a, const char **ret_holder);

/* Gives a name back if it is this id's; that of another one stays, and none is as good. -errno without a message. */
int state_name_give(State *s, const char *name, const char *id);
