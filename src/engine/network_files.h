/* network_files.h - /etc/hosts, /etc/hostname and /etc/resolv.conf of one container.       (engine/) */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/network_text.h"

typedef struct NetworkFiles {
	const char *hostname;   /* the container's */
	const char *domainname; /* NULL: none */
	bool host_network, no_hosts;
	StrList add_hosts; /* lines of --add-host, as they were given */
	ResolverOptions resolver;
} NetworkFiles;

/* The text of the files, made before anything else is: mistakes in what was asked for are ERR_USAGE. */
typedef struct NetworkTexts {
	const char *hosts; /* NULL: none */
	const char *hostname, *resolver;
} NetworkTexts;

/* With the host's network hosts is a copy of the host's, else it names localhost and the container; what was asked for is added. The
 * resolver's file is the host's, with what was asked for in its stead. What the host lacks is empty. */
int network_files_make(const NetworkFiles *f, Arena *a, NetworkTexts *ret, Err *e);

/* Writes them into the container's directory, to be mounted from there; they go with it. uid:gid is the container's root, as the host sees
 * it. The umask must be 022. */
int network_files_write(int dir_fd, const NetworkTexts *t, uint32_t uid, uint32_t gid, Err *e);
