/* make.h - making a container from a plan: what `run` and `create` have in common.           (oci/)
 *
 * Theory:    the container's directory is made and locked, and the record written that names all that will be made; only then the rest.
 *            What fails is taken back; what dies is found by `delete`.
 */
#pragma once
#include "base/undo.h"
#include "engine/id_files.h"
#include "oci/container.h"
#include "runtime/parent.h"

typedef struct OciMake {
	OciPlan p;
	Arena *arena;
	State state;
	ContainerDir dir;
	Container container;
	PidFile pid_file;
	bool started;
} OciMake;
#define OCI_MAKE_NONE                            \
	((OciMake){ .state = STATE_NONE,         \
		    .dir = CONTAINER_DIR_NONE,   \
		    .container = CONTAINER_NONE, \
		    .pid_file = PID_FILE_NONE })

void oci_make_close(OciMake *m);
static inline void oci_make_close_auto(OciMake *m)
{
	oci_make_close(m);
}

/* Directory and record. What takes them back is pushed. */
int oci_make_dir(OciMake *m, Undo *undo, Err *e);

/* Groups, process, mounts, and the file with the process's number (pid_file NULL: none). start_fd as in RuntimeStart. */
int oci_make_start(OciMake *m, const char *pid_file, int start_fd, WaitSignals *signals, Undo *undo,
		   Err *e);

/* An option's number of descriptors to be passed on. */
OptParseFn oci_fd_count_parse;
