/* id_files.h - the files that get an id or a pid.                                              (engine/)
 *
 * Runs in:   the engine; both are made before the start, so that what cannot be written ends it early. They stay after the end, as
 *            docker's and podman's do.
 * Input:     paths of the caller's, from the current directory.
 */
#pragma once
#include <sys/types.h>

#include "base/err.h"
#include "base/fd.h"

/* The file must not exist yet: who waits for it must not find another container's id. */
int cid_file_make(const char *path, const char *id, Err *e);

typedef struct PidFile {
	const char *path; /* NULL: none */
	int fd;
	bool is_new;
} PidFile;
#define PID_FILE_NONE ((PidFile){ .fd = FD_NONE })

/* Opens the file, which may exist; what it holds stays until there is a pid. */
int pid_file_open(const char *path, PidFile *ret, Err *e);
int pid_file_write(PidFile *f, pid_t pid, Err *e); /* the number alone, without a newline */
void pid_file_close(PidFile *f);
static inline void pid_file_close_auto(PidFile *f)
{
	pid_file_close(f);
}
