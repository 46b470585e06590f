/* notify.h - sd_notify(3) of a container, passed on to who waits for us: systemd, by NOTIFY_SOCKET.      (oci/)
 *
 * Theory:    the container gets a socket of ours, /run/notify/notify.sock, and NOTIFY_SOCKET names it. Of what comes there only that it is ready
 *            goes on, with the number of the process to watch: runc's way. Nothing of this is there without NOTIFY_SOCKET.
 * Input:     what comes from the container is HOSTILE: one fixed line is looked for in it, and nothing of it is sent.
 * On disk:   STATE/containers/<id>/notify/notify.sock, which goes with the directory.
 */
#pragma once
#include "base/fd.h"
#include "oci/oci.h"

typedef struct OciNotify {
	int socket;
	pid_t main_pid;
} OciNotify;
#define OCI_NOTIFY_NONE ((OciNotify){ .socket = FD_NONE })

/* The mount and the variable; dir is the container's directory. */
void oci_notify_plan(Spec *s, const char *dir, Arena *a);

int oci_notify_dir(int dir_fd, Err *e);

/* The container's socket, where somebody asked for it. */
int oci_notify_bind(int dir_fd, OciNotify *ret, Err *e);

/* What has come. True when it was that, and all is said; false: not yet. */
bool oci_notify_read(OciNotify *n);

/* Until that, or the process's end. */
void oci_notify_await(OciNotify *n, int pidfd);
