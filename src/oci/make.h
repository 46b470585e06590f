/* make.h - making a container from a plan: what `run` and `create` have in common.           (oci/)
 *
 * Theory:    the container's directory is made and locked, and the record written that names all that will be made; only then the rest.
 *            What fails is taken back; what dies is found by `delete`.
 */
#pragma once
#include "base/undo.h"
#include "engine/id_files.h"
#include "oci/container.h"
#include "oci/notify.h"
#include "runtime/parent.h"

/* First member of the options of a command that refers to oci_make_opts. */
typedef struct OciMakeOpts {
	OciBundle bundle;
	const char *pid_file;
	bool no_pivot, no_new_keyring;
	int64_t preserve_fds;
} OciMakeOpts;
extern const Opt oci_make_opts[];
int oci_fd_count_parse(const char *text, int64_t *ret, Err *e);

typedef struct OciMake {
	OciPlan p;
	Arena *arena;
	State state;
	ContainerDir dir;
	Container container;
	RuntimeHooks hooks;
	const RuntimeMaker *maker; /* NULL: init makes the container */
	unsigned keep_fds;         /* so many from 3 on are the command's */
	PidFile pid_file;
	OciNotify notify;
	bool is_kept; /* with its end it stays on record, and so do its groups */
	bool lives; /* there is a process; who leaves it to others, or has awaited its end, says no more of it */
	int exit_code;
} OciMake;
#define OCI_MAKE_NONE                            \
	((OciMake){ .p = OCI_PLAN_NONE,          \
		    .state = STATE_NONE,         \
		    .dir = CONTAINER_DIR_NONE,   \
		    .container = CONTAINER_NONE, \
		    .notify = OCI_NOTIFY_NONE,   \
		    .pid_file = PID_FILE_NONE })

void oci_make_close(OciMake *m);
static inline void oci_make_close_auto(OciMake *m)
{
	oci_make_close(m);
}

/* oci_plan() by these options; m->arena is set. */
int oci_make_plan(OciMake *m, const OciGlobal *g, const OciMakeOpts *o, const char *id, Err *e);

/* Directory and record. What takes them back is pushed. */
int oci_make_dir(OciMake *m, Undo *undo, Err *e);

/* Ends what is left of it, and takes its groups back. With signals it is awaited first, and its code is then in exit_code. */
int oci_make_finish(OciMake *m, const WaitSignals *signals, Err *e);

/* Groups, process, mounts, and the file with the process's number (pid_file NULL: none). start_fd as in RuntimeStart.
 * What takes them back is pushed. */
int oci_make_start(OciMake *m, const char *pid_file, int start_fd, WaitSignals *signals, Undo *undo,
		   Err *e);
