/* network_files.h - /etc/hosts, /etc/hostname and /etc/resolv.conf of one container.       (engine/) */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Writes the three files into the container's directory, to be mounted from there; they go with it. With the host's network they are
 * copies of the host's (a missing one gives an empty file), else they name localhost and the container, and the resolver's file is a
 * copy. uid:gid is the container's root as the host sees it. */
int network_files_write(int dir_fd, const char *hostname, bool host_network, uint32_t uid, uint32_t gid, Err *e);
