/* unix_socket.h - handing a descriptor to another program.                                  (kern/, may include base)
 *
 * Runs in:   the command's process. Source: unix(7), SCM_RIGHTS.
 */
#pragma once
#include "base/err.h"

/* A connection to the stream socket at path; the caller's. */
int unix_connect(const char *path, int *ret_fd, Err *e);

/* Sends text, of at least one byte, with a descriptor, which stays the caller's. */
int unix_send_fd(int socket, const char *text, int fd, Err *e);
