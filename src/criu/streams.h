/* streams.h - what a container's standard streams are to criu.                          (criu/, may include base fmt kern)
 *
 * Theory:    a stream that leads out of the container (a pipe of its caller, a file or device of the host) cannot be made anew: on dump criu
 *            is told which these are, on restore by which descriptors of the new caller they are replaced.
 * On disk:   IMAGES/descriptors.json, an array of three strings, as runc and others write and read it: "pipe:[INODE]", or, of our own,
 *            "file[MOUNT:INODE]" in hexadecimal; anything else means nothing here.
 * Source:    criu.org, "Inheriting FDs on restore", "External files".
 */
#pragma once
#include "criu/message.h"

/* Of a process: writes the file, and adds to `external` what criu has to know. */
int criu_streams_save(int pid, int images_fd, Arena *a, StrList *external, Err *e);

/* From the file: which of our standard streams take whose place. */
int criu_streams_load(int images_fd, Arena *a, CriuFds *ret, Err *e);
