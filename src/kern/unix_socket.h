/* unix_socket.h - handing a descriptor to another program.                                  (kern/, may include base)
 *
 * Runs in:   the command's process. Source: unix(7), SCM_RIGHTS.
 */
#pragma once
#include <sys/types.h>

#include "base/err.h"

/* A connection to the stream socket at path; the caller's. */
int unix_connect(const char *path, int *ret_fd, Err *e);

/* Sends text, of at least one byte, with a descriptor, which stays the caller's. */
int unix_send_fd(int socket, const char *text, int fd, Err *e);

/* One packet over a SOCK_SEQPACKET socket, with a descriptor that stays the caller's, or FD_NONE. flags: MSG_DONTWAIT, or 0. */
int unix_send_packet(int socket, const void *bytes, size_t size, int fd, int flags, Err *e);

/* The next packet, at most size bytes; returns how many, 0: the other side has closed. *ret_fd is what came with it (close-on-exec, the
 * caller's), or FD_NONE. What the other side said is heard also when it
 * has gone with packets of ours unread. More than one descriptor are closed, and *ret_fd is FD_NONE; a packet that does not fit is ERR_BUG. */
ssize_t unix_receive_packet(int socket, void *bytes, size_t size, int *ret_fd, Err *e);
