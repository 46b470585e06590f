/* network_files.h - /etc/hosts, /etc/hostname and /etc/resolv.conf of one container.       (engine/) */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct NetworkFiles {
	const char *hostname; /* the container's */
	bool host_network;
	uint32_t uid, gid; /* the container's root, as the host sees it */
} NetworkFiles;

/* Writes the three files into the container's directory, to be mounted from there; they go with it. With the host's network hosts is a
 * copy of the host's, else it names localhost and the container; the resolver's file is a copy. What the host lacks is empty. The umask must be 022. */
int network_files_write(int dir_fd, const NetworkFiles *f, Arena *a, Err *e);
